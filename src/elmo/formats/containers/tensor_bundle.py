"""TensorFlow's checkpoint container without TensorFlow: a LevelDB table of protobuf entries.

`PREFIX.index` names the tensors and says where their bytes lie in `PREFIX.data-…-of-…`. Every block
of the table and every tensor carries a CRC-32C, which is verified.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from elmo.formats.containers.crc32c import crc32c, masked
from elmo.formats.weight_map import Stored
from elmo.system.errors import FormatError, brief

_MAGIC = 0xDB4775248B80FB57
_FOOTER = 48
_MAX_INDEX = 64 << 20
_TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}


class _Damaged(Exception):
    """What is wrong, without the file's name."""


def read_bundle(prefix: str | os.PathLike[str]) -> dict[str, Stored]:
    """The tensors of a checkpoint, to be loaded one by one.

    Args:
        prefix: the path without `.index`.

    Raises:
        FormatError: a file is missing, cut or damaged, or holds what bilm-tf never writes; also
            while tensors are loaded.
    """
    path = Path(f"{prefix}.index")
    try:
        if path.stat().st_size > _MAX_INDEX:
            raise FormatError(f"{path}: too large for the index of a checkpoint")
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({brief(error)})") from error
    try:
        return _bundle(data, prefix)
    except _Damaged as error:
        raise FormatError(f"{path}: {error}") from error
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise FormatError(f"{path}: a damaged index of a checkpoint") from error


def _bundle(data: bytes, prefix: str | os.PathLike[str]) -> dict[str, Stored]:
    tensors: dict[str, Stored] = {}
    shards = None
    for key, value in _table(data):
        fields = _fields(value)
        if key == b"":
            shards = fields.get(1, [0])[-1] or 1
            if fields.get(2, [0])[-1] != 0:
                raise _Damaged("written on a big-endian machine, which is not supported")
            if not 0 < shards < 100_000:
                raise _Damaged(f"says that there are {shards} files of data")
            continue
        if shards is None:
            raise _Damaged("has no header")
        name = key.decode()
        if fields.get(7):
            raise _Damaged(f"{name} is cut into slices, which is not supported")
        entry = _Entry.of(name, fields)
        if not 0 <= entry.shard < shards:
            raise _Damaged(f"{name} lies in file {entry.shard} of {shards}")
        file = Path(f"{prefix}.data-{entry.shard:05d}-of-{shards:05d}")
        tensors[name] = Stored(entry.shape, partial(entry.load, file))
    if shards is None:
        raise _Damaged("has no header")
    return tensors


@dataclass(frozen=True)
class _Entry:
    name: str
    dtype: np.dtype
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    crc: int

    @classmethod
    def of(cls, name: str, fields: dict[int, list]) -> _Entry:
        number = {key: values[-1] for key, values in fields.items() if key != 2}
        if any(not isinstance(value, int) for value in number.values()):
            raise _Damaged(f"{name} is described in another way than a tensor")
        if number.get(1) not in _TYPES:
            raise _Damaged(f"{name} has the data type {number.get(1)}; 1 (float32) is supported")
        dtype = np.dtype(_TYPES[number[1]])
        shape = tuple(
            _fields(dimension).get(1, [0])[-1]
            for part in fields.get(2, [])
            for dimension in _fields(part).get(2, [])
        )
        size = number.get(5, 0)
        if len(shape) > 8 or math.prod(shape) * dtype.itemsize != size:
            raise _Damaged(f"{name} has the shape {shape}, but {size} bytes")
        return cls(name, dtype, shape, number.get(3, 0), number.get(4, 0), size, number.get(6, 0))

    def load(self, file: Path) -> np.ndarray:
        try:
            with open(file, "rb") as data:
                if self.offset + self.size > os.fstat(data.fileno()).st_size:
                    raise FormatError(f"{file}: cut; {self.name} lies beyond its end")
                data.seek(self.offset)
                values = np.fromfile(data, np.uint8, self.size)
        except OSError as error:
            raise FormatError(f"{file}: cannot be read ({brief(error)})") from error
        if len(values) != self.size:
            raise FormatError(f"{file}: cut within {self.name}")
        if masked(crc32c(values)) != self.crc:
            raise FormatError(f"{file}: damaged; the checksum of {self.name} does not agree")
        return values.view(self.dtype).reshape(self.shape)


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    if len(data) < _FOOTER or struct.unpack("<Q", data[-8:])[0] != _MAGIC:
        raise _Damaged("cut, or not the index of a checkpoint (its last bytes are others)")
    footer = data[-_FOOTER:]
    position = 0
    for _ in range(2):  # the block of metadata, which is empty
        _, position = _varint(footer, position)
    for _, handle in _block(data, *_handle(footer, position)):
        yield from _block(data, *_handle(handle, 0))


def _handle(data: bytes, position: int) -> tuple[int, int]:
    offset, position = _varint(data, position)
    size, _ = _varint(data, position)
    return offset, size


def _block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    if offset + size + 5 > len(data) - _FOOTER or size < 4:
        raise _Damaged("a block lies beyond its end")
    block = data[offset : offset + size]
    kind, crc = struct.unpack("<BI", data[offset + size : offset + size + 5])
    if masked(crc32c(data[offset : offset + size + 1])) != crc:
        raise _Damaged("damaged; the checksum of a block does not agree")
    if kind != 0:
        raise _Damaged("compressed, which checkpoints of bilm-tf are not")
    end = size - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    position, key = 0, b""
    while position < end:
        shared, position = _varint(block, position)
        own, position = _varint(block, position)
        length, position = _varint(block, position)
        if shared > len(key) or position + own + length > end:
            raise _Damaged("an entry lies beyond its block")
        key = key[:shared] + block[position : position + own]
        position += own
        yield key, block[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
        if shift > 63:
            raise _Damaged("a number has too many bytes")


def _fields(message: object) -> dict[int, list]:
    """The fields of a protobuf message: numbers, and bytes for whatever has a length."""
    if not isinstance(message, bytes):
        raise _Damaged("an entry is no message")
    fields: dict[int, list] = {}
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        number, kind = tag >> 3, tag & 7
        value: int | bytes
        if kind == 0:
            value, position = _varint(message, position)
        elif kind in (1, 5):
            width = 8 if kind == 1 else 4
            value = int.from_bytes(message[position : position + width], "little")
            position += width
        elif kind == 2:
            length, position = _varint(message, position)
            value = message[position : position + length]
            position += length
        else:
            raise _Damaged("an entry is no message")
        if position > len(message):
            raise _Damaged("an entry is cut")
        fields.setdefault(number, []).append(value)
    return fields
