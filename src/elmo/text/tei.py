"""The running text of a novel in TEI, as the European Literary Text Collection (ELTeC) encodes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, NamedTuple
from xml.etree import ElementTree

from elmo.text.files import CorpusError

_TEI = "{http://www.tei-c.org/ns/1.0}"
_LINES = {f"{_TEI}{name}" for name in ("p", "head", "l")}  # each becomes a line
_LEFT_OUT = {f"{_TEI}{name}" for name in ("note", "fw", "figDesc")}  # an editor's, or the printer's
_YEAR = re.compile(r"\b(1[5-9]\d\d|20\d\d)\b")


class Novel(NamedTuple):
    """A novel and what its header says of it.

    Attributes:
        id: of the document, such as `"ENG18411"`.
        year: of the first edition; None where the header names none.
        author, title: as the header has them.
        lines: one for each paragraph, heading or line of verse.
    """

    id: str
    year: int | None
    author: str
    title: str
    lines: list[str]


def read_novel(file: IO[bytes], name: str) -> Novel:
    """A novel from a TEI document.

    The text is the body's: title pages, page numbers and notes are left out. White space is one space.

    Args:
        file: the XML document.
        name: what it is called in an error.

    Raises:
        CorpusError: the document is no TEI, or has no body.

    Example:
        >>> import io
        >>> tei = b'<TEI xmlns="http://www.tei-c.org/ns/1.0"><text><body><div><head>I</head><p>One' \\
        ...       b'<note>An aside.</note>\\n  <hi>two</hi> <pb/>three.</p></div></body></text></TEI>'
        >>> read_novel(io.BytesIO(tei), "tei").lines
        ['I', 'One two three.']
    """
    try:
        root = ElementTree.parse(file).getroot()
    except ElementTree.ParseError as error:
        raise CorpusError(f"{name}: is no XML ({error})") from None
    body = root.find(f".//{_TEI}text/{_TEI}body")
    if root.tag != f"{_TEI}TEI" or body is None:
        raise CorpusError(f"{name}: is no TEI document with a body")
    lines = (" ".join("".join(_text(element)).split()) for element in _elements(body))
    statement = f".//{_TEI}titleStmt/{_TEI}"
    return Novel(
        root.get("{http://www.w3.org/XML/1998/namespace}id", ""),
        _year(root),
        _header(root, f"{statement}author"),
        re.sub(r"\s*:\s*ELTeC edition$", "", _header(root, f"{statement}title")),
        [line for line in lines if line],
    )


def _elements(parent: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """The elements that make lines, in the order of the text; none within another."""
    for child in parent:
        if child.tag in _LINES:
            yield child
        elif child.tag not in _LEFT_OUT:
            yield from _elements(child)


def _text(element: ElementTree.Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag in _LINES:  # verse or a paragraph quoted inside a paragraph
            yield " "
        if child.tag not in _LEFT_OUT:
            yield from _text(child)
        yield child.tail or ""


def _header(root: ElementTree.Element, path: str) -> str:
    found = root.find(path)
    return "" if found is None else " ".join("".join(found.itertext()).split())


def _year(root: ElementTree.Element) -> int | None:
    """Of the first edition, else of the edition that was printed from."""
    for kind in ("firstEdition", "printSource"):
        date = root.find(f".//{_TEI}bibl[@type='{kind}']/{_TEI}date")
        if date is not None:
            year = _YEAR.search(date.get("when") or "".join(date.itertext()))
            if year is not None:
                return int(year[1])
    return None
