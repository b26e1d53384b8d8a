"""A whole corpus as flat arrays of ids, in memory or in a folder."""

from __future__ import annotations

import contextlib
import itertools
import os
import tempfile
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np

from elmo.text.corpus import IN_MEMORY, Corpus
from elmo.text.encoding import FIRST_TYPE_ROW, EncodingReport, SentenceEncoder, TypeTable
from elmo.text.letters import Letters

_CHUNK = 1 << 20  # tokens that are held as Python numbers at a time
_WORD_TYPES = 1 << 21  # types that a word model remembers before it begins anew
_LARGE = 1 << 26  # tokens of which the ids are kept in memory


@dataclass(frozen=True)
class EncodedCorpus:
    """Sentences without their boundaries, one behind another.

    Attributes:
        ids: int32 (n_tokens,), vocabulary id + 1 of each token; None without a vocabulary.
        types: int32 (n_tokens,), the row of each token in `type_bytes`; None for a word model.
        type_bytes: int16 (3 + n_types, M), byte ids + 1 of the distinct tokens, rows 0, 1 and 2
            being padding, `<S>` and `</S>`; None for a word model.
        offsets: int64 (n_sentences + 1,); sentence i is `ids[offsets[i]:offsets[i + 1]]`.
        bos, eos: what stands for `<S>` and `</S>` in `ids` (vocabulary id + 1), or None.
        report: counts of sentences, tokens, unknown and cut tokens.
        characters: code points of the text, its tokens between single spaces and an end of line behind
            each sentence.
        spelling: nats of the spelling of the unknown tokens; see `Letters`.

    Example:
        >>> from elmo.text.vocabulary import Vocabulary
        >>> corpus = Corpus.from_sentences(["a rose", "a red rose"])
        >>> vocabulary = Vocabulary(["<S>", "</S>", "<UNK>", "a", "rose"])
        >>> encoded = encode_corpus(SentenceEncoder(vocabulary, characters=5), corpus)
        >>> encoded.ids, encoded.offsets
        (array([4, 5, 4, 3, 5], dtype=int32), array([0, 2, 5]))
        >>> encoded.types, encoded.type_bytes.shape
        (array([3, 4, 3, 5, 4], dtype=int32), (6, 5))
        >>> encoded.sentence(1), encoded.unknown
        (array([4, 3, 5], dtype=int32), 1)
    """

    ids: np.ndarray | None
    types: np.ndarray | None
    type_bytes: np.ndarray | None
    offsets: np.ndarray
    bos: int | None
    eos: int | None
    report: EncodingReport = field(repr=False)
    characters: int = 0
    spelling: float = 0.0

    @property
    def n_sentences(self) -> int:
        return len(self.offsets) - 1

    @property
    def n_tokens(self) -> int:
        """Tokens of all sentences, boundaries not counted."""
        return int(self.offsets[-1])

    @property
    def unknown(self) -> int:
        """How many tokens are not in the vocabulary."""
        return self.report.unknown

    @property
    def cut(self) -> int:
        """How many tokens were cut to the model's number of bytes."""
        return self.report.cut

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each sentence, int64 (n_sentences,), boundaries not counted."""
        return np.diff(self.offsets)

    def sentence(self, i: int) -> np.ndarray:
        """The ids of sentence i, int32 (n,); without a vocabulary its rows of `type_bytes`."""
        if not 0 <= i < self.n_sentences:
            raise IndexError(f"sentence {i}: must be from 0 to {self.n_sentences - 1}")
        tokens = self.types if self.ids is None else self.ids
        assert tokens is not None  # there are words, characters or both
        return tokens[self.offsets[i] : self.offsets[i + 1]]


def encode_corpus(
    encoder: SentenceEncoder, corpus: Corpus, folder: str | os.PathLike[str] | None = None
) -> EncodedCorpus:
    """Encode all sentences of a corpus in one reading.

    Args:
        encoder: says whether `ids`, `types` or both are made; its own report stays as it is.
        corpus: a `Corpus`, or an iterable of lists of tokens.
        folder: where the arrays of tokens (four bytes per token, eight for a character model) are written
            and mapped from. It is made where it is missing; `ids.bin` and `types.bin` in it are
            replaced. By default they are in memory, those of a large text in temporary files that
            go with the process.

    Raises:
        CorpusError: the corpus cannot be read.
    """
    vocabulary, characters = encoder.vocabulary, encoder.characters
    if not isinstance(corpus, Corpus):
        corpus = Corpus.from_sentences(corpus, blank_lines="keep")
    ids = _Store(folder, "ids.bin") if vocabulary is not None else None
    types = _Store(folder, "types.bin") if characters is not None else None
    report = EncodingReport()
    table = encoder.type_table()
    spelled = _Spelled(encoder)
    offsets = array("q", [0])
    rows = array("i")
    blank = 0
    seen = 0  # types of which it is known whether they are cut
    for path, line, tokens in corpus.with_line_numbers():
        rows.extend(map(table.__getitem__, tokens))
        offsets.append(offsets[-1] + len(tokens))
        blank += not tokens
        if report.first_cut is None and characters is not None and len(table) > seen:
            report.first_cut = _first_cut(table, line, path)
            seen = len(table)
        if len(rows) >= _CHUNK:
            _flush(rows, table, ids, types, report, spelled)
            rows = array("i")
            if characters is None and len(table) > _WORD_TYPES:
                table = encoder.type_table()
                spelled.forget()
    _flush(rows, table, ids, types, report, spelled)
    report.sentences, report.tokens = len(offsets) - 1, offsets[-1]
    return EncodedCorpus(
        ids=None if ids is None else ids.array(),
        types=None if types is None else types.array(),
        type_bytes=table.bytes,
        offsets=np.array(offsets, np.int64),
        bos=None if vocabulary is None else vocabulary.bos_id + 1,
        eos=None if vocabulary is None else vocabulary.eos_id + 1,
        report=report,
        characters=spelled.characters + blank,
        spelling=spelled.nats,
    )


class _Spelled:
    """How long the tokens of a text are, and what spelling the unknown ones takes.

    Args:
        encoder: of the text.
    """

    def __init__(self, encoder: SentenceEncoder) -> None:
        self.encoder = encoder
        self.characters, self.nats = 0, 0.0
        self._letters: Letters | None = None
        self.forget()

    def forget(self) -> None:
        """Begin anew with an empty table."""
        self._lengths = np.zeros(FIRST_TYPE_ROW, np.int32)
        self._nats = np.zeros(FIRST_TYPE_ROW)

    def add(self, table: TypeTable, rows: np.ndarray) -> None:
        """Tokens by their rows in a table that is complete."""
        new = list(itertools.islice(table, len(self._lengths) - FIRST_TYPE_ROW, None))
        if new:
            lengths = np.fromiter(map(len, new), np.int32, len(new))
            self._nats = np.append(self._nats, self._spelling(table, new))
            self._lengths = np.append(self._lengths, lengths)
        self.characters += int(self._lengths[rows].sum(dtype=np.int64)) + len(rows)
        if table.word_ids is not None:
            self.nats += float(self._nats[rows].sum())

    def _spelling(self, table: TypeTable, new: list[str]) -> np.ndarray:
        nats = np.zeros(len(new))
        v = self.encoder.vocabulary
        if v is None or table.unknown is None:
            return nats
        unknown = np.flatnonzero(table.unknown[len(self._lengths) :])
        if len(unknown):
            if self._letters is None:
                special = {v.bos_id, v.eos_id, v.unk_id, v.pad_id}
                self._letters = Letters(t for i, t in enumerate(v.tokens) if i not in special)
            words = [new[i] for i in unknown]
            if self.encoder.lowercase or v.lowercase:
                words = [word.lower() for word in words]
            nats[unknown] = self._letters.nats(words)
        return nats


def _first_cut(table: TypeTable, line: int, path: str) -> tuple[str, int, str | None] | None:
    new = table.complete()
    if new and table.cut is not None:
        cut = np.flatnonzero(table.cut[-len(new) :])
        if len(cut):
            return new[cut[0]], line, None if path == IN_MEMORY else path
    return None


def _flush(
    rows: Sequence[int],
    table: TypeTable,
    ids: _Store | None,
    types: _Store | None,
    report: EncodingReport,
    spelled: _Spelled,
) -> None:
    table.complete()
    chunk = np.array(rows, np.int32)
    spelled.add(table, chunk)
    if ids is not None and table.word_ids is not None and table.unknown is not None:
        ids.add(table.word_ids[chunk])
        report.unknown += int(table.unknown[chunk].sum())
    if types is not None and table.cut is not None:
        types.add(chunk)
        report.cut += int(table.cut[chunk].sum())


class _Store:
    """An int32 array that grows chunk by chunk, in memory, or in a file if asked or from `_LARGE` on."""

    def __init__(self, folder: str | os.PathLike[str] | None, name: str):
        # Grows in place: chunks that are joined at the end would take the memory twice.
        self._numbers = array("i")
        self._file: BinaryIO | None = None
        if folder is not None:
            Path(folder).mkdir(parents=True, exist_ok=True)
            path = Path(folder) / name
            path.unlink(missing_ok=True)  # an array that is mapped from it stays whole
            self._file = open(path, "w+b")  # noqa: SIM115 - closed by array()

    def add(self, chunk: np.ndarray) -> None:
        if self._file is None and len(self._numbers) + len(chunk) > _LARGE:
            self._file = tempfile.TemporaryFile(prefix="elmo-text-")  # noqa: SIM115
            self._write(self._numbers)
            self._numbers = array("i")
        if self._file is not None:
            self._write(chunk)
        else:
            self._numbers.frombytes(chunk.tobytes())

    def _write(self, numbers: np.ndarray | array[int]) -> None:
        assert self._file is not None
        try:
            data = numbers.data if isinstance(numbers, np.ndarray) else memoryview(numbers)
            self._file.write(data.cast("B"))
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.close()
            place = os.path.dirname(self._file.name) if isinstance(self._file.name, str) else None
            raise OSError(
                error.errno,
                f"{error.strerror}: the ids of a text want four bytes per token, eight with characters "
                "(TMPDIR chooses another place for temporary files)",
                place or tempfile.gettempdir(),
            ) from error

    def array(self) -> np.ndarray:
        if self._file is None:
            return (
                np.frombuffer(self._numbers, np.int32) if self._numbers else np.zeros(0, np.int32)
            )
        with self._file as file:  # the map keeps what it needs of it
            if file.tell() == 0:
                return np.zeros(0, np.int32)
            file.flush()
            return np.memmap(file, np.int32, mode="r")
