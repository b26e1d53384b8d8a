"""Judged pairs of uses: Spearman's correlation of cosines with median judgments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata, spearmanr

from elmo.usages.layouts.wug import Wug
from elmo.usages.unit_vectors import unit_length

Encode = Callable[[Sequence[str], Sequence[tuple[int, int]]], np.ndarray]


@dataclass(frozen=True)
class Correlation:
    """Of cosines with judgments.

    Attributes:
        word: `""` for the pairs of all words together.
        pairs: how many.
        spearman: NaN where all judgments or all cosines are the same.
        low, high: its bootstrap interval of 95 %, words drawn for all of them, pairs for one.
    """

    word: str
    pairs: int
    spearman: float
    low: float = np.nan
    high: float = np.nan

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Judged:
    """How cosines go with judgments.

    Attributes:
        together: the pairs of all words as one sample.
        mean: of the words' correlations, as the CoMeDi and WiC tasks report it; NaN ones left out.
        words: each word's own.
    """

    together: Correlation
    mean: float
    words: list[Correlation]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "together": self.together.to_dict(),
            "mean": self.mean,
            "words": [word.to_dict() for word in self.words],
        }


def judge(
    words: Sequence[Wug],
    encode: Encode,
    *,
    centred: bool = False,
    resamples: int = 1000,
    seed: int = 0,
) -> Judged:
    """Compares cosines of uses with the median judgment of each pair; judgments of 0 count for nothing.

    Args:
        words: with their judgments.
        encode: from texts and spans of characters to vectors.
        centred: take the mean of a word's uses off first.
        resamples: of the intervals; 0 for none.
        seed: of the resamples.

    Raises:
        ValueError: there are no judged pairs.
    """
    cosines, medians, owners = [], [], []
    for number, word in enumerate(words):
        pairs = word.medians()
        rows = {use.identifier: row for row, use in enumerate(word.uses)}
        kept = [(a, b) for a, b in pairs if a in rows and b in rows]
        if not kept:
            continue
        spans = [(use.begin, use.end) for use in word.uses]
        vectors = encode([use.context for use in word.uses], spans)
        table = unit_length(vectors, vectors.mean(axis=0) if centred else None)
        first, second = (table[[rows[pair[side]] for pair in kept]] for side in (0, 1))
        cosines.append(np.einsum("nd,nd->n", first, second))
        medians.append(np.array([pairs[pair] for pair in kept]))
        owners.append(number)
    if not cosines:
        raise ValueError("no pair of uses is judged; judgments.tsv holds none other than 0")
    rng = np.random.default_rng(seed)
    own = [
        Correlation(words[number].lemma, len(x), spearman(x, y), *_of_pairs(x, y, resamples, rng))
        for number, x, y in zip(owners, cosines, medians, strict=True)
    ]
    x, y = np.concatenate(cosines), np.concatenate(medians)
    interval = _of_words(cosines, medians, resamples, rng)
    values = np.array([word.spearman for word in own])
    mean = float(np.nanmean(values)) if np.isfinite(values).any() else np.nan
    return Judged(Correlation("", len(x), spearman(x, y), *interval), mean, own)


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's correlation; NaN where one of the two does not vary."""
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return float(spearmanr(x, y).statistic)


def _of_pairs(
    x: np.ndarray, y: np.ndarray, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    if not resamples or np.isnan(spearman(x, y)):
        return np.nan, np.nan
    rows = rng.integers(0, len(x), (resamples, len(x)))
    first, second = (rankdata(values[rows], axis=1) for values in (x, y))
    first, second = (ranks - ranks.mean(axis=1, keepdims=True) for ranks in (first, second))
    norms = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return _ends((first * second).sum(axis=1) / norms)


def _of_words(
    cosines: Sequence[np.ndarray],
    medians: Sequence[np.ndarray],
    resamples: int,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Pairs of one word are alike, so words are drawn; a single word's pairs."""
    if len(cosines) == 1:
        return _of_pairs(cosines[0], medians[0], resamples, rng)
    found = []
    for _ in range(resamples):
        drawn = rng.integers(0, len(cosines), len(cosines))
        found.append(
            spearman(*(np.concatenate([part[i] for i in drawn]) for part in (cosines, medians)))
        )
    return _ends(np.array(found))


def _ends(values: np.ndarray) -> tuple[float, float]:
    kept = values[np.isfinite(values)]
    if not len(kept):
        return np.nan, np.nan
    low, high = np.quantile(kept, [0.025, 0.975])
    return float(low), float(high)
