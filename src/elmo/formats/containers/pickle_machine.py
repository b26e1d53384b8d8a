"""The pickles of PyTorch's state dicts, read by a machine that can do nothing else.

No unpickler is used: the opcodes that `torch.save` writes for a dict of float32 tensors are walked
over, and three names are known, `OrderedDict`, `torch._utils._rebuild_tensor_v2` and
`torch.FloatStorage`. Nothing is imported or called; whatever else a pickle asks for is refused.
"""

from __future__ import annotations

import math
import mmap
import pickletools
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, TypeGuard, cast

import numpy as np

_MAX_OPCODES = 2_000_000
_MAX_LINE = 256
_BY_CODE = {opcode.code: opcode for opcode in pickletools.opcodes}


class RefusedPickleError(Exception):
    """What is wrong with a pickle, without its file's name."""


@dataclass(frozen=True)
class _Name:
    text: str


ORDERED_DICT = _Name("collections OrderedDict")
REBUILD = _Name("torch._utils _rebuild_tensor_v2")
STORAGE = _Name("torch FloatStorage")
_NAMES = {name.text: name for name in (ORDERED_DICT, REBUILD, STORAGE)}
_MARK = _Name("a mark")


@dataclass(frozen=True)
class Storage:
    """Float32 values that lie elsewhere in the container, by their key; how many they are."""

    key: str
    length: int


@dataclass(frozen=True)
class Tensor:
    """A view of a storage that is known to lie within it; offset and strides count values."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def of(self, values: np.ndarray) -> np.ndarray:
        """The tensor out of all values of its storage."""
        strides = tuple(4 * stride for stride in self.strides)
        view = np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, strides)
        return np.array(view, np.float32, order="C")


def _opcodes(data: mmap.mmap) -> Iterator[tuple[str, Any]]:
    """Opcodes by name with their arguments, up to the end of the pickle."""
    file = cast(IO[bytes], data)  # which it is to all who read
    for _ in range(_MAX_OPCODES):
        opcode = _BY_CODE.get(data.read(1).decode("latin-1"))
        if opcode is None:
            raise RefusedPickleError("it is cut, or has bytes that are no opcode")
        if opcode.name == "STOP":
            return
        if opcode.name not in _OPCODES:
            raise RefusedPickleError(f"it has the opcode {opcode.name}, which no state dict needs")
        try:
            if opcode.name == "GLOBAL":
                yield opcode.name, f"{_line(data)} {_line(data)}"
            else:
                yield opcode.name, opcode.arg.reader(file) if opcode.arg else None
        except (ValueError, struct.error, OverflowError, IndexError) as error:
            raise RefusedPickleError(f"{error!s:.120}") from error
    raise RefusedPickleError("it is too long")


def _line(data: mmap.mmap) -> str:
    start = data.tell()
    end = data.find(b"\n", start, start + _MAX_LINE)
    if end < 0:
        raise RefusedPickleError("it has a name without end")
    return data.read(end + 1 - start)[:-1].decode()


def run(data: mmap.mmap) -> Any:
    """What a pickle builds out of plain values, dicts and `Tensor`s.

    Args:
        data: read from its position, which is left after the end of the pickle.

    Raises:
        RefusedPickleError: the pickle is cut or damaged, or asks for anything else.
    """
    machine = _Machine()
    for name, argument in _opcodes(data):
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
                raise RefusedPickleError("it refers to what is not there")
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

    def top(self, kind: type = object) -> Any:
        if not self.stack or self.stack[-1] is _MARK or not isinstance(self.stack[-1], kind):
            raise RefusedPickleError("its opcodes make no sense")
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
            raise RefusedPickleError("its opcodes make no sense")
        self.stack.pop()
        return items[::-1]


_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINSTRING", "SHORT_BINSTRING"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": (), "MARK": _MARK}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_OPCODES = {
    *(*_LITERALS, *_CONSTANTS, *_TUPLES, "TUPLE", "EMPTY_DICT", "EMPTY_LIST", "PROTO", "FRAME"),
    *("BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET", "GLOBAL", "STACK_GLOBAL"),
    *("APPEND", "APPENDS", "SETITEM", "SETITEMS", "BINPERSID", "REDUCE", "BUILD"),
}


def _known(text: str) -> _Name:
    if text not in _NAMES:
        raise RefusedPickleError(
            f"it asks for {text.replace(' ', '.')!r:.80}, which no state dict needs"
        )
    return _NAMES[text]


def _fill(target: dict, items: list[Any]) -> None:
    keys, values = items[0::2], items[1::2]
    if len(keys) != len(values) or not all(isinstance(key, str) for key in keys):
        raise RefusedPickleError("a dict in it has keys that are no text")
    target.update(zip(keys, values, strict=True))


def _is_size(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 48


def _storage(identity: tuple) -> Storage:
    if len(identity) not in (5, 6) or identity[0] != "storage" or identity[1] is not STORAGE:
        raise RefusedPickleError("a storage in it is none of float32 values")
    key, device, length = identity[2:5]
    if not isinstance(key, str) or not isinstance(device, str) or not _is_size(length):
        raise RefusedPickleError("a storage in it is described in another way")
    if len(identity) == 6 and identity[5] is not None:
        raise RefusedPickleError("a storage in it is a view of another")
    return Storage(key, length)


def _call(function: object, arguments: tuple) -> Any:
    if function is ORDERED_DICT and not arguments:
        return {}
    if function is ORDERED_DICT and len(arguments) == 1 and isinstance(arguments[0], list):
        result: dict[str, Any] = {}
        for pair in arguments[0]:
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise RefusedPickleError("a dict in it is no list of pairs")
            _fill(result, list(pair))
        return result
    if function is REBUILD and len(arguments) in (6, 7):
        return _tensor(*arguments[:4])
    raise RefusedPickleError("it calls what is no function")


def _tensor(storage: object, offset: object, shape: object, strides: object) -> Tensor:
    if (
        not isinstance(storage, Storage)
        or not isinstance(shape, tuple | list)
        or not isinstance(strides, tuple | list)
        or not _is_size(offset)
    ):
        raise RefusedPickleError("a tensor in it is described in another way")
    numbers = [*shape, *strides]
    if len(shape) != len(strides) or len(shape) > 8 or not all(map(_is_size, numbers)):
        raise RefusedPickleError("a tensor in it has a shape that makes no sense")
    size = math.prod(shape)
    last = offset + sum((n - 1) * stride for n, stride in zip(shape, strides, strict=True))
    if size and (last >= storage.length or size > storage.length):
        raise RefusedPickleError("a tensor in it reaches beyond its storage")
    return Tensor(storage, 0 if not size else offset, tuple(shape), tuple(strides))
