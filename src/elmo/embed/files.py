"""The vectors of a whole corpus, written to a file."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from elmo.embed.embedder import Embedder, Layers
from elmo.embed.results import check_choice
from elmo.embed.writers import open_writer
from elmo.text.corpus import Corpus, split_tokens


@dataclass(frozen=True)
class EmbeddingReport:
    """What was written.

    Attributes:
        paths: the files.
        sentences: number of sentences, empty ones included.
        tokens: number of their tokens.
        empty: how many have none.
        repeated: how many had come before, token for token.
        bytes: size of the files.
        seconds: how long it took.
        encoding: what the sentence encoder counted (unknown and cut tokens), or None.
    """

    paths: list[Path]
    sentences: int
    tokens: int
    empty: int
    repeated: int
    bytes: int
    seconds: float
    encoding: Any = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `json` can write."""
        values = {key: value for key, value in vars(self).items() if key != "encoding"}
        values["paths"] = [str(path) for path in self.paths]
        if self.encoding is not None:
            values |= {"unknown": self.encoding.unknown, "cut": self.encoding.cut}
        return values


def embed_file(
    embedder: Embedder,
    source: str | os.PathLike[str] | Iterable[Any],
    output: str | os.PathLike[str],
    *,
    layers: Layers = "all",
    pool: Literal["mean"] | None = None,
    state: Literal["reset", "carry"] = "reset",
    batch_size: int | None = None,
    layout: Literal["allennlp", "bilm-tf", "manylangs"] = "allennlp",
    dtype: Literal["float32", "float16"] = "float32",
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> EmbeddingReport:
    """Write the vectors of a corpus, one dataset a sentence, in memory that does not grow.

    The key of a sentence is its number from 0, as a string: of a file the number of its line, a
    blank line being a sentence without tokens; of several files the lines are counted on. Named
    sentences (`Fasta`) are written under their names, with `_` for `/`.

    Args:
        embedder: what makes the vectors.
        source: a path or a list of paths (as in `Corpus`); a `Corpus`; a `Fasta`; or sentences,
            lists of tokens (a list of strings is taken for paths).
        output: `.hdf5` (or `.h5`) or `.npz`. It is written aside and takes its place at the end.
        layers, pool, state, batch_size: as in `Embedder.embed`.
        layout: of HDF5; see `elmo.embed.writers`.
        dtype: of the numbers in the file.
        overwrite: whether a file that is there is replaced.
        progress: called with the number of sentences and of tokens so far.

    Returns:
        What was written.

    Raises:
        ValueError: an argument is no choice, or two sentences have one name.
        CorpusError: the text cannot be read.
        FileExistsError: the output is there, and `overwrite` is off.
        OutputError: it cannot be written (an `OSError`); nothing of it is left.
    """
    check_choice(layers, pool)
    begin = time.perf_counter()
    encoder_report = _reset_report(embedder.sentence_encoder)
    walk = _Walk(_named(source))
    results = embedder.embed_iter(walk, layers, pool, state, batch_size)
    writer = open_writer(
        output,
        layout=layout,
        layers=layers,
        n_layers=embedder.config.lstm.n_layers,
        dtype=dtype,
        overwrite=overwrite,
    )
    seen: set[int] = set()
    sentences = tokens = empty = repeated = 0
    try:
        for vectors in results:
            key, words = walk.take()
            writer.add(key, words, vectors)
            sentences += 1
            tokens += len(words)
            empty += not words
            mark = hash(tuple(words))
            repeated += mark in seen
            seen.add(mark)
            if progress is not None:
                progress(sentences, tokens)
    except BaseException:
        writer.discard()
        raise
    writer.close()
    return EmbeddingReport(
        paths=writer.paths,
        sentences=sentences,
        tokens=tokens,
        empty=empty,
        repeated=repeated,
        bytes=sum(path.stat().st_size for path in writer.paths),
        seconds=time.perf_counter() - begin,
        encoding=encoder_report(),
    )


class _Walk:
    """Hands sentences to the embedder and keeps their keys until the vectors come back."""

    def __init__(self, named: Iterator[tuple[str, Sequence[str]]]) -> None:
        self._named = named
        self._waiting: list[tuple[str, Sequence[str]]] = []
        self._next = 0

    def __iter__(self) -> Iterator[Sequence[str]]:
        for key, tokens in self._named:
            self._waiting.append((key, tokens))
            yield tokens

    def take(self) -> tuple[str, Sequence[str]]:
        taken = self._waiting[self._next]
        self._next += 1
        if self._next == len(self._waiting):
            self._waiting, self._next = [], 0
        return taken


def _named(source: Any) -> Iterator[tuple[str, Sequence[str]]]:
    if isinstance(source, str | os.PathLike):
        source = [source]
    if isinstance(source, list | tuple) and source and isinstance(source[0], os.PathLike | str):
        source = Corpus(*source, blank_lines="keep")
    if hasattr(source, "with_names"):
        return _distinct_names(source.with_names())
    return (
        (str(number), split_tokens(tokens) if isinstance(tokens, str) else list(tokens))
        for number, tokens in enumerate(source)
    )


def _distinct_names(named: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, list[str]]]:
    names: dict[str, str] = {}
    for name, tokens in named:
        key = name.replace("/", "_")
        if key in names:
            raise ValueError(
                f"the names {names[key]!r} and {name!r} would be one key, {key!r}, of the file"
            )
        names[key] = name
        yield key, list(tokens)


def _reset_report(sentence_encoder: Any) -> Callable[[], Any]:
    """Let a `SentenceEncoder` count anew; others count nothing."""
    if not hasattr(sentence_encoder, "reset_report"):
        return lambda: None
    sentence_encoder.reset_report()
    return lambda: sentence_encoder.report
