"""The vectors of each type together: a folder of `.npy` files, in which a word is one slice.

| array | type | shape | holds |
|---|---|---|---|
| `types` | uint8 | (bytes,) | the distinct tokens in UTF-8, the most frequent first |
| `type_offsets` | int64 | (types + 1,) | type t is `types[type_offsets[t]:type_offsets[t + 1]]` |
| `counts` | int64 | (types,) | how often each stands in the text |
| `offsets` | int64 | (types + 1,) | the uses of t are the rows `offsets[t]:offsets[t + 1]` |
| `vectors` | int8 | (uses, dim) | a vector for each use |
| `scales` | float32 | (uses,) | what its numbers are to be multiplied by |
| `sentence`, `place` | int32 | (uses,) | where it stands; uses of a type are in the text's order |
| `tokens` | int32 | (tokens,) | the text, as numbers of types |
| `sentence_offsets` | int64 | (sentences + 1,) | where in `tokens` each sentence begins |

Where words are listed, all other types have no uses, but they are counted and stand in the text.

The place of every row is known from the plan, so a part writes its rows where they belong. Those of one
type lie together in the part and in the file, so that there is one write for each type of a part. With
parts of 2^18 tokens that is as fast as writing the file from its start to its end (benchmarks/NOTES.md).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from elmo.system.files import sync_folder, write_at
from elmo.vectors.choices import Job
from elmo.vectors.plan import Part, encoded, sentences_of
from elmo.vectors.stores.names import META
from elmo.vectors.stores.store import Item, data_folder, label_text

OF_USES = ("vectors", "scales", "sentence", "place")  # what parts write


class TypeStore:
    """The arrays above; the vectors may also be float16 or float32, without `scales`.

    Args:
        job, output: see `elmo.vectors.stores.store.Store`.
    """

    def __init__(self, job: Job, output: Path) -> None:
        self.job, self.output = job, output
        self.folder = data_folder(job) / output.name

    def names(self) -> list[str]:
        return [self.output.name]

    def sizes(self) -> tuple[int, int]:
        totals = self.job.plan.totals
        of_uses = totals.row * (self.job.row_bytes + 8)
        text = 4 * self.job.plan.tokens + 8 * totals.sentence
        return of_uses + text + 40 * self.job.plan.types + 4096, 0

    def prepare(self) -> None:
        self.folder.mkdir(exist_ok=True)
        spellings, counts = self._number_tokens()
        order = np.array(sorted(range(len(counts)), key=lambda n: (-counts[n], spellings[n])), int)
        spellings = [spellings[number] for number in order]
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        counts = counts[order]
        uses = counts
        if (only := self.job.choices.only) is not None:
            uses = counts * np.isin(np.arange(len(spellings)), _numbers(spellings, frozenset(only)))
        offsets = _ends(uses)
        self._rank_tokens(rank, offsets)
        raw = [encoded(spelling) for spelling in spellings]
        self._save("types", np.frombuffer(b"".join(raw), np.uint8))
        self._save("type_offsets", _ends(np.array([len(one) for one in raw], np.int64)))
        self._save("counts", counts)
        self._save("offsets", offsets)
        for name in self._of_uses():
            kind, shape = self._kind(name)
            with self._new(name, kind, shape) as file:
                file.truncate(file.tell() + int(np.prod(shape)) * np.dtype(kind).itemsize)
        (self.folder / META).write_text(label_text(self.job.label) + "\n")
        sync_folder(self.folder)

    def write(self, part: Part, items: Iterable[Item]) -> None:
        ids = np.asarray(_mapped(self.folder / "tokens.npy")[self._tokens_of(part)])
        ends = np.asarray(
            _mapped(self.folder / "sentence_offsets.npy")[
                part.sentence : part.sentence + part.sentences + 1
            ]
        )
        lengths = np.diff(ends)
        types, rows = np.load(self._starts(part))  # (2, types of the part that have uses)
        used = np.flatnonzero(np.isin(ids, types))
        order = np.argsort(ids[used], kind="stable")
        slots = np.empty(len(order), np.int64)
        slots[order] = np.arange(len(order))
        found = {
            name: np.empty((len(used), *self._kind(name)[1][1:]), self._kind(name)[0])
            for name in self._of_uses()
        }
        number = np.repeat(np.arange(part.sentences), lengths)[used]
        found["sentence"][slots] = part.sentence + number
        found["place"][slots] = used - (ends[:-1] - ends[0])[number]
        self._take(items, slots, found)
        sizes = np.unique(ids[used], return_counts=True)[1]
        with contextlib.ExitStack() as stack:
            for name, values in found.items():
                file = stack.enter_context(open(self.folder / f"{name}.npy", "rb+", 0))
                _scatter(file, values, _ends(sizes), rows)
                os.fsync(file.fileno())

    def _take(self, items: Iterable[Item], slots: np.ndarray, found: dict[str, np.ndarray]) -> None:
        """The vectors of a part's sentences, each put in its slot as it comes."""
        done = 0
        for _, tokens, vectors in items:
            values, scales = self.job.rows(tokens, vectors)
            here = slots[done : done + len(values)]
            found["vectors"][here] = values
            if scales is not None:
                found["scales"][here] = scales
            done += len(values)

    def finish(self) -> None:
        pass

    def _of_uses(self) -> tuple[str, ...]:
        scaled = self.job.choices.dtype == "int8"
        return tuple(name for name in OF_USES if scaled or name != "scales")

    def _kind(self, name: str) -> tuple[str, tuple[int, ...]]:
        uses = self.job.plan.totals.row
        if name == "vectors":
            return np.dtype(self.job.choices.dtype).newbyteorder("<").str, (uses, *self.job.shape)
        return ("<f4" if name == "scales" else "<i4"), (uses,)

    def _tokens_of(self, part: Part) -> slice:
        begin = sum(other.tokens for other in self.job.plan.parts[: part.number])
        return slice(begin, begin + part.tokens)

    def _starts(self, part: Part) -> Path:
        return self.job.folder / f"starts-{part.number:05d}.npy"

    # The text.

    def _number_tokens(self) -> tuple[list[str], np.ndarray]:
        """Write the text as numbers in the order of first occurrence; gives types and counts."""
        numbers: dict[str, int] = {}
        counts = np.zeros(0, np.int64)
        sentences, tokens = self.job.plan.totals.sentence, self.job.plan.tokens
        with (
            self._new("tokens", "<i4", (tokens,)) as text,
            self._new("sentence_offsets", "<i8", (sentences + 1,)) as offsets,
        ):
            end = 0
            offsets.write(np.zeros(1, "<i8").data)
            for part in self.job.plan.parts[:-1]:
                lengths, ids = [], []
                for _, words in sentences_of(self.job.folder, part):
                    ids += [numbers.setdefault(word, len(numbers)) for word in words]
                    lengths.append(len(words))
                found = np.array(ids, "<i4")
                counts = _longer(counts, len(numbers)) + np.bincount(found, minlength=len(numbers))
                text.write(found.data)
                ends = end + np.cumsum(np.array(lengths, "<i8"))
                offsets.write(ends.data)
                end = int(ends[-1])
        return list(numbers), counts

    def _rank_tokens(self, rank: np.ndarray, offsets: np.ndarray) -> None:
        """Number the text anew, and say for each part where the rows of its types begin."""
        text = np.load(self.folder / "tokens.npy", mmap_mode="r+")
        following, uses = offsets[:-1].copy(), np.diff(offsets)
        for part in self.job.plan.parts[:-1]:
            here = self._tokens_of(part)
            text[here] = ids = rank[text[here]]
            types, counts = np.unique(ids[uses[ids] > 0], return_counts=True)
            np.save(self._starts(part), np.stack([types.astype(np.int64), following[types]]))
            following[types] += counts
        text.flush()

    # Files.

    @contextlib.contextmanager
    def _new(self, name: str, kind: str, shape: tuple[int, ...]) -> Iterator[BinaryIO]:
        header = {"descr": np.dtype(kind).str, "fortran_order": False, "shape": shape}
        with open(self.folder / f"{name}.npy", "wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            yield file
            file.flush()
            os.fsync(file.fileno())

    def _save(self, name: str, values: np.ndarray) -> None:
        with self._new(name, values.dtype.newbyteorder("<").str, values.shape) as file:
            file.write(np.ascontiguousarray(values).data)


def _mapped(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r")


def _ends(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _longer(counts: np.ndarray, size: int) -> np.ndarray:
    return np.concatenate([counts, np.zeros(size - len(counts), np.int64)])


def _numbers(spellings: list[str], wanted: frozenset[str]) -> list[int]:
    return [number for number, spelling in enumerate(spellings) if spelling in wanted]


def _scatter(file: BinaryIO, values: np.ndarray, begins: np.ndarray, rows: np.ndarray) -> None:
    """Write runs of rows, each at its own place in the file.

    Args:
        file: of `.npy`, open.
        values: all rows.
        begins: where in them each run begins, and the end of the last.
        rows: where in the file's array each belongs.
    """
    np.lib.format.read_magic(file)
    np.lib.format.read_array_header_1_0(file)
    start, size = file.tell(), values.itemsize * int(np.prod(values.shape[1:]))
    for number, row in enumerate(rows.tolist()):
        run = values[begins[number] : begins[number + 1]]
        write_at(file.fileno(), run, start + row * size)
