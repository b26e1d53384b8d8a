"""CRC-32C against published values and the definition."""

import numpy as np
import pytest

from elmo.formats.containers.crc32c import crc32c, masked


def bit_by_bit(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),  # RFC 3720, B.4
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_published_values(data, crc):
    assert crc32c(data) == crc


@pytest.mark.parametrize("length", [1, 127, 128, 129, 255, 1000, 4097, 9999])
def test_any_length(length):
    data = np.random.default_rng(length).bytes(length)
    assert crc32c(data) == bit_by_bit(data)


def test_one_flipped_bit_is_seen():
    data = bytearray(np.random.default_rng(0).bytes(1 << 20))
    before = crc32c(data)
    data[777_777] ^= 8
    assert crc32c(data) != before


def test_mask():
    assert masked(crc32c(b"foo")) != crc32c(b"foo")
    assert masked(0) == 0xA282EAD8
