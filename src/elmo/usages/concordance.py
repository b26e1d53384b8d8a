"""A concordance: the uses of a word, one to a line, sorted by context, by period or by sense."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np

from elmo.usages.index import UsageIndex
from elmo.usages.use import Use
from elmo.usages.word_uses import WordUses, period_index

Order = Literal["text", "left", "right", "period", "context", "sense"]
ORDERS = get_args(Order)
_SORTED_BY = 3  # tokens beside the word
_BY_CONTEXT = 20_000  # uses whose vectors are sorted


def concordance(
    index: UsageIndex,
    word: str,
    sort: Order = "text",
    *,
    period: str | None = None,
    most: int | None = None,
) -> list[Use]:
    """The uses of a word in an order.

    Args:
        index: of uses.
        word: as the texts spell it.
        sort: `"text"`, as they come; `"left"`, by the words before it, from the nearest on; `"right"`,
            by the words behind it; `"period"`; `"context"`, so that uses with like vectors stand
            together: along the first principal component of the vectors; or `"sense"`, as `by_sense`.
        period: uses of this one alone.
        most: at most so many, spread evenly over the texts, chosen before they are sorted.

    Raises:
        UnknownWordError: the word has no uses.
        ValueError: there is no such order or period.
    """
    if sort not in ORDERS:
        raise ValueError(f"sort={sort!r}: must be {', '.join(map(repr, ORDERS))}")
    if sort == "context":
        uses = index.uses(word, period, _BY_CONTEXT if most is None else min(most, _BY_CONTEXT))
        return lines(index, uses.take(np.argsort(_first_component(uses.vectors), kind="stable")))
    if sort == "sense":
        return [use for _, use in by_sense(index, word, period=period, most=most)]
    found = _places(index, word, period, most)
    shown = lines(index, found)
    if sort == "text":
        return shown
    keys: dict[str, Callable[[int], object]] = {
        "left": lambda i: _folded(shown[i].tokens[: shown[i].place][: -_SORTED_BY - 1 : -1]),
        "right": lambda i: _folded(
            shown[i].tokens[shown[i].place + 1 : shown[i].place + 1 + _SORTED_BY]
        ),
        "period": lambda i: int(found.period[i]),
    }
    key = keys[sort]
    return [shown[i] for i in sorted(range(len(shown)), key=key)]  # type: ignore[arg-type]


def by_sense(
    index: UsageIndex, word: str, *, period: str | None = None, most: int | None = None
) -> list[tuple[str, Use]]:
    """The uses of a word by its senses, those that are kept or else induced ones (`open_senses`).

    Of each sense the most central uses come first; uses in no sense stand at the end.

    Args:
        index, word, period, most: see `concordance`.

    Returns:
        Pairs of the sense's name, else its number, `""` for none; and the use.

    Raises:
        UnknownWordError: the word has no uses.
        ValueError: there is no such period.
        MissingExtraError: senses have to be induced, and scikit-learn is not installed.
    """
    from elmo.usages.senses.of_word import open_senses, order_by_sense

    wanted = None if period is None else period_index(index.periods, period)
    found = open_senses(index, word)
    rows = np.arange(len(found.uses))
    if wanted is not None:
        rows = np.flatnonzero(found.uses.period == wanted)
    if most is not None and len(rows) > most:
        rows = rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
    rows = rows[order_by_sense(found, rows)]
    names = [*(sense.label for sense in found.senses.senses), ""]  # the last one's place is -1
    shown = lines(index, found.uses.take(rows))
    return [(names[n], use) for n, use in zip(found.labels[rows].tolist(), shown, strict=True)]


def lines(index: UsageIndex, uses: WordUses) -> list[Use]:
    """Uses with their sentences, documents and periods."""
    found = []
    for sentence, place, document in zip(
        uses.sentence.tolist(), uses.place.tolist(), uses.document.tolist(), strict=True
    ):
        of = index.document(document)
        found.append(Use(index.sentence(sentence), place, 1.0, sentence, of.name, of.period))
    return found


def _places(index: UsageIndex, word: str, period: str | None, most: int | None) -> WordUses:
    """The uses without their vectors, which a concordance by words does not need."""
    rows, found = index.chosen(word, period, most)
    return WordUses(word, np.empty((len(rows), 0), np.float32), *found, index.periods)


def _folded(tokens: list[str]) -> list[str]:
    return [token.casefold() for token in tokens]


def _first_component(vectors: np.ndarray) -> np.ndarray:
    """Where each vector lies along the direction of most variance, `(n,)`."""
    centred = vectors - vectors.mean(axis=0)
    _, directions = np.linalg.eigh(centred.T @ centred)
    direction = directions[:, -1]
    direction *= np.sign(direction[np.argmax(np.abs(direction))])  # the same way round each time
    return centred @ direction
