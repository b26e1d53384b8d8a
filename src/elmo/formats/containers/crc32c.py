"""CRC-32C as LevelDB and TensorFlow store it."""

from __future__ import annotations

import google_crc32c
import numpy as np


def crc32c(data: bytes | memoryview | np.ndarray) -> int:
    """The CRC-32C of some bytes.

    Example:
        >>> hex(crc32c(b"123456789"))
        '0xe3069283'
    """
    # An array without a copy: it refuses memory views and what can be written to.
    return google_crc32c.value(np.frombuffer(data, np.uint8)) if len(data) else 0


def masked(crc: int) -> int:
    """The form in which LevelDB and TensorFlow store a CRC."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
