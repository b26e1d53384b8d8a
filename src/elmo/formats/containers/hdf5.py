"""Arrays in an HDF5 file, listed without trust and loaded one by one."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import h5py
import numpy as np

from elmo.formats.weight_map import Stored
from elmo.system.errors import FormatError, brief

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

MAX_DATASETS = 20_000
MAX_DEPTH = 16
MAX_COMPRESSION = 1100
"""Deflate cannot shrink by more than about 1032; a larger claim is a trap."""
LARGE, MAX_COMPRESSION_OF_LARGE = 1 << 26, 16
"""Weights are nearly incompressible: a large array of few stored bytes is made to fill the memory."""

_CHUNK = 1 << 18  # numbers that are packed together

_HDF5_ERRORS = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, MemoryError)


@contextlib.contextmanager
def open_arrays(path: str | os.PathLike[str]) -> Iterator[dict[str, Stored]]:
    """All arrays of a file by their full name, to be loaded while it is open.

    Links out of the file, values kept in other files, and sizes that the file cannot hold are
    refused before anything is loaded.

    Args:
        path: the HDF5 file.

    Raises:
        FormatError: the file is missing, cut, no HDF5, or holds something else than arrays of
            floating-point numbers; also while arrays are loaded.
    """
    try:
        size = os.path.getsize(path)
        file = h5py.File(path, "r")
    except FileNotFoundError as error:
        raise FormatError(f"{path}: no such file") from error
    except _HDF5_ERRORS as error:
        raise FormatError(f"{path}: not an HDF5 file, or a damaged one ({brief(error)})") from error
    with file:
        yield _listed(file, path, size)


def _listed(file: h5py.File, path: str | os.PathLike[str], size: int) -> dict[str, Stored]:
    try:
        found: dict[str, Stored] = {}
        _walk(file, "", found, path, size, {h5py.h5o.get_info(file.id).addr})
        return found
    except FormatError:
        raise
    except _HDF5_ERRORS as error:
        raise FormatError(f"{path}: a damaged HDF5 file ({brief(error)})") from error


def _walk(
    group: h5py.Group,
    prefix: str,
    found: dict[str, Stored],
    path: str | os.PathLike[str],
    size: int,
    seen: set[int],
) -> None:
    for key in group:
        name = f"{prefix}{key}"
        if not isinstance(group.get(key, getlink=True), h5py.HardLink):
            raise FormatError(f"{path}: {name} is a link to elsewhere, which no model has")
        item = group[key]
        if isinstance(item, h5py.Group):
            address = h5py.h5o.get_info(item.id).addr
            if address in seen or name.count("/") >= MAX_DEPTH or len(seen) > MAX_DATASETS:
                raise FormatError(f"{path}: {name} is one group too many for a model")
            seen.add(address)
            _walk(item, f"{name}/", found, path, size, seen)
        elif isinstance(item, h5py.Dataset):
            found[name] = _stored(item, name, path, size)
        else:
            raise FormatError(f"{path}: {name} is neither a group nor an array")
        if len(found) > MAX_DATASETS:
            raise FormatError(f"{path}: more than {MAX_DATASETS} arrays")


def _stored(dataset: h5py.Dataset, name: str, path: str | os.PathLike[str], size: int) -> Stored:
    if dataset.dtype.kind != "f" or dataset.dtype.itemsize > 8 or dataset.shape is None:
        raise FormatError(f"{path}: {name} holds {dataset.dtype}, not floating-point numbers")
    if dataset.is_virtual or dataset.external:
        raise FormatError(f"{path}: {name} keeps its values in another file")

    def load() -> np.ndarray:
        bytes_wanted = dataset.size * dataset.dtype.itemsize
        stored = dataset.id.get_storage_size()
        if stored > size or bytes_wanted > stored * (MAX_COMPRESSION if dataset.chunks else 1):
            raise FormatError(f"{path}: {name} is cut: {dataset.shape} values are not all there")
        if bytes_wanted > max(LARGE, stored * MAX_COMPRESSION_OF_LARGE):
            raise FormatError(
                f"{path}: {name} would unpack from {stored:,} to {bytes_wanted:,} bytes, which no "
                "model's weights do"
            )
        try:
            return dataset[...]
        except _HDF5_ERRORS as error:
            raise FormatError(f"{path}: {name} cannot be read ({brief(error)})") from error

    return Stored(tuple(dataset.shape), load)


def write_arrays(
    path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray], packed: bool = False
) -> None:
    """A new HDF5 file with float32 arrays under their full names.

    Args:
        path: the file; one that exists is replaced.
        arrays: `{name: array}`; a name's slashes make groups.
        packed: shuffle the bytes of tables and pack them with gzip, which every HDF5 library reads.

    Raises:
        OSError: the file cannot be written.
    """
    with _SteadyFile(path, "w+b") as raw:
        with h5py.File(raw, "w") as file:
            for name, array in arrays.items():
                data = np.ascontiguousarray(array, dtype=np.float32)
                if packed and data.ndim > 1 and data.size:
                    chunk = (
                        max(1, min(len(data), _CHUNK * len(data) // data.size)),
                        *data.shape[1:],
                    )
                    file.create_dataset(
                        name,
                        data=data,
                        chunks=chunk,
                        shuffle=True,
                        compression="gzip",
                        compression_opts=9,
                    )
                else:
                    file.create_dataset(name, data=data)
        if raw.failure is not None:
            raise raw.failure


class _SteadyFile(io.FileIO):
    """A file that keeps its first failure to itself and writes nothing from then on.

    HDF5 cannot close a file whose writes fail while it does: it leaves identifiers behind and may take
    the process with it later.
    """

    failure: OSError | None = None

    def write(self, data: ReadableBuffer) -> int:
        rest = memoryview(data).cast("B")
        while self.failure is None and rest:
            try:
                rest = rest[super().write(rest) :]
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes

    def truncate(self, size: int | None = None) -> int:
        if self.failure is None:
            try:
                return super().truncate(size)
            except OSError as error:
                self.failure = error
        return size or 0
