"""PyTorch state dicts without PyTorch, and without running what a pickle says.

Both containers are read: the zip archive of PyTorch 1.6 and later, and the plain file before it.
"""

from __future__ import annotations

import mmap
import os
import struct
import zipfile
from collections.abc import Callable
from functools import partial

import numpy as np

from elmo.formats.containers.pickle_machine import RefusedPickleError, Tensor, run
from elmo.formats.weight_map import Stored
from elmo.system.errors import FormatError, brief

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_MAX_PICKLE = 64 << 20
_DAMAGE = (
    *(RefusedPickleError, zipfile.BadZipFile, struct.error),
    *(OSError, ValueError, KeyError, EOFError, RuntimeError),
)
"""Our own refusals, and whatever `zipfile` raises on a damaged archive."""


def read_state_dict(path: str | os.PathLike[str]) -> dict[str, Stored]:
    """The tensors of a state dict, to be loaded one by one.

    Args:
        path: the `.pkl` file, in either container.

    Raises:
        FormatError: the file is missing, cut or damaged, or holds anything else than a state dict
            of float32 tensors; also while tensors are loaded.
    """
    try:
        with open(path, "rb") as file:
            is_zip = file.read(4) == b"PK\x03\x04"
            if not os.fstat(file.fileno()).st_size:
                raise FormatError(f"{path}: empty")
        return _read_zip(path) if is_zip else _read_plain(path)
    except FormatError:
        raise
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({brief(error)})") from error
    except _DAMAGE as error:
        raise FormatError(
            f"{path}: not a PyTorch state dict, or a damaged one ({brief(error)})"
        ) from error


# The two containers


def _read_zip(path: str | os.PathLike[str]) -> dict[str, Stored]:
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        pickles = [name for name in entries if name.rsplit("/", 1)[-1] == "data.pkl"]
        if len(pickles) != 1 or entries[pickles[0]].file_size > _MAX_PICKLE:
            raise RefusedPickleError("it has no data.pkl of a plausible size")
        prefix = pickles[0].removesuffix("data.pkl")
        order = entries.get(f"{prefix}byteorder")
        if order is not None and _entry(archive, order, 16).strip() != b"little":
            raise RefusedPickleError("written on a big-endian machine, which is not supported")
        with _mapped_bytes(_entry(archive, entries[pickles[0]], _MAX_PICKLE)) as data:
            tensors = _state_dict(run(data))
    for tensor in tensors.values():
        entry = entries.get(f"{prefix}data/{tensor.storage.key}")
        if entry is None or entry.file_size != 4 * tensor.storage.length:
            raise RefusedPickleError(
                f"the values of storage {tensor.storage.key!r:.40} are not all there"
            )
        if entry.compress_type != zipfile.ZIP_STORED:
            raise RefusedPickleError("its values are compressed, which PyTorch never does")

    def load(tensor: Tensor) -> np.ndarray:
        try:
            with zipfile.ZipFile(path) as archive:
                entry = archive.getinfo(f"{prefix}data/{tensor.storage.key}")
                data = _entry(archive, entry, 4 * tensor.storage.length)
        except _DAMAGE as error:
            raise FormatError(f"{path}: damaged ({brief(error)})") from error
        if len(data) != 4 * tensor.storage.length:
            raise FormatError(f"{path}: damaged (values are cut)")
        return tensor.of(np.frombuffer(data, "<f4"))

    return _stored(tensors, load)


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    with archive.open(entry) as file:
        try:
            return file.read(limit + 1)[:limit]
        except Exception as error:  # decompressors raise errors of their own kinds
            raise RefusedPickleError(f"{entry.filename!r:.60}: {error}") from error


def _mapped_bytes(data: bytes) -> mmap.mmap:
    mapped = mmap.mmap(-1, max(len(data), 1))
    mapped.write(data)
    mapped.seek(0)
    return mapped


def _read_plain(path: str | os.PathLike[str]) -> dict[str, Stored]:
    places: dict[str, tuple[int, int]] = {}
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if run(data) != _MAGIC or run(data) != _PROTOCOL:
            raise RefusedPickleError("its first numbers are others")
        facts = run(data)
        if not isinstance(facts, dict) or facts.get("little_endian") is not True:
            raise RefusedPickleError("written on a big-endian machine, which is not supported")
        tensors = _state_dict(run(data))
        keys = run(data)
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise RefusedPickleError("it has no list of its storages")
        for key in keys:
            count = data.read(8)
            length = struct.unpack("<q", count)[0] if len(count) == 8 else -1
            start = data.tell()
            if length < 0 or start + 4 * length > len(data) or key in places:
                raise RefusedPickleError("its values are cut")
            places[key] = (start, length)
            data.seek(start + 4 * length)
        if data.tell() != len(data):
            raise RefusedPickleError("bytes are left over at its end")
    for tensor in tensors.values():
        if places.get(tensor.storage.key, (0, -1))[1] != tensor.storage.length:
            raise RefusedPickleError(
                f"the values of storage {tensor.storage.key!r:.40} are not all there"
            )

    def load(tensor: Tensor) -> np.ndarray:
        start, length = places[tensor.storage.key]
        try:
            values = np.fromfile(path, "<f4", length, offset=start)
        except OSError as error:
            raise FormatError(f"{path}: cannot be read ({brief(error)})") from error
        if len(values) != length:
            raise FormatError(f"{path}: cut")
        return tensor.of(values)

    return _stored(tensors, load)


def _stored(tensors: dict[str, Tensor], load: Callable[[Tensor], np.ndarray]) -> dict[str, Stored]:
    return {n: Stored(t.shape, partial(load, t)) for n, t in tensors.items()}


def _state_dict(value: object) -> dict[str, Tensor]:
    if not isinstance(value, dict) or not all(isinstance(v, Tensor) for v in value.values()):
        raise RefusedPickleError("it holds something else than tensors by name")
    return value
