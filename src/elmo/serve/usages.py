"""The one place where the page meets `elmo.usages`: a word's uses, senses, orders and neighbours."""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from elmo.serve.answers import UsagesInfo
from elmo.serve.refusing import Refused
from elmo.serve.usages_answers import (
    Line,
    Lines,
    NearestFound,
    SenseFound,
    SensesFound,
    TellingFound,
    WordCount,
    WordsFound,
)
from elmo.usages.index import UnknownWordError, UsageIndex
from elmo.usages.senses.clustering import Method
from elmo.usages.senses.description import Telling, central, context, telling_words
from elmo.usages.senses.inventory import SenseError, Senses, split_sense
from elmo.usages.senses.of_word import WordSenses, open_senses, order_by_sense, substitutes_of

if TYPE_CHECKING:
    from elmo.api import BiLM
    from elmo.serve.usages_asking import Concordance
    from elmo.usages.use import Use

_KEPT = 8  # words whose uses are in memory
_CENTRAL = 3  # uses shown of each sense
_TELLING = 8  # words that tell a sense apart
_BESIDE = 3  # tokens by which lines are sorted


class Usages:
    """Questions about an index of uses; not for several threads at once, but for `telling`.

    Args:
        index: of uses.
        model: that made it, for sentences of one's own; None where it is not there.
    """

    def __init__(self, index: UsageIndex, model: BiLM | None = None) -> None:
        self.index, self.model = index, model
        self._words: OrderedDict[str, WordSenses] = OrderedDict()
        self._told: OrderedDict[tuple[str, bytes], list[list[Telling]] | None] = OrderedDict()
        self._folded: list[str] | None = None

    def info(self) -> UsagesInfo:
        """What the index holds."""
        index = self.index
        return UsagesInfo(
            name=index.folder.resolve().name,
            uses=len(index),
            words=len(index.words),
            documents=len(index.documents),
            sentences=index.sentences,
            layer=index.description.layer,
            periods=list(index.periods),
            tokens_by_period=index.tokens_by_period(),
            senses=importlib.util.find_spec("sklearn") is not None,
            umap=importlib.util.find_spec("umap") is not None,
        )

    def words(self, prefix: str, offset: int, limit: int) -> WordsFound:
        """Words that begin with letters, whatever their case; the word itself goes first."""
        if self._folded is None:
            self._folded = [word.casefold() for word in self.index.words]
        folded = prefix.casefold()
        found = [n for n, word in enumerate(self._folded) if word.startswith(folded)]
        found.sort(key=lambda n: self.index.words[n] != prefix)
        chosen = [self.index.words[n] for n in found[offset : offset + limit]]
        return WordsFound(len(found), [WordCount(w, self.index.count(w)) for w in chosen])

    def word(self, word: str) -> WordSenses:
        """A word's uses with their senses, those of the last words remembered.

        Raises:
            Refused: it has no uses.
        """
        if word not in self._words:
            try:
                self._words[word] = open_senses(self.index, word)
            except UnknownWordError as error:
                raise Refused(404, str(error)) from None
            if len(self._words) > _KEPT:
                self._words.popitem(last=False)
        self._words.move_to_end(word)
        return self._words[word]

    def lines(self, asked: Concordance) -> Lines:
        """A page of a concordance.

        Raises:
            Refused: there is no such word, sense, period or use.
        """
        found, period = self.word(asked.word), asked.period
        chosen = np.ones(len(found.uses), bool)
        if asked.sense:
            chosen &= found.labels == (-1 if asked.sense < 0 else self._place(found, asked.sense))
        if period:
            if period not in self.index.periods:
                raise Refused(404, f"period: {period!r} is none of the periods of the index")
            chosen &= found.uses.period == self.index.periods.index(period)
        rows = np.flatnonzero(chosen)
        rows = rows[_order(found, asked.sort, rows)]
        offset = asked.offset
        if asked.use >= 0:
            (at,) = np.nonzero(rows == asked.use)
            if not len(at):
                raise Refused(404, f"use: {asked.use} is not among these lines of {asked.word!r}")
            offset = int(at[0]) // asked.limit * asked.limit
        return Lines(
            word=asked.word,
            uses=self.index.count(asked.word),
            read=len(found.uses),
            total=len(rows),
            offset=offset,
            lines=[self.line(found, row) for row in rows[offset : offset + asked.limit].tolist()],
        )

    def line(self, found: WordSenses, row: int, similarity: float | None = None) -> Line:
        """A use of a word as it is shown."""
        document = self.index.document(int(found.uses.document[row]))
        label = int(found.labels[row])
        return Line(
            row,
            found.tokens[row],
            int(found.uses.place[row]),
            _short(document.name),
            document.period,
            None if label < 0 else found.senses.senses[label].number,
            similarity,
        )

    def nearest(self, word: str, use: int, count: int) -> NearestFound:
        """Uses of a word most like one of them, each sentence once.

        Raises:
            Refused: there is no such use.
        """
        from elmo.usages.senses.clustering import contextual

        found = self.word(word)
        if use >= len(found.uses):
            raise Refused(404, f"use: is {use}; {word!r} has 0 to {len(found.uses) - 1}")
        table = contextual(found.uses.vectors)
        cosines = table @ table[use]
        nearest: list[Line] = []
        seen = {tuple(found.tokens[use])}
        for row in np.argsort(-cosines, kind="stable").tolist():
            tokens = tuple(found.tokens[row])
            if tokens not in seen:
                seen.add(tokens)
                nearest.append(self.line(found, row, round(float(cosines[row]), 5)))
            if len(nearest) == count:
                break
        return NearestFound(self.line(found, use), nearest)

    def like(self, tokens: list[str], place: int, across: bool, count: int) -> NearestFound:
        """Uses most like a token of a sentence.

        Raises:
            Refused: the model is not there or is another one, or the word has no uses.
        """
        from elmo.usages.like import UsageModel, like

        if self.model is None:
            raise Refused(
                422, "the model that made this index is not served; give it (elmo serve MODEL)"
            )
        asked = UsageModel(self.index, self.model)
        try:
            use, found = like(
                self.index, asked, self.index.searcher, tokens, place, across=across, k=count
            )
        except UnknownWordError as error:
            raise Refused(404, str(error)) from None
        except ValueError as error:
            raise Refused(422, str(error)) from None
        return NearestFound(_alone(use), [_alone(one) for one in found])

    def senses(self, word: str) -> SensesFound:
        """The senses of a word, described."""
        found = self.word(word)
        uses, labels = found.uses, found.labels
        contexts = [context(t, p) for t, p in zip(found.tokens, uses.place.tolist(), strict=True)]
        words = telling_words(contexts, labels, _TELLING)
        middle = central(uses.vectors, labels, found.keys, _CENTRAL)
        inside = (labels >= 0) & (uses.period >= 0)
        counts = np.zeros((len(found.senses.senses), len(uses.periods)), int)
        np.add.at(counts, (labels[inside], uses.period[inside]), 1)
        totals, whole = counts.sum(axis=0).tolist(), int((labels >= 0).sum())
        described = []
        for place, sense in enumerate(found.senses.senses):
            there = place < len(middle)  # a kept sense may have no use in this index
            own = int((labels == place).sum())
            row = counts[place].tolist()
            described.append(
                SenseFound(
                    number=sense.number,
                    name=sense.name,
                    uses=own,
                    share=own / max(whole, 1),
                    counts=row,
                    shares=[
                        n / total if total else None for n, total in zip(row, totals, strict=True)
                    ],
                    words=[one.word for one in words[place]] if there else [],
                    central=[self.line(found, row) for row in middle[place]] if there else [],
                )
            )
        tried = {} if found.induced is None else found.induced.silhouettes
        return SensesFound(
            word=word,
            uses=self.index.count(word),
            read=len(uses),
            method=found.senses.method,
            kept=found.kept,
            silhouette=max(tried.values()) if tried else None,
            without=int((labels < 0).sum()),
            periods=list(uses.periods),
            senses=described,
            edits=list(found.senses.edits),
        )

    def telling(self, found: WordSenses) -> TellingFound:
        """The substitutes that tell senses apart, none where no model predicts; for another thread.

        It takes seconds, for the model reads forty sentences of each sense; the last are remembered.
        """
        key = found.senses.word, found.labels.tobytes()
        if key not in self._told:
            if len(self._told) >= _KEPT:
                self._told.popitem(last=False)
            model = self.model
            self._told[key] = None if model is None else substitutes_of(self.index, found, model)
        told = self._told[key]
        numbers = [one.number for one in found.senses.senses]
        return TellingFound(
            found.senses.word,
            {n: [one.word for one in own] for n, own in zip(numbers, told or [], strict=False)},
        )

    # Edits, each kept in the word's file.

    def rename(self, word: str, sense: int, name: str) -> SensesFound:
        """Another name of a sense."""
        return self._edit(word, lambda found: found.senses.rename(sense, name))

    def merge(self, word: str, senses: list[int]) -> SensesFound:
        """Several senses made one."""
        return self._edit(word, lambda found: found.senses.merge(senses))

    def split(self, word: str, sense: int) -> SensesFound:
        """One sense split."""
        return self._edit(
            word,
            lambda found: split_sense(found.senses, sense, found.keys, found.uses.vectors),
        )

    def induce(self, word: str, method: Method, k: int) -> SensesFound:
        """Senses found anew, and kept.

        Raises:
            Refused: there cannot be so many.
        """
        self.word(word)
        try:
            found = open_senses(self.index, word, method, k or None, again=True)
        except ValueError as error:
            raise Refused(422, str(error)) from None
        return self._edit(word, lambda _: found.senses)

    def _edit(self, word: str, change: Callable[[WordSenses], Senses]) -> SensesFound:
        self._words.pop(word, None)  # another process may have written the file
        found = self.word(word)
        try:
            change(found).write(self.index.folder)
        except SenseError as error:
            raise Refused(422, str(error)) from None
        self._words.pop(word, None)
        return self.senses(word)

    def _place(self, found: WordSenses, number: int) -> int:
        for place, sense in enumerate(found.senses.senses):
            if sense.number == number:
                return place
        known = ", ".join(str(sense.number) for sense in found.senses.senses)
        raise Refused(404, f"sense: {number} is none of {found.senses.word!r}; there are {known}")


