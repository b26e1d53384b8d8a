"""A word over more than two periods: each compared with the one before it, or with the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from elmo.usages.change.comparison import Comparison, WordChange, change_of
from elmo.usages.periods import labels_in
from elmo.usages.senses.clustering import induce
from elmo.usages.word_uses import WordUses

Against = Literal["previous", "first"]


@dataclass(frozen=True)
class Point:
    """One step of a series.

    Attributes:
        earlier, later: the periods that are compared.
        change: of the word between them; None where one of them has too few uses.
    """

    earlier: str
    later: str
    change: WordChange | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "from": self.earlier,
            "to": self.later,
            "change": None if self.change is None else self.change.to_dict(),
        }


def series(
    uses: WordUses,
    periods: Sequence[str],
    comparison: Comparison,
    against: Against = "previous",
    senses: np.ndarray | None = None,
) -> list[Point]:
    """Change over time.

    Senses are induced once, from the uses of all periods, so that they mean the same at every step.

    Args:
        uses: of the word.
        periods: two or more, in their order.
        comparison: how two of them are compared; its own periods are not looked at.
        against: `"previous"`, or `"first"`.
        senses: `(uses,)`, its senses; below 0 for none.

    Returns:
        A step fewer than there are periods.

    Raises:
        ValueError: there are fewer than two periods, or one that no document has.
    """
    if len(periods) < 2:
        raise ValueError(f"periods={list(periods)!r}: give two or more")
    if senses is None and comparison.senses:
        within = np.any([labels_in(period, uses.periods) for period in periods], axis=0)
        senses = np.full(len(uses), -1)
        chosen = np.flatnonzero(np.append(within, False)[uses.period])
        if len(chosen):
            k = min(comparison.senses, len(chosen))
            seed = comparison.resampling.seed
            senses[chosen] = induce(uses.vectors[chosen], "kmeans", k, seed=seed).labels
    pairs = pairwise(periods) if against == "previous" else ((periods[0], p) for p in periods[1:])
    return [
        Point(a, b, change_of(uses, replace(comparison, earlier=a, later=b), senses))
        for a, b in pairs
    ]
