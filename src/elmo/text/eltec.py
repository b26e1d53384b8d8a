"""Novels of the European Literary Text Collection (ELTeC), as sentences and tokens, split by novel.

ELTeC (Schöch et al. 2021) has a hundred novels of 1840 to 1920 for each of its languages. The texts are
in the public domain, their markup is under CC BY 4.0.
"""

from __future__ import annotations

import hashlib
import lzma
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from elmo.system.folders import made_once
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


def from_folder(folder: Path) -> list[Novel]:
    """The novels of a folder: `novels.tsv`, and `ID.txt.xz` for each with one paragraph per line."""
    novels = []
    for row in (folder / TABLE).read_text(encoding="utf-8").splitlines()[1:]:
        id, year, author, title, *_ = row.split("\t")
        with lzma.open(folder / f"{id}.txt.xz", "rt", encoding="utf-8") as text:
            novels.append(Novel(id, int(year), author, title, text.read().splitlines()))
    return novels


def from_archive(path: Path) -> list[Novel]:
    """The novels of a collection's zip archive: its files in `level1/`, TEI.

    Raises:
        CorpusError: the archive has no such files, or one of them is no TEI.
    """
    novels = []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if Path(name).parent.name == "level1" and name.endswith(".xml"):
                with archive.open(name) as file:
                    novel = read_novel(file, f"{path}, {name}")
                novels.append(novel._replace(id=novel.id or Path(name).stem))
    if not novels:
        raise CorpusError(f"{path}: has no folder level1 with novels (*.xml)")
    return novels


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
    novels: Sequence[Novel], folder: Path, digests: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Tokenize a collection into `train/`, `valid/` and `test/`: a file per novel, a sentence per line.

    `novels.tsv` tells each novel's part, year, author, title, sentences and tokens. The folder appears
    once it is whole. Where `digests` are given and a novel has another text or is missing, a warning
    names it before the work begins: figures of a training on it cannot be compared.
    """
    raw.check_installed()
    years = {novel.id: novel.year or 0 for novel in novels}
    split = parts(list(years.items()))
    _compare(novels, digests, folder.name)
    with made_once(folder) as new:
        for part in ("train", *_PARTS):
            (new / part).mkdir()
        rows = ["id\tpart\tyear\tauthor\ttitle\tsentences\ttokens\n"]
        for novel in sorted(novels, key=lambda novel: (years[novel.id], novel.id)):
            part = split[novel.id]
            sentences = tokens = 0
            with open(new / part / f"{novel.id}.txt", "w", encoding="utf-8") as file:
                for _, found in raw.sentences(_paragraphs(novel.lines)):
                    file.write(" ".join(found) + "\n")
                    sentences += 1
                    tokens += len(found)
            about = (novel.id, part, years[novel.id], novel.author, novel.title, sentences, tokens)
            rows.append("\t".join(map(str, about)) + "\n")
        (new / TABLE).write_text("".join(rows), encoding="utf-8")


def _compare(novels: Sequence[Novel], digests: Mapping[str, str], name: str) -> None:
    """Warn of the novels whose text is not the one of the digests."""
    found = {novel.id: _digest(novel.lines) for novel in novels}
    if digests and found != digests:
        other = sorted(id for id, _ in found.items() ^ digests.items())
        warnings.warn(
            f"{name}: the text of {', '.join(dict.fromkeys(other))} is not the one that the figures "
            "in the documentation were measured on",
            stacklevel=3,
        )


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
