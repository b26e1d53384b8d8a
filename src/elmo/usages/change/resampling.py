"""Weightings of units: bootstrap resamples, permutations of periods, equal subsamples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from elmo.usages.change.measures import Scores, Thresholds, scores
from elmo.usages.change.units import Units

Weights = tuple[np.ndarray, np.ndarray]
_CELLS = 1 << 22  # weights that are in memory at a time


@dataclass(frozen=True)
class Resampling:
    """How intervals and p come about.

    Args:
        bootstrap: resamples of the interval; 0 for none.
        permutations: of the test; 0 for none.
        confidence: of the interval.
        seed: of both. The same seed gives the same numbers for a word, whatever other words are asked.

    Raises:
        ValueError: a number is out of its range.
    """

    bootstrap: int = 1000
    permutations: int = 1000
    confidence: float = 0.95
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("bootstrap", "permutations", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}={getattr(self, name)}: must be 0 or more")
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence={self.confidence}: must lie between 0 and 1")


@dataclass(frozen=True)
class Score:
    """One measure of one word.

    Attributes:
        value: of the uses as they are.
        low, high: the bootstrap interval; NaN without one.
        p: of the permutation test, one-sided; NaN without one.
        q: p after the correction over words (Benjamini and Hochberg 1995); NaN for a single word.
    """

    value: float
    low: float = np.nan
    high: float = np.nan
    p: float = np.nan
    q: float = np.nan


def observed(units: Units) -> Weights:
    """Each unit once, in its own period: `(1, units)` twice."""
    return (~units.later).astype(np.float32)[None], units.later.astype(np.float32)[None]


def bootstrap(units: Units, number: int, rng: np.random.Generator) -> Weights:
    """Units of each period drawn with replacement, as many as it has."""
    weights = np.zeros((2, number, len(units)), np.float32)
    for period, table in zip((False, True), weights, strict=True):
        members = np.flatnonzero(units.later == period)
        drawn = members[rng.integers(0, len(members), (number, len(members)))]
        places = drawn + np.arange(number)[:, None] * len(units)
        table += np.bincount(places.ravel(), minlength=table.size).reshape(table.shape)
    return weights[0], weights[1]


def permutations(units: Units, number: int, rng: np.random.Generator) -> Weights:
    """The periods' labels dealt out anew to the units, as many of each as before."""
    labels = np.broadcast_to(units.later, (number, len(units)))
    later = rng.permuted(labels, axis=1).astype(np.float32)
    return 1 - later, later


def subsamples(units: Units, size: int, number: int, rng: np.random.Generator) -> Weights:
    """`size` units of each period, drawn without replacement.

    Raises:
        ValueError: a period has fewer.
    """
    weights = np.zeros((2, number, len(units)), np.float32)
    for period, table in zip((False, True), weights, strict=True):
        members = np.flatnonzero(units.later == period)
        if len(members) < size:
            raise ValueError(f"size={size}: a period has {len(members)} uses; take fewer")
        mask = np.broadcast_to(np.arange(len(members)) < size, (number, len(members)))
        table[:, members] = rng.permuted(mask, axis=1)
    return weights[0], weights[1]


def drawn(
    units: Units,
    draw: Callable[[Units, int, np.random.Generator], Weights],
    number: int,
    rng: np.random.Generator,
    thresholds: Thresholds | None = None,
) -> Scores:
    """Scores of many weightings, in blocks of bounded memory: for each measure `(number,)`."""
    parts = [
        scores(units, *draw(units, size, rng), thresholds) for size in _sizes(number, len(units))
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _sizes(number: int, units: int) -> Iterator[int]:
    step = max(1, _CELLS // units)
    for first in range(0, number, step):
        yield min(step, number - first)


def compare(
    units: Units,
    resampling: Resampling,
    rng: np.random.Generator,
    thresholds: Thresholds | None = None,
) -> dict[str, Score]:
    r"""Each measure of a word with its interval and its p.

    Distances of means grow with noise, and resamples have the noise twice: they lie as far above the
    sample as the sample lies above the truth. So the interval is that of the percentiles, moved down by
    twice the bias that the resamples show, and cut to the range of the measure:

    .. math:: \theta^*_{\alpha/2} - 2b \;\ldots\; \theta^*_{1-\alpha/2} - 2b,
              \quad b = \overline{\theta^*} - \theta

    (Efron and Tibshirani 1993, chapter 10, on b). The interval of `graded` is the root of that of `jsd`,
    and that of `binary` is not moved. Senses are those that were induced from all uses; that others
    might have been is not in the interval.

    p is the share of permutations with a score as large as the observed one, the observed one counted
    among them: (1 + #) / (1 + permutations) (Phipson and Smyth 2010).

    Args:
        units: of one word, some in each period.
        resampling: how much is drawn.
        rng: what is drawn.
        thresholds: of `binary`.
    """
    base = {name: values[0] for name, values in scores(units, *observed(units), thresholds).items()}
    found = {name: Score(float(value)) for name, value in base.items()}
    lows: dict[str, tuple[float, float]] = {}
    ps: dict[str, float] = {}
    if resampling.bootstrap:
        draws = drawn(units, bootstrap, resampling.bootstrap, rng, thresholds)
        lows = {name: _interval(name, base[name], draws[name], resampling) for name in base}
        if "graded" in lows:
            low, high = np.sqrt(lows["jsd"])
            lows["graded"] = float(low), float(high)
    if resampling.permutations:
        draws = drawn(units, permutations, resampling.permutations, rng, thresholds)
        ps = {name: _p(base[name], draws[name]) for name in base}
    return {
        name: replace(score, low=low, high=high, p=ps.get(name, np.nan))
        for name, score in found.items()
        for low, high in [lows.get(name, (np.nan, np.nan))]
    }


def _interval(
    name: str, value: float, draws: np.ndarray, resampling: Resampling
) -> tuple[float, float]:
    kept = draws[np.isfinite(draws)]
    if not len(kept) or not np.isfinite(value):
        return np.nan, np.nan
    tail = (1 - resampling.confidence) / 2
    ends = np.quantile(kept, [tail, 1 - tail])
    if name != "binary":
        ends -= 2 * (kept.mean() - value)
    low, high = np.clip(ends, *RANGES[name])
    return float(low), float(high)


def _p(value: float, draws: np.ndarray) -> float:
    """Equal scores count, up to what float32 rounds."""
    if not np.isfinite(value):
        return np.nan
    as_large = (draws >= value - 1e-6 * max(1.0, abs(value))).sum() + np.isnan(draws).sum()
    return float((1 + as_large) / (1 + len(draws)))


RANGES = {
    "apd": (0.0, 2.0),
    "apd_excess": (-2.0, 2.0),
    "prt": (0.0, 2.0),
    "jsd": (0.0, 1.0),
    "graded": (0.0, 1.0),
    "binary": (0.0, 1.0),
}
