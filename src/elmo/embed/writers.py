"""The layouts of embedding files, each one a writer that takes sentence after sentence.

- `"bilm-tf"`: HDF5, one dataset a sentence, its key given (the number of the line from 0);
- `"allennlp"`: the same, and `sentence_to_index`, shape (1,): a JSON string from the sentence to
  its key, the last one where a sentence comes again;
- `"manylangs"`: HDF5, the key made of the sentence's own tokens, a repeated one once; for several
  layers a file for each, `PREFIX.ly0.hdf5` and so on;
- `.npz`: one array a sentence under its key.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np

from elmo.embed.output import OutputFile

LAYOUTS = ("bilm-tf", "allennlp", "manylangs")
DTYPES = ("float32", "float16")
HDF5, NPZ = (".hdf5", ".h5"), ".npz"
SENTENCE_INDEX = "sentence_to_index"
MAX_KEY = 60_000  # bytes; HDF5 holds names in headers of 64 KiB


class Writer(Protocol):
    """Takes the vectors of one sentence after the other."""

    paths: list[Path]

    def add(self, key: str, tokens: Sequence[str], vectors: np.ndarray) -> None:
        """Write a sentence."""

    def close(self) -> None:
        """Complete the file and put it in its place."""

    def discard(self) -> None:
        """Give up: nothing is left."""


class Hdf5Writer:
    """One dataset a sentence, as bilm-tf and AllenNLP write them.

    Args:
        path: the file.
        sentence_index: whether `sentence_to_index` is written at the end.
        dtype: `"float32"` or `"float16"`.
        overwrite: whether a file that is there is replaced.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        sentence_index: bool = False,
        dtype: str = "float32",
        overwrite: bool = False,
    ) -> None:
        self._output = OutputFile(path, overwrite)
        self.paths = [self._output.path]
        self._dtype = np.dtype(dtype)
        self._index: dict[str, str] | None = {} if sentence_index else None
        self._file = h5py.File(self._output, "w")

    def add(self, key: str, tokens: Sequence[str], vectors: np.ndarray) -> None:
        if len(key.encode("utf-8", "surrogatepass")) > MAX_KEY:
            raise ValueError(
                f"a sentence of {len(tokens)} tokens is too long to be the key of its own "
                "dataset; take another layout"
            )
        self._file.create_dataset(key, data=np.ascontiguousarray(vectors, self._dtype))
        if self._index is not None:
            self._index[" ".join(tokens)] = key

    def __contains__(self, key: str) -> bool:
        return key in self._file

    def close(self) -> None:
        try:
            if self._index is not None:
                text = h5py.string_dtype(encoding="utf-8")
                dataset = self._file.create_dataset(SENTENCE_INDEX, (1,), dtype=text)
                dataset[0] = json.dumps(self._index)
            self._file.close()
        except BaseException:
            self.discard()
            raise
        self._output.commit()

    def discard(self) -> None:
        # Nothing that HDF5 still holds is worth writing.
        self._output.failure = self._output.failure or OSError("given up")
        self._file.close()
        self._output.discard()


