"""Weights rounded to few bits, as float32 that any reader opens and a file packs well."""

from __future__ import annotations

import numpy as np

LEAST, MOST = 2, 16


def check(bits: int) -> None:
    """Raise where weights cannot be rounded to so many bits."""
    if isinstance(bits, bool) or not isinstance(bits, int) or not LEAST <= bits <= MOST:
        raise ValueError(f"bits={bits!r}: must be a whole number from {LEAST} to {MOST}")


def rounded(array: np.ndarray, bits: int) -> np.ndarray:
    """An array whose rows have whole multiples of a power of two each.

    ```
    step = 2^⌈log2(max |row| / (2^(bits−1) − 1))⌉        row ← step · round(row / step)
    ```

    A row is what has the same index but in the last axis. A vector (a bias) is left as it is. The step is
    a power of two, so the result has few significant bits: in an HDF5 file that shuffles and packs its
    bytes, a weight of 8 bits takes little more than a byte, and every reader gets plain float32.

    Args:
        array: float32.
        bits: of a weight, its sign included.

    Example:
        >>> rounded(np.array([[0.9, -0.26, 0.1]], np.float32), 3)  # multiples of a half
        array([[ 1. , -0.5,  0. ]], dtype=float32)
    """
    if array.ndim < 2:
        return array
    largest = np.abs(array).max(axis=-1, keepdims=True)
    smallest = np.finfo(np.float32).tiny
    step = np.exp2(np.ceil(np.log2(np.maximum(largest / (2 ** (bits - 1) - 1), smallest))))
    return np.asarray(np.round(array / step) * step, np.float32)
