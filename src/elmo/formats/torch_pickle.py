"""PyTorch state dicts without PyTorch, and without running what a pickle says.

No unpickler is used: a small machine walks over the opcodes that `torch.save` writes for a dict of
float32 tensors, and knows three names, `OrderedDict`, `torch._utils._rebuild_tensor_v2` and
`torch.FloatStorage`. Nothing is imported or called. Both containers are read: the zip archive of
PyTorch 1.6 and later, and the plain file before it.
"""

from __future__ import annotations

import math
import mmap
import os
import pickletools
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from elmo.formats.errors import FormatError
from elmo.formats.weight_map import Stored

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_MAX_OPCODES = 2_000_000
_MAX_PICKLE = 64 << 20


class _Refused(Exception):
    """What is wrong with a pickle, without the file's name."""


@dataclass(frozen=True)
class _Name:
    text: str


ORDERED_DICT = _Name("collections OrderedDict")
REBUILD = _Name("torch._utils _rebuild_tensor_v2")
STORAGE = _Name("torch FloatStorage")
_NAMES = {name.text: name for name in (ORDERED_DICT, REBUILD, STORAGE)}
_MARK = _Name("a mark")


@dataclass(frozen=True)
class _Storage:
    key: str
    length: int


@dataclass(frozen=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, values: np.ndarray) -> np.ndarray:
        strides = tuple(4 * stride for stride in self.strides)
        view = np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, strides)
        return np.array(view, np.float32, order="C")


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
    except (_Refused, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise FormatError(
            f"{path}: not a PyTorch state dict, or a damaged one ({error})"
        ) from error
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror or error})") from error


# The two containers


def _read_zip(path: str | os.PathLike[str]) -> dict[str, Stored]:
    with zipfile.ZipFile(path) as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        pickles = [name for name in entries if name.rsplit("/", 1)[-1] == "data.pkl"]
        if len(pickles) != 1 or entries[pickles[0]].file_size > _MAX_PICKLE:
            raise _Refused("it has no data.pkl of a plausible size")
        prefix = pickles[0].removesuffix("data.pkl")
        order = entries.get(f"{prefix}byteorder")
        if order is not None and _entry(archive, order, 16).strip() != b"little":
            raise _Refused("written on a big-endian machine, which is not supported")
        with _mapped_bytes(_entry(archive, entries[pickles[0]], _MAX_PICKLE)) as data:
            tensors = _state_dict(_run(data))
    for tensor in tensors.values():
        entry = entries.get(f"{prefix}data/{tensor.storage.key}")
        if entry is None or entry.file_size != 4 * tensor.storage.length:
            raise _Refused(f"the values of storage {tensor.storage.key!r:.40} are not all there")
        if entry.compress_type != zipfile.ZIP_STORED:
            raise _Refused("its values are compressed, which PyTorch never does")

    def load(tensor: _Tensor) -> np.ndarray:
        try:
            with zipfile.ZipFile(path) as archive:
                entry = archive.getinfo(f"{prefix}data/{tensor.storage.key}")
                data = _entry(archive, entry, 4 * tensor.storage.length)
        except (zipfile.BadZipFile, EOFError, OSError, KeyError, RuntimeError) as error:
            raise FormatError(f"{path}: damaged ({error})") from error
        if len(data) != 4 * tensor.storage.length:
            raise FormatError(f"{path}: damaged (values are cut)")
        return tensor.of(np.frombuffer(data, "<f4"))

    return _stored(tensors, load)


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    with archive.open(entry) as file:
        try:
            return file.read(limit + 1)[:limit]
        except Exception as error:  # decompressors raise errors of their own kinds
            raise _Refused(f"{entry.filename!r:.60}: {error}") from error


def _mapped_bytes(data: bytes) -> mmap.mmap:
    mapped = mmap.mmap(-1, max(len(data), 1))
    mapped.write(data)
    mapped.seek(0)
    return mapped


def _read_plain(path: str | os.PathLike[str]) -> dict[str, Stored]:
    places: dict[str, tuple[int, int]] = {}
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if _run(data) != _MAGIC or _run(data) != _PROTOCOL:
            raise _Refused("its first numbers are others")
        facts = _run(data)
        if not isinstance(facts, dict) or facts.get("little_endian") is not True:
            raise _Refused("written on a big-endian machine, which is not supported")
        tensors = _state_dict(_run(data))
        keys = _run(data)
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise _Refused("it has no list of its storages")
        for key in keys:
            count = data.read(8)
            length = struct.unpack("<q", count)[0] if len(count) == 8 else -1
            start = data.tell()
            if length < 0 or start + 4 * length > len(data) or key in places:
                raise _Refused("its values are cut")
            places[key] = (start, length)
            data.seek(start + 4 * length)
        if data.tell() != len(data):
            raise _Refused("bytes are left over at its end")
    for tensor in tensors.values():
        if places.get(tensor.storage.key, (0, -1))[1] != tensor.storage.length:
            raise _Refused(f"the values of storage {tensor.storage.key!r:.40} are not all there")

    def load(tensor: _Tensor) -> np.ndarray:
        start, length = places[tensor.storage.key]
        try:
            values = np.fromfile(path, "<f4", length, offset=start)
        except OSError as error:
            raise FormatError(f"{path}: cannot be read ({error.strerror or error})") from error
        if len(values) != length:
            raise FormatError(f"{path}: cut")
        return tensor.of(values)

    return _stored(tensors, load)


def _stored(
    tensors: dict[str, _Tensor], load: Callable[[_Tensor], np.ndarray]
) -> dict[str, Stored]:
    return {n: Stored(t.shape, lambda t=t: load(t)) for n, t in tensors.items()}


