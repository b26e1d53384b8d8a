"""An index of uses, opened: words, their uses, sentences and documents."""

from __future__ import annotations

import difflib
import functools
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elmo.system.errors import FormatError
from elmo.usages.description import Description
from elmo.usages.documents import Document, in_order
from elmo.usages.like import UsageModel, like
from elmo.usages.search import Searcher
from elmo.usages.segment import SegmentReader
from elmo.usages.use import Use
from elmo.usages.word_uses import UNKNOWN, WordUses, period_index

if TYPE_CHECKING:
    from elmo.api import BiLM
    from elmo.hub.resolving import Source

_CLOSE = 20_000  # of the most frequent words, in which a spelling is looked for


class UnknownWordError(ValueError, KeyError):
    """A word without uses in an index; says which ones are spelled like it."""

    __str__ = ValueError.__str__


class UsageIndex:
    """The uses of the words of a corpus, on disk; what is asked for is read.

    Sentences and documents are numbered through all segments, in the order in which they were added.

    Args:
        folder: where `elmo.usages.build` wrote it.
        model: the one that made it, for `like`; None for where it was then.

    Attributes:
        folder: the same.
        description: what it holds, and what made it.
        periods: of all documents, sorted.
        segments: the parts of it.

    Raises:
        FileNotFoundError: there is no index, or it is unfinished.
        FormatError: it is damaged.
    """

    def __init__(self, folder: str | os.PathLike[str], model: BiLM | Source | None = None) -> None:
        self.folder = Path(folder)
        self.model = UsageModel(self, model)
        self.description = Description.read(folder)
        described = self.description.segments
        self.segments = [SegmentReader(self.folder / one.folder) for one in described]
        for one, segment in zip(described, self.segments, strict=True):
            if sum(document.sentences for document in one.documents) != segment.sentences:
                raise FormatError(
                    f"{segment.folder}: has not the sentences of its documents; build the index again"
                )
        self.documents = [document for one in described for document in one.documents]
        self.periods = in_order({document.period for document in self.documents} - {""})
        lengths = [document.sentences for document in self.documents]
        self._document_ends = np.cumsum(lengths)
        self._first_sentences = np.cumsum([0, *(segment.sentences for segment in self.segments)])
        number = {period: n for n, period in enumerate(self.periods)}
        self._period_of = np.array([number.get(d.period, UNKNOWN) for d in self.documents], int)

    def __repr__(self) -> str:
        return (
            f"UsageIndex({str(self.folder)!r}: {len(self):,} uses of {len(self.words):,} words in "
            f"{len(self.documents):,} documents)"
        )

    def __len__(self) -> int:
        return sum(len(segment.vectors) for segment in self.segments)

    @property
    def dim(self) -> int:
        """The size of a vector."""
        return self.segments[0].dim

    @property
    def sentences(self) -> int:
        """How many sentences there are."""
        return int(self._first_sentences[-1])

    @functools.cached_property
    def words(self) -> list[str]:
        """The words that have uses, the most frequent first."""
        if len(self.segments) == 1:
            return self.segments[0].words()
        found: Counter[str] = Counter()
        for segment in self.segments:
            found.update(
                dict(zip(segment.spellings, np.diff(segment.offsets).tolist(), strict=True))
            )
        return [word for word in sorted(found, key=lambda w: (-found[w], w)) if found[word]]

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and self.count(word) > 0

    def count(self, word: str) -> int:
        """How many uses of a word there are; 0 for an unknown one."""
        return sum(rows.stop - rows.start for rows in (s.rows(word) for s in self.segments))

    def counts(self, word: str) -> dict[str, int]:
        """How many uses each period has."""
        known = self.periods_of(word)
        found = np.bincount(known[known != UNKNOWN], minlength=len(self.periods))
        return dict(zip(self.periods, found.tolist(), strict=True))

    def frequency(self, word: str) -> int:
        """How often it stands in the texts, whether it has uses in the index or not."""
        return sum(segment.count(word) for segment in self.segments)

    def uses(self, word: str, period: str | None = None, most: int | None = None) -> WordUses:
        """The uses of a word.

        Args:
            word: as the texts spell it.
            period: of this one alone.
            most: if there are more, so many of them, spread evenly over the texts.

        Raises:
            UnknownWordError: it has no uses; names words that are spelled like it.
            ValueError: there is no such period.
        """
        chosen, found = self.chosen(word, period, most)
        return WordUses(word, self._floats(word, chosen), *found, self.periods)

    def chosen(
        self, word: str, period: str | None = None, most: int | None = None
    ) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]:
        """Which of a word's uses are meant, by their numbers from 0, and the `places` of these.

        Args, Raises: see `uses`.
        """
        parts = [self.places(word, number) for number in range(len(self.segments))]
        sentence, place, document, of_period = (
            np.concatenate(arrays) for arrays in zip(*parts, strict=True)
        )
        if not len(sentence):
            raise self.unknown(word)
        rows = np.arange(len(sentence))
        if period is not None:
            rows = np.flatnonzero(of_period == period_index(self.periods, period))
        if most is not None and len(rows) > most:
            rows = rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
        return rows, (sentence[rows], place[rows], document[rows], of_period[rows])

    def places(self, word: str, segment: int) -> tuple[np.ndarray, ...]:
        """Sentence, place, document and period of each use of a word in a segment, int64 `(n,)`."""
        reader = self.segments[segment]
        rows = reader.rows(word)
        sentence = reader.sentence[rows].astype(np.int64) + self._first_sentences[segment]
        document = np.searchsorted(self._document_ends, sentence, "right")
        return sentence, reader.place[rows].astype(np.int64), document, self._period_of[document]

    # What a search needs.

    def pieces(self, word: str | None = None) -> list[tuple[np.ndarray, np.ndarray]]:
        """The vectors of a word, or of all, in int8 with their scales, segment by segment."""
        everything = slice(None)
        rows = [everything if word is None else segment.rows(word) for segment in self.segments]
        return [(s.vectors[r], s.scales[r]) for s, r in zip(self.segments, rows, strict=True)]

    def periods_of(self, word: str) -> np.ndarray:
        """The period of each use of a word, an index into `periods` or -1, `(n,)`."""
        return np.concatenate(
            [self.places(word, number)[3] for number in range(len(self.segments))]
        )

    def shown(self, word: str, numbers: np.ndarray) -> Iterator[Use]:
        """Uses of a word, by their numbers from 0, with their sentences."""
        parts = [self.places(word, number)[:2] for number in range(len(self.segments))]
        sentences, places = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        for number in numbers:
            yield self._use(int(sentences[number]), int(places[number]))

    def located(self, numbers: np.ndarray) -> Iterator[Use]:
        """Uses of any word, by their numbers from 0 through all segments, with their sentences."""
        for segment, row in zip(*self._split(numbers), strict=True):
            reader = self.segments[segment]
            sentence = int(reader.sentence[row]) + int(self._first_sentences[segment])
            yield self._use(sentence, int(reader.place[row]))

    def floats_at(self, numbers: np.ndarray) -> np.ndarray:
        """Vectors of uses of any word by the same numbers, float32 `(n, dim)`."""
        segments, rows = self._split(numbers)
        found = np.empty((len(numbers), self.dim), np.float32)
        for number, reader in enumerate(self.segments):
            here = segments == number
            found[here] = reader.floats(rows[here])
        return found

    def sample(self, most: int) -> np.ndarray:
        """So many vectors at most, spread evenly over all uses, float32 `(n, dim)`."""
        numbers = np.linspace(0, len(self) - 1, min(most, len(self))).round().astype(np.int64)
        return self.floats_at(numbers)

    def identity(self) -> list[list[Any]]:
        """What tells the vectors of this index from others: the segments with what they were made of."""
        return [
            [segment.folder.name, len(segment.vectors), segment.fingerprint()]
            for segment in self.segments
        ]

    def _split(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        begins = np.cumsum([0, *(len(segment.vectors) for segment in self.segments)])
        segments = np.searchsorted(begins, numbers, "right") - 1
        return segments, np.asarray(numbers) - begins[segments]

    def _use(self, sentence: int, place: int) -> Use:
        document = self.document_of(sentence)
        return Use(self.sentence(sentence), place, 1.0, sentence, document.name, document.period)

    def _floats(self, word: str, chosen: np.ndarray) -> np.ndarray:
        begin, found = 0, []
        for segment in self.segments:
            rows = segment.rows(word)
            end = begin + rows.stop - rows.start
            here = chosen[(chosen >= begin) & (chosen < end)] - begin
            whole = len(here) == end - begin
            found.append(segment.floats(rows if whole else here + rows.start))
            begin = end
        return np.concatenate(found)

    def unknown(self, word: str) -> UnknownWordError:
        """The error for a word without uses, with what is spelled like it."""
        cases = [w for w in (word.lower(), word.capitalize(), word.upper()) if w in self]
        near = difflib.get_close_matches(word, self.words[:_CLOSE], 4, 0.75)
        alike = list(dict.fromkeys([w for w in [*cases, *near] if w != word]))[:4]
        hint = f"; spelled like it: {', '.join(alike)}" if alike else ""
        times = self.frequency(word)
        there = (
            f"stands {times:,} times in the texts, and was not indexed"
            if times
            else ("does not occur in the texts")
        )
        return UnknownWordError(f"word={word!r}: {there}{hint}")

    def sentence(self, number: int) -> list[str]:
        """The tokens of a sentence.

        Raises:
            IndexError: there is none of this number.
        """
        if not 0 <= number < self.sentences:
            raise IndexError(f"sentence {number}: must be from 0 to {self.sentences - 1:,}")
        segment = int(np.searchsorted(self._first_sentences, number, "right")) - 1
        return self.segments[segment].tokens_of(number - int(self._first_sentences[segment]))

    def document(self, number: int) -> Document:
        """A document by its number."""
        return self.documents[number]

    def document_of(self, sentence: int) -> Document:
        """The document that a sentence stands in."""
        return self.documents[int(np.searchsorted(self._document_ends, sentence, "right"))]

    def like(
        self,
        sentence: str | Sequence[str],
        place: int | None = None,
        *,
        across: bool = False,
        k: int = 20,
        period: str | None = None,
    ) -> list[Use]:
        """The uses that are most like one in a sentence, nearest first, each phrase once.

        Compared are cosines, after the mean over the uses of the word (across all, over all uses) is
        taken off: what is left is what the context made of the word.

        Args:
            sentence: tokens separated by spaces, the one that is meant in brackets, such as
                `"on the [bank] of the river"`; or a list of tokens, with `place`.
            place: which of the tokens.
            across: among the uses of all words, not of this one alone.
            k: how many.
            period: uses of this one alone.

        Raises:
            ValueError: no token is marked, the word has no uses, or the model is another one.
            FileNotFoundError: the model is not where it was.
        """
        return like(
            self, self.model, self.searcher, sentence, place, across=across, k=k, period=period
        )[1]

    @functools.cached_property
    def searcher(self) -> Searcher:
        """Searches by vectors."""
        return Searcher(self)

    def tokens_by_period(self) -> dict[str, int]:
        """How many tokens the texts of each period have; those without a period are left out."""
        found = dict.fromkeys(self.periods, 0)
        for document, tokens in zip(self.documents, self._document_tokens(), strict=True):
            if document.period:
                found[document.period] += tokens
        return found

    def _document_tokens(self) -> Iterator[int]:
        for one, segment in zip(self.description.segments, self.segments, strict=True):
            ends = np.cumsum([0, *(document.sentences for document in one.documents)])
            yield from np.diff(segment.sentence_offsets[ends]).tolist()
