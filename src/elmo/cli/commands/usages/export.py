"""`elmo usages export`: uses in the layouts of the field."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from elmo.cli import options as o
from elmo.cli.command import Argument, Command, Option, Result
from elmo.cli.commands.usages.show import Index


def export(
    folder: Index,
    words: Annotated[Sequence[str], Argument("WORDS", many=True)],
    output: Annotated[str | os.PathLike[str], o.output("A folder; for a table or a map, a file.")],
    *,
    layout: Annotated[
        Literal["wug", "semeval", "map", "table"],
        Option(
            "wug: data/WORD/uses.tsv, to be annotated; semeval: sentence files of two periods; map: "
            "Parquet with vectors, x and y (extra: stores); table: .csv, .jsonl or .parquet of the uses."
        ),
    ] = "wug",
    periods: Annotated[
        str | None, Option("Uses of these alone, grouped by them.", metavar="P,P…")
    ] = None,
    most: Annotated[
        int | None, Option("Uses of each word (wug: and period), spread evenly.", least=1)
    ] = None,
    overwrite: o.Overwrite = False,
) -> dict[str, Any]:
    """Writes uses of words; see `elmo.usages.layouts.from_index`.

    Returns:
        `files` with their bytes, and `words`.
    """
    import elmo.usages
    from elmo.cli.paths import check_free, check_parent
    from elmo.usages.layouts import from_index

    path = Path(output)
    check_parent(path)
    check_free(path, overwrite)
    groupings = tuple(part.strip() for part in periods.split(",")) if periods else ()
    if layout == "semeval" and len(groupings) < 2:
        raise ValueError("layout='semeval': needs two periods, as --periods 1840-1869,1890-1920")
    if layout in ("map", "table") and groupings:
        raise ValueError(f"layout={layout!r}: has every use with its period; leave --periods out")
    index = elmo.usages.open(folder)
    for word in words:
        if word not in index:
            raise index.unknown(word)
    if layout == "wug":
        files = from_index.export_wug(index, words, path, most, groupings)
    elif layout == "semeval":
        files = from_index.export_semeval(index, words, path, groupings)
    else:
        _write_table(index, words, path, most, layout == "map", overwrite)
        files = [path]
    return {"words": list(words), "files": {str(file): file.stat().st_size for file in files}}


def _write_table(
    index: Any, words: Sequence[str], path: Path, most: int | None, vectors: bool, overwrite: bool
) -> None:
    import numpy as np

    from elmo.language.tables import check_table, table_writer
    from elmo.usages.layouts.from_index import map_columns, write_map

    check_table(path, overwrite)
    if vectors and path.suffix != ".parquet":
        raise ValueError(f"{path}: a map holds vectors; its name must end in .parquet")
    table = map_columns(index, words, most)
    if vectors:
        write_map(path, table)
        return
    del table["vector"]
    with table_writer(path, overwrite) as write:
        write({k: v if k in "xy" else np.array(v, object) for k, v in table.items()})


def show(result: Result) -> str:
    """The files."""
    from elmo.cli.columns import file_lines

    return "\n".join([f"{len(result['words'])} words", *file_lines(dict(result["files"]))])


COMMAND = Command(
    export,
    show,
    "Uses of words for other tools: WUG, SemEval-2020, a map, a table.",
    "elmo usages export novels.uses awful gay -o wug --periods 1840-1869,1890-1920 --most 20\n"
    "elmo usages export novels.uses awful -o awful.parquet --layout map",
)
