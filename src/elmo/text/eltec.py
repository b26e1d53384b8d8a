"""Novels of the European Literary Text Collection (ELTeC), as sentences and tokens, split by novel.

ELTeC (Schöch et al. 2021) has a hundred novels of 1840 to 1920 for each of its languages. The texts are
in the public domain, their markup is under CC BY 4.0.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from elmo.text import raw
from elmo.text.files import CorpusError
from elmo.text.tei import Novel, read_novel

LANGUAGES = {
    **{"cze": "Czech", "deu": "German", "eng": "English", "fra": "French", "gsw": "Swiss German"},
    **{"hrv": "Croatian", "hun": "Hungarian", "ita": "Italian", "lit": "Lithuanian"},
    **{"lav": "Latvian", "nor": "Norwegian", "pol": "Polish", "por": "Portuguese"},
    **{"rom": "Romanian", "slv": "Slovenian", "spa": "Spanish", "srp": "Serbian", "swe": "Swedish"},
    **{"ukr": "Ukrainian", "gre": "Greek"},
}
HELD_OUT = 5  # novels of each held-out part
TABLE = "novels.tsv"
_LAYOUT = 2  # of the folder of sentences; another number makes it anew
_PARTS = ("valid", "test")


class Entry(NamedTuple):
    """A novel of a collection before its text is read."""

    id: str
    year: int
    author: str
    title: str
    read: Callable[[], Sequence[str]]


def address(language: str) -> str:
    """Of the zip archive of a language's collection."""
    branch = "refs/tags/v1.0.1" if language == "eng" else "refs/heads/master"
    return f"https://github.com/COST-ELTeC/ELTeC-{language}/archive/{branch}.zip"


def parts(novels: Sequence[tuple[str, int]]) -> dict[str, str]:
    """Which part each novel belongs to: five to validate, five to test, the others to train.

    In the order of their years, every tenth of the collection gives one novel, in turn to the one part
    and to the other, so that both reach over the whole period.

    Args:
        novels: pairs (id, year).

    Example:
        >>> split = parts([(f"N{n:02}", 1840 + n) for n in range(40)])
        >>> [id for id in split if split[id] == "valid"]
        ['N02', 'N10', 'N18', 'N26', 'N34']
        >>> [id for id in split if split[id] == "test"]
        ['N06', 'N14', 'N22', 'N30', 'N38']
    """
    ordered = [id for id, _ in sorted(novels, key=lambda novel: (novel[1], novel[0]))]
    held = 2 * HELD_OUT
    if len(ordered) <= held:
        raise CorpusError(f"{len(ordered)} novels: more than {held} are needed to hold some out")
    split = dict.fromkeys(ordered, "train")
    for k in range(held):
        split[ordered[int((k + 0.5) * len(ordered) / held)]] = _PARTS[k % 2]
    return split


def from_folder(folder: Path) -> list[Entry]:
    """The novels of a folder: `novels.tsv`, and `ID.txt.xz` for each with one paragraph per line."""
    entries = []
    for line in (folder / TABLE).read_text(encoding="utf-8").splitlines()[1:]:
        id, year, author, title, *_ = line.split("\t")

        def read(path: Path = folder / f"{id}.txt.xz") -> list[str]:
            with lzma.open(path, "rt", encoding="utf-8") as text:
                return text.read().splitlines()

        entries.append(Entry(id, int(year), author, title, read))
    return entries


def from_archive(path: Path) -> list[Entry]:
    """The novels of a collection's zip archive: its files in `level1/`, TEI.

    Raises:
        CorpusError: the archive has no such files, or one of them is no TEI.
    """
    entries = []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if Path(name).parent.name == "level1" and name.endswith(".xml"):
                novel = _member(path, name)
                entries.append(
                    Entry(
                        novel.id or Path(name).stem,
                        novel.year or 0,
                        novel.author,
                        novel.title,
                        lambda name=name: _member(path, name).lines,  # type: ignore[misc]
                    )
                )
    if not entries:
        raise CorpusError(f"{path}: has no folder level1 with novels (*.xml)")
    return entries


def _member(path: Path, name: str) -> Novel:
    with zipfile.ZipFile(path) as archive, archive.open(name) as file:
        return read_novel(file, f"{path}, {name}")


def known_digests(language: str) -> dict[str, str]:
    """The first 16 digits of the SHA-256 of each novel's lines, where our figures are of that text.

    Example:
        >>> known_digests("eng")["ENG18411"]
        '3cc06dcefbd9f97e'
        >>> known_digests("deu")
        {}
    """
    path = Path(__file__).with_name(f"eltec-{language}.sha256")
    if not path.is_file():
        return {}
    pairs = (line.split() for line in path.read_text(encoding="ascii").splitlines())
    return {id: digest for digest, id in pairs}


def write_sentences(
    entries: Sequence[Entry], folder: Path, digests: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Tokenize a collection into `train/`, `valid/` and `test/`: a file per novel, a sentence per line.

    `novels.tsv` tells each novel's part, year, author, title, sentences and tokens. The folder appears
    once it is whole. Where `digests` are given and a novel has another text or is missing, a warning
    names it: figures of a training on it cannot be compared.
    """
    raw.check_installed()
    split = parts([(entry.id, entry.year) for entry in entries])
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    found_digests: dict[str, str] = {}
    try:
        rows = ["id\tpart\tyear\tauthor\ttitle\tsentences\ttokens\n"]
        for part in ("train", *_PARTS):
            (aside / part).mkdir()
        for entry in sorted(entries, key=lambda entry: (entry.year, entry.id)):
            part = split[entry.id]
            sentences = tokens = 0
            with open(aside / part / f"{entry.id}.txt", "w", encoding="utf-8") as file:
                lines = entry.read()
                found_digests[entry.id] = _digest(lines)
                for _, found in raw.sentences(_paragraphs(lines)):
                    file.write(" ".join(found) + "\n")
                    sentences += 1
                    tokens += len(found)
            about = (entry.id, part, entry.year, entry.author, entry.title, sentences, tokens)
            rows.append("\t".join(map(str, about)) + "\n")
        (aside / TABLE).write_text("".join(rows), encoding="utf-8")
        if digests and found_digests != digests:
            other = sorted(id for id, _ in found_digests.items() ^ digests.items())
            warnings.warn(
                f"{folder.name}: the text of {', '.join(dict.fromkeys(other))} is not the one that the "
                "figures in the documentation were measured on",
                stacklevel=2,
            )
        aside.chmod(0o755)
        try:
            os.replace(aside, folder)
        except OSError:
            if not folder.is_dir():  # else another process was first
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def _paragraphs(lines: Sequence[str]) -> Iterator[tuple[int, str, bool]]:
    """Lines as `raw.sentences` takes them, each a paragraph of its own."""
    for number, line in enumerate(lines, 1):
        yield number, line, True
        yield number, "\n", True


def folder_name(language: str) -> str:
    """Of a language's sentences in the cache."""
    return f"eltec-{language}-{_LAYOUT}"
