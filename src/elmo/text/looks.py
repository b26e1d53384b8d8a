"""What a file looks like by its first lines: CoNLL-U is read as what it is, other things are told of."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence

START = 1 << 16  # bytes that are looked at
LONG = 400  # tokens of a line on average, from which on lines are hardly sentences
_LINES = 40
_COLUMNS = 10
_ID = re.compile(r"[1-9][0-9]*(-[1-9][0-9]*)?|[0-9]+\.[0-9]+")
_WORD = re.compile(r"[1-9][0-9]*")
_TAG = re.compile(r"\s*</?[A-Za-z!?][^<>]*>")


def is_conllu(lines: Sequence[str]) -> bool:
    """Whether lines are CoNLL-U: comments, blank lines, and words in ten columns.

    Example:
        >>> is_conllu(["# text = Go", "\\t".join(["1", "Go", *["_"] * 8]), ""])
        True
        >>> is_conllu(["Go", "# 1"])
        False
    """
    words = 0
    for line in lines:
        if line.strip() and not line.startswith("#"):
            fields = line.split("\t")
            if len(fields) != _COLUMNS or not _ID.fullmatch(fields[0]):
                return False
            words += 1
    return words > 0


def forms(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, list[str]]]:
    """Sentences of CoNLL-U: the forms of the words, spaces in them kept.

    Multiword tokens (`1-2`) and empty nodes (`1.1`) are left out: the words that a multiword token is
    made of follow it, as treebanks count words.

    Args:
        lines: pairs (number, line).

    Yields:
        Pairs (number of the line of the first word, forms).

    Raises:
        ValueError: a line is neither a word nor a comment; its number and what it should be.

    Example:
        >>> rows = ["1-2\\tdel", "1\\tde", "2\\tel", "2.1\\tø", "3\\tNew York", ""]
        >>> list(forms(enumerate((row + "\\t_" * 8 for row in rows[:-1]), 1)))
        [(2, ['de', 'el', 'New York'])]
    """
    first = 0
    found: list[str] = []
    for number, line in lines:
        if not line.strip():
            if found:
                yield first, found
            found = []
            continue
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != _COLUMNS or not _ID.fullmatch(fields[0]) or not fields[1].strip():
            raise ValueError(f"line {number}: is no word of CoNLL-U, which has ten columns")
        if _WORD.fullmatch(fields[0]):
            first = first if found else number
            found.append(fields[1])
    if found:
        yield first, found


def advice(lines: Sequence[str]) -> str | None:
    """What lines look like where they are not a sentence each, and what would do; None where they are."""
    lines = [line for line in lines if line.strip()][:_LINES]
    if not lines:
        return None
    tagged = sum(_TAG.match(line) is not None for line in lines) > len(lines) / 2
    if tagged and any(mark in line for line in lines for mark in ("</", "/>", "<?", "<!")):
        return "looks like XML or HTML, whose tags are read as words; take the text out of it first"
    for name, mark in (("tabs", "\t"), ("commas", ","), ("semicolons", ";")):
        try:
            rows = list(csv.reader(lines, delimiter=mark))
        except csv.Error:
            continue
        widths = {len(row) for row in rows}
        spaced = any(cell[:1] == " " for row in rows for cell in row[1:])  # as in a sentence
        if len(rows) > 2 and len(widths) == 1 and widths.pop() > 2 and not spaced:
            return f"looks like a table with {name}, all columns of which are read; give its text alone"
    longest = sum(len(line.split()) for line in lines) / len(lines)
    if longest > LONG:
        return (
            f"has {longest:,.0f} words per line, and a line is read as one sentence; running text is "
            "split with raw=True (--raw)"
        )
    return None
