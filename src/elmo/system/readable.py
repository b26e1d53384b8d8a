"""Numbers of bytes for people."""

from __future__ import annotations


def readable(size: float) -> str:
    """A number of bytes for people.

    Example:
        >>> readable(999), readable(2_100_000), readable(1.25e12)
        ('999 bytes', '2.1 MB', '1.25 TB')
    """
    if size < 1000:
        return f"{size:,.0f} bytes"
    for unit in ("kB", "MB", "GB", "TB"):
        size /= 1000
        if size < 1000 or unit == "TB":
            return f"{size:.3g} {unit}" if size < 100 else f"{size:,.0f} {unit}"
    raise AssertionError
