"""Which errors are the user's to mend, and the sentence that says how.

An error that a `raise` of this package made has its sentence. One from deeper down is shown only
where it says enough (files and memory); anything else, a mistake in our own lines too, is a fault of
ours and keeps its traceback.
"""

from __future__ import annotations

import dis
import errno
import os
from pathlib import Path
from types import TracebackType

_OURS = str(Path(__file__).resolve().parent.parent) + os.sep
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_RAISE = dis.opmap["RAISE_VARARGS"]
_LONGEST = 1000  # characters of a sentence; what it quotes may have any number


def sentence_of(error: Exception) -> str | None:
    """One line for the user, or None for an error that is not theirs.

    Example:
        >>> sentence_of(PermissionError(13, "Permission denied", "a.txt"))
        'a.txt: permission denied'
    """
    if isinstance(error, OSError):
        return _of_file(error)
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return "not enough memory; a smaller batch_size, window or vocabulary needs less"
    if isinstance(error, ValueError | TypeError | ArithmeticError | ImportError) and _raised_here(
        error.__traceback__
    ):
        return _line(str(error))
    return None


def _of_file(error: OSError) -> str:
    if error.errno is None:
        return _line(str(error))
    name = error.filename2 or error.filename
    where = f"{os.fsdecode(name)}: " if isinstance(name, str | bytes | os.PathLike) else ""
    what = (error.strerror or str(error)).strip()
    hint = "; make room or write elsewhere" if error.errno in _FULL else ""
    return _line(where + what[:1].lower() + what[1:] + hint)


def _raised_here(traceback: TracebackType | None) -> bool:
    """Whether the innermost frame is of this package and stands at a `raise`."""
    if traceback is None:
        return False
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    code = traceback.tb_frame.f_code
    return code.co_filename.startswith(_OURS) and code.co_code[traceback.tb_lasti] == _RAISE


def _line(text: str) -> str:
    """On one line of bounded length, control characters shown and not obeyed."""
    text = " ".join(text.split())
    if len(text) > _LONGEST:  # the end says what would do
        text = f"{text[: _LONGEST // 2]} […] {text[-_LONGEST // 2 :]}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
