"""Tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells, the first column at the left and the others at the right.

    Example:
        >>> print(columns([("", "both"), ("a.txt", "12.5")]))
               both
        a.txt  12.5
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def file_lines(files: dict[str, int]) -> list[str]:
    """A line for each file with its size."""
    return [f"  {name}  {size:,} bytes" for name, size in files.items()]
