"""The types that vectors are written in, `int8` with a scale for each vector."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

Dtype = Literal["float32", "float16", "int8"]
DTYPES = get_args(Dtype)
LARGEST = 127


def to_dtype(vectors: np.ndarray, dtype: str) -> tuple[np.ndarray, np.ndarray | None]:
    r"""Vectors in the type of a file.

    For `"int8"`, of a vector :math:`x`, :math:`s = \max_i |x_i| / 127` and
    :math:`q_i = \mathrm{round}(x_i / s)`, so that :math:`|x_i - s q_i| \le s / 2`. A vector of zeros
    has the scale 0.

    Args:
        vectors: float32 `(…, dim)`.
        dtype: `"float32"`, `"float16"` or `"int8"`.

    Returns:
        The numbers and, for `"int8"` alone, the scales, float32 `(…)`.

    Example:
        >>> values, scales = to_dtype(np.array([[0.5, -1.0], [0.0, 0.0]], "float32"), "int8")
        >>> values.tolist(), scales.shape, scales.dtype.name
        ([[64, -127], [0, 0]], (2,), 'float32')
        >>> from_dtype(values, scales).round(2).tolist()
        [[0.5, -1.0], [0.0, 0.0]]
    """
    if dtype != "int8":
        return np.ascontiguousarray(vectors, f"<f{np.dtype(dtype).itemsize}"), None
    vectors = np.ascontiguousarray(vectors)
    scales = (np.abs(vectors).max(axis=-1, initial=0) / LARGEST).astype("<f4")
    shares = vectors / np.where(scales > 0, scales, 1)[..., None]
    # A scale that is no normal number may be rounded down by much.
    return np.clip(np.rint(shares), -LARGEST, LARGEST).astype(np.int8), scales


def from_dtype(values: np.ndarray, scales: np.ndarray | None) -> np.ndarray:
    """Numbers of a file: as they stand, and of `int8` the float32 that they are for."""
    if scales is None:
        return values
    return values.astype(np.float32) * scales[..., None]
