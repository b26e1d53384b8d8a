"""Texts as documents: a file each, with its sentences and its period."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from elmo.system.errors import read_text
from elmo.text.corpus import IN_MEMORY, Corpus

FOLDERS = "folders"
_PACKED = (".gz", ".xz", ".zst", ".bz2")
_TABLES = (".tsv", ".csv", ".txt", ".tab")


@dataclass(frozen=True)
class Document:
    """A file of an index.

    Attributes:
        name: the path, as it was given.
        sentences: how many it has.
        period: `""` where it has none.
    """

    name: str
    sentences: int
    period: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class CountedDocuments:
    """The sentences of a corpus, file after file; it counts how many each has while it is read.

    Args:
        corpus: the texts.

    Attributes:
        files: their paths.

    Raises:
        ValueError: a file is named twice.

    Example:
        >>> counted = CountedDocuments(Corpus.from_sentences(["a b", "c"]))
        >>> list(counted), counted.documents({})
        ([['a', 'b'], ['c']], [Document(name='<memory>', sentences=2, period='')])
    """

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus
        self.files = list(corpus.files)
        self._counts: dict[str, int] = {}
        twice = sorted({name for name in self.files if self.files.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]}: is named twice; a document is indexed once")

    def __iter__(self) -> Iterator[list[str]]:
        counts = dict.fromkeys(self.files or [IN_MEMORY], 0)
        for name, _, tokens in self.corpus.with_line_numbers():
            counts[name] += 1
            yield tokens
        self._counts = counts

    def documents(self, periods: dict[str, str]) -> list[Document]:
        """The documents that were read, with their periods by their names."""
        return [Document(name, n, periods.get(name, "")) for name, n in self._counts.items()]


def periods_of(names: Sequence[str], periods: str | os.PathLike[str] | None) -> dict[str, str]:
    r"""The period of each document that has one.

    Args:
        names: paths of the documents.
        periods: a table, a line for each document: its name or its stem, a tab, and the period, a
            number or a label (further columns are passed over); `"folders"`, the name of the folder
            that it is in; or a regular expression that finds the period in the file's name, in its
            first group where it has one. None for no periods.

    Raises:
        ValueError: no document gets a period, the expression is none, or a document has two.
        FormatError: the table cannot be read.

    Example:
        >>> periods_of(["a/1843-x.txt", "a/none.txt"], r"\d{4}")
        {'a/1843-x.txt': '1843'}
        >>> periods_of(["early/x.txt", "late/y.txt.gz"], "folders")
        {'early/x.txt': 'early', 'late/y.txt.gz': 'late'}
    """
    if periods is None:
        return {}
    text = os.fspath(periods)
    if text == FOLDERS:
        named = {name: Path(name).absolute().parent.name for name in names}
        found: Callable[[str], str] = named.__getitem__
    elif os.path.isfile(text) or not isinstance(periods, str) or text.endswith(_TABLES):
        table = _table(Path(text))
        found = lambda name: table.get(Path(name).name) or table.get(_stem(name)) or ""  # noqa: E731
    else:
        found = _by_pattern(text)
    result = {name: period for name in names if (period := found(name))}
    if not result:
        shown = ", ".join(Path(name).name for name in names[:3]) or IN_MEMORY
        raise ValueError(
            f"periods={text!r}: gives none of the documents a period ({shown}); give a table of name, "
            "tab and period, a regular expression for the names, or 'folders'"
        )
    return result


def _stem(name: str) -> str:
    path = Path(name)
    if path.suffix in _PACKED:
        path = path.with_suffix("")
    return path.stem


def _table(path: Path) -> dict[str, str]:
    table: dict[str, str] = {}
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) < 2 or not cells[0]:
            raise ValueError(
                f"{path}, line {number}: must be the name of a document, a tab and its period"
            )
        if table.setdefault(cells[0], cells[1]) != cells[1]:
            raise ValueError(
                f"{path}, line {number}: {cells[0]!r} has the period {table[cells[0]]!r} above, and "
                f"{cells[1]!r} here"
            )
    return table


def _by_pattern(text: str) -> Callable[[str], str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValueError(
            f"periods={text!r}: no such file, not 'folders', and no regular expression ({error})"
        ) from None

    def find(name: str) -> str:
        found = pattern.search(Path(name).name)
        if found is None:
            return ""
        return (found[1] if pattern.groups else found[0]) or ""

    return find


def in_order(periods: set[str]) -> tuple[str, ...]:
    """Periods sorted, as numbers where all of them are.

    Example:
        >>> in_order({"900", "1840"}), in_order({"b", "10", "a"})
        (('900', '1840'), ('10', 'a', 'b'))
    """
    numbers = all(re.fullmatch(r"-?\d+(\.\d+)?", period) for period in periods)
    return tuple(sorted(periods, key=lambda p: (float(p), p) if numbers else (0.0, p)))
