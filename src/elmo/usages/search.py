"""The nearest uses in an index: of one word, exactly, or of all words."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from elmo.usages.across import AcrossSearch, exact, open_across
from elmo.usages.cosines import Rows, cosines, inverse_norms, largest
from elmo.usages.word_uses import period_index

if TYPE_CHECKING:
    from elmo.usages.index import UsageIndex

_REMEMBERED = 32  # words whose mean and lengths are kept
_SAMPLE = 50_000  # uses that the common mean of all words is taken of


class Found(NamedTuple):
    """Uses by their numbers.

    Attributes:
        numbers: within the word, as `UsageIndex.chosen` has them; across all, as
            `UsageIndex.located` takes them.
        similarities: cosines, the largest first.
    """

    numbers: np.ndarray
    similarities: np.ndarray


class Searcher:
    """Searches an index; remembers what it has worked out about the last words.

    Args:
        index: of uses.

    Attributes:
        progress: whether the making of an index of faiss is shown.
    """

    def __init__(self, index: UsageIndex) -> None:
        self.index, self.progress = index, False
        self._words: OrderedDict[str, tuple[Rows, np.ndarray, np.ndarray]] = OrderedDict()
        self._mean: np.ndarray | None = None
        self._across: AcrossSearch | None = None

    def within(
        self, word: str, vector: np.ndarray, k: int = 20, period: str | None = None
    ) -> Found:
        """The k uses of a word that are nearest to a vector.

        The mean over the uses of the word is taken off all vectors: what is left is what the context
        made of the word.

        Args:
            word: as the texts spell it.
            vector: `(dim,)`.
            k: how many; fewer where there are no more.
            period: uses of this one alone.

        Raises:
            UnknownWordError: it has no uses.
            ValueError: there is no such period.
        """
        rows, mean, inverse = self._word(word)
        found = cosines(rows, vector, mean, inverse)
        numbers = np.arange(len(found))
        if period is not None:
            wanted = period_index(self.index.periods, period)
            numbers = np.flatnonzero(self.index.periods_of(word) == wanted)
        best = numbers[largest(found[numbers], k)]
        return Found(best, found[best])

    def across(self, vector: np.ndarray, k: int = 20) -> Found:
        """The k uses of any word that are nearest to a vector.

        The mean over the uses of all words is taken off. With the package faiss-cpu an index
        over the vectors is made when it is first needed, kept in the folder, and made anew when documents
        were added; its best candidates are compared exactly. Without it all uses are compared.
        """
        if self._across is None:
            self._across = open_across(self.index, self.mean(), self.progress)
        if self._across is None:
            return Found(*exact(self.index, vector, self.mean(), k))
        return Found(*self._across.search(vector, k))

    def mean(self) -> np.ndarray:
        """The mean over the uses of all words, or over many of them, spread evenly."""
        if self._mean is None:
            self._mean = self.index.sample(_SAMPLE).mean(axis=0)
        return self._mean

    def _word(self, word: str) -> tuple[Rows, np.ndarray, np.ndarray]:
        if word not in self._words:
            rows = Rows(self.index.pieces(word))
            if not len(rows):
                raise self.index.unknown(word)
            mean = rows.mean()
            self._words[word] = rows, mean, inverse_norms(rows, mean)
            if len(self._words) > _REMEMBERED:
                self._words.popitem(last=False)
        self._words.move_to_end(word)
        return self._words[word]
