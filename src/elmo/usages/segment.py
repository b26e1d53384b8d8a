"""One segment of an index, memory-mapped: words, their rows, the sentences."""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
from pathlib import Path

import numpy as np

from elmo.system.errors import FormatError, brief, read_json
from elmo.vectors.numbers import from_dtype
from elmo.vectors.stores.names import BY_TYPE, META


class SegmentReader:
    """The arrays of `elmo.vectors.stores.by_type`; nothing is read before it is asked for.

    Args:
        folder: of the segment.

    Raises:
        FormatError: an array is missing, damaged, or does not fit the others.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        arrays = {name: _open(folder / f"{name}.npy") for name in BY_TYPE}
        self.offsets, self.counts = np.asarray(arrays["offsets"]), arrays["counts"]
        self.vectors, self.scales = arrays["vectors"], arrays["scales"]
        self.sentence, self.place = arrays["sentence"], arrays["place"]
        self.tokens, self.sentence_offsets = arrays["tokens"], arrays["sentence_offsets"]
        self._types, self._type_offsets = arrays["types"], arrays["type_offsets"]
        uses, types = len(self.vectors), len(self.counts)
        sizes = {
            "offsets": (types + 1, self.offsets),
            "type_offsets": (types + 1, self._type_offsets),
            "scales": (uses, self.scales),
            "sentence": (uses, self.sentence),
            "place": (uses, self.place),
        }
        for name, (size, array) in sizes.items():
            if len(array) != size:
                raise FormatError(
                    f"{folder / name}.npy: has {len(array):,} entries, and the other arrays are of "
                    f"{size:,}; build the index again"
                )
        if self.offsets[-1] != uses or self.sentence_offsets[-1] != len(self.tokens):
            raise FormatError(f"{folder}: its arrays do not fit each other; build the index again")

    @property
    def sentences(self) -> int:
        """How many sentences there are."""
        return len(self.sentence_offsets) - 1

    @property
    def dim(self) -> int:
        return int(self.vectors.shape[1])

    @functools.cached_property
    def spellings(self) -> list[str]:
        """All types, the most frequent first."""
        raw, ends = self._types.tobytes(), np.asarray(self._type_offsets).tolist()
        return [
            raw[begin:end].decode("utf-8", "surrogatepass")
            for begin, end in itertools.pairwise(ends)
        ]

    @functools.cached_property
    def numbers(self) -> dict[str, int]:
        """The number of each type."""
        return {word: number for number, word in enumerate(self.spellings)}

    def words(self) -> list[str]:
        """The types that have uses."""
        return [self.spellings[number] for number in np.flatnonzero(np.diff(self.offsets))]

    def rows(self, word: str) -> slice:
        """The rows of a word's uses, none where it is unknown."""
        number = self.numbers.get(word)
        if number is None:
            return slice(0, 0)
        return slice(int(self.offsets[number]), int(self.offsets[number + 1]))

    def count(self, word: str) -> int:
        """How often it stands in the text."""
        number = self.numbers.get(word)
        return 0 if number is None else int(self.counts[number])

    def word_of(self, rows: np.ndarray) -> list[str]:
        """The word of each row."""
        found = np.searchsorted(self.offsets, rows, "right") - 1
        return [self.spellings[number] for number in found]

    def fingerprint(self) -> str:
        """What the vectors were made of: model, text and choices, in a few digits."""
        label = read_json(self.folder / META)
        return hashlib.sha256(json.dumps(label, sort_keys=True).encode()).hexdigest()[:16]

    def floats(self, rows: slice | np.ndarray) -> np.ndarray:
        """The vectors of rows, float32 `(n, dim)`."""
        return from_dtype(self.vectors[rows], self.scales[rows])

    def tokens_of(self, sentence: int) -> list[str]:
        """A sentence by its number in this segment."""
        begin, end = self.sentence_offsets[sentence : sentence + 2]
        return [self.spellings[number] for number in self.tokens[begin:end]]


def _open(path: Path) -> np.ndarray:
    try:
        return np.load(path, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise FormatError(
            f"{path}: cannot be read ({brief(error)}); build the index again"
        ) from error
