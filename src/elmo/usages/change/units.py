"""Uses of a word added up by what is drawn together: a document, or each use by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

Unit = Literal["document", "use"]
DOCUMENTS = 5  # in each period, below which uses are drawn one by one
_BLOCK = 1 << 14  # uses that are in float64 at a time


@dataclass(frozen=True)
class Units:
    """Sums over the uses of each unit.

    All measures are functions of weighted sums of these, so a resample costs a product of matrices and
    no pass over the uses.

    Attributes:
        kind: `"document"`, or `"use"`, where every use is a unit of its own.
        later: `(units,)`, whether the unit is of the later period.
        uses: `(units,)`, how many uses it has.
        sums: `(units, dim)`, the sum of its vectors, each of unit length.
        senses: `(units, senses)`, how many of its uses have each sense; None without senses.
        prototypes: `(units, dim)`, sums of the vectors that prototypes are means of; None for `sums`.
    """

    kind: Unit
    later: np.ndarray
    uses: np.ndarray
    sums: np.ndarray
    senses: np.ndarray | None = None
    prototypes: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.uses)


def choose_unit(documents: np.ndarray, later: np.ndarray) -> Unit:
    """Documents, where each period has five or more of them; else single uses.

    Uses of one document are alike beyond their period: an author, a topic. To draw them one by one makes
    intervals too narrow and p too small, so documents are drawn whole wherever there are enough.

    Example:
        >>> later = np.arange(12) > 5
        >>> choose_unit(np.arange(12), later), choose_unit(np.arange(12) // 3, later)
        ('document', 'use')
    """
    fewest = min(len(np.unique(documents[later])), len(np.unique(documents[~later])))
    return "document" if fewest >= DOCUMENTS else "use"


def units_of(
    vectors: np.ndarray,
    later: np.ndarray,
    documents: np.ndarray | None = None,
    senses: np.ndarray | None = None,
    prototypes: np.ndarray | None = None,
) -> Units:
    """Adds uses up.

    Args:
        vectors: `(n, dim)`, of unit length.
        later: `(n,)`, whether a use is of the later period.
        documents: `(n,)` integers; None makes every use a unit. A document with uses in both periods is
            two units.
        senses: `(n,)` integers from 0; below 0 a use has none and counts for no sense.
        prototypes: `(n, dim)`, vectors for the distance of prototypes, where they are others.

    Example:
        >>> later = np.array([False, False, True])
        >>> units = units_of(np.eye(3, 2), later, np.array([7, 7, 9]), np.array([0, 1, -1]))
        >>> units.uses.tolist(), units.sums.tolist(), units.senses.tolist()
        ([2.0, 1.0], [[1.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [0.0, 0.0]])
    """
    later = np.asarray(later, bool)
    if documents is None:
        rows, parted = np.arange(len(later)), later
    else:
        keys = np.asarray(documents, np.int64) * 2 + later
        known, rows = np.unique(keys, return_inverse=True)
        parted = known % 2 == 1
    return Units(
        kind="use" if documents is None else "document",
        later=parted,
        uses=np.bincount(rows, minlength=len(parted)).astype(np.float64),
        sums=_added(vectors, rows, parted),
        senses=None if senses is None else _counted(senses, rows, len(parted)),
        prototypes=None if prototypes is None else _added(prototypes, rows, parted),
    )


def _added(vectors: np.ndarray, rows: np.ndarray, parted: np.ndarray) -> np.ndarray:
    if np.array_equal(rows, np.arange(len(parted))):  # every use is a unit
        return np.asarray(vectors, np.float32)
    order = np.argsort(rows, kind="stable")
    sums = np.zeros((len(parted), vectors.shape[1]))
    for block in _blocks(len(order)):
        chosen = order[block]
        begins = np.flatnonzero(np.diff(rows[chosen], prepend=-1))
        sums[rows[chosen][begins]] += np.add.reduceat(
            vectors[chosen].astype(np.float64), begins, axis=0
        )
    return sums.astype(np.float32)


def _counted(senses: np.ndarray, rows: np.ndarray, number: int) -> np.ndarray:
    kinds = max(int(np.max(senses, initial=0)) + 1, 1)
    known = senses >= 0
    places = rows[known] * kinds + senses[known]
    return np.bincount(places, minlength=number * kinds).reshape(number, kinds).astype(np.float64)


def _blocks(number: int) -> Iterator[slice]:
    for first in range(0, number, _BLOCK):
        yield slice(first, first + _BLOCK)
