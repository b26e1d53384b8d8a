"""Tables of scores as files: CSV, JSON lines or Parquet, written whole."""

from __future__ import annotations

import contextlib
import csv
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from elmo.system.files import temporary_beside
from elmo.system.output import writing
from elmo.text.files import MissingExtraError

Columns = dict[str, np.ndarray]
Write = Callable[[Columns], None]
DECIMALS = 6


def check_table(path: str | os.PathLike[str], overwrite: bool = False) -> None:
    """Raise unless a table can be written there.

    Raises:
        ValueError: its ending names no format.
        FileExistsError: it is there, and `overwrite` is off.
        ImportError: Parquet's package is missing.

    Example:
        >>> check_table("scores.xlsx")
        Traceback (most recent call last):
        ValueError: scores.xlsx: its ending must be one of .csv, .jsonl, .parquet
    """
    path = Path(path)
    if path.suffix not in _WRITERS:
        raise ValueError(f"{path}: its ending must be one of {', '.join(_WRITERS)}")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path}: exists; replace it (--overwrite) or name another")
    if path.suffix == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError:
            raise MissingExtraError(
                f"{path}: Parquet needs the package pyarrow: pip install 'elmo-keras[stores]', or "
                "write .csv or .jsonl"
            ) from None


@contextlib.contextmanager
def table_writer(path: str | os.PathLike[str], overwrite: bool = False) -> Iterator[Write]:
    """A function that adds rows; the file takes its place when all of them are written.

    In text, numbers have six decimals.

    Args:
        path: its ending says the format: `.csv`, `.jsonl` or `.parquet`.
        overwrite: whether to replace a file.

    Raises:
        ValueError, FileExistsError, ImportError: as `check_table`.
        OutputError: it cannot be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "a.csv"
        ...     with table_writer(file) as write:
        ...         write({"token": np.array(["a", "b"], object), "bits": np.float32([1.5, 0.1])})
        ...     file.read_text().split()
        ['token,bits', 'a,1.5', 'b,0.1']
    """
    check_table(path, overwrite)
    with (
        writing(path),
        temporary_beside(path) as temporary,
        _WRITERS[Path(path).suffix](temporary) as write,
    ):
        yield write


@contextlib.contextmanager
def _csv(path: Path) -> Iterator[Write]:
    with open(path, "x", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        names: list[str] = []

        def write(columns: Columns) -> None:
            if not names:
                names.extend(columns)
                writer.writerow(names)
            writer.writerows(zip(*map(_plain, columns.values()), strict=True))

        yield write


@contextlib.contextmanager
def _jsonl(path: Path) -> Iterator[Write]:
    with open(path, "x", encoding="utf-8") as file:

        def write(columns: Columns) -> None:
            for row in rows(columns):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")

        yield write


@contextlib.contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    import pyarrow
    import pyarrow.parquet

    writer: list[Any] = []

    def write(columns: Columns) -> None:
        table = pyarrow.table(columns)
        if not writer:
            writer.append(pyarrow.parquet.ParquetWriter(path, table.schema))
        writer[0].write_table(table)

    try:
        yield write
    finally:
        for one in writer:
            one.close()


def rows(columns: Columns) -> Iterator[dict[str, Any]]:
    """The rows of a table as dicts of plain values.

    Example:
        >>> list(rows({"rank": np.array([3]), "bits": np.float32([0.1])}))
        [{'rank': 3, 'bits': 0.1}]
    """
    for values in zip(*map(_plain, columns.values()), strict=True):
        yield dict(zip(columns, values, strict=True))


def _plain(column: np.ndarray) -> list[Any]:
    if column.dtype.kind == "f":
        return np.round(column.astype(np.float64), DECIMALS).tolist()
    return column.tolist()


_WRITERS: dict[str, Callable[[Path], contextlib.AbstractContextManager[Write]]] = {
    ".csv": _csv,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
