"""CRC-32C (Castagnoli), many bytes at a time with NumPy.

The remainder is linear over GF(2): the bytes are cut into lanes whose remainders are taken side by
side, and two neighbours join as A · x^(8 |B|) + B.
"""

from __future__ import annotations

import numpy as np

_POLYNOMIAL = 0x82F63B78
_LANES = 4096
_ALL = 0xFFFFFFFF
_ONE_BITS = np.uint32(1) << np.arange(32, dtype=np.uint32)


def _tables() -> tuple[list[int], np.ndarray]:
    byte = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        byte = (byte >> 1) ^ np.where(byte & 1, np.uint32(_POLYNOMIAL), np.uint32(0))
    pair = np.arange(1 << 16, dtype=np.uint32)
    for _ in range(2):
        pair = byte[pair & 255] ^ (pair >> 8)
    return byte.tolist(), pair


_BYTE, _PAIR = _tables()


def crc32c(data: bytes | memoryview | np.ndarray) -> int:
    """The CRC-32C of some bytes.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    values = np.frombuffer(data, np.uint8)
    return _remainder(values, _ALL) ^ _ALL


def masked(crc: int) -> int:
    """The form in which LevelDB and TensorFlow store a CRC."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & _ALL


def _remainder(values: np.ndarray, state: int) -> int:
    while len(values) >= 128:
        lanes = min(_LANES, 1 << ((len(values) // 64).bit_length() - 1))
        length = len(values) // lanes & ~1
        used = lanes * length
        state = _side_by_side(values[:used].reshape(lanes, length), state)
        values = values[used:]
    for value in values.tolist():
        state = _BYTE[(state ^ value) & 255] ^ (state >> 8)
    return state


def _side_by_side(rows: np.ndarray, state: int) -> int:
    lanes, length = rows.shape
    states = np.zeros(lanes, np.uint32)
    states[0] = state
    for words in np.ascontiguousarray(rows).view("<u2").T:
        states = _PAIR[(states ^ words) & 0xFFFF] ^ (states >> 16)
    shift = _shift(length)
    while len(states) > 1:
        states = _apply(shift, states[0::2]) ^ states[1::2]
        shift = _apply(shift, shift)
    return int(states[0])


def _apply(matrix: np.ndarray, states: np.ndarray) -> np.ndarray:
    bits = (states[:, None] & _ONE_BITS) != 0  # (states, 32)
    return np.bitwise_xor.reduce(np.where(bits, matrix, np.uint32(0)), axis=1)


def _shift(n_bytes: int) -> np.ndarray:
    """What n zero bytes do to each bit of a state, (32,)."""
    result, power = _ONE_BITS, np.array([_BYTE[b & 255] ^ (b >> 8) for b in _ONE_BITS.tolist()])
    power = power.astype(np.uint32)
    while n_bytes:
        if n_bytes & 1:
            result = _apply(power, result)
        power = _apply(power, power)
        n_bytes >>= 1
    return result
