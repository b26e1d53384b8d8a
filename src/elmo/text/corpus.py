"""Sentences of tokens from files, folders, patterns, standard input or memory."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from elmo.text import looks
from elmo.text import raw as raw_text
from elmo.text.files import CorpusError, MissingTextError, TextFile, find_files, is_damage
from elmo.text.files import open_text as _open_text
from elmo.text.sentences import split_tokens, token_lists

__all__ = ["Corpus", "CorpusError", "MissingTextError", "split_tokens"]

_log = logging.getLogger("elmo")

IN_MEMORY = "<memory>"
_BOM = b"\xef\xbb\xbf"
_SPACES = b" \t\r\x0b\x0c"
_PIECE = 1 << 24  # bytes of a line that are held at a time
BlankLines = Literal["skip", "keep"]
EncodingErrors = Literal["strict", "replace"]
TextFormat = Literal["auto", "lines", "conllu"]

LONGEST_TOKEN = 1 << 24  # bytes; what is longer is none
_LONGEST_LINE = 1 << 25  # bytes of a line that becomes one sentence


class Line(list[str]):
    """The tokens of a line, and the line as it stands in its file, without white space around it.

    Args:
        tokens: of the line.
        text: the line.
    """

    def __init__(self, tokens: Iterable[str], text: str) -> None:
        super().__init__(tokens)
        self.text = text


class Corpus:
    """Sentences, each a list of tokens; read as they are asked for, and again on each iteration.

    One line is one sentence; only `\\n` ends a line. Tokens are separated by ASCII whitespace (space,
    tab, carriage return, vertical tab, form feed). Everything else stays inside its token: NUL and
    other control characters, no-break spaces, U+0085, U+2028. A byte order mark at the start of a
    file is dropped. A token has at most 16 MiB, and a line that becomes one sentence at most 32 MiB:
    what is longer is no text, and is refused. With `max_sentence_tokens` a line may have any length.

    Args:
        *sources: files, folders (all text files beneath, sorted), patterns such as
            `"news/*.txt.gz"`, `"-"` for standard input, or lists of these. Files packed by gzip,
            xz, bzip2 or Zstandard are unpacked on the way. A file named twice is read twice.
        blank_lines: `"skip"`, or `"keep"` for a sentence without tokens at each blank line (the
            usual treatment of WikiText).
        raw: the text has no marked sentences and tokens; find them with `syntok`. A blank line
            ends a paragraph.
        language: of raw text: `"en"`, `"de"` or `"es"`.
        lowercase: lower-case every token.
        encoding_errors: `"strict"` raises at a line that is not UTF-8; `"replace"` puts U+FFFD.
        max_sentence_tokens: a longer sentence is split in parts of this length; None for no limit.
        text_format: `"lines"`, one sentence a line; `"conllu"`, treebanks in CoNLL-U, of which the forms
            of the words are read, with the spaces in them; `"auto"` to tell by the name (`.conllu`)
            and the first lines. A text that looks like something else (XML, a table, a document a
            line) is warned of.
        whitespace: `"ascii"` as above; `"unicode"` as AllenNLP has it: lines end at a carriage return
            too, tokens at any white space of Unicode, and each sentence is a `Line`, which keeps the line
            as it stands. None for what the output asks for, `"ascii"` but in HDF5 in AllenNLP's layout.

    Raises:
        MissingTextError: a file is missing, a folder is empty, a pattern matches nothing; on
            construction.
        CorpusError: a line is not UTF-8, a compressed file is damaged, there is no sentence; while
            iterating. Both are ValueErrors, the first a FileNotFoundError as well.
        MissingExtraError: `raw=True` without `syntok`.

    Example:
        >>> import pathlib, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = pathlib.Path(folder.name) / "a.txt"
        >>> _ = path.write_text("The cat sat .\\n\\nIt purred .\\n")
        >>> list(Corpus(path))
        [['The', 'cat', 'sat', '.'], ['It', 'purred', '.']]
        >>> list(Corpus(path, blank_lines="keep", max_sentence_tokens=3))
        [['The', 'cat', 'sat'], ['.'], [], ['It', 'purred', '.']]
        >>> folder.cleanup()
    """

    def __init__(
        self,
        *sources: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
        blank_lines: BlankLines = "skip",
        raw: bool = False,
        language: str = "en",
        lowercase: bool = False,
        encoding_errors: EncodingErrors = "strict",
        max_sentence_tokens: int | None = None,
        text_format: TextFormat = "auto",
        whitespace: Literal["ascii", "unicode"] | None = None,
    ):
        if whitespace not in (None, "ascii", "unicode"):
            raise CorpusError(f"whitespace={whitespace!r}: must be 'ascii', 'unicode' or None")
        self.whitespace = whitespace
        if text_format not in ("auto", "lines", "conllu"):
            raise CorpusError(f"text_format={text_format!r}: must be 'auto', 'lines' or 'conllu'")
        self.text_format = text_format
        self._set_options(blank_lines, lowercase, encoding_errors, max_sentence_tokens)
        self.raw = raw
        self.language = language
        if raw:
            if blank_lines == "keep":
                raise CorpusError(
                    "blank_lines='keep': must be 'skip' with raw=True, where a blank line only "
                    "parts paragraphs"
                )
            raw_text.check(language)
        self._memory: list[list[str]] | None = None
        self._texts: list[TextFile] = []
        for source in _flatten(sources):
            self._texts.extend(find_files(source))
        if not self._texts:
            raise CorpusError("a corpus needs at least one file, folder or pattern")

    def _set_options(
        self,
        blank_lines: str,
        lowercase: bool,
        encoding_errors: str,
        max_sentence_tokens: int | None,
    ) -> None:
        for name, value, choices in (
            ("blank_lines", blank_lines, ("skip", "keep")),
            ("encoding_errors", encoding_errors, ("strict", "replace")),
        ):
            if value not in choices:
                raise CorpusError(f"{name}={value!r}: must be {' or '.join(map(repr, choices))}")
        longest = max_sentence_tokens
        if longest is not None and not (type(longest) is int and longest >= 1):
            raise CorpusError(f"max_sentence_tokens={longest!r}: must be 1 or more, or None")
        self.blank_lines = blank_lines
        self.lowercase = lowercase
        self.encoding_errors = encoding_errors
        self.max_sentence_tokens = longest

    @classmethod
    def from_sentences(
        cls,
        sentences: Iterable[Sequence[str] | str],
        *,
        blank_lines: BlankLines = "skip",
        lowercase: bool = False,
        max_sentence_tokens: int | None = None,
    ) -> Corpus:
        """A corpus held in memory.

        Args:
            sentences: lists of tokens, or strings, which are split at ASCII whitespace.
            blank_lines: what becomes of sentences without tokens.
            lowercase, max_sentence_tokens: as for files.

        Example:
            >>> list(Corpus.from_sentences([["A", "b"], "c d e"], lowercase=True))
            [['a', 'b'], ['c', 'd', 'e']]
        """
        memory = token_lists(sentences)
        corpus = cls.__new__(cls)
        corpus._set_options(blank_lines, lowercase, "strict", max_sentence_tokens)
        corpus.raw, corpus.language, corpus.text_format = False, "en", "lines"
        corpus.whitespace = None
        corpus._texts = []
        corpus._memory = memory
        return corpus

    @property
    def files(self) -> list[str]:
        """The files in the order in which they are read; empty for a corpus in memory."""
        return [text.name for text in self._texts]

    def by_file(self) -> Iterator[tuple[str, Corpus]]:
        """Pairs (path, the corpus of that file alone, read in the same way)."""
        if self._memory is not None:
            yield IN_MEMORY, self
        for text in self._texts:
            part = type(self).__new__(type(self))
            part.__dict__.update(self.__dict__, _texts=[text])
            yield text.name, part

    def __iter__(self) -> Iterator[list[str]]:
        for _, _, tokens in self.with_line_numbers():
            yield tokens

    def with_line_numbers(self) -> Iterator[tuple[str, int, list[str]]]:
        """Triples (path, number of the line from 1, tokens).

        Parts of a split sentence share their number. In memory the path is `"<memory>"` and the
        number counts sentences.
        """
        empty = True
        for path, number, tokens in self._all():
            empty = False
            yield path, number, tokens
        if empty:
            where = ", ".join(text.title for text in self._texts[:3]) or "the list of sentences"
            more = f" and {len(self._texts) - 3} more" if len(self._texts) > 3 else ""
            raise CorpusError(f"{where}{more}: there is no sentence in it")

    def _all(self) -> Iterator[tuple[str, int, list[str]]]:
        if self._memory is not None:
            for number, tokens in enumerate(self._memory, 1):
                if self.lowercase:
                    tokens = [token.lower() for token in tokens]
                if tokens or self.blank_lines == "keep":
                    for part in self._parts(tokens):
                        yield IN_MEMORY, number, part
        for text in self._texts:
            if self.is_conllu(text):
                found = self._conllu(text)
            elif self.raw:
                found = self._raw_sentences(text)
            else:
                found = self._wide(text) if self.whitespace == "unicode" else self._lines(text)
            for number, tokens in found:
                yield text.name, number, tokens

    def is_conllu(self, text: TextFile) -> bool:
        """Whether a file is read as CoNLL-U; warns, once, of one that looks like no text at all."""
        if self.text_format != "auto":
            return self.text_format == "conllu"
        if text.conllu is None:
            lines = _first_lines(text)
            name = text.name.lower().removesuffix(".gz").removesuffix(".xz").removesuffix(".zst")
            text.conllu = name.endswith(".conllu") or looks.is_conllu(lines)
            if not text.conllu and not self.raw and (said := looks.advice(lines)):
                _log.warning("%s: %s", text.title, said)
        return text.conllu

    def _wide(self, text: TextFile) -> Iterator[tuple[int, list[str]]]:
        """Lines as AllenNLP splits them."""
        for number, line in self._whole_lines(text):
            for one in line.removesuffix("\n").removesuffix("\r").split("\r"):
                one = one.strip()
                tokens = one.split()
                if len(tokens) > (self.max_sentence_tokens or len(tokens)):
                    for part in self._parts(tokens):
                        yield number, part
                elif tokens or self.blank_lines == "keep":
                    yield number, Line(tokens, one)

    def like_allennlp(self) -> Corpus:
        """The corpus with AllenNLP's white space, where no other was asked for."""
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__, whitespace=self.whitespace or "unicode")
        return copy

    def _whole_lines(self, text: TextFile) -> Iterator[tuple[int, str]]:
        line = b""
        for number, piece, ends in _pieces(text):
            line += piece
            if len(line) > _LONGEST_LINE:
                raise CorpusError(_too_long_a_line(text, number))
            if ends:
                yield number, self._decode(line, text, number)
                line = b""

    def _conllu(self, text: TextFile) -> Iterator[tuple[int, list[str]]]:
        lines = ((n, line.rstrip("\r\n")) for n, line in self._whole_lines(text))
        try:
            for number, tokens in looks.forms(lines):
                if self.lowercase:
                    tokens = [token.lower() for token in tokens]
                for part in self._parts(tokens):
                    yield number, part
        except CorpusError:
            raise
        except ValueError as error:
            raise CorpusError(
                f"{text.title}, {error}; where this is no CoNLL-U, say text_format='lines'"
            ) from None

    def _parts(self, tokens: list[str]) -> Iterator[list[str]]:
        size = self.max_sentence_tokens
        if size is None or len(tokens) <= size:
            yield list(tokens)
        else:
            for start in range(0, len(tokens), size):
                yield tokens[start : start + size]

    def _lines(self, text: TextFile) -> Iterator[tuple[int, list[str]]]:
        size = self.max_sentence_tokens
        keep = self.blank_lines == "keep"
        pending: list[str] = []  # of a line that is read in pieces
        length = 0  # of the line so far
        for number, piece, ends in _pieces(text):
            length += len(piece)
            if size is None and length > _LONGEST_LINE:
                raise CorpusError(_too_long_a_line(text, number))
            line = self._decode(b" ".join(piece.split()), text, number)
            tokens = line.split(" ") if line else []
            if pending:
                pending += tokens
                tokens = pending
            if size is not None and len(tokens) > size:
                whole = (len(tokens) - 1) // size * size  # leaves one token at least
                for start in range(0, whole, size):
                    yield number, tokens[start : start + size]
                tokens = tokens[whole:]
            if not ends:
                pending = tokens
                continue
            pending, length = [], 0
            if tokens or keep:
                yield number, tokens

    def _raw_sentences(self, text: TextFile) -> Iterator[tuple[int, list[str]]]:
        lines = (
            (number, self._decode(piece, text, number), ends)
            for number, piece, ends in _pieces(text)
        )
        for number, tokens in raw_text.sentences(lines):
            if self.lowercase:
                tokens = [token.lower() for token in tokens]
            for part in self._parts(tokens):
                yield number, part

    def _decode(self, line: bytes, text: TextFile, number: int) -> str:
        try:
            decoded = line.decode("utf-8", self.encoding_errors)
        except UnicodeDecodeError as error:
            raise CorpusError(
                f"{text.title}, line {number}: not UTF-8 (byte 0x{line[error.start]:02x}); convert "
                "the file, or continue with encoding_errors='replace' (--encoding-errors replace)"
            ) from None
        # capitals tell where sentences of raw text begin, so there it is lower-cased afterwards
        return decoded.lower() if self.lowercase and not self.raw else decoded

    def __repr__(self) -> str:
        if self._memory is not None:
            return f"Corpus({len(self._memory)} sentences in memory)"
        return f"Corpus({', '.join(map(repr, self.files[:3]))}{', …' * (len(self.files) > 3)})"


