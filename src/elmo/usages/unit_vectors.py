"""Vectors of length 1, which all comparisons of uses are made of."""

from __future__ import annotations

import numpy as np


def unit_length(vectors: np.ndarray, mean: np.ndarray | None = None) -> np.ndarray:
    """Vectors of length 1, after a common mean is taken off; a zero vector stays one.

    Args:
        vectors: `(n, dim)`.
        mean: `(dim,)`, of all words of the corpus; None for the origin.

    Returns:
        float32 `(n, dim)`.

    Example:
        >>> unit_length(np.array([[3.0, 4.0], [0.0, 0.0]])).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    moved = np.array(vectors, np.float32)
    if mean is not None:
        moved -= np.asarray(mean, np.float32)
    norms = np.sqrt(np.einsum("nd,nd->n", moved, moved))
    moved /= np.maximum(norms, np.finfo(np.float32).tiny)[:, None]
    return moved
