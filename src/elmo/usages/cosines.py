"""Cosines of a vector with rows in int8, exactly: in blocks, by BLAS, with a common mean taken off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

BLOCK = (
    1 << 17
)  # numbers that are made float32 at a time: they and their block stay in a core's cache
_TINY = 1e-12


class Rows:
    """Rows of one or several arrays in int8, one behind the other.

    Args:
        pieces: pairs of vectors, int8 `(n, dim)`, and scales, float32 `(n,)`; may be memory-mapped.

    Example:
        >>> rows = Rows([(np.array([[100, 0], [0, 100]], np.int8), np.float32([0.01, 0.02]))])
        >>> len(rows), rows.mean().round(2).tolist()
        (2, [0.5, 1.0])
    """

    def __init__(self, pieces: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        self._pieces = [(vectors, scales) for vectors, scales in pieces if len(vectors)]
        self._dim = pieces[0][0].shape[1]

    def __len__(self) -> int:
        return sum(len(vectors) for vectors, _ in self._pieces)

    def blocks(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Where each block stands, its numbers as float32 `(n, dim)`, and its scales.

        The array of numbers is the same each time, with other numbers.
        """
        size = max(1, BLOCK // self._dim)
        buffer = np.empty((size, self._dim), np.float32)
        begin = 0
        for vectors, scales in self._pieces:
            for start in range(0, len(vectors), size):
                values = vectors[start : start + size]
                block = buffer[: len(values)]
                np.copyto(block, values)
                yield slice(begin, begin + len(values)), block, scales[start : start + size]
                begin += len(values)

    def mean(self) -> np.ndarray:
        """The mean of all rows, float32 `(dim,)`."""
        total = np.zeros(self._dim, np.float64)
        for _, block, scales in self.blocks():
            total += scales @ block
        return (total / max(1, len(self))).astype(np.float32)


def inverse_norms(rows: Rows, mean: np.ndarray) -> np.ndarray:
    """One over the length of each row without the mean, float32 `(n,)`; 0 where nothing is left."""
    found = np.empty(len(rows), np.float32)
    square = float(mean @ mean)
    for where, block, scales in rows.blocks():
        squares = np.einsum("nd,nd->n", block, block) * scales * scales
        found[where] = squares - 2 * scales * (block @ mean) + square
    norms = np.sqrt(np.maximum(found, 0))
    return np.where(norms > _TINY, 1 / np.maximum(norms, _TINY), 0).astype(np.float32)


def cosines(
    rows: Rows, vector: np.ndarray, mean: np.ndarray, inverse: np.ndarray | None = None
) -> np.ndarray:
    """The cosine of a vector with each row, after the mean is taken off both.

    Args:
        rows: `n` of them.
        vector, mean: float32 `(dim,)`.
        inverse: of `inverse_norms`, where it is known.

    Returns:
        float32 `(n,)`.

    Example:
        >>> rows = Rows([(np.array([[127, 0], [0, 127]], np.int8), np.float32([0.01, 0.02]))])
        >>> cosines(rows, np.float32([2, 0]), np.zeros(2, np.float32)).round(3).tolist()
        [1.0, 0.0]
    """
    asked = unit(vector - mean)
    found = np.empty(len(rows), np.float32)
    offset = float(mean @ asked)
    for where, block, scales in rows.blocks():
        found[where] = scales * (block @ asked) - offset
    return found * (inverse_norms(rows, mean) if inverse is None else inverse)


def largest(values: np.ndarray, k: int) -> np.ndarray:
    """The numbers of the k largest values, the largest first; of equal ones the earlier.

    Example:
        >>> largest(np.array([0.5, 0.9, 0.5, 0.1]), 2).tolist()
        [1, 0]
    """
    if k < len(values):
        bound = np.partition(values, len(values) - k)[len(values) - k]
        chosen = np.flatnonzero(values >= bound)
    else:
        chosen = np.arange(len(values))
    return chosen[np.argsort(-values[chosen], kind="stable")][:k]


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1; a zero vector stays one."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(norms, _TINY)
