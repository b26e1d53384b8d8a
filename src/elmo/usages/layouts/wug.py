"""Word usage graphs: the layout of DURel and the WUG data sets, read and written.

| file | has |
|---|---|
| `data/WORD/uses.tsv` | uses: text, where the word stands in it, grouping (period) |
| `data/WORD/judgments.tsv` | how related two uses are, 1 to 4; 0 where an annotator could not say |
| `clusters/opt/WORD.tsv` | the sense of each use; −1 for none |
| `stats/opt/stats_groupings.tsv` | scores of change between the groupings |

Schlechtweg et al. 2021, "DWUG: A large Resource of Diachronic Word Usage Graphs in Four Languages".
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from elmo.system.errors import FormatError
from elmo.usages.layouts.tsv import Row, read_tsv, write_tsv

USES = (
    *("lemma", "pos", "date", "grouping", "identifier", "description", "context"),
    *("indexes_target_token", "indexes_target_sentence"),
)
JUDGMENTS = ("identifier1", "identifier2", "annotator", "judgment", "comment", "lemma")
CLUSTERS = ("identifier", "cluster")
_CLUSTERINGS = ("opt",)  # the folder of clusters that is taken first


@dataclass(frozen=True)
class WugUse:
    """A row of `uses.tsv`.

    Attributes:
        lemma: the word that was looked for.
        identifier: names the use.
        context: the text.
        begin, end: where in the text the word stands, in characters.
        grouping: its period.
        date: the year, or `""`.
        row: all cells, those of further columns too.
    """

    lemma: str
    identifier: str
    context: str
    begin: int
    end: int
    grouping: str = ""
    date: str = ""
    row: Row = field(default_factory=dict, repr=False)

    def cells(self) -> Row:
        """The cells of its row."""
        return {
            "pos": "",
            "description": "",
            "indexes_target_sentence": f"0:{len(self.context)}",
            **self.row,
            "lemma": self.lemma,
            "identifier": self.identifier,
            "context": self.context,
            "grouping": self.grouping,
            "date": self.date,
            "indexes_target_token": f"{self.begin}:{self.end}",
        }


@dataclass(frozen=True)
class Judgment:
    """A row of `judgments.tsv`: how related two uses are, from 1 (not) to 4 (identical); 0 for none."""

    first: str
    second: str
    annotator: str
    value: float
    lemma: str = ""
    comment: str = ""


@dataclass(frozen=True)
class Wug:
    """A word with what people said of its uses.

    Attributes:
        lemma: the word.
        uses: in the order of the file.
        judgments: of pairs of them.
        clusters: the sense of each use by its identifier; empty where there are none.
    """

    lemma: str
    uses: list[WugUse]
    judgments: list[Judgment] = field(default_factory=list)
    clusters: dict[str, str] = field(default_factory=dict)

    def medians(self) -> dict[tuple[str, str], float]:
        """The median judgment of each pair, in either order the same; those of 0 alone are left out."""
        found: dict[tuple[str, str], list[float]] = defaultdict(list)
        for one in self.judgments:
            if one.value:
                first, second = sorted((one.first, one.second))
                found[first, second].append(one.value)
        return {pair: median(values) for pair, values in found.items()}


def read_uses(path: str | os.PathLike[str]) -> list[WugUse]:
    """The rows of `uses.tsv`.

    Raises:
        FileNotFoundError, FormatError: as `read_tsv`; or the word does not stand in its text.
    """
    found = []
    for number, row in enumerate(read_tsv(path, ("lemma", "identifier", "context", USES[7])), 2):
        text, where = row["context"], row["indexes_target_token"]
        begin, sign, end = where.partition(":")
        if not (sign and begin.isdigit() and end.isdigit() and int(begin) < int(end) <= len(text)):
            raise FormatError(
                f"{os.fspath(path)}, row {number}: indexes_target_token={where!r} must be begin:end "
                f"within the context's {len(text)} characters"
            )
        grouping, date = row.get("grouping", ""), row.get("date", "")
        found.append(
            WugUse(row["lemma"], row["identifier"], text, int(begin), int(end), grouping, date, row)
        )
    return found


def write_uses(path: str | os.PathLike[str], uses: Iterable[WugUse]) -> None:
    """Writes `uses.tsv`, with the columns that the uses were read with."""
    cells = [use.cells() for use in uses]
    read = [tuple(name for name in row if name not in USES) for row in cells]
    more = list(dict.fromkeys(name for names in read for name in names))
    write_tsv(path, (*USES, *more), cells)


def read_judgments(path: str | os.PathLike[str]) -> list[Judgment]:
    """The rows of `judgments.tsv`.

    Raises:
        FileNotFoundError, FormatError: as `read_tsv`; or a judgment is no number.
    """
    found = []
    for number, row in enumerate(read_tsv(path, JUDGMENTS[:4]), 2):
        try:
            value = float(row["judgment"] or 0)
        except ValueError:
            raise FormatError(
                f"{os.fspath(path)}, row {number}: judgment={row['judgment']!r} must be a number"
            ) from None
        names = row["identifier1"], row["identifier2"], row["annotator"]
        found.append(Judgment(*names, value, row.get("lemma", ""), row.get("comment", "")))
    return found


def write_judgments(path: str | os.PathLike[str], judgments: Iterable[Judgment]) -> None:
    """Writes `judgments.tsv`."""
    rows = (
        {
            "identifier1": one.first,
            "identifier2": one.second,
            "annotator": one.annotator,
            "judgment": f"{one.value:g}",
            "comment": one.comment,
            "lemma": one.lemma,
        }
        for one in judgments
    )
    write_tsv(path, JUDGMENTS, rows)


def read_clusters(path: str | os.PathLike[str]) -> dict[str, str]:
    """The sense of each use by its identifier.

    Raises:
        FileNotFoundError, FormatError: as `read_tsv`.
    """
    return {row["identifier"]: row["cluster"] for row in read_tsv(path, CLUSTERS)}


def write_clusters(path: str | os.PathLike[str], clusters: dict[str, str]) -> None:
    """Writes the sense of each use."""
    write_tsv(path, CLUSTERS, ({"identifier": k, "cluster": v} for k, v in clusters.items()))


def read_wug(folder: str | os.PathLike[str]) -> list[Wug]:
    """The words of a data set.

    Args:
        folder: with `data/WORD/uses.tsv`, or with `WORD/uses.tsv`, or of one word.

    Raises:
        FileNotFoundError: there are no uses.
        FormatError: a table is not as it should be.
    """
    folder = Path(folder)
    if (folder / "uses.tsv").is_file():
        return [_word(folder, folder.parent.parent)]
    top = folder / "data" if (folder / "data").is_dir() else folder
    words = sorted(path.parent for path in top.glob("*/uses.tsv"))
    if not words:
        raise FileNotFoundError(
            f"{folder}: holds no uses.tsv; give a folder with data/WORD/uses.tsv, or of one word"
        )
    return [_word(path, top.parent if top.name == "data" else top) for path in words]


def write_wug(folder: str | os.PathLike[str], words: Iterable[Wug]) -> list[Path]:
    """Writes a data set; see the table above. Returns the files, clusters where a word has some."""
    written = []
    for word in words:
        own = Path(folder) / "data" / file_name(word.lemma)
        own.mkdir(parents=True, exist_ok=True)
        write_uses(own / "uses.tsv", word.uses)
        write_judgments(own / "judgments.tsv", word.judgments)
        written += [own / "uses.tsv", own / "judgments.tsv"]
        if word.clusters:
            path = Path(folder) / "clusters" / "opt" / f"{file_name(word.lemma)}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_clusters(path, word.clusters)
            written.append(path)
    return written


def file_name(word: str) -> str:
    """A word as part of a path: without separators, and not hidden.

    Example:
        >>> file_name("and/or"), file_name("..")
        ('and_or', '_.')
    """
    name = "".join("_" if c in '/\\:*?"<>|\0' else c for c in word) or "_"
    return "_" + name[1:] if name[0] == "." else name


def _word(path: Path, top: Path) -> Wug:
    uses = read_uses(path / "uses.tsv")
    judged = path / "judgments.tsv"
    found = [top / "clusters" / name / f"{path.name}.tsv" for name in _CLUSTERINGS]
    found += sorted((top / "clusters").glob(f"*/{path.name}.tsv"))
    clusters = next((file for file in found if file.is_file()), None)
    return Wug(
        lemma=uses[0].lemma if uses else path.name,
        uses=uses,
        judgments=read_judgments(judged) if judged.is_file() else [],
        clusters={} if clusters is None else read_clusters(clusters),
    )
