"""Change of the words of an index."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from elmo.usages.change.carrying import best, carried
from elmo.usages.change.comparison import (
    Comparison,
    WordChange,
    change_of,
    corrected,
    measures_of,
    prepared,
)
from elmo.usages.index import UsageIndex
from elmo.usages.periods import two_periods
from elmo.usages.senses.inventory import Senses, use_keys
from elmo.usages.word_uses import UNKNOWN, WordUses

READ = 20_000  # uses of a word that are read, spread evenly over the texts
_MEAN_WORDS, _MEAN_USES = 2000, 20


def words_to_compare(index: UsageIndex, least: int, most: int | None = None) -> list[str]:
    """Words with letters and enough uses for two periods, the most frequent first."""
    found: list[str] = []
    for word in index.words:
        if len(found) == most or index.count(word) < 2 * least:
            break
        if any(map(str.isalpha, word)):
            found.append(word)
    return found


def change_of_words(
    index: UsageIndex,
    comparison: Comparison,
    words: Iterable[str],
    *,
    jobs: int | None = None,
) -> list[WordChange]:
    """Compares words of an index between two periods.

    Senses are those that are kept in a word's file, else induced. The numbers do not depend on which
    other words are asked, except for q, nor on the number of threads.

    Args:
        index: of uses.
        comparison: the periods, and how they are compared.
        words: as the texts spell them.
        jobs: threads; None for as many as there are processors.

    Returns:
        Words with enough uses in both periods.

    Raises:
        UnknownWordError: a word has no uses.
        ValueError: there is no such period.
    """
    from threadpoolctl import threadpool_limits

    side = two_periods(comparison.earlier, comparison.later, index.periods)
    sizes = period_sizes(index, side)

    def one(word: str) -> WordChange | None:
        uses = index.uses(word, most=READ)
        found = change_of(uses, comparison, kept_senses(index, uses), sizes)
        if found is None or len(uses) < READ:
            return found
        counts = index.counts(word).values()
        number = [sum(n for n, s in zip(counts, side, strict=True) if s == p) for p in (0, 1)]
        million = [n / max(size, 1) * 1e6 for n, size in zip(number, sizes, strict=True)]
        return replace(found, uses=(number[0], number[1]), per_million=(million[0], million[1]))

    with threadpool_limits(1), ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        found = list(pool.map(one, list(words)))
    return corrected([change for change in found if change is not None])


def kept_senses(index: UsageIndex, uses: WordUses) -> np.ndarray | None:
    """The senses of uses by the file of their word; None where there is none."""
    senses = Senses.read(index.folder, uses.word)
    if senses is None:
        return None
    tokens = (index.sentence(number) for number in uses.sentence.tolist())
    return senses.labels(use_keys(tokens, uses.place.tolist()), uses.vectors)


def period_sizes(index: UsageIndex, side: np.ndarray) -> tuple[int, int]:
    """How many tokens two periods have; see `two_periods`."""
    sizes = list(index.tokens_by_period().values())
    first, second = (
        sum(n for n, s in zip(sizes, side.tolist(), strict=True) if s == p) for p in (0, 1)
    )
    return first, second


def common_mean(index: UsageIndex, words: Sequence[str] | None = None) -> np.ndarray:
    """The mean vector over words, each with equal weight, `(dim,)`.

    Args:
        index: of uses.
        words: by default the 2,000 most frequent.
    """
    chosen = index.words[:_MEAN_WORDS] if words is None else words
    means = [index.uses(word, most=_MEAN_USES).vectors.mean(axis=0) for word in chosen]
    return np.asarray(np.mean(means, axis=0), np.float32)


def carrying_uses(
    index: UsageIndex, word: str, comparison: Comparison, count: int = 5
) -> dict[str, list[dict[str, Any]]]:
    """The uses that carry the score of a word, of either period, no sentence twice.

    Args:
        index: of uses.
        word: as the texts spell it.
        comparison: the periods.
        count: uses of each.
    """
    uses = index.uses(word, most=READ)
    side = np.append(two_periods(comparison.earlier, comparison.later, uses.periods), UNKNOWN)
    uses = uses.take(side[uses.period] >= 0)
    later = side[uses.period] == 1
    values = carried(prepared(uses.vectors, comparison), later)
    found = {}
    for name, period in ((comparison.earlier, ~later), (comparison.later, later)):
        rows = np.flatnonzero(period)
        tokens = [index.sentence(number) for number in uses.sentence[rows].tolist()]
        keys = [" ".join(sentence).lower() for sentence in tokens]
        found[name] = [
            {
                "tokens": tokens[i],
                "place": int(uses.place[rows[i]]),
                "carried": float(values[rows[i]]),
                "sentence": int(uses.sentence[rows[i]]),
                "document": index.document(int(uses.document[rows[i]])).name,
                "period": index.document(int(uses.document[rows[i]])).period,
            }
            for i in best(values[rows], keys, count)
        ]
    return found


def with_frequency(found: Sequence[WordChange]) -> dict[str, dict[str, float]]:
    """Spearman's correlation of each measure with the frequency of the words, controlled or not.

    Frequency is that of the rarer of the two periods, which decides how noisy a score is.
    """
    least = np.array([min(one.uses) for one in found])
    result = {}
    for name in measures_of(found):
        plain = np.array([one.scores[name].value for one in found if name in one.scores])
        row = {"plain": _spearman(least, plain)}
        kept = [i for i, one in enumerate(found) if name in one.controlled]
        if kept:
            row["controlled"] = _spearman(
                least[kept], np.array([found[i].controlled[name] for i in kept])
            )
        result[name] = row
    return result


def _spearman(x: np.ndarray, y: np.ndarray) -> float:
    kept = np.isfinite(y)
    x, y = x[kept], y[kept]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    return float(spearmanr(x, y).statistic)
