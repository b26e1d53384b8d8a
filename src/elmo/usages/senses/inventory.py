"""The senses of a word kept in a file, and edited by hand: merged, split, renamed.

`DIR/senses/WORD.json` beside an index of uses. A use is known by its sentence's text and its place in it,
so that assignments survive an index that is added to, or built again with another model.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import numpy as np

from elmo.system.errors import FormatError, read_json
from elmo.system.files import write_json
from elmo.usages.senses.clustering import Induced, centres, contextual, induce

FOLDER = "senses"
VERSION = 1
_LONGEST = 120  # bytes of a file's name


class SenseError(ValueError):
    """A sense that there is not, or an edit that makes none."""


@dataclass(frozen=True)
class Sense:
    """One sense of a word.

    Attributes:
        number: names it, from 1; a number is not given twice.
        name: what people call it; `""` for none.
        uses: keys of its uses; see `use_key`.
    """

    number: int
    name: str = ""
    uses: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Its name, or its number."""
        return self.name or str(self.number)


@dataclass(frozen=True)
class Senses:
    """The senses of a word, as they are kept. Edits return new ones.

    Attributes:
        word: the word.
        method: how they were induced.
        senses: in the order of their numbers.
        edits: what was done by hand, in words, the last at the end.
    """

    word: str
    method: str
    senses: tuple[Sense, ...]
    edits: tuple[str, ...] = field(default_factory=tuple)

    @classmethod
    def of(cls, word: str, induced: Induced, keys: Sequence[str]) -> Senses:
        """From a clustering of a word's uses; those without a sense are in none."""
        uses: dict[int, dict[str, None]] = {n: {} for n in range(induced.k)}
        taken: set[str] = set()
        for label, key in zip(induced.labels.tolist(), keys, strict=True):
            if label >= 0 and key not in taken:  # a sentence that stands twice has one sense
                taken.add(key)
                uses[label][key] = None
        senses = tuple(Sense(number + 1, "", tuple(uses[number])) for number in range(induced.k))
        return cls(word, induced.method, senses)

    def sense(self, wanted: str | int) -> Sense:
        """A sense by its number or its name.

        Raises:
            SenseError: there is none, or several have the name.
        """
        by_number = [one for one in self.senses if str(one.number) == str(wanted)]
        found = by_number or [one for one in self.senses if one.name == wanted]
        if len(found) != 1:
            known = ", ".join(
                f"{one.number} ({one.name})" if one.name else str(one.number) for one in self.senses
            )
            what = "several senses have this name" if found else "is no sense"
            raise SenseError(f"sense {wanted!r} of {self.word!r}: {what}; there are {known}")
        return found[0]

    def rename(self, wanted: str | int, name: str) -> Senses:
        """The same, with another name of a sense.

        Raises:
            SenseError: there is no such sense, or the name is another's or a number.
        """
        sense, name = self.sense(wanted), " ".join(name.split())
        if name.isdigit() or any(
            one.name == name and one.number != sense.number for one in self.senses if name
        ):
            raise SenseError(
                f"name={name!r} for a sense of {self.word!r}: is another's, or a number; take another"
            )
        return self._with(
            {sense.number: replace(sense, name=name)}, f"{sense.number} named {name!r}"
        )

    def merge(self, wanted: Sequence[str | int], name: str | None = None) -> Senses:
        """The same, with several senses made one: the first of them has the uses of all.

        Raises:
            SenseError: there is no such sense, or fewer than two.
        """
        chosen = list({one.number: one for one in map(self.sense, wanted)}.values())
        if len(chosen) < 2:
            raise SenseError(f"merging senses of {self.word!r}: give two or more different ones")
        uses = tuple(dict.fromkeys(key for one in chosen for key in one.uses))
        first = replace(chosen[0], uses=uses)
        gone: dict[int, Sense | None] = {one.number: None for one in chosen[1:]}
        said = ", ".join(str(one.number) for one in chosen[1:]) + f" merged into {first.number}"
        merged = self._with({**gone, first.number: first}, said)
        return merged if name is None else merged.rename(first.number, name)

    def split(self, wanted: str | int, keys: Sequence[str], labels: np.ndarray) -> Senses:
        """The same, with a sense split: its largest part keeps number and name, others are new.

        Args:
            wanted: the sense.
            keys: of its uses.
            labels: which part each of them is in, 0 the largest.

        Raises:
            SenseError: there is no such sense, or it would stay whole.
        """
        sense, own = self.sense(wanted), set(self.sense(wanted).uses)
        parts: dict[int, dict[str, None]] = {}
        taken: set[str] = set()
        for key, label in zip(keys, labels.tolist(), strict=True):
            if key in own and key not in taken:
                taken.add(key)
                parts.setdefault(max(label, 0), {})[key] = None
        if len(parts) < 2:
            raise SenseError(
                f"sense {wanted!r} of {self.word!r}: does not fall into parts; it stays"
            )
        first, *others = (parts[label] for label in sorted(parts))
        rest = tuple(
            key for key in sense.uses if key not in taken
        )  # uses that are in the file alone
        after = max(one.number for one in self.senses) + 1
        new = {after + n: Sense(after + n, "", tuple(part)) for n, part in enumerate(others)}
        said = f"{sense.number} split: {', '.join(map(str, new))} new"
        return self._with({sense.number: replace(sense, uses=(*first, *rest)), **new}, said)

    def _with(self, changed: Mapping[int, Sense | None], said: str) -> Senses:
        table = {**{one.number: one for one in self.senses}, **changed}
        kept = sorted((one for one in table.values() if one is not None), key=lambda s: s.number)
        return replace(self, senses=tuple(kept), edits=(*self.edits, said))

    def labels(self, keys: Sequence[str], vectors: np.ndarray | None = None) -> np.ndarray:
        """For each use the place of its sense in `senses`; −1 for none.

        Args:
            keys: of the uses.
            vectors: `(uses, dim)`: a use that is in no sense, as it was added later, gets the one whose
                centre is nearest to it. None leaves it without.
        """
        place = {key: n for n, one in enumerate(self.senses) for key in one.uses}
        labels = np.array([place.get(key, -1) for key in keys], np.int64)
        new = labels < 0
        if vectors is not None and new.any() and not new.all():
            table = contextual(vectors)
            used = np.unique(labels[~new])  # a sense without uses here has no centre
            middle = centres(table[~new], labels[~new])[used]
            labels[new] = used[np.argmax(table[new] @ middle.T, axis=1)]
        return labels

    def write(self, folder: str | os.PathLike[str]) -> Path:
        """Writes the file of the word whole, and returns its path.

        Args:
            folder: of the index.
        """
        path = sense_file(folder, self.word)
        write_json(path, {"version": VERSION, **asdict(self)})
        return path

    @classmethod
    def read(cls, folder: str | os.PathLike[str], word: str) -> Senses | None:
        """The senses of a word that are kept, or None.

        Raises:
            FormatError: the file is damaged.
        """
        path = sense_file(folder, word)
        if not path.is_file():
            return None
        found = read_json(path)
        try:
            if found["version"] != VERSION or found["word"] != word:
                raise FormatError(f"{path}: is of another version or another word; remove it")
            senses = tuple(
                Sense(int(s["number"]), str(s["name"]), tuple(map(str, s["uses"])))
                for s in found["senses"]
            )
            return cls(word, str(found["method"]), senses, tuple(map(str, found["edits"])))
        except (KeyError, TypeError) as error:
            raise FormatError(f"{path}: damaged ({error}); remove it") from error