def _order(found: WordSenses, sort: str, rows: np.ndarray) -> np.ndarray:
    """In which order rows are shown, `(rows,)`."""
    uses = found.uses
    if sort == "context":
        return np.argsort(first_components(uses.vectors)[0][rows, 0], kind="stable")
    if sort == "sense":
        return order_by_sense(found, rows)
    if sort == "period":
        return np.argsort(uses.period[rows], kind="stable")
    if sort == "text":
        return np.arange(len(rows))
    keys = []
    for row in rows.tolist():
        tokens, place = found.tokens[row], int(uses.place[row])
        beside = (
            tokens[:place][: -_BESIDE - 1 : -1] if sort == "left" else tokens[place + 1 :][:_BESIDE]
        )
        keys.append([token.casefold() for token in beside])
    return np.array(sorted(range(len(rows)), key=keys.__getitem__), int)


def first_components(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Principal components 1 and 2 of vectors, `(n, 2)`, and the shares of variance that they explain.

    Example:
        >>> cross = np.array([[2.0, 0, 0], [-2, 0, 0], [0, 1, 0], [0, -1, 0]])
        >>> places, explained = first_components(cross)
        >>> np.abs(places).round(3).tolist(), explained.round(2).tolist()
        ([[2.0, 0.0], [2.0, 0.0], [0.0, 1.0], [0.0, 1.0]], [0.8, 0.2])
    """
    centred = vectors - vectors.mean(axis=0)
    values, directions = np.linalg.eigh(centred.T.astype(np.float64) @ centred)
    directions = directions[:, ::-1][:, :2]
    largest = np.abs(directions).argmax(axis=0)
    directions = directions * np.sign(directions[largest, range(directions.shape[1])])
    explained = values[::-1][:2] / max(values.sum(), np.finfo(float).tiny)
    return centred @ directions, np.clip(explained, 0, 1)


def _alone(use: Use) -> Line:
    return Line(
        -1, use.tokens, use.place, _short(use.document), use.period, None, round(use.similarity, 5)
    )


def _short(document: str) -> str:
    """A document's name as lines have it: the file's, without folder and endings."""
    return Path(document).name.partition(".")[0] or document
