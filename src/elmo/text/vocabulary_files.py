"""The two published layouts of a vocabulary, and counts beside either, as files.

`published`: one token a line, the line's number from 0 is the id; `<S>`, `</S>`, `<UNK>` first.
`token_id`: a token and its id on each line, in any order; `<pad> <unk> <bos> <eos>` stand for
padding, `<UNK>`, `<S>`, `</S>`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Literal

from elmo.system.files import written_whole
from elmo.text.files import CorpusError, TextFile, is_damage, open_text

Layout = Literal["published", "token_id"]
BOS, EOS, UNK, PAD = "<S>", "</S>", "<UNK>", "<pad>"
ALIASES = {"<bos>": BOS, "<eos>": EOS, "<unk>": UNK}
_NAMES = {canonical: alias for alias, canonical in ALIASES.items()}
_SPACES = " \t\r\x0b\x0c"
_SKIPPED = "!!!MAXTERMID"  # a line of the 1 Billion Word vocabulary that has no id
_MOST_TYPES = 1 << 24
_MOST_BLANK = 1 << 10  # lines behind the last
_LONGEST_LINE = 1 << 20  # bytes
_LARGEST = 1 << 28  # bytes, unpacked


class VocabularyError(ValueError):
    """A vocabulary that is not one; names the file, the line and what would do."""


class MissingVocabularyError(VocabularyError, FileNotFoundError):
    """No vocabulary file under that path."""


def counts_path(path: str | os.PathLike[str]) -> Path:
    """Where the counts of a vocabulary file lie: `vocab.txt` has `vocab.counts.txt` beside it."""
    path = Path(path)
    return path.with_name(f"{path.stem}.counts.txt")


def read_lines(path: str | os.PathLike[str], most: int | None = None) -> list[str]:
    """The lines of a small UTF-8 file, packed or not, without their ends and outer ASCII whitespace.

    Args:
        path: the file.
        most: how many lines there can be; nothing is read further.
    """
    path = Path(path)
    if not path.exists():
        raise MissingVocabularyError(f"{path}: no such vocabulary file")
    if path.is_dir():
        raise VocabularyError(f"{path}: is a folder; give the vocabulary file in it")
    content = _content(path, most).removeprefix(b"\xef\xbb\xbf")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise VocabularyError(f"{path}, line {line}: not UTF-8; convert the file") from None
    lines = [line.strip(_SPACES) for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    if not lines:
        raise VocabularyError(f"{path}: the vocabulary file is empty")
    return lines


def _content(path: Path, most: int | None) -> bytes:
    """The bytes of a file of so many lines, and of few behind them (and one that has no id)."""
    content, limit = bytearray(), (_MOST_TYPES if most is None else most) + _MOST_BLANK
    number = 0
    try:
        with open_text(os.fspath(path)) as stream:
            while line := stream.readline(_LONGEST_LINE):
                number += 1
                content += line
                if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
                    raise VocabularyError(
                        f"{path}, line {number}: has more than {_LONGEST_LINE:,} bytes; a line is a "
                        "token"
                    )
                if number > limit or len(content) > _LARGEST:
                    wanted = "too large for a vocabulary"
                    if most is not None:
                        wanted = f"has more than the {most:,} types that the weights are for"
                    raise VocabularyError(f"{path}: {wanted}")
    except CorpusError as error:  # a suffix that promises something else
        raise VocabularyError(str(error)) from None
    except Exception as error:
        if not is_damage(error):
            raise
        raise VocabularyError(str(TextFile(os.fspath(path)).damage(error, number))) from None
    return bytes(content)


def read_vocabulary(
    path: str | os.PathLike[str], layout: Layout | None = None, most: int | None = None
) -> tuple[list[str], Layout]:
    """The tokens in the order of their ids, special ones by their canonical names.

    Args:
        path: the file.
        layout: None to tell by the first line, which has two fields in the `token_id` layout.
        most: how many types there can be; None for any number that memory bears.

    Raises:
        VocabularyError: an empty file, a blank line, a token or an id that comes twice, an id that
            is no number, is missing or leaves a gap.
        MissingVocabularyError: there is no such file.
    """
    lines = read_lines(path, most)
    if layout is None:
        layout = "token_id" if len(_fields(lines[0])) == 2 else "published"
    if layout == "token_id":
        return _token_id(path, lines), layout
    if layout != "published":
        raise VocabularyError(f"layout={layout!r}: must be 'published' or 'token_id'")
    tokens: list[str] = []
    numbers: list[int] = []
    for number, line in enumerate(lines, 1):
        if not line:
            raise VocabularyError(f"{path}, line {number}: is blank; every line must hold a token")
        if line != _SKIPPED:
            tokens.append(line)
            numbers.append(number)
    _refuse_duplicates(path, tokens, numbers)
    return tokens, layout


def _fields(line: str) -> list[str]:
    """At most two: everything before the last run of ASCII whitespace, and what follows it."""
    cut = max(map(line.rfind, _SPACES))
    return [line] if cut < 0 else [line[:cut].strip(_SPACES), line[cut + 1 :]]


def _token_id(path: str | os.PathLike[str], lines: list[str]) -> list[str]:
    line_of: dict[int, int] = {}
    token_of: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        fields = _fields(line)
        if len(fields) != 2:
            what = f"{line!r} has no id" if line else "is blank"
            raise VocabularyError(
                f"{path}, line {number}: {what}; every line must be a token, a space and its id"
            )
        token, text = fields
        if not (text.isascii() and text.isdigit()):
            raise VocabularyError(
                f"{path}, line {number}: the id {text!r} of {token!r} is not a whole number"
            )
        i = int(text)
        if i in line_of:
            raise VocabularyError(
                f"{path}, line {number}: the id {i} comes a second time, first on line {line_of[i]}"
            )
        line_of[i], token_of[i] = number, token
    if max(token_of) != len(token_of) - 1:
        gap = next(i for i in range(len(token_of)) if i not in token_of)
        raise VocabularyError(
            f"{path}: no token has the id {gap}; ids must run from 0 to "
            f"{len(token_of) - 1} without a gap"
        )
    tokens = [token_of[i] for i in range(len(token_of))]
    _refuse_duplicates(path, tokens, [line_of[i] for i in range(len(tokens))])
    held = set(tokens)
    # where a file holds the canonical name as well, the alias is a word like any other
    canonical = {a: name for a, name in ALIASES.items() if name not in held}
    return [canonical.get(token, token) for token in tokens]


def _refuse_duplicates(
    path: str | os.PathLike[str], tokens: Sequence[str], numbers: Sequence[int]
) -> None:
    if len(set(tokens)) == len(tokens):
        return
    seen: dict[str, int] = {}
    for number, token in sorted(zip(numbers, tokens, strict=True)):
        if token in seen:
            raise VocabularyError(
                f"{path}, line {number}: the token {token!r} comes a second time, first on line "
                f"{seen[token]}"
            )
        seen[token] = number


def write_vocabulary(
    path: str | os.PathLike[str], tokens: Sequence[str], layout: Layout, counts: Iterable | None
) -> None:
    """Write tokens (and counts beside them), each file aside first and then renamed."""
    if layout not in ("published", "token_id"):
        raise VocabularyError(f"layout={layout!r}: must be 'published' or 'token_id'")
    for i, token in enumerate(tokens):
        if not token or token.strip(_SPACES) != token or "\n" in token:
            raise VocabularyError(
                f"token {token!r} (id {i}) does not fit on a line: it is empty, holds a line's end "
                "or begins or ends with a space"
            )
    path = Path(path)
    if layout == "published":
        lines = list(tokens)
    else:
        held = set(tokens)
        names = {name: alias for name, alias in _NAMES.items() if alias not in held}
        lines = [f"{names.get(token, token)} {i}" for i, token in enumerate(tokens)]
    with contextlib.ExitStack() as stack:
        if counts is not None:
            beside = stack.enter_context(written_whole(counts_path(path)))
            _write(beside, [f"{t}\t{n}" for t, n in zip(tokens, counts, strict=True)])
        _write(stack.enter_context(written_whole(path)), lines)
        # All is written, and gets its names now. Counts never lie beside a vocabulary that is not theirs.
        counts_path(path).unlink(missing_ok=True)


def _write(file: IO[bytes], lines: list[str]) -> None:
    file.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass"))
    file.flush()
    os.fsync(file.fileno())


def read_counts(path: str | os.PathLike[str], tokens: Sequence[str]) -> list[int] | None:
    """The counts beside a vocabulary file, in the order of its ids, or None without any."""
    beside = counts_path(path)
    if not beside.exists() or beside == Path(path):
        return None
    rows = [_fields(line) for line in read_lines(beside, len(tokens))]
    fits = len(rows) == len(tokens) and all(
        len(row) == 2 and row[0] == token and row[1].isascii() and row[1].isdigit()
        for row, token in zip(rows, tokens, strict=True)
    )
    if not fits:
        raise VocabularyError(
            f"{beside}: does not belong to {path}; delete it, or save the vocabulary with its "
            "counts again"
        )
    return [int(row[1]) for row in rows]
