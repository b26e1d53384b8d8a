"""Tables with tabs as the field's tools write them: no quotes, every line with every column."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from elmo.system.errors import FormatError, read_text
from elmo.system.files import write_whole

Row = dict[str, str]


def read_tsv(path: str | os.PathLike[str], needed: Sequence[str]) -> list[Row]:
    """The rows of a table, each with all columns of its first line.

    Args:
        path: a UTF-8 file with tabs.
        needed: columns that it must have.

    Raises:
        FileNotFoundError: there is none.
        FormatError: a column is missing, or a line has another number of cells; names the line.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{os.fspath(path)}: no such file")
    lines = read_text(path).removeprefix("\ufeff").split("\n")
    columns = lines[0].rstrip("\r").split("\t")
    missing = [name for name in needed if name not in columns]
    if missing:
        raise FormatError(
            f"{os.fspath(path)}: has no column {', '.join(missing)} (it has {', '.join(columns)[:200]})"
        )
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip("\r"):
            continue
        cells = line.rstrip("\r").split("\t")
        if len(cells) != len(columns):
            raise FormatError(
                f"{os.fspath(path)}, line {number}: has {len(cells)} cells, and the first line has "
                f"{len(columns)} columns"
            )
        rows.append(dict(zip(columns, cells, strict=True)))
    return rows


def write_tsv(
    path: str | os.PathLike[str], columns: Sequence[str], rows: Iterable[Mapping[str, object]]
) -> None:
    """Writes a table whole; tabs and line ends within a cell become spaces."""
    lines = ["\t".join(columns)]
    for row in rows:
        cells = (str(row.get(name, "")) for name in columns)
        lines.append("\t".join(" ".join(cell.splitlines()).replace("\t", " ") for cell in cells))
    write_whole(path, ("\n".join(lines) + "\n").encode("utf-8"))
