"""What users give as a text: paths, patterns or objects, made into one thing that is read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from elmo.text.corpus import BlankLines, Corpus, EncodingErrors, TextFormat
from elmo.text.fasta import Fasta, Residues

Text = str | os.PathLike[str] | Corpus | Iterable[str | os.PathLike[str]] | Iterable[Sequence[str]]
_OF_SENTENCES = "blank_lines", "lowercase", "max_sentence_tokens"


def as_corpus(source: Text, **options: Any) -> Corpus:
    """A `Corpus` of paths and patterns, or of sentences in memory; one that is given stays as it is.

    Args:
        source: a path or several, a `Corpus`, or sentences as lists of tokens.
        options: of `Corpus`; those that say how files are read do not matter to sentences.

    Example:
        >>> as_corpus([["A", "b"], ["c"]], encoding_errors="replace")
        Corpus(2 sentences in memory)
    """
    if isinstance(source, Corpus):
        return source
    sources: list[Any] = [source] if isinstance(source, str | os.PathLike) else list(source)
    if sources and all(isinstance(item, list | tuple) for item in sources):
        kept = {name: value for name, value in options.items() if name in _OF_SENTENCES}
        return Corpus.from_sentences(sources, **kept)
    return Corpus(*sources, **options)


def text_to_embed(
    source: Text | Fasta,
    *,
    fasta: bool = False,
    residues: Residues = "keep",
    split_char: str | None = None,
    id_field: int = 0,
    blank_lines: BlankLines = "keep",
    encoding_errors: EncodingErrors = "strict",
    text_format: TextFormat = "auto",
    raw: bool = False,
) -> Any:
    """What `BiLM.embed_file` and `elmo embed` read: paths as they say, anything else as it is."""
    paths = [source] if isinstance(source, str | os.PathLike) else source
    if not isinstance(paths, list | tuple):
        return source
    if not all(isinstance(path, str | os.PathLike) for path in paths):
        return source
    if fasta:
        return Fasta(*paths, rare=residues, split=split_char, field=id_field)
    if split_char is not None or id_field:
        raise ValueError("split_char and id_field are of headers in FASTA files; say fasta=True")
    blank: BlankLines = "skip" if raw else blank_lines
    return Corpus(
        *paths, blank_lines=blank, encoding_errors=encoding_errors, raw=raw, text_format=text_format
    )
