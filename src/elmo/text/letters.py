"""How likely the spelling of a word is, by the letters of a vocabulary's types.

A model that predicts `<UNK>` has not said which word it is. Charged for the spelling as well, models
with different vocabularies can be compared on a text (Mielke and Eisner 2019, "Spell Once, Summon
Anywhere").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

CODE_POINTS = 0x110000


class Letters:
    r"""A unigram model of code points.

    .. math:: -\ln P(w) = -\sum_{c \in w} \ln p(c) - \ln p(\mathrm{end})

    :math:`p` counts the code points of the types and an end behind each of them; one more end and one
    letter that is none of these are added, and the latter is any code point, all equally likely.

    Args:
        types: of a vocabulary, each counted once.

    Example:
        >>> letters = Letters(["ab", "a"])  # a a b, three ends, one letter of another kind
        >>> np.exp(-letters.nats(["", "a"])) * [7, 49]
        array([3., 6.])
    """

    def __init__(self, types: Iterable[str]) -> None:
        types = list(types)
        counts = np.bincount(_code_points("".join(types)), minlength=CODE_POINTS).astype(np.float64)
        total = counts.sum() + len(types) + 2
        self._letters = np.log(total) - np.log(np.where(counts, counts, 1 / CODE_POINTS))
        self._end = float(np.log(total) - np.log(len(types) + 1))

    def nats(self, words: Sequence[str]) -> np.ndarray:
        """The nats of each word's spelling, `(n,)`."""
        lengths = np.fromiter(map(len, words), np.int64, len(words))
        each = np.append(0.0, np.cumsum(self._letters[_code_points("".join(words))]))
        ends = np.cumsum(lengths)
        return each[ends] - each[ends - lengths] + self._end


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.int64)
