"""One vector from the vectors of tokens; each function takes `(…, tokens, dim)`, one token or more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

Pooling = Literal["mean", "max", "first-last", "tfidf"]


def maximum(vectors: np.ndarray) -> np.ndarray:
    """The largest value of each dimension, `(…, dim)`.

    Example:
        >>> maximum(np.array([[1.0, 0.0], [-2.0, 5.0]]))
        array([1., 5.])
    """
    return vectors.max(axis=-2)


def final_states(vectors: np.ndarray, directions: Sequence[str]) -> np.ndarray:
    """The states that have read the whole document: forward at the last token, backward at the first.

    Args:
        vectors: `(…, tokens, dim)`, where each direction has an equal share of `dim`.
        directions: their names in the order of their shares, `"forward"` or `"backward"`.

    Returns:
        `(…, dim)`.

    Example:
        >>> final_states(np.array([[1, 2, 3, 4], [5, 6, 7, 8]]), ["forward", "backward"])
        array([5, 6, 3, 4])
    """
    shares = np.split(vectors, len(directions), axis=-1)
    places = [-1 if name == "forward" else 0 for name in directions]
    ends = [share[..., place, :] for share, place in zip(shares, places, strict=True)]
    return np.concatenate(ends, axis=-1)


def weighted_mean(vectors: np.ndarray, weights: np.ndarray) -> np.ndarray:
    r"""The mean of the tokens under their weights, computed in float64.

    .. math:: \frac{\sum_t w_t h_t}{\sum_t w_t}

    With the inverse document frequency of each token as its weight, this is the mean of the types under
    tf-idf, since a type stands in the sum as often as in the document.

    Args:
        vectors: `(…, tokens, dim)`.
        weights: `(tokens,)`, positive.

    Returns:
        `(…, dim)`, float32.

    Example:
        >>> weighted_mean(np.array([[1.0, 0.0], [4.0, 6.0]]), np.array([2.0, 1.0]))
        array([2., 2.], dtype=float32)
    """
    shares = weights / weights.sum()
    return np.einsum("t,...td->...d", shares, vectors, dtype=np.float64).astype(np.float32)
