"""A word in two periods: every measure with its interval and its test, and its frequency beside it."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from scipy.stats import false_discovery_control

from elmo.usages.change.measures import MEASURES, Thresholds
from elmo.usages.change.resampling import Resampling, Score, compare, drawn, subsamples
from elmo.usages.change.units import Unit, Units, choose_unit, units_of
from elmo.usages.periods import two_periods
from elmo.usages.senses.clustering import induce
from elmo.usages.unit_vectors import unit_length
from elmo.usages.word_uses import UNKNOWN, WordUses

Centre = Literal["word", "none"]
CLUSTERED = (
    500  # uses from which a word's senses are induced, where thousands of words are compared
)
CONTROLS = 100  # equal subsamples, whose mean is reported


@dataclass(frozen=True)
class Comparison:
    """What is compared, and how; the same for all words.

    Args:
        earlier, later: periods, as `elmo.usages.periods.labels_in` takes them.
        senses: into how many a word's uses are clustered (k-means) where no senses are given; 0 leaves
            the measures of senses out.
        thresholds: of the binary measure.
        resampling: intervals and tests.
        unit: what is drawn: `"document"`, `"use"`, or None for documents where each period has five.
        centre: `"word"` takes the mean of a word's compared uses off before vectors are scaled to unit
            length, for all measures but `prt`, whose prototypes would then be opposite whatever the
            change; `"none"` does not. What pseudo-words say of it is in `docs/usages.md`.
        mean: `(dim,)`, of all words, taken off every vector first; None for none.
        least: a word with fewer uses in one of the periods is left out.
        most: uses of each period that are compared, drawn at random where there are more.
        control: number of uses: every measure again from that many uses of each period, the mean of a
            hundred draws. Words with fewer have none.

    Raises:
        ValueError: a number is out of its range.
    """

    earlier: str
    later: str
    senses: int = 4
    thresholds: Thresholds = field(default_factory=Thresholds)
    resampling: Resampling = field(default_factory=Resampling)
    unit: Unit | None = None
    centre: Centre = "word"
    mean: np.ndarray | None = None
    least: int = 10
    most: int = 2000
    control: int | None = None

    def __post_init__(self) -> None:
        if self.senses < 0 or self.senses == 1:
            raise ValueError(f"senses={self.senses}: must be 2 or more, or 0 for none")
        if self.centre not in get_args(Centre):
            raise ValueError(f"centre={self.centre!r}: must be 'word' or 'none'")
        if self.least < 2:
            raise ValueError(f"least={self.least}: must be 2 or more, so that there are pairs")
        if self.most < self.least:
            raise ValueError(f"most={self.most}: must be at least {self.least}, which is `least`")
        if self.control is not None and self.control < 2:
            raise ValueError(f"control={self.control}: must be 2 or more, so that there are pairs")


@dataclass(frozen=True)
class WordChange:
    """How a word's use changed.

    Attributes:
        word: the word.
        uses: in the earlier and the later period.
        compared: of these, how many were compared.
        documents: that have them.
        per_million: its frequency among a million tokens of either period; NaN where the periods' sizes
            are not known.
        unit: what intervals and tests draw.
        scores: of each measure.
        controlled: of each measure the mean over equal subsamples; empty without a control.
    """

    word: str
    uses: tuple[int, int]
    compared: tuple[int, int]
    documents: tuple[int, int]
    per_million: tuple[float, float]
    unit: Unit
    scores: dict[str, Score]
    controlled: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


def change_of(
    uses: WordUses,
    comparison: Comparison,
    senses: np.ndarray | None = None,
    sizes: tuple[int, int] | None = None,
) -> WordChange | None:
    """Compares the uses of a word in two periods.

    Args:
        uses: of the word.
        comparison: the periods, and how they are compared.
        senses: `(uses,)`, its senses; below 0 for none. By default they are induced from what is
            compared.
        sizes: tokens of the two periods, for the frequencies.

    Returns:
        None where one of the periods has too few uses.

    Raises:
        ValueError: there is no such period.
    """
    labelled = two_periods(comparison.earlier, comparison.later, uses.periods)
    side = np.append(labelled, UNKNOWN)[uses.period]  # those of no period are of neither
    number = int((side == 0).sum()), int((side == 1).sum())
    if min(number) < comparison.least:
        return None
    rng = generator(comparison.resampling.seed, uses.word)
    chosen = _chosen(side, comparison.most, rng)
    later, documents = side[chosen] == 1, uses.document[chosen]
    plain = unit_length(uses.vectors[chosen], comparison.mean)
    vectors = prepared(uses.vectors[chosen], comparison)
    labels = _senses(vectors, None if senses is None else senses[chosen], comparison)
    unit = comparison.unit or choose_unit(documents, later)
    prototypes = plain if comparison.centre == "word" else None
    units = units_of(vectors, later, documents if unit == "document" else None, labels, prototypes)
    return WordChange(
        word=uses.word,
        uses=number,
        compared=(int((~later).sum()), int(later.sum())),
        documents=_documents(uses.document, side),
        per_million=_frequency(number, sizes),
        unit=unit,
        scores=compare(units, comparison.resampling, rng, comparison.thresholds),
        controlled=_controlled(units_of(vectors, later, None, labels, prototypes), comparison, rng),
    )


def changes(
    words: Iterable[WordUses],
    comparison: Comparison,
    sizes: tuple[int, int] | None = None,
    senses: Sequence[np.ndarray | None] | None = None,
) -> list[WordChange]:
    """Compares many words, and corrects p over them.

    Args:
        words: the uses of each; may be a generator, of which one is in memory at a time.
        comparison, sizes: as `change_of`.
        senses: of each word, or None.

    Returns:
        The words with enough uses, in their order; their scores have `q`, for each measure over all
        words (Benjamini and Hochberg 1995).
    """
    found = []
    for number, uses in enumerate(words):
        change = change_of(uses, comparison, None if senses is None else senses[number], sizes)
        if change is not None:
            found.append(change)
    return corrected(found)


def corrected(found: Sequence[WordChange]) -> list[WordChange]:
    """The same with q beside every p: the share of false ones among words with a q as small.

    Example:
        >>> words = [
        ...     WordChange(w, (9, 9), (9, 9), (1, 1), (1.0, 1.0), "use", {"apd": Score(0.5, p=p)}, {})
        ...     for w, p in (("a", 0.01), ("b", 0.5), ("c", 0.04))
        ... ]
        >>> [round(word.scores["apd"].q, 3) for word in corrected(words)]
        [0.03, 0.5, 0.06]
    """
    scores = [dict(one.scores) for one in found]
    for name in {name for table in scores for name in table}:
        rows = [row for row, table in enumerate(scores) if np.isfinite(table[name].p)]
        if rows:
            qs = false_discovery_control([scores[row][name].p for row in rows])
            for row, q in zip(rows, qs, strict=True):
                scores[row][name] = replace(scores[row][name], q=float(q))
    return [replace(one, scores=table) for one, table in zip(found, scores, strict=True)]


def generator(seed: int, word: str) -> np.random.Generator:
    """What is drawn for a word: a function of the seed and the word alone."""
    return np.random.default_rng([seed, zlib.crc32(word.encode())])


def prepared(vectors: np.ndarray, comparison: Comparison) -> np.ndarray:
    """Vectors of a word's uses as all measures but `prt` take them, `(n, dim)` of unit length."""
    if comparison.centre == "word":
        return unit_length(vectors, np.asarray(vectors).mean(axis=0, dtype=np.float64))
    return unit_length(vectors, comparison.mean)


