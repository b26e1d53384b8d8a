"""The work on a part: a function of the model, the plan and the part's number alone.

The vectors of the text's distinct tokens come first, in blocks of their own, so that each token goes
through the token encoder once however many parts and processes there are. A part then begins with
an empty word cache, over that table: nothing that was done before it shows in its numbers.
"""

from __future__ import annotations

import collections
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from elmo.bulk.workplace import Workplace
from elmo.embed.embedder import Embedder
from elmo.embed.results import result_shape
from elmo.embed.token_cache import TokenCache, encoded_tokens
from elmo.system.files import write_at
from elmo.system.output import writing
from elmo.vectors.choices import Job
from elmo.vectors.plan import Part, types_of
from elmo.vectors.stores.choosing import open_store
from elmo.vectors.stores.store import Item

BLOCK = 4096  # tokens whose vectors are worked out together
TABLE = "types.npy"

Tell = Callable[[int, int], None]
"""Told the sentences and the tokens of the part so far."""


def prepare_table(job: Job, dim: int) -> None:
    """Make the file for the vectors of distinct tokens."""
    with open(job.folder / TABLE, "wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (job.plan.types, dim)}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + job.plan.types * dim * 4)


class PartRunner:
    """Works on parts with an embedder's engine, and with caches of its own.

    What the sentence encoder counts is of the part that was worked on last, so nothing else may encode
    with it meanwhile.

    Args:
        embedder: what makes the vectors.
        job: what is to be written.
        place: where.
    """

    def __init__(self, embedder: Embedder, job: Job, place: Workplace) -> None:
        self.embedder, self.job, self.place = embedder, job, place
        self.store = open_store(job, place.output)
        self._own: Embedder | None = None

    @property
    def blocks(self) -> int:
        """How many blocks of distinct tokens there are."""
        if self.embedder.config.char_cnn is None:
            return 0
        return -(-self.job.plan.types // BLOCK)

    def block(self, number: int) -> None:
        """Work out the vectors of a block of distinct tokens."""
        start = number * BLOCK
        tokens = types_of(self.job.folder)[start : start + BLOCK]
        for _, rows in encoded_tokens(tokens, self.embedder.sentence_encoder, BLOCK):
            vectors = np.ascontiguousarray(self.embedder.token_vectors(rows), "<f4")
        path = self.job.folder / TABLE
        with writing(self.place.output):
            begin = path.stat().st_size - self.job.plan.types * vectors.shape[1] * 4
            file = os.open(path, os.O_WRONLY)
            try:
                write_at(file, vectors, begin + start * vectors.shape[1] * 4)
                os.fsync(file)
            finally:
                os.close(file)
            self.place.mark(block_name(number))

    def part(self, number: int, tell: Tell) -> None:
        """Work on a part and mark it as done."""
        part, carries = self.job.plan.parts[number], self.job.choices.state == "carry"
        embedder = self._with_table()
        embedder.word_cache.clear()
        count = _counting(embedder.sentence_encoder)
        if carries and number:
            embedder.state.load(self._state_path(number - 1))
        with writing(self.place.output):
            self.store.write(part, self._items(embedder, part, tell))
            if carries:
                embedder.state.save(self._state_path(number))
                self._state_path(number - 2).unlink(missing_ok=True)
            self.place.mark(part_name(number), count(part.sentence))

    def _items(self, embedder: Embedder, part: Part, tell: Tell) -> Iterator[Item]:
        choices = self.job.choices
        waiting: collections.deque[tuple[str, list[str], bool]] = collections.deque()
        passes_over = choices.only is not None and choices.state == "reset"

        def read() -> Iterator[list[str]]:
            for key, tokens in self.job.sentences(part):
                wanted = not passes_over or bool(self.job.places(tokens))
                waiting.append((key, tokens, wanted))
                if wanted:
                    yield tokens

        vectors = embedder.embed_iter(
            read(), choices.layers, choices.pool, choices.state, choices.batch_size
        )
        done = words = 0
        for found in itertools.chain(vectors, [np.empty(0)]):  # the last ends those behind it
            while waiting:
                key, tokens, wanted = waiting.popleft()
                done, words = done + 1, words + len(tokens)
                if wanted:
                    yield key, tokens, found
                    break
                yield key, tokens, self._blank(embedder, len(tokens))
            tell(done, words)

    def _blank(self, embedder: Embedder, tokens: int) -> np.ndarray:
        """For a sentence with none of the listed words, which need not be read."""
        shape = result_shape(embedder.config, self.job.choices.layers, None, tokens)
        return np.broadcast_to(np.float32(0), shape)

    def _with_table(self) -> Embedder:
        """The embedder of parts: tokens that the table has need not be worked out again."""
        if self._own is None:
            if self.blocks:
                rows = np.load(self.job.folder / TABLE, mmap_mode="r")
                table = TokenCache(types_of(self.job.folder), rows)
                table = table.prepared(self.embedder.config, self.embedder.sentence_encoder)
                compute = self.embedder.token_vectors
                self._own = self.embedder.apart(lambda ids: table.vectors(ids, compute))
            else:
                self._own = self.embedder.apart()
        return self._own

    def _state_path(self, number: int) -> Path:
        return self.place.folder / f"state-{number:05d}.npz"


def block_name(number: int) -> str:
    """Under which a block of distinct tokens is marked."""
    return f"types-{number:05d}"


def part_name(number: int) -> str:
    """Under which a part is marked."""
    return f"part-{number:05d}"


def _counting(sentence_encoder: Any) -> Callable[[int], dict[str, Any]]:
    """Let a `SentenceEncoder` count anew; others count nothing."""
    if not hasattr(sentence_encoder, "reset_report"):
        return lambda sentence: {}
    sentence_encoder.reset_report()

    def counts(sentence: int) -> dict[str, Any]:
        found = dict(vars(sentence_encoder.report))
        if found["first_cut"] is not None:
            token, line, path = found["first_cut"]
            found["first_cut"] = (token, line + sentence, path)
        return found

    return counts
