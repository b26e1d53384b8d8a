"""Sentences and tokens of running text, found by `syntok` (an optional package)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from elmo.text.files import CorpusError, MissingExtraError

LANGUAGES = ("en", "de", "es")
_BLOCK = 1 << 16  # characters that are segmented at a time
_DASHES = re.compile("(—+|–{2,}|-{2,})")  # syntok leaves "mind—and" and "mind--and" whole
# What syntok splits words at, and drops.
_INSIDE = frozenset("-_\u00ad\u058a\u05be\u2010\u2011\u2012")


def check(language: str) -> None:
    """Raise where raw text in this language cannot be split here."""
    if language not in LANGUAGES:
        raise CorpusError(
            f"language={language!r}: must be one of {', '.join(LANGUAGES)}, which raw text can be "
            "split in; other languages need a file with one sentence a line"
        )
    check_installed()


def check_installed() -> None:
    """Raise where the package that splits raw text is missing."""
    try:
        import syntok.segmenter  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            "raw text needs the package syntok: pip install 'elmo-keras[raw]', or give one "
            "sentence a line with tokens separated by spaces"
        ) from None


def sentences(lines: Iterable[tuple[int, str, bool]]) -> Iterator[tuple[int, list[str]]]:
    """Sentences of running text.

    Args:
        lines: triples (line number, text, whether the line ends with it). A blank line ends a
            paragraph; a paragraph beyond 65,536 characters is segmented block by block, and the
            last sentence of a block is read again with the next one.

    Yields:
        Pairs (number of the line where the sentence begins, its tokens).
    """
    block, first = "", 1  # text not yet segmented, and the line where it begins
    for number, line, ends in lines:
        if not block:
            first = number
        block += line if not ends else line.rstrip("\r\n") + "\n"
        if ends and not line.strip():
            yield from _segment(block, first)
            block = ""
        elif len(block) > _BLOCK:
            found = list(_with_offsets(block))
            if len(found) > 1:
                keep = found[-1][0]
                yield from _numbered(found[:-1], block, first)
                first += block.count("\n", 0, keep)
                block = block[keep:]
            elif ends or not found:
                yield from _numbered(found, block, first)
                block = ""
    yield from _segment(block, first)


def tokens(sentence: str) -> list[str]:
    """The tokens of one sentence; where the text seems to be several, those of all.

    Example:
        >>> tokens("It isn't far.")
        ['It', 'is', "n't", 'far', '.']
        >>> tokens("He came—too late.")
        ['He', 'came', '—', 'too', 'late', '.']
        >>> tokens("Mrs. MacGregor's drawing-room, to-day")
        ['Mrs', '.', 'MacGregor', "'s", 'drawing-room', ',', 'to-day']
    """
    return [token for _, found in _with_offsets(sentence) for token in found]


def _segment(block: str, first: int) -> Iterator[tuple[int, list[str]]]:
    yield from _numbered(list(_with_offsets(block)), block, first)


def _numbered(
    found: list[tuple[int, list[str]]], block: str, first: int
) -> Iterator[tuple[int, list[str]]]:
    seen = 0
    for offset, tokens in found:
        first += block.count("\n", seen, offset)
        seen = offset
        yield first, tokens


def _with_offsets(block: str) -> Iterator[tuple[int, list[str]]]:
    import syntok.segmenter

    for paragraph in syntok.segmenter.analyze(block):
        for sentence in paragraph:
            # what is left of control characters may be empty or hold odd spaces
            words = (part for word in _whole(sentence) for part in word.split())
            tokens = [part for word in words for part in _DASHES.split(word) if part]
            if tokens:
                yield sentence[0].offset, tokens


def _whole(sentence: Iterable[Any]) -> list[str]:
    """The words of a sentence; those that syntok splits at a hyphen or before a capital are joined."""
    words: list[str] = []
    for token in sentence:
        word = token.value
        if words and word[:1].isalnum() and words[-1][-1:].isalnum():
            inside = token.spacing in _INSIDE
            capital = not token.spacing and words[-1][-1].islower() and word[0].isupper()
            if inside or capital:
                words[-1] += token.spacing.strip("\u00ad") + word  # a soft hyphen is no letter
                continue
        words.append(word)
    return words