def _chosen(side: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """The uses of both periods, at most so many of each, in their order."""
    parts = []
    for period in (0, 1):
        members = np.flatnonzero(side == period)
        parts.append(members if len(members) <= most else rng.choice(members, most, replace=False))
    return np.sort(np.concatenate(parts))


def _senses(
    vectors: np.ndarray, given: np.ndarray | None, comparison: Comparison
) -> np.ndarray | None:
    if given is not None:
        return given
    if not comparison.senses:
        return None
    k = min(comparison.senses, len(vectors))
    return induce(vectors, "kmeans", k, most=CLUSTERED, seed=comparison.resampling.seed).labels


def _controlled(units: Units, comparison: Comparison, rng: np.random.Generator) -> dict[str, float]:
    size = comparison.control
    if size is None or min(units.later.sum(), (~units.later).sum()) < size:
        return {}
    draws = drawn(
        units, lambda u, n, r: subsamples(u, size, n, r), CONTROLS, rng, comparison.thresholds
    )
    return {name: float(np.nanmean(values)) for name, values in draws.items()}


def _documents(documents: np.ndarray, side: np.ndarray) -> tuple[int, int]:
    return len(np.unique(documents[side == 0])), len(np.unique(documents[side == 1]))


def _frequency(uses: tuple[int, int], sizes: tuple[int, int] | None) -> tuple[float, float]:
    if sizes is None:
        return np.nan, np.nan
    return uses[0] / max(sizes[0], 1) * 1e6, uses[1] / max(sizes[1], 1) * 1e6


def measures_of(found: Sequence[WordChange]) -> list[str]:
    """The measures that any of the words has, in their usual order."""
    known = {name for one in found for name in one.scores}
    return [name for name in MEASURES if name in known]
