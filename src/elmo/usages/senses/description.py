"""What tells a sense from the others: its words, its most central uses, its share of each period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from elmo.usages.change.carrying import best
from elmo.usages.senses.clustering import centres, contextual

WINDOW = 5  # tokens on each side of the word
LEAST = 2  # uses of a sense that have a word which is to tell it apart


class Telling(NamedTuple):
    """A word that stands with one sense more often than with the others.

    Attributes:
        word: the word.
        g2: log-likelihood ratio; 10.83 is p = 0.001 for a single word.
        uses: of the sense, that have it nearby.
    """

    word: str
    g2: float
    uses: float


def log_likelihood_ratio(
    inside: np.ndarray, outside: np.ndarray, n_inside: float, n_outside: float
) -> np.ndarray:
    r"""G² of how often things happen inside and outside (Dunning 1993).

    .. math:: G^2 = 2 \sum_{ij} O_{ij} \ln \frac{O_{ij}}{E_{ij}}

    over the table of two rows (happens or not) and two columns (inside or outside).

    Args:
        inside, outside: `(things,)`, how often each happens.
        n_inside, n_outside: how often it could.

    Returns:
        `(things,)`, negative where a thing is rarer inside.

    Example:
        >>> log_likelihood_ratio(np.array([10.0, 5.0]), np.array([0.0, 5.0]), 20, 20).round(2).tolist()
        [17.26, 0.0]
    """
    observed = np.stack(
        [
            *(np.asarray(inside, float), np.asarray(outside, float)),
            *(n_inside - np.asarray(inside, float), n_outside - np.asarray(outside, float)),
        ]
    )
    total = n_inside + n_outside
    rows = [observed[0] + observed[1]] * 2 + [observed[2] + observed[3]] * 2
    expected = np.stack(rows) * np.array([n_inside, n_outside] * 2)[:, None] / total
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(observed > 0, observed * np.log(observed / expected), 0.0)
    sign = np.where(observed[0] * n_outside >= observed[1] * n_inside, 1.0, -1.0)
    return sign * 2 * terms.sum(axis=0) + 0.0


def telling_words(
    contexts: Sequence[Sequence[str]], labels: np.ndarray, count: int = 8
) -> list[list[Telling]]:
    """For each sense the words that stand near its uses more often than near the others'.

    Args:
        contexts: of each use the words around it; one that stands there twice counts once.
        labels: `(uses,)`, below 0 for no sense.
        count: words of each sense, at most.

    Returns:
        For each sense, those with the largest G² first.
    """
    number = int(labels.max(initial=-1)) + 1
    counts: list[Counter[str]] = [Counter() for _ in range(number)]
    for words, label in zip(contexts, labels.tolist(), strict=True):
        if label >= 0:
            counts[label].update(set(words))
    return _best(counts, np.bincount(labels[labels >= 0], minlength=number), count)


def telling_substitutes(
    substitutes: Sequence[Sequence[tuple[str, float]]], labels: np.ndarray, count: int = 8
) -> list[list[Telling]]:
    """The same from substitutes: each counts with its probability in the place of the word.

    Args:
        substitutes: of each use pairs of a word and its log-probability.
        labels, count: as `telling_words`.
    """
    number = int(labels.max(initial=-1)) + 1
    counts: list[Counter[str]] = [Counter() for _ in range(number)]
    for found, label in zip(substitutes, labels.tolist(), strict=True):
        for word, log_probability in found if label >= 0 else ():
            counts[label][word] += float(np.exp(log_probability))
    return _best(counts, np.bincount(labels[labels >= 0], minlength=number), count, least=0)


def _best(
    counts: list[Counter[str]], uses: np.ndarray, count: int, least: float = LEAST
) -> list[list[Telling]]:
    words = sorted(set().union(*counts)) if counts else []
    table = np.array([[own[word] for word in words] for own in counts], float)
    found = []
    for sense, own in enumerate(table):
        others = table.sum(axis=0) - own
        g2 = log_likelihood_ratio(own, others, float(uses[sense]), float(uses.sum() - uses[sense]))
        order = [i for i in np.argsort(-g2, kind="stable") if g2[i] > 0 and own[i] >= least]
        found.append([Telling(words[i], float(g2[i]), float(own[i])) for i in order[:count]])
    return found


def context(tokens: Sequence[str], place: int, window: int = WINDOW) -> list[str]:
    """The words around a token, lower-cased, without marks.

    Example:
        >>> context("She sat , on the bank of it .".split(), 5, 3)
        ['on', 'the', 'of', 'it']
    """
    around = [*tokens[max(0, place - window) : place], *tokens[place + 1 : place + 1 + window]]
    return [word.lower() for word in around if any(map(str.isalnum, word))]


def central(
    vectors: np.ndarray, labels: np.ndarray, keys: Sequence[str], count: int = 3
) -> list[list[int]]:
    """For each sense its uses that are nearest to its centre, no sentence twice.

    Args:
        vectors: `(n, dim)`.
        labels: `(n,)`, below 0 for no sense.
        keys: the same for uses of the same sentence.
        count: uses of each sense, at most.
    """
    table = contextual(vectors)
    found = []
    for sense, middle in enumerate(centres(table, labels)):
        rows = np.flatnonzero(labels == sense)
        order = best(table[rows] @ middle, [keys[row] for row in rows.tolist()], count)
        found.append([int(rows[i]) for i in order])
    return found


def shares(labels: np.ndarray, period: np.ndarray, periods: int) -> np.ndarray:
    """Which share of each period's uses each sense has: `(senses, periods)`; NaN without uses.

    Uses without a sense or a period count for nothing.

    Example:
        >>> shares(np.array([0, 0, 1, -1]), np.array([0, 1, 1, 0]), 2).tolist()
        [[1.0, 0.5], [0.0, 0.5]]
    """
    number = int(labels.max(initial=-1)) + 1
    counts = np.zeros((number, periods))
    known = (labels >= 0) & (period >= 0)
    np.add.at(counts, (labels[known], period[known]), 1)
    total = counts.sum(axis=0)
    return np.where(total > 0, counts / np.maximum(total, 1), np.nan)
