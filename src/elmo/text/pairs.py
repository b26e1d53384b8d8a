"""Minimal pairs: two sentences that differ in one point, of which one is acceptable."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from elmo.text import raw
from elmo.text.files import CorpusError, TextFile, find_files, is_damage, open_text
from elmo.text.sentences import split_tokens

Tokens = Literal["raw", "spaces"]
Tokenizer = Callable[[str], Sequence[str]]
_LONGEST = 1 << 20  # bytes of a line
_FIELDS = "sentence_good", "sentence_bad"


class Pair(NamedTuple):
    """Two sentences as lists of tokens, and what they test.

    Attributes:
        good, bad: the acceptable sentence and the other one.
        paradigm: the phenomenon; `UID` in BLiMP.
        field: a group of paradigms, such as `"syntax"`.
    """

    good: Sequence[str]
    bad: Sequence[str]
    paradigm: str = ""
    field: str = ""


def tokenizer(tokens: Tokens | Tokenizer) -> Tokenizer:
    """From a sentence to its tokens.

    Args:
        tokens: `"raw"`: as `raw=True` of `Corpus` finds them (extra `raw`); `"spaces"`: the sentences
            are tokenized already; or a function.

    Raises:
        MissingExtraError: the package for `"raw"` is not installed.
        ValueError: another word.

    Example:
        >>> tokenizer("raw")("Who isn't here?")
        ['Who', 'is', "n't", 'here', '?']
    """
    if callable(tokens):
        return tokens
    if tokens == "spaces":
        return split_tokens
    if tokens != "raw":
        raise ValueError(f"tokens={tokens!r}: must be 'raw', 'spaces' or a function")
    raw.check("en")
    return lru_cache(1 << 16)(raw.tokens)


def read_pairs(
    *sources: str | os.PathLike[str], tokens: Tokens | Tokenizer = "raw"
) -> Iterator[Pair]:
    """Pairs from files in the layout of BLiMP (Warstadt et al. 2020): one JSON object per line.

    Each has `sentence_good` and `sentence_bad`; `UID` and `field` group the results, and where there is
    no `UID` the name of the file does.

    Args:
        sources: files, folders or patterns; compressed files are unpacked.
        tokens: see `tokenizer`.

    Raises:
        CorpusError: naming the file, the line and what is wrong with it.
    """
    split = tokenizer(tokens)
    for source in sources:
        for text in find_files(source):
            name = os.path.basename(text.title).partition(".")[0]
            for number, line in _lines(text):
                if line.strip():
                    yield _pair(line, f"{text.title}, line {number}", name, split)


def _pair(line: bytes, place: str, name: str, split: Tokenizer) -> Pair:
    try:
        values = json.loads(line)
    except ValueError as error:
        raise CorpusError(f"{place}: is no JSON ({error}); each line must be an object") from None
    if not isinstance(values, dict):
        raise CorpusError(f"{place}: is {type(values).__name__}, must be an object")
    for field in _FIELDS:
        if not isinstance(values.get(field), str) or not values[field].strip():
            raise CorpusError(f"{place}: {field}={values.get(field)!r}: must be a sentence")
    good, bad = (list(split(values[field])) for field in _FIELDS)
    return Pair(good, bad, _name(values, "UID") or name, _name(values, "field"))


def _name(values: dict[str, Any], key: str) -> str:
    # one paradigm of BLiMP has a slash where the others have an underscore
    return str(values.get(key) or "").replace("/", "_")


def _lines(text: TextFile) -> Iterator[tuple[int, bytes]]:
    number = 0
    try:
        with open_text(text.path) as stream:
            while line := stream.readline(_LONGEST):
                number += 1
                if len(line) == _LONGEST:
                    raise CorpusError(
                        f"{text.title}, line {number}: has more than {_LONGEST:,} bytes; a line is one "
                        "pair of sentences"
                    )
                yield number, line
    except Exception as error:
        if not is_damage(error):
            raise
        raise text.damage(error, number) from None


def as_pairs(
    source: str | os.PathLike[str] | Iterable[Any], tokens: Tokens | Tokenizer = "raw"
) -> Iterator[Pair]:
    """Pairs of a file, of files, or in memory.

    Args:
        source: paths as in `read_pairs`; or pairs `(good, bad)`, each a string or a list of tokens.
        tokens: see `tokenizer`; of lists it is not asked.

    Example:
        >>> list(as_pairs([("the cats sleep", "the cats sleeps")], tokens="spaces"))[0].bad
        ['the', 'cats', 'sleeps']
    """
    if isinstance(source, str | os.PathLike):
        yield from read_pairs(source, tokens=tokens)
        return
    split = None
    for number, item in enumerate(source):
        if isinstance(item, str | os.PathLike):
            yield from read_pairs(item, tokens=tokens)
            continue
        if not isinstance(item, tuple | list) or len(item) < 2:
            raise TypeError(f"pair {number} is {item!r}: must be a pair of sentences, or a path")
        if split is None and any(isinstance(part, str) for part in item[:2]):
            split = tokenizer(tokens)
        good, bad = (
            list(split(part)) if split is not None and isinstance(part, str) else list(part)
            for part in item[:2]
        )
        yield Pair(good, bad, *item[2:])
