"""A text laid out in numbered parts before any of it is embedded.

The text is read once. What comes out is a function of the text and the choices alone: how many
sentences, tokens and rows there are, hence how many bytes will be written and where, and which
sentences make which part. Each part's sentences are kept in a file of their own, so that a part can
be worked on by any process, again, and after the text itself is gone.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from elmo.text.corpus import Line

BOS, EOS = "<S>", "</S>"
HASHES = "hashes.bin"
BUCKET = 1 << 22  # sentences that are compared at a time


@dataclass(frozen=True)
class Part:
    """A run of sentences that is written whole or not at all.

    Attributes:
        number: from 0.
        sentence, sentences: its first sentence, and how many.
        row, rows: its first vector in the output, and how many.
        word, words: its first token in the output, and how many.
        text: where the bytes of its tokens begin.
        name: where the bytes of its names begin.
        tokens: of all its sentences.
    """

    number: int
    sentence: int = 0
    sentences: int = 0
    row: int = 0
    rows: int = 0
    word: int = 0
    words: int = 0
    text: int = 0
    name: int = 0
    tokens: int = 0


@dataclass(frozen=True)
class Plan:
    """What a text is made of.

    Attributes:
        parts: the parts, and behind them one without sentences: where everything ends.
        tokens: of all sentences.
        empty: sentences without tokens.
        repeated: sentences that had come before, token for token.
        types: how many distinct tokens were listed.
        digest: of the whole text.
        unfound: listed words that are not in the text.
    """

    parts: tuple[Part, ...]
    tokens: int
    empty: int
    repeated: int
    types: int
    digest: str
    unfound: tuple[str, ...] = ()

    @property
    def totals(self) -> Part:
        """The counts of the whole text."""
        return self.parts[-1]

    def __len__(self) -> int:
        return len(self.parts) - 1

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "parts": [list(vars(part).values()) for part in self.parts]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Plan:
        parts = tuple(Part(*part) for part in values["parts"])
        return cls(**{**values, "parts": parts, "unfound": tuple(values.get("unfound", ()))})


@dataclass
class Planner:
    """Reads a text and plans.

    Args:
        part_tokens: a part ends with the sentence that makes it this long, boundaries counted.
        row: `"token"`, `"sentence"`, or `"word"` where only `words` have vectors.
        words: the words of `row="word"`.
        multiple: the number of sentences of a part (but the last) is a multiple of this.
        most_types: so many distinct tokens are listed.
    """

    part_tokens: int
    row: str = "token"
    words: frozenset[str] = field(default_factory=frozenset)
    multiple: int = 1
    most_types: int = 0

    def plan(self, named: Iterable[tuple[str, Sequence[str]]], folder: Path) -> Plan:
        """Read sentences with their keys, and write what is needed later to a folder.

        Example:
            >>> import tempfile
            >>> sentences = [("0", ["a", "b"]), ("1", []), ("2", ["c"])]
            >>> with tempfile.TemporaryDirectory() as name:
            ...     plan = Planner(part_tokens=6, most_types=9).plan(sentences, Path(name))
            ...     again = list(sentences_of(Path(name), plan.parts[0]))
            >>> [part.sentences for part in plan.parts], plan.tokens, plan.empty, plan.totals.row
            ([2, 1, 0], 3, 1, 3)
            >>> again
            [('0', ['a', 'b']), ('1', [])]
        """
        types: dict[str, None] = dict.fromkeys((BOS, EOS)) if self.most_types else {}
        whole = hashlib.sha256()
        parts: list[Part] = [Part(0)]
        sentences = tokens = empty = 0
        seen: set[str] = set()
        with open(folder / HASHES, "wb") as hashes:
            for part in self._parts(named):
                counts = dict(sentences=0, rows=0, words=0, tokens=0, text=0, name=0)
                with open(_file_of(folder, len(parts) - 1), "wb") as file:
                    for key, words in part:
                        text = as_line(words)
                        as_it_stands = [] if text == " ".join(words) else [text]
                        line = json.dumps([key, list(words), *as_it_stands]).encode()
                        file.write(line + b"\n")
                        whole.update(line + b"\n")
                        sentence = json.dumps(as_it_stands or list(words)).encode()
                        hashes.write(hashlib.blake2b(sentence, digest_size=8).digest())
                        chosen = self._chosen(words)
                        if self.row == "word":
                            seen.update(chosen)
                        counts["sentences"] += 1
                        counts["rows"] += 1 if self.row == "sentence" else len(chosen)
                        counts["words"] += len(chosen)
                        counts["tokens"] += len(words)
                        counts["text"] += sum(map(_bytes, chosen))
                        counts["name"] += _bytes(key)
                        empty += not words
                        if len(types) < self.most_types:
                            types.update(dict.fromkeys(words))
                    file.flush()
                    os.fsync(file.fileno())
                parts[-1:] = _next(parts[-1], counts)
                sentences += counts["sentences"]
                tokens += counts["tokens"]
        listed = list(types)[: self.most_types]
        (folder / "types.json").write_text(json.dumps(listed))
        distinct = sum(int(last.sum()) for _, last in _last_ones(folder / HASHES))
        return Plan(
            parts=tuple(parts),
            tokens=tokens,
            empty=empty,
            repeated=sentences - distinct,
            types=len(listed),
            digest=whole.hexdigest(),
            unfound=tuple(sorted(self.words - seen)),
        )

    def _chosen(self, words: Sequence[str]) -> Sequence[str]:
        return [word for word in words if word in self.words] if self.row == "word" else words

    def _parts(
        self, named: Iterable[tuple[str, Sequence[str]]]
    ) -> Iterator[Iterator[tuple[str, Sequence[str]]]]:
        """Runs of sentences, each to be used up before the next is asked for."""
        named = iter(named)
        for first in named:
            yield self._part(first, named)

    def _part(
        self, first: tuple[str, Sequence[str]], named: Iterator[tuple[str, Sequence[str]]]
    ) -> Iterator[tuple[str, Sequence[str]]]:
        yield first
        count, positions = 1, len(first[1]) + 2
        while positions < self.part_tokens or count % self.multiple:
            following = next(named, None)
            if following is None:
                return
            yield following
            count += 1
            positions += len(following[1]) + 2


def _next(part: Part, counts: dict[str, int]) -> tuple[Part, Part]:
    """A part with its counts, and an empty one that begins behind it."""
    sizes = {name: counts[name] for name in ("sentences", "rows", "words", "tokens")}
    done = Part(**{**vars(part), **sizes})
    return done, Part(
        number=part.number + 1,
        sentence=part.sentence + counts["sentences"],
        row=part.row + counts["rows"],
        word=part.word + counts["words"],
        text=part.text + counts["text"],
        name=part.name + counts["name"],
    )


def _file_of(folder: Path, number: int) -> Path:
    return folder / f"text-{number:05d}.jsonl"


def _bytes(text: str) -> int:
    return len(encoded(text))


def encoded(text: str) -> bytes:
    """A token's or a name's bytes in the output; lone surrogates have some as well."""
    return text.encode("utf-8", "surrogatepass")


def sentences_of(folder: Path, part: Part) -> Iterator[tuple[str, list[str]]]:
    """The keys and tokens of a part's sentences."""
    with open(_file_of(folder, part.number), "rb") as file:
        for line in file:
            key, tokens, *text = json.loads(line)
            yield key, Line(tokens, text[0]) if text else tokens


