"""Writes TensorFlow's checkpoint container, for tests of what the fixture does not have."""

import struct

import numpy as np

from elmo.formats.containers.crc32c import crc32c, masked

TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value) if value else b""
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(entries, restart_interval=16, kind=0):
    out, restarts, last = bytearray(), [], b""
    for number, (key, value) in enumerate(entries):
        shared = 0
        if number % restart_interval == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        own = key[shared:]
        out += varint(shared) + varint(len(own)) + varint(len(value)) + own + value
        last = key
    restarts = restarts or [0]
    out += struct.pack(f"<{len(restarts)}I", *restarts) + struct.pack("<I", len(restarts))
    out.append(kind)
    return bytes(out) + struct.pack("<I", masked(crc32c(bytes(out))))


def table(entries, kind=0, per_block=7):
    entries = sorted(entries.items())
    out, handles = bytearray(), []
    for start in range(0, len(entries), per_block):
        part = entries[start : start + per_block]
        data = block(part, kind=kind)
        handles.append((part[-1][0] + b"\0", varint(len(out)) + varint(len(data) - 5)))
        out += data
    meta, index = block([]), block(handles)
    footer = varint(len(out)) + varint(len(meta) - 5)
    out += meta
    footer += varint(len(out)) + varint(len(index) - 5)
    out += index
    return bytes(out) + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def write_bundle(prefix, arrays, changes=None, header=None, kind=0):
    """Writes `{name: array}`; `changes` replaces fields of an entry: `{name: {field: value}}`."""
    data = bytearray()
    head = {1: 1, 3: b"\x08\x01"} | (header or {})
    entries = {b"": b"".join(field(number, value) for number, value in head.items())}
    for name, array in arrays.items():
        array = np.asarray(array)
        raw = array.tobytes()
        shape = b"".join(field(2, field(1, n) or b"\x08\x00") for n in array.shape)
        fields = {1: TYPES[array.dtype.name], 2: shape, 4: len(data), 5: len(raw)}
        fields |= (changes or {}).get(name, {})
        crc = fields.pop(6, masked(crc32c(raw)))
        entry = b"".join(field(number, value) for number, value in fields.items())
        entries[name.encode()] = entry + varint(6 << 3 | 5) + struct.pack("<I", crc)
        data += raw
    with open(f"{prefix}.index", "wb") as file:
        file.write(table(entries, kind))
    with open(f"{prefix}.data-00000-of-00001", "wb") as file:
        file.write(data)
