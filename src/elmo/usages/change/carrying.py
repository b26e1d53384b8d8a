"""Which uses of a word carry the score of its change."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np


def carried(vectors: np.ndarray, later: np.ndarray) -> np.ndarray:
    r"""How much each use is of its own period and not of the other.

    .. math:: c_a = u_a \cdot (\bar u_A - \bar u_B), \qquad c_b = u_b \cdot (\bar u_B - \bar u_A)

    The mean of c over A plus the mean over B is :math:`|\bar u_A - \bar u_B|^2`, twice the excess of
    the average pairwise distance with pairs of a use with itself. So c parts the score among the uses:
    those with the largest c are why the word counts as changed.

    Args:
        vectors: `(n, dim)`, of unit length.
        later: `(n,)`, whether a use is of the later period; both periods have some.

    Returns:
        float64 `(n,)`.

    Example:
        >>> carried(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([False, True])).tolist()
        [1.0, 1.0]
    """
    first = vectors[~later].mean(axis=0, dtype=np.float64)
    second = vectors[later].mean(axis=0, dtype=np.float64)
    return np.where(later, 1.0, -1.0) * (vectors @ (second - first))


def best(values: np.ndarray, keys: Sequence[Hashable], count: int) -> list[int]:
    """Places of the largest values, each key once; of equal values the first.

    Args:
        values: `(n,)`.
        keys: of each value, as the text of its sentence.
        count: how many; fewer where there are no more keys.

    Example:
        >>> best(np.array([1.0, 3.0, 2.0]), ["x", "y", "y"], 2)
        [1, 0]
    """
    found: list[int] = []
    seen: set[Hashable] = set()
    for place in np.argsort(-values, kind="stable").tolist():
        if len(found) == count:
            break
        if keys[place] not in seen:
            seen.add(keys[place])
            found.append(place)
    return found