def as_line(tokens: Sequence[str]) -> str:
    """A sentence as one string: the line that it was, or its tokens with spaces between them."""
    return tokens.text if isinstance(tokens, Line) else " ".join(tokens)


def types_of(folder: Path) -> list[str]:
    """The distinct tokens that were listed, both boundaries first."""
    return json.loads((folder / "types.json").read_text())


def last_occurrences(folder: Path, sentences: int) -> np.ndarray:
    """Which sentences do not come again, bool `(sentences,)`."""
    result = np.zeros(sentences, bool)
    for places, last in _last_ones(folder / HASHES):
        result[places[last]] = True
    return result


def _last_ones(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places of sentences and whether none behind is the same, some of the hashes at a time."""
    if not path.stat().st_size:
        return
    hashes = np.memmap(path, np.uint64, "r")
    buckets = np.uint64(-(-len(hashes) // BUCKET))
    for bucket in range(int(buckets)):
        found = []
        for start in range(0, len(hashes), BUCKET):
            here = hashes[start : start + BUCKET] % buckets == bucket
            found.append(start + np.flatnonzero(here))
        places = np.concatenate(found)
        values = hashes[places]
        order = np.argsort(values, kind="stable")
        places, values = places[order], values[order]
        last = np.ones(len(values), bool)
        last[:-1] = values[:-1] != values[1:]
        yield places, last
