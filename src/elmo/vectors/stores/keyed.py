"""One array a sentence under its key: HDF5 in the published layouts, and `.npz`.

- `"bilm-tf"`: HDF5, one dataset a sentence, its key given (the number of the line from 0);
- `"allennlp"`: the same, and `sentence_to_index`, shape (1,): a JSON string from the sentence to
  its key, the last one where a sentence comes again;
- `"manylangs"`: HDF5, the key made of the sentence's own tokens, a repeated one once; for several
  layers a file for each, `PREFIX.ly0.hdf5` and so on;
- `.npz`: one array a sentence under its key.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import struct
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import h5py
import numpy as np

from elmo.system.files import write_at
from elmo.system.output import OutputError, OutputFile
from elmo.vectors.choices import Job, Layout
from elmo.vectors.plan import Part, as_line, last_occurrences
from elmo.vectors.stores.arrays import new_hdf5, reserve
from elmo.vectors.stores.hdf5 import check_key, write_index
from elmo.vectors.stores.store import LABEL, Item, data_folder, label_text

LAYOUTS = get_args(Layout)
HEADER = 400  # bytes that HDF5 needs for a dataset, about
ENTRY = 260  # and a .npz file for an array


class KeyedHdf5Store:
    """HDF5 files in one of the published layouts.

    HDF5 does not survive a crash. So the file is made with all its datasets and closed before the
    first vector is there; then the numbers are written into it by their places.

    Args:
        job, output: see `Store`.
    """

    def __init__(self, job: Job, output: Path) -> None:
        self.job, self.output = job, output
        self._places = job.folder / "places.npy"
        self._shape = job.shape
        self._by_layer = job.choices.layout == "manylangs" and job.n_layers > 0
        self._files = [output.name]
        if job.choices.layout == "manylangs":
            self._files = manylangs_files(output.name, job.choices.layers, job.depth)

    def names(self) -> list[str]:
        return self._files

    def sizes(self) -> tuple[int, int]:
        totals = self.job.plan.totals
        size = totals.row * self.job.row_bytes + HEADER * len(self._files) * totals.sentence
        if self.job.choices.layout != "bilm-tf":
            size += (totals.text + totals.word) * len(self._files) + 16 * totals.sentence
        return size, 0

    def prepare(self) -> None:
        places = np.full((len(self._files), self.job.plan.totals.sentence), -1, np.int64)
        for number, name in enumerate(self._files):
            path, title = data_folder(self.job) / name, self.output.with_name(name)
            with new_hdf5(path, title, in_order=self.job.label["named"]) as (file, output):
                self._reserve(file, places[number], output)
                file.attrs[LABEL] = label_text(self.job.label)
        np.save(self._places, places)

    def _reserve(self, file: h5py.File, places: np.ndarray, output: OutputFile) -> None:
        choices = self.job.choices
        index = io.StringIO() if choices.layout == "allennlp" else None
        last = last_occurrences(self.job.folder, len(places)) if index else None
        shape = self._shape[1:] if self._by_layer else self._shape
        for number, (key, tokens) in enumerate(self._sentences()):
            if choices.layout == "manylangs":
                key = manylangs_key(tokens)
                if not key:
                    continue
            check_key(key, tokens)  # first: a NUL would end it, and it would look like another's
            if choices.layout == "manylangs" and key in file:
                continue
            if output.failure is not None:
                raise output.failure
            whole = shape if choices.pool else (*shape[:-1], len(tokens), shape[-1])
            places[number] = reserve(file, key, whole, choices.dtype) or -1
            if index is not None and last is not None and last[number]:
                index.write(", " if index.tell() else "{")
                index.write(f"{json.dumps(as_line(tokens))}: {json.dumps(key)}")
        if index is not None:
            write_index(file, index.getvalue() + "}")

    def _sentences(self) -> Iterator[tuple[str, list[str]]]:
        for part in self.job.plan.parts:
            if part.sentences:
                yield from self.job.sentences(part)

    def write(self, part: Part, items: Iterable[Item]) -> None:
        places = np.load(self._places, mmap_mode="r")
        dtype = np.dtype(self.job.choices.dtype).newbyteorder("<")
        with contextlib.ExitStack() as stack:
            files = []
            for name in self._files:
                files.append(os.open(data_folder(self.job) / name, os.O_WRONLY))
                stack.callback(os.close, files[-1])
            for number, (_, _, vectors) in enumerate(items, part.sentence):
                for k, file in enumerate(files):
                    if places[k, number] >= 0:
                        values = vectors[k] if self._by_layer else vectors
                        data = np.ascontiguousarray(values, dtype)
                        write_at(file, data, int(places[k, number]))
            for file in files:
                os.fsync(file)

    def finish(self) -> None:
        pass


def manylangs_files(name: str, layers: str, depth: int) -> list[str]:
    """The names of ELMoForManyLangs' files.

    Args:
        name: `PREFIX` or `PREFIX.hdf5`.
        layers: `"all"`, `"top"` or `"average"`.
        depth: layers above the token's.

    Example:
        >>> manylangs_files("a.hdf5", "all", 1), manylangs_files("a", "average", 1)
        (['a.ly0.hdf5', 'a.ly1.hdf5'], ['a.ly-1.hdf5'])
    """
    numbers = {"all": range(depth + 1), "top": (depth,), "average": (-1,)}
    if layers not in numbers:
        raise ValueError(f"layers={layers!r}: this layout has 'all', 'top' and 'average'")
    prefix = name.removesuffix(".hdf5").removesuffix(".h5")
    return [f"{prefix}.ly{number}.hdf5" for number in numbers[layers]]


def manylangs_key(tokens: Sequence[str]) -> str:
    r"""The key of a sentence in ELMoForManyLangs' files; an empty one has none and is left out.

    Example:
        >>> manylangs_key(["and/or", "U.S."])
        'and$backslash$or\tU$period$S$period$'
    """
    return "\t".join(tokens).replace(".", "$period$").replace("/", "$backslash$")


class NpzStore:
    """A `.npz` archive; its entries need check sums, so parts are archives too, joined at the end.

    Args:
        job, output: see `Store`.
    """

    def __init__(self, job: Job, output: Path) -> None:
        self.job, self.output = job, output
        self._parts = job.folder / "parts"

    def names(self) -> list[str]:
        return [self.output.name]

    def sizes(self) -> tuple[int, int]:
        totals = self.job.plan.totals
        size = totals.row * self.job.row_bytes + ENTRY * totals.sentence + 2 * totals.name
        return size, size

    def prepare(self) -> None:
        self._parts.mkdir(exist_ok=True)

    def _path(self, part: Part) -> Path:
        return self._parts / f"{part.number:05d}.npz"

    def write(self, part: Part, items: Iterable[Item]) -> None:
        dtype = np.dtype(self.job.choices.dtype)
        with self._archive(self._path(part)) as archive:
            for key, _, vectors in items:
                with archive.open(_entry(f"{key}.npy"), "w", force_zip64=True) as entry:
                    array = np.ascontiguousarray(vectors, dtype)
                    np.lib.format.write_array(entry, array, allow_pickle=False)

    def finish(self) -> None:
        with self._archive(data_folder(self.job) / self.output.name) as archive:
            archive.comment = label_text(self.job.label).encode()[: zipfile.ZIP_MAX_COMMENT]
            for part in self.job.plan.parts[:-1]:
                with zipfile.ZipFile(self._path(part)) as piece:
                    for info in piece.infolist():
                        with archive.open(_entry(info.filename), "w", force_zip64=True) as entry:
                            entry.write(piece.read(info))

    @contextlib.contextmanager
    def _archive(self, path: Path) -> Iterator[zipfile.ZipFile]:
        output = OutputFile(path, overwrite=True, title=self.output)
        file: Any = output  # it has all that `ZipFile` calls, if not all of `IO`
        archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        try:
            yield archive
            archive.close()
        except BaseException as error:
            output.failure = output.failure or OutputError("given up")
            # What broke off may not fit together any more, and nothing of it is kept.
            with contextlib.suppress(OSError, ValueError, struct.error):
                archive.close()
            output.discard()
            raise error
        output.commit()


def _entry(name: str) -> zipfile.ZipInfo:
    # A fixed date: the same vectors make the same bytes.
    return zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
