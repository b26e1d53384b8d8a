"""A few large arrays: a folder of `.npy` files, a safetensors file, or an HDF5 file.

All sizes are known from the plan, so the files are made at their full length before the first
vector is there, and every part is written at its own place: no byte is written twice.

| array | type | shape | holds |
|---|---|---|---|
| `vectors` | as chosen | (rows, [layers,] dim) | the vectors of all tokens, or of all sentences |
| `scales` | float32 | (rows, [layers]) | of `int8`: what its numbers are to be multiplied by |
| `offsets` | int64 | (sentences + 1,) | the tokens of sentence i are those from `offsets[i]` on |
| `sentences` | int64 | (rows,) | of listed words: the number of the sentence |
| `positions` | int32 | (rows,) | of listed words: the position in the sentence |
| `text` | uint8 | (bytes,) | the tokens in UTF-8, one behind the other |
| `text_offsets` | int64 | (tokens + 1,) | token k is `text[text_offsets[k]:text_offsets[k + 1]]` |
| `names`, `name_offsets` | uint8, int64 | | the names of sentences in the same way, where they have any |
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from elmo.system.files import sync_folder, write_at
from elmo.system.output import OutputFile
from elmo.vectors.choices import Job
from elmo.vectors.plan import Part, encoded
from elmo.vectors.stores.names import META
from elmo.vectors.stores.store import LABEL, Item, data_folder, label_text

SAFETENSORS = {"float32": "F32", "float16": "F16", "int8": "I8"}
SAFETENSORS |= {"int64": "I64", "int32": "I32", "uint8": "U8"}


class Array(NamedTuple):
    """An array of the output."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self.shape[1:], dtype=np.int64)) * np.dtype(self.dtype).itemsize

    @property
    def bytes(self) -> int:
        return self.row_bytes * self.shape[0]


def arrays_of(job: Job) -> dict[str, Array]:
    """The arrays of a job."""
    totals, choices = job.plan.totals, job.choices
    arrays = {"vectors": Array(choices.dtype, (totals.row, *job.shape))}
    if choices.dtype == "int8":
        arrays["scales"] = Array("float32", (totals.row, *job.shape[:-1]))
    if choices.row == "word":
        arrays["sentences"] = Array("int64", (totals.row,))
        arrays["positions"] = Array("int32", (totals.row,))
    else:
        arrays["offsets"] = Array("int64", (totals.sentence + 1,))
    arrays["text"] = Array("uint8", (totals.text,))
    arrays["text_offsets"] = Array("int64", (totals.word + 1,))
    if job.named:
        arrays["names"] = Array("uint8", (totals.name,))
        arrays["name_offsets"] = Array("int64", (totals.sentence + 1,))
    return arrays


class ArrayStore:
    """The arrays of a job; a subclass says how they stand in files.

    Args:
        job, output: see `Store`.
    """

    def __init__(self, job: Job, output: Path) -> None:
        self.job, self.output = job, output
        self.arrays = arrays_of(job)
        self.data = data_folder(job)
        self._places = job.folder / "places.json"

    def names(self) -> list[str]:
        return [self.output.name]

    def sizes(self) -> tuple[int, int]:
        return sum(array.bytes for array in self.arrays.values()) + 256 * (4 + len(self.arrays)), 0

    def layout(self) -> dict[str, tuple[Path, int]]:
        """Make the files; gives for each array its file and where in it it begins."""
        raise NotImplementedError

    def prepare(self) -> None:
        places = {
            name: (str(path.relative_to(self.data)), begin)
            for name, (path, begin) in self.layout().items()
        }
        self._places.write_text(json.dumps(places))

    def write(self, part: Part, items: Iterable[Item]) -> None:
        with _Places(self.data, json.loads(self._places.read_text()), self.arrays) as places:
            self._write(part, items, places)

    def _write(self, part: Part, items: Iterable[Item], places: _Places) -> None:
        row, sentence = part.row, part.sentence
        lengths: list[int] = []  # of sentences, in tokens of the output
        words: list[bytes] = []
        names: list[bytes] = []
        for key, tokens, vectors in items:
            values, scales = self.job.rows(tokens, vectors)
            places.put("vectors", row, values)
            if scales is not None:
                places.put("scales", row, scales)
            chosen = self.job.places(tokens)
            if "positions" in self.arrays:
                places.put("positions", row, np.array(chosen, "<i4"))
                places.put("sentences", row, np.full(len(chosen), sentence, "<i8"))
            words.extend(encoded(tokens[place]) for place in chosen)
            lengths.append(len(chosen))
            if self.job.named:
                names.append(encoded(key))
            row += len(values)
            sentence += 1
        if "offsets" in self.arrays:
            places.put("offsets", part.sentence + 1, _ends(part.word, lengths))
        places.put("text", part.text, b"".join(words))
        places.put("text_offsets", part.word + 1, _ends(part.text, map(len, words)))
        if self.job.named:
            places.put("names", part.name, b"".join(names))
            ends = _ends(part.name, map(len, names))
            places.put("name_offsets", part.sentence + 1, ends)

    def finish(self) -> None:
        pass