def split_sense(
    senses: Senses, wanted: str | int, keys: Sequence[str], vectors: np.ndarray
) -> Senses:
    """Parts a sense by k-means, into as many as the silhouette says.

    Args:
        senses: of the word.
        wanted: the sense.
        keys, vectors: of the uses of the word.

    Raises:
        SenseError: there is no such sense, or it has fewer than four uses.
    """
    own = set(senses.sense(wanted).uses)
    rows = [row for row, key in enumerate(keys) if key in own]
    if len(rows) < 4:
        raise SenseError(
            f"sense {wanted!r} of {senses.word!r}: has {len(rows)} uses, too few to be split"
        )
    found = induce(np.asarray(vectors)[rows])
    return senses.split(wanted, [keys[row] for row in rows], found.labels)


def use_key(tokens: Sequence[str], place: int) -> str:
    """Names a use by its sentence and its place in it, whatever the index.

    Example:
        >>> use_key(["the", "bank"], 1) == use_key(["the", "bank"], 1) != use_key(["the", "bank"], 0)
        True
    """
    digest = hashlib.blake2b(" ".join(tokens).encode(), digest_size=8)
    return f"{digest.hexdigest()}:{place}"


def use_keys(sentences: Iterable[Sequence[str]], places: Iterable[int]) -> list[str]:
    """`use_key` of many uses."""
    return [use_key(s, p) for s, p in zip(sentences, places, strict=True)]


def sense_file(folder: str | os.PathLike[str], word: str) -> Path:
    """Where the senses of a word are kept.

    Example:
        >>> sense_file("novels.uses", "and/or").name
        'and%2For.json'
    """
    name = quote(word, safe=" '").replace(".", "%2E")
    if len(name) > _LONGEST:
        name = name[:_LONGEST] + hashlib.blake2b(word.encode(), digest_size=8).hexdigest()
    return Path(folder) / FOLDER / f"{name}.json"
