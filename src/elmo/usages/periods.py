"""Periods such as `1840-1869`, matched against the labels that documents have."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_YEARS = re.compile(r"\s*(\d{1,4})(?:\s*[-–—]\s*(\d{1,4}))?\s*")
_SHOWN = 12  # labels in a message


def years(label: str) -> tuple[int, int] | None:
    """The first and the last year of a label, or None where it is not of years.

    Example:
        >>> years("1840-1869"), years("1912"), years("Old English")
        ((1840, 1869), (1912, 1912), None)
    """
    found = _YEARS.fullmatch(label)
    if found is None:
        return None
    first, last = int(found[1]), int(found[2] or found[1])
    return (first, last) if first <= last else None


def labels_in(period: str, labels: Sequence[str]) -> np.ndarray:
    """Which labels belong to a period.

    A label belongs to it if it is the same text, or if both are of years and the label's lie within the
    period's.

    Args:
        period: `"1840-1869"`, `"1912"`, or any label.
        labels: of the documents, as `WordUses.periods`.

    Returns:
        bool `(labels,)`.

    Raises:
        ValueError: none belongs to it, or one lies partly inside; names labels that there are.

    Example:
        >>> labels_in("1840-1869", ["1840", "1868", "1890-1899"]).tolist()
        [True, True, False]
        >>> labels_in("1840-1895", ["1840", "1890-1899"])
        Traceback (most recent call last):
        ValueError: period '1840-1895': the label '1890-1899' lies only partly in it; take its bounds
    """
    asked = years(period)
    inside = np.zeros(len(labels), bool)
    for number, label in enumerate(labels):
        own = years(label)
        if label == period:
            inside[number] = True
        elif asked is not None and own is not None:
            inside[number] = asked[0] <= own[0] and own[1] <= asked[1]
            if not inside[number] and own[0] <= asked[1] and asked[0] <= own[1]:
                raise ValueError(
                    f"period {period!r}: the label {label!r} lies only partly in it; take its bounds"
                )
    if not inside.any():
        raise ValueError(f"period {period!r}: no document is of it; there are {_some(labels)}")
    return inside


def two_periods(earlier: str, later: str, labels: Sequence[str]) -> np.ndarray:
    """For each label 0 if it is of the earlier period, 1 if of the later one, −1 if of neither.

    Raises:
        ValueError: as `labels_in`, or a label belongs to both.

    Example:
        >>> two_periods("1840-1869", "1900", ["1840", "1880", "1900"]).tolist()
        [0, -1, 1]
    """
    first, second = labels_in(earlier, labels), labels_in(later, labels)
    if (first & second).any():
        both = labels[int(np.argmax(first & second))]
        raise ValueError(
            f"periods {earlier!r} and {later!r}: {both!r} belongs to both; take two that are apart"
        )
    return np.where(first, 0, np.where(second, 1, -1))


def _some(labels: Sequence[str]) -> str:
    if not labels:
        return "none: build the index with periods (--periods)"
    shown = ", ".join(map(repr, labels[:_SHOWN]))
    return shown + (f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else "")