def _state_dict(value: object) -> dict[str, _Tensor]:
    if not isinstance(value, dict) or not all(isinstance(v, _Tensor) for v in value.values()):
        raise _Refused("it holds something else than tensors by name")
    return value


# The machine


def _opcodes(data: BinaryIO | mmap.mmap) -> Iterator[tuple[str, Any]]:
    try:
        for number, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if number > _MAX_OPCODES:
                raise _Refused("it is too long")
            yield opcode.name, argument
    except (ValueError, UnicodeError, struct.error, OverflowError, IndexError) as error:
        raise _Refused(f"{error!s:.120}") from error


def _run(data: BinaryIO | mmap.mmap) -> Any:
    """What a pickle builds; leaves the position after its end."""
    machine = _Machine()
    for name, argument in _opcodes(data):
        if name == "STOP":
            break
        machine.step(name, argument)
    return machine.pop()


class _Machine:
    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in ("PROTO", "FRAME"):
            pass
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.top()
        elif name == "MEMOIZE":
            self.memo[len(self.memo)] = self.top()
        elif name in ("BINGET", "LONG_BINGET"):
            if argument not in self.memo:
                raise _Refused("it refers to what is not there")
            self.stack.append(self.memo[argument])
        elif name == "GLOBAL":
            self.stack.append(_known(argument))
        elif name == "STACK_GLOBAL":
            attribute, module = self.pop(str), self.pop(str)
            self.stack.append(_known(f"{module} {attribute}"))
        elif name == "EMPTY_DICT":
            self.stack.append({})
        elif name == "EMPTY_LIST":
            self.stack.append([])
        elif name in _TUPLES:
            self.stack.append(tuple(reversed([self.pop() for _ in range(_TUPLES[name])])))
        elif name == "TUPLE":
            self.stack.append(tuple(self.pop_mark()))
        elif name in ("APPEND", "APPENDS"):
            items = [self.pop()] if name == "APPEND" else self.pop_mark()
            self.top(list).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = self.pop_mark() if name == "SETITEMS" else [self.pop(), self.pop()][::-1]
            _fill(self.top(dict), items)
        elif name == "BINPERSID":
            self.stack.append(_storage(self.pop(tuple)))
        elif name == "REDUCE":
            arguments, function = self.pop(tuple), self.pop()
            self.stack.append(_call(function, arguments))
        elif name == "BUILD":
            self.pop(dict)  # the attribute _metadata of a state dict
            self.top(dict)
        else:
            raise _Refused(f"it has the opcode {name}, which no state dict needs")

    def top(self, kind: type = object) -> Any:
        if not self.stack or self.stack[-1] is _MARK or not isinstance(self.stack[-1], kind):
            raise _Refused("its opcodes make no sense")
        return self.stack[-1]

    def pop(self, kind: type = object) -> Any:
        value = self.top(kind)
        self.stack.pop()
        return value

    def pop_mark(self) -> list[Any]:
        items = []
        while self.stack and self.stack[-1] is not _MARK:
            items.append(self.stack.pop())
        if not self.stack:
            raise _Refused("its opcodes make no sense")
        self.stack.pop()
        return items[::-1]


_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "INT", "LONG", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": (), "MARK": _MARK}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


def _known(text: str) -> _Name:
    if text not in _NAMES:
        raise _Refused(f"it asks for {text.replace(' ', '.')!r:.80}, which no state dict needs")
    return _NAMES[text]


def _fill(target: dict, items: list[Any]) -> None:
    keys, values = items[0::2], items[1::2]
    if len(keys) != len(values) or not all(isinstance(key, str) for key in keys):
        raise _Refused("a dict in it has keys that are no text")
    target.update(zip(keys, values, strict=True))


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 48


def _storage(identity: tuple) -> _Storage:
    if len(identity) not in (5, 6) or identity[0] != "storage" or identity[1] is not STORAGE:
        raise _Refused("a storage in it is none of float32 values")
    key, device, length = identity[2:5]
    if not isinstance(key, str) or not isinstance(device, str) or not _is_size(length):
        raise _Refused("a storage in it is described in another way")
    if len(identity) == 6 and identity[5] is not None:
        raise _Refused("a storage in it is a view of another")
    return _Storage(key, length)


def _call(function: object, arguments: tuple) -> Any:
    if function is ORDERED_DICT and not arguments:
        return {}
    if function is ORDERED_DICT and len(arguments) == 1 and isinstance(arguments[0], list):
        result: dict[str, Any] = {}
        for pair in arguments[0]:
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise _Refused("a dict in it is no list of pairs")
            _fill(result, list(pair))
        return result
    if function is REBUILD and len(arguments) in (6, 7):
        return _tensor(*arguments[:4])
    raise _Refused("it calls what is no function")


def _tensor(storage: object, offset: object, shape: object, strides: object) -> _Tensor:
    is_tensor = isinstance(storage, _Storage) and isinstance(shape, tuple | list)
    if not is_tensor or not isinstance(strides, tuple | list) or not _is_size(offset):
        raise _Refused("a tensor in it is described in another way")
    numbers = [*shape, *strides]
    if len(shape) != len(strides) or len(shape) > 8 or not all(map(_is_size, numbers)):
        raise _Refused("a tensor in it has a shape that makes no sense")
    size = math.prod(shape)
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if size and (last >= storage.length or size > storage.length):
        raise _Refused("a tensor in it reaches beyond its storage")
    return _Tensor(storage, 0 if not size else offset, tuple(shape), tuple(strides))