def _ends(begin: int, lengths: Iterable[int]) -> np.ndarray:
    return begin + np.cumsum(list(lengths), dtype="<i8")


class _Places:
    """Open files, and where the arrays stand in them; on the disk at the end."""

    def __init__(self, folder: Path, places: dict[str, Any], arrays: dict[str, Array]) -> None:
        self._arrays = arrays
        self._begins: dict[str, tuple[str, int]] = {}
        self._files: dict[str, int] = {}
        for name, (file, begin) in places.items():
            self._begins[name] = file, begin
            if file not in self._files:
                self._files[file] = os.open(folder / file, os.O_WRONLY)

    def put(self, name: str, row: int, values: Any) -> None:
        """Write rows of an array from a row on."""
        file, begin = self._begins[name]
        write_at(self._files[file], values, begin + row * self._arrays[name].row_bytes)

    def __enter__(self) -> _Places:
        return self

    def __exit__(self, kind: Any, *_: Any) -> None:
        try:
            if kind is None:
                for file in self._files.values():
                    os.fsync(file)
        finally:
            for file in self._files.values():
                os.close(file)


class NpyStore(ArrayStore):
    """A folder with a `.npy` file for each array and `meta.json`: `numpy.load(…, mmap_mode="r")`."""

    def layout(self) -> dict[str, tuple[Path, int]]:
        folder = self.data / self.output.name
        folder.mkdir(exist_ok=True)
        places = {}
        for name, array in self.arrays.items():
            path = folder / f"{name}.npy"
            described = np.dtype(array.dtype).newbyteorder("<").str
            header = {"descr": described, "fortran_order": False, "shape": array.shape}
            with open(path, "wb") as file:
                np.lib.format.write_array_header_1_0(file, header)
                places[name] = path, file.tell()
                file.truncate(file.tell() + array.bytes)
        (folder / META).write_text(label_text(self.job.label) + "\n")
        sync_folder(folder)
        return places


class SafetensorsStore(ArrayStore):
    """One safetensors file."""

    def layout(self) -> dict[str, tuple[Path, int]]:
        # The largest items first, so that every array begins at a multiple of its item.
        order = sorted(self.arrays.items(), key=lambda pair: -np.dtype(pair[1].dtype).itemsize)
        header: dict[str, Any] = {"__metadata__": {LABEL: label_text(self.job.label)}}
        end = 0
        for name, array in order:
            begin, end = end, end + array.bytes
            kind = SAFETENSORS[array.dtype]
            header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [begin, end]}
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        path = self.data / self.output.name
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            start = file.tell()
            file.truncate(start + end)
        return {name: (path, start + header[name]["data_offsets"][0]) for name in self.arrays}


class Hdf5ArrayStore(ArrayStore):
    """One HDF5 file with a dataset for each array, for what the published layouts do not hold."""

    def layout(self) -> dict[str, tuple[Path, int]]:
        path = self.data / self.output.name
        with new_hdf5(path, self.output) as (file, _):
            file.attrs[LABEL] = label_text(self.job.label)
            return {
                name: (path, reserve(file, name, array.shape, array.dtype) or 0)
                for name, array in self.arrays.items()
            }


@contextlib.contextmanager
def new_hdf5(
    path: Path, title: Path, in_order: bool = False
) -> Iterator[tuple[h5py.File, OutputFile]]:
    """An HDF5 file that stands there when the context ends, or not at all.

    Args:
        path: where.
        title: what messages call it.
        in_order: whether the order of the datasets is kept, which is alphabetical otherwise.

    Yields:
        The file, and what is under it: its `failure`, if there is one, may be raised at any time.
    """
    output = OutputFile(path, overwrite=True, title=title, quiet=True)
    try:
        with h5py.File(output, "w", track_order=in_order) as file:
            yield file, output
    except BaseException:
        output.discard()
        if output.failure is not None:
            raise output.failure from output.failure.__cause__
        raise
    output.commit()


def reserve(file: h5py.File, name: str, shape: tuple[int, ...], dtype: str) -> int | None:
    """Make a contiguous dataset and leave its bytes to be written later, without HDF5.

    So the file is whole, but for the numbers, once HDF5 has closed it, and a crash that comes later
    cannot break it.

    Returns:
        Where its bytes begin in the file; None where it has none.
    """
    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_layout(h5py.h5d.CONTIGUOUS)
    how.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    how.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    how.set_obj_track_times(False)  # the same vectors make the same bytes
    kind = h5py.h5t.py_create(np.dtype(dtype).newbyteorder("<"))
    space = h5py.h5s.create_simple(shape)
    dataset = h5py.h5d.create(file.id, encoded(name), kind, space, how)
    return dataset.get_offset()