def _flatten(sources: Iterable[Any]) -> Iterator[str | os.PathLike[str]]:
    for source in sources:
        if isinstance(source, str | os.PathLike):
            yield source
        elif isinstance(source, list | tuple) and all(
            isinstance(s, str | os.PathLike) for s in source
        ):
            yield from source
        else:
            raise TypeError(
                f"source of type {type(source).__name__}: must be a path; lists of tokens go to "
                "Corpus.from_sentences"
            )


def _first_lines(text: TextFile) -> list[str]:
    """Whole lines from the start of a file; none of one that is damaged, which reading it tells."""
    try:
        with _open_text(text.path) as stream:
            start = stream.read(looks.START)
    except Exception as error:
        if not (is_damage(error) or isinstance(error, CorpusError)):
            raise
        return []
    lines = start.decode("utf-8", "replace").split("\n")
    return lines if len(start) < looks.START else lines[:-1]


def _too_long_a_line(text: TextFile, line: int) -> str:
    return (
        f"{text.title}, line {line}: has more than {_LONGEST_LINE:,} bytes, and a line is a sentence; "
        "put one sentence on a line, read running text as raw (--raw), or give max_sentence_tokens"
    )


def too_long(text: TextFile, line: int) -> str:
    """The message for a token that is none."""
    return (
        f"{text.title}, line {line}: has more than {LONGEST_TOKEN:,} bytes without a space, "
        "which is no token; is this a text?"
    )


def _pieces(text: TextFile) -> Iterator[tuple[int, bytes, bool]]:
    """Triples (line number, bytes, whether the line ends with them).

    Only a line above `_PIECE` bytes, and a last one that has no end, comes in several pieces; they are
    cut at whitespace, and the last of them ends the line.
    """
    number, carry, fresh, ends = 1, b"", True, True
    try:
        with _open_text(text.path) as stream:
            while piece := stream.readline(_PIECE):
                if fresh:
                    piece, fresh = piece.removeprefix(_BOM), False
                ends = piece.endswith(b"\n")
                piece, carry = carry + piece, b""
                if not ends:
                    cut = max(piece.rfind(space) for space in (b"%c" % s for s in _SPACES)) + 1
                    if len(piece) - cut > LONGEST_TOKEN:
                        raise CorpusError(too_long(text, number))
                    if cut == 0:
                        carry = piece
                        continue
                    piece, carry = piece[:cut], piece[cut:]
                yield number, piece, ends
                number += ends
            if not ends:
                yield number, carry, True
    except Exception as error:
        if not is_damage(error):
            raise
        raise text.damage(error, number - 1) from None
