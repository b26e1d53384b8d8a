"""Objects as notebooks show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any


def html_table(title: str, values: Mapping[str, Any]) -> str:
    """A table of two columns; what is None is left out.

    Args:
        title: its caption.
        values: numbers are rounded for reading, everything else is shown as text.

    Example:
        >>> html_table("<S>", {"tokens": 12345, "unknown": None})
        '<table><caption>&lt;S&gt;</caption><tr><th>tokens</th><td>12,345</td></tr></table>'
    """
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(_shown(value))}</td></tr>"
        for name, value in values.items()
        if value is not None
    )
    return f"<table><caption>{escape(title)}</caption>{rows}</table>"


def html_grid(title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    """A table of several columns under their names; what is None is an empty cell.

    Example:
        >>> print(html_grid("", ["file", "both"], [["a.txt", 12.3456]]).replace("<tr>", "\\n<tr>"))
        <table><caption></caption>
        <tr><th>file</th><th>both</th></tr>
        <tr><td>a.txt</td><td>12.35</td></tr></table>
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_shown(value))}</td>" for value in row) + "</tr>"
        for row in rows
    )
    return f"<table><caption>{escape(title)}</caption><tr>{head}</tr>{body}</table>"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
