"""From sentences to the ids that enter a network: the only place that adds 1.

A vocabulary and the published byte ids number from 0; in a network 0 is padding and everything
else is one more, for words and bytes alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from elmo.config import BiLMConfig
from elmo.system.threads import Lock
from elmo.text.buckets import length_buckets
from elmo.text.characters import Characters
from elmo.text.sentences import check_sentences, token_lists
from elmo.text.vocabulary import Vocabulary

if TYPE_CHECKING:
    pass

__all__ = ["EncodingReport", "SentenceEncoder", "TypeTable", "length_buckets"]

PADDING_ROW, BOS_ROW, EOS_ROW, FIRST_TYPE_ROW = 0, 1, 2, 3
_CACHED_TYPES = 1 << 18


@dataclass
class EncodingReport:
    """What an encoder has met so far.

    Attributes:
        sentences: number of sentences encoded.
        tokens: number of their tokens, boundaries not counted.
        unknown: tokens that the vocabulary does not list (0 without a vocabulary).
        cut: tokens that were cut to the model's number of bytes (0 without characters).
        first_cut: the first token that was cut, its line and, where known, its file; or None.
    """

    sentences: int = 0
    tokens: int = 0
    unknown: int = 0
    cut: int = 0
    first_cut: tuple[str, int, str | None] | None = None

    @property
    def unknown_share(self) -> float:
        """The share of `<UNK>` among the targets of a direction, the tokens and an end of each sentence;
        0 where there is none."""
        targets = self.tokens + self.sentences
        return self.unknown / targets if targets else 0.0

    def __str__(self) -> str:
        text = f"{self.tokens:,} tokens in {self.sentences:,} sentences, {self.unknown:,} unknown"
        if self.first_cut is not None:
            token, line, path = self.first_cut
            start = token if len(token) <= 24 else token[:24] + "…"
            where = f"line {line}" + (f" of {path}" if path else "")
            text += f", {self.cut:,} cut in length (the first is {start!r} on {where})"
        return text


class TypeTable(dict[str, int]):
    """Distinct tokens as rows of tables that are ready for a network.

    `table[token]` is the token's row, given out when it is first asked for; `complete()` then works
    out what is new. Rows 0, 1 and 2 are padding, `<S>` and `</S>`.

    Attributes:
        word_ids: int32 (rows,), vocabulary ids + 1 and 0 for padding; None without a vocabulary.
        unknown: bool (rows,), not listed; None without a vocabulary.
        bytes: int16 (rows, M), byte ids + 1 and 0 for padding; None without characters.
        cut: bool (rows,), cut to M − 2 bytes; None without characters.

    Example:
        >>> table = TypeTable(None, Characters(4), lowercase=False)
        >>> table["a"], table["b"], table["a"]
        (3, 4, 3)
        >>> _ = table.complete()
        >>> table.bytes[3]
        array([259,  98, 260, 261], dtype=int16)
    """

    def __init__(
        self, vocabulary: Vocabulary | None, characters: Characters | None, *, lowercase: bool
    ):
        super().__init__()
        self._vocabulary, self._characters, self._lowercase = vocabulary, characters, lowercase
        self._new: list[str] = []
        self._arrays: dict[str, np.ndarray] = {}
        self._rows = FIRST_TYPE_ROW
        if vocabulary is not None:
            v = vocabulary
            special = (v.bos_id, v.eos_id, v.pad_id)
            self._special = frozenset(v.tokens[i] for i in special if i is not None)
            ids = [0, v.bos_id + 1, v.eos_id + 1]
            self._arrays["word_ids"] = np.array(ids, np.int32)
            self._arrays["unknown"] = np.zeros(3, bool)
        if characters is not None:
            padding = np.zeros(characters.max_characters_per_token, np.int16)
            begin, end = characters.begin_sentence + 1, characters.end_sentence + 1
            self._arrays["bytes"] = np.stack([padding, begin, end]).astype(np.int16)
            self._arrays["cut"] = np.zeros(3, bool)

    def __missing__(self, token: str) -> int:
        if not isinstance(token, str):
            raise TypeError(f"token {token!r} is of type {type(token).__name__}: must be a str")
        row = self[token] = self._rows + len(self._new)
        self._new.append(token)
        return row

    def complete(self) -> list[str]:
        """Fill in the rows given out since the last call; returns their tokens."""
        new, self._new = self._new, []
        if not new:
            return new
        words = [token.lower() for token in new] if self._lowercase else new
        if self._vocabulary is not None:
            unk = self._vocabulary.unk_id
            ids = self._vocabulary.ids(words)
            # a word that is spelled like a boundary or like padding is neither
            ids[[i for i, word in enumerate(words) if word in self._special]] = unk
            self._put("word_ids", ids + 1)
            self._put("unknown", ids == unk)
        if self._characters is not None:
            self._put("bytes", self._characters.table(words) + 1)
            self._put("cut", self._characters.is_cut(words))
        self._rows += len(new)
        return new

    def _put(self, name: str, values: np.ndarray) -> None:
        array, end = self._arrays[name], self._rows + len(values)
        if end > len(array):
            grown = np.empty((max(end, 2 * len(array)), *array.shape[1:]), array.dtype)
            grown[: self._rows] = array[: self._rows]
            array = self._arrays[name] = grown
        array[self._rows : end] = values

    def _get(self, name: str) -> np.ndarray | None:
        array = self._arrays.get(name)
        return None if array is None else array[: self._rows]

    @property
    def word_ids(self) -> np.ndarray | None:
        return self._get("word_ids")

    @property
    def unknown(self) -> np.ndarray | None:
        return self._get("unknown")

    @property
    def bytes(self) -> np.ndarray | None:
        return self._get("bytes")

    @property
    def cut(self) -> np.ndarray | None:
        return self._get("cut")


class SentenceEncoder:
    """From lists of tokens to int32 ids with boundaries, `<S> w1 … wn </S>`.

    Args:
        vocabulary: numbers the words of a word model, and the targets of any model.
        characters: for a model that reads characters, `Characters` or the number M of characters
            a token; without it `encode` gives word ids.
        lowercase: lower-case tokens before they are looked up or spelled. A vocabulary with
            `lowercase=True` lower-cases what it looks up in any case.

    A word of a text that is spelled `<S>`, `</S>` or like padding is an unknown word, never a
    boundary; its characters are spelled out. `report` counts unknown and cut tokens over all calls
    of `encode` and `encode_batch`. Several threads may use one encoder.

    Raises:
        ValueError: neither a vocabulary nor characters.

    Example:
        >>> vocabulary = Vocabulary(["<S>", "</S>", "<UNK>", "a", "rose"])
        >>> encoder = SentenceEncoder(vocabulary)
        >>> encoder.encode(["a", "red", "rose"])
        array([1, 4, 3, 5, 2], dtype=int32)
        >>> encoder.encode_batch([["rose"], ["a", "rose"]])
        array([[1, 5, 2, 0],
               [1, 4, 5, 2]], dtype=int32)
        >>> print(encoder.report)
        6 tokens in 3 sentences, 1 unknown
        >>> SentenceEncoder(characters=5).encode(["a"])
        array([[259, 257, 260, 261, 261],
               [259,  98, 260, 261, 261],
               [259, 258, 260, 261, 261]], dtype=int32)
    """

    def __init__(
        self,
        vocabulary: Vocabulary | None = None,
        characters: Characters | int | None = None,
        lowercase: bool = False,
    ):
        if vocabulary is None and characters is None:
            raise ValueError("vocabulary=None, characters=None: at least one must be given")
        self.vocabulary = vocabulary
        self.characters = Characters(characters) if isinstance(characters, int) else characters
        self.lowercase = lowercase
        self._lock = Lock()  # of the table and the report
        self.reset_report()
        self._table = self.type_table()

    @classmethod
    def for_model(cls, config: BiLMConfig, vocabulary: Vocabulary | None) -> SentenceEncoder:
        """The encoder of a model that reads words, or bytes where it has a character CNN."""
        cnn = config.char_cnn
        characters = None if cnn is None else cnn.max_characters_per_token
        return cls(vocabulary, characters, lowercase=config.lowercase)

    def type_table(self) -> TypeTable:
        """A new table of distinct tokens with this encoder's settings."""
        return TypeTable(self.vocabulary, self.characters, lowercase=self.lowercase)

    def reset_report(self) -> None:
        """Begin to count anew."""
        self.report = EncodingReport()

    def encode(self, tokens: Sequence[str], line: int | None = None) -> np.ndarray:
        """The ids of one sentence, int32 (n + 2,), or (n + 2, M) for characters.

        Args:
            tokens: a list of tokens; it may be empty.
            line: its number, for the report; None for the number of sentences so far.
        """
        return self.encode_batch([tokens], lines=None if line is None else [line])[0]

    def encode_batch(
        self,
        sentences: Sequence[Sequence[str]],
        length: int | None = None,
        lines: Sequence[int] | None = None,
    ) -> np.ndarray:
        """The ids of sentences, int32 (batch, time), or (batch, time, M) for characters.

        Args:
            sentences: lists of tokens.
            length: time, boundaries included; None for that of the longest sentence.
            lines: numbers of the sentences, for the report.

        Raises:
            ValueError: a sentence is longer than `length`; nothing is cut.
        """
        with self._lock:
            rows = self._rows(sentences, length)  # (batch, time)
            self._count(rows, sentences, lines)
            table = self._table.word_ids if self.characters is None else self._table.bytes
            assert table is not None  # a vocabulary, characters or both were given
            return table[rows].astype(np.int32, copy=False)

    def word_ids(self, tokens: Sequence[str]) -> np.ndarray:
        """The vocabulary's ids + 1 of one sentence with its boundaries, int32 (n + 2,).

        These are the targets of a model that reads characters, and a word model's inputs. The
        report does not count them.
        """
        return self.word_ids_batch([tokens])[0]

    def word_ids_batch(
        self, sentences: Sequence[Sequence[str]], length: int | None = None
    ) -> np.ndarray:
        """The vocabulary's ids + 1 of sentences with boundaries, int32 (batch, time)."""
        if self.vocabulary is None:
            raise ValueError("vocabulary=None: word ids need a vocabulary")
        with self._lock:
            rows = self._rows(sentences, length)
            word_ids = self._table.word_ids
            assert word_ids is not None  # there is a vocabulary
            return word_ids[rows]

    def _rows(self, sentences: Sequence[Sequence[str]], length: int | None) -> np.ndarray:
        """Rows of the table of types for a padded batch, int64 (batch, time)."""
        check_sentences(sentences)
        if any(isinstance(s, str | bytes) or not hasattr(s, "__len__") for s in sentences):
            token_lists(sentences, split=False)  # says which one is no sentence
        if len(self._table) > _CACHED_TYPES:
            self._table = self.type_table()
        longest = max(map(len, sentences), default=0) + 2
        if length is not None and longest > length:
            raise ValueError(
                f"length={length!r}: must be {longest} or more for the longest sentence and its "
                "boundaries; split it (Corpus does with max_sentence_tokens)"
            )
        rows = np.zeros((len(sentences), longest if length is None else length), np.int64)
        row_of = self._table.__getitem__
        for row, tokens in zip(rows, sentences, strict=True):
            row[0] = BOS_ROW
            try:
                row[1 : len(tokens) + 1] = list(map(row_of, tokens))
            except TypeError:
                token_lists(sentences, split=False)  # says which token is none
                raise
            row[len(tokens) + 1] = EOS_ROW
        self._table.complete()
        return rows

    def _count(
        self,
        rows: np.ndarray,
        sentences: Sequence[Sequence[str]],
        lines: Sequence[int] | None,
    ) -> None:
        report = self.report
        if self._table.unknown is not None:
            report.unknown += int(self._table.unknown[rows].sum())
        if self._table.cut is not None:
            cut = self._table.cut[rows]  # (batch, time)
            report.cut += int(cut.sum())
            if report.first_cut is None and cut.any():
                b, t = map(int, np.argwhere(cut)[0])
                line = report.sentences + b + 1 if lines is None else lines[b]
                report.first_cut = (sentences[b][t - 1], line, None)
        report.sentences += len(sentences)
        report.tokens += sum(map(len, sentences))