class NpzWriter:
    """One array a sentence in a `.npz` archive, written as they come.

    Args:
        path, dtype, overwrite: as in `Hdf5Writer`.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, dtype: str = "float32", overwrite: bool = False
    ) -> None:
        self._output = OutputFile(path, overwrite)
        self.paths = [self._output.path]
        self._dtype = np.dtype(dtype)
        self._archive = zipfile.ZipFile(self._output, "w", zipfile.ZIP_STORED)

    def add(self, key: str, tokens: Sequence[str], vectors: np.ndarray) -> None:
        # A fixed date: the same vectors make the same bytes.
        info = zipfile.ZipInfo(f"{key}.npy", (1980, 1, 1, 0, 0, 0))
        with self._archive.open(info, "w", force_zip64=True) as entry:
            array = np.ascontiguousarray(vectors, self._dtype)
            np.lib.format.write_array(entry, array, allow_pickle=False)

    def close(self) -> None:
        try:
            self._archive.close()
        except BaseException:
            self.discard()
            raise
        self._output.commit()

    def discard(self) -> None:
        self._output.failure = self._output.failure or OSError("given up")
        # What broke off may not fit together any more, and nothing of it is kept.
        with contextlib.suppress(OSError, ValueError, struct.error):
            self._archive.close()
        self._output.discard()


class ManyLangsWriter:
    """ELMoForManyLangs' files: the tokens of a sentence are its key, a repeated one is kept once.

    Args:
        path: `PREFIX` or `PREFIX.hdf5`.
        layers: `"all"`: `PREFIX.ly0.hdf5` and so on; `"top"`: the file of the last layer;
            `"average"`: `PREFIX.ly-1.hdf5`.
        n_layers: layers above the token's.
        dtype, overwrite: as in `Hdf5Writer`.

    An empty sentence has no key and is left out.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        layers: str,
        n_layers: int,
        dtype: str = "float32",
        overwrite: bool = False,
    ) -> None:
        numbers = {"all": range(n_layers + 1), "top": (n_layers,), "average": (-1,)}
        if layers not in numbers:
            raise ValueError(f"layers={layers!r}: this layout has 'all', 'top' and 'average'")
        path = Path(path)
        prefix = path.name.removesuffix(".hdf5").removesuffix(".h5")
        self._writers: list[Hdf5Writer] = []
        try:
            for number in numbers[layers]:
                one = path.with_name(f"{prefix}.ly{number}.hdf5")
                self._writers.append(Hdf5Writer(one, dtype=dtype, overwrite=overwrite))
        except BaseException:
            self.discard()
            raise
        self._one = layers != "all"
        self.paths = [writer.paths[0] for writer in self._writers]

    @staticmethod
    def key(tokens: Sequence[str]) -> str:
        """The key of a sentence.

        Example:
            >>> ManyLangsWriter.key(["and/or", "U.S."])
            'and$backslash$or\\tU$period$S$period$'
        """
        return "\t".join(tokens).replace(".", "$period$").replace("/", "$backslash$")

    def add(self, key: str, tokens: Sequence[str], vectors: np.ndarray) -> None:
        key = self.key(tokens)
        if not key or key in self._writers[0]:
            return
        for writer, layer in zip(self._writers, [vectors] if self._one else vectors, strict=True):
            writer.add(key, tokens, layer)

    def close(self) -> None:
        try:
            for writer in self._writers:
                writer.close()
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        for writer in self._writers:
            writer.discard()


def open_writer(
    path: str | os.PathLike[str],
    *,
    layout: str = "allennlp",
    layers: str = "all",
    n_layers: int = 2,
    dtype: str = "float32",
    overwrite: bool = False,
) -> Writer:
    """The writer for a file, by its name and layout.

    Args:
        path: `.hdf5`, `.h5` or `.npz`; with `layout="manylangs"` any prefix.
        layout: of HDF5: `"allennlp"`, `"bilm-tf"` or `"manylangs"`.
        layers, n_layers: which layers will come, and how many the model has above the token's.
        dtype: `"float32"` or `"float16"`.
        overwrite: whether files that are there are replaced.

    Raises:
        ValueError: no such layout, type or ending.
        FileExistsError, OutputError: as in `OutputFile`.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"layout={layout!r}: must be {', '.join(map(repr, LAYOUTS))}")
    if dtype not in DTYPES:
        raise ValueError(f"dtype={dtype!r}: must be {' or '.join(map(repr, DTYPES))}")
    common: dict[str, Any] = {"dtype": dtype, "overwrite": overwrite}
    suffix = Path(path).suffix.lower()
    if suffix == NPZ:
        return NpzWriter(path, **common)
    if layout == "manylangs":
        return ManyLangsWriter(path, layers=layers, n_layers=n_layers, **common)
    if suffix in HDF5:
        return Hdf5Writer(path, sentence_index=layout == "allennlp", **common)
    raise ValueError(f"output={os.fspath(path)!r}: must end in .hdf5, .h5 or .npz")
