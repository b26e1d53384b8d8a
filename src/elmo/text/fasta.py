"""Protein sequences from FASTA files: one sequence is a sentence, one residue a token."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Literal

from elmo.text.files import CorpusError, TextFile, find_files, is_damage, open_text

Residues = Literal["keep", "x", "all"]

RARE = "BJOUZ"  # ambiguous (B: D or N, J: I or L, Z: E or Q) or rare (O, U) residues
UNKNOWN = "X"
STOP = "*"


class Fasta:
    """Named sequences of residues; read as they are asked for, and again on each iteration.

    A record is a line `>name description` and the lines of its sequence. Whitespace inside a
    sequence is dropped and lower case raised, as SeqVec's own program does. A `*` at the end marks
    the stop of a translation and is dropped; inside it becomes `X`. Lines that begin with `;` are
    comments.

    SeqVec was trained with B, O, U and Z as tokens of their own, and its program keeps them, so
    they are kept by default; many pipelines around it write X for them, which is `rare="x"`.

    Args:
        *sources: files (packed by gzip, xz, bzip2 or Zstandard as well), folders or patterns.
        rare: `"keep"`; `"x"` to read B, J, O, U and Z as X; `"all"` to keep every `*` too, as a
            residue, which is how SeqVec's program reads them.
        split: of a header: what parts its fields, `"|"` for `>sp|P69905|HBA_HUMAN …`; None: the
            name is what stands before the first whitespace.
        field: which of the fields is the name, from 0; -1 for the whole header.

    Raises:
        MissingTextError: a file is missing, a pattern matches nothing; on construction.
        CorpusError: it is no FASTA file, a record has no name or no sequence, a name comes again,
            a character is no residue; with the line; while iterating.

    Example:
        >>> import pathlib, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = pathlib.Path(folder.name) / "two.fasta"
        >>> _ = path.write_text(">sp|P1|A_HUMAN first\\nMKV\\nlu*\\n>sp|P2|B_HUMAN\\nMA\\n")
        >>> list(Fasta(path, split="|", field=1).with_names())
        [('P1', ['M', 'K', 'V', 'L', 'U']), ('P2', ['M', 'A'])]
        >>> list(Fasta(path, rare="x"))
        [['M', 'K', 'V', 'L', 'X'], ['M', 'A']]
        >>> folder.cleanup()
    """

    def __init__(
        self,
        *sources: str | os.PathLike[str],
        rare: Residues = "keep",
        split: str | None = None,
        field: int = 0,
    ) -> None:
        if rare not in ("keep", "x", "all"):
            raise CorpusError(f"rare={rare!r}: must be 'keep', 'x' or 'all'")
        if split == "":
            raise CorpusError(
                "split='': must be what separates the fields of a header, such as '|'"
            )
        if field < -1:
            raise CorpusError(f"field={field}: must be 0 or more, or -1 for the whole header")
        if not sources:
            raise CorpusError("a FASTA reader needs at least one file, folder or pattern")
        self.rare, self.split, self.field = rare, split, field
        self._texts = [text for source in sources for text in find_files(source)]

    def __iter__(self) -> Iterator[list[str]]:
        for _, residues in self.with_names():
            yield residues

    def with_names(self) -> Iterator[tuple[str, list[str]]]:
        """Pairs (name, residues)."""
        seen: dict[str, str] = {}
        for text in self._texts:
            for name, residues, place in self._records(text):
                if name in seen:
                    raise CorpusError(
                        f"{place}: the name {name!r} comes a second time, first at {seen[name]}"
                    )
                seen[name] = place
                yield name, residues

    def _records(self, text: TextFile) -> Iterator[tuple[str, list[str], str]]:
        name, place = None, text.title
        parts: list[str] = []
        for number, line in _lines(text):
            here = f"{text.title}, line {number}"
            if line.startswith(">"):
                if name is not None:
                    yield name, self._residues(parts, name, place), place
                name, place, parts = self._name(line, here), here, []
            elif line and not line.startswith(";"):
                if name is None:
                    raise CorpusError(f"{here}: no FASTA file; it must begin with a line '>name'")
                parts.append(self._checked(line, here))
        if name is None:
            raise CorpusError(f"{text.title}: there is no sequence in it")
        yield name, self._residues(parts, name, place), place

    def _name(self, line: str, here: str) -> str:
        header = line[1:].strip()
        fields = header.split(self.split) if self.split else header.split()[:1]
        if not header and (self.split is None or self.field == -1):
            raise CorpusError(f"{here}: the record has no name")
        if self.field == -1:
            return header
        if not 0 <= self.field < len(fields) or not fields[self.field].strip():
            raise CorpusError(
                f"{here}: the header {header!r} has no field {self.field}"
                + (f" between {self.split!r}" if self.split else "")
            )
        return fields[self.field].strip()

    @staticmethod
    def _checked(line: str, here: str) -> str:
        residues = "".join(line.split()).upper()
        for residue in residues:
            if not ("A" <= residue <= "Z" or residue == STOP):
                raise CorpusError(
                    f"{here}: {residue!r} is no residue; a sequence is made of letters "
                    "(take out the gaps of an alignment)"
                )
        return residues

    def _residues(self, parts: list[str], name: str, place: str) -> list[str]:
        sequence = "".join(parts)
        if self.rare != "all":
            sequence = sequence.rstrip(STOP).replace(STOP, UNKNOWN)
        if not sequence:
            raise CorpusError(f"{place}: the record {name!r} has no sequence")
        if self.rare == "x":
            sequence = sequence.translate(dict.fromkeys(map(ord, RARE), UNKNOWN))
        return list(sequence)


def _lines(text: TextFile) -> Iterator[tuple[int, str]]:
    number = 0
    try:
        with open_text(text.path) as stream:
            for number, line in enumerate(stream, 1):
                if number == 1:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                try:
                    yield number, line.decode().strip()
                except UnicodeDecodeError as error:
                    raise CorpusError(
                        f"{text.title}, line {number}: not UTF-8 (byte 0x{line[error.start]:02x})"
                    ) from None
    except Exception as error:
        if not is_damage(error):
            raise
        raise text.damage(error, number) from None
