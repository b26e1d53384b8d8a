"""An HDF5 file that takes one sentence after the other, as bilm-tf and AllenNLP write them.

What is written part by part, and goes on after a crash, is in `elmo.embed.stores`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

import h5py
import numpy as np

from elmo.system.output import OutputError, OutputFile

SENTENCE_INDEX = "sentence_to_index"
MAX_KEY = 60_000  # bytes; HDF5 holds names in headers of 64 KiB


class Hdf5Writer:
    """One dataset a sentence.

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
        self._dtype = np.dtype(dtype)
        self._index: dict[str, str] | None = {} if sentence_index else None
        self._file = h5py.File(self._output, "w")

    def add(self, key: str, tokens: Sequence[str], vectors: np.ndarray) -> None:
        """Write a sentence."""
        check_key(key, tokens)
        self._file.create_dataset(key, data=np.ascontiguousarray(vectors, self._dtype))
        if self._index is not None:
            self._index[" ".join(tokens)] = key

    def __contains__(self, key: str) -> bool:
        return key in self._file

    def close(self) -> None:
        """Complete the file and put it in its place."""
        try:
            if self._index is not None:
                write_index(self._file, json.dumps(self._index))
            self._file.close()
        except BaseException:
            self.discard()
            raise
        self._output.commit()

    def discard(self) -> None:
        """Give up: nothing is left."""
        # Nothing that HDF5 still holds is worth writing.
        self._output.failure = self._output.failure or OutputError("given up")
        self._file.close()
        self._output.discard()


def write_index(file: h5py.File, index: str) -> None:
    """Write `sentence_to_index`, a JSON object from sentences to keys."""
    text = h5py.string_dtype(encoding="utf-8")
    file.create_dataset(SENTENCE_INDEX, (1,), dtype=text)[0] = index


def check_key(key: str, tokens: Sequence[str]) -> None:
    """Refuse what cannot be the name of a dataset.

    Raises:
        ValueError: the key is too long, has a NUL, or HDF5 takes it for a group.
    """
    if len(key.encode("utf-8", "surrogatepass")) > MAX_KEY:
        raise ValueError(
            f"a sentence of {len(tokens)} tokens is too long to be the key of its own "
            "dataset; take another layout"
        )
    if "\0" in key:
        raise ValueError(
            f"{key[:50]!r} has a NUL, which ends the key of a dataset; take another layout or format"
        )
    if not key.strip("./"):
        raise ValueError(f"{key!r} cannot be the key of a dataset; take another format or name")
