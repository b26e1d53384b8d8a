"""The one error of this floor, and how text and JSON are read so that nothing else escapes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

MAX_TEXT = 64 << 20


class FormatError(ValueError):
    """A file that is not what it should be; names the file and says what is wrong with it."""


def brief(error: BaseException) -> str:
    """What an error says, on one line and no longer than a sentence.

    Example:
        >>> brief(KeyError("a key"))
        'a key'
        >>> brief(OSError(2, "No such file or directory", "x"))
        'No such file or directory'
    """
    text = getattr(error, "strerror", None) or (error.args[0] if error.args else error)
    return " ".join(str(text).split())[:200] or type(error).__name__


def read_text(path: str | os.PathLike[str], limit: int = MAX_TEXT) -> str:
    """The text of a small UTF-8 file.

    Args:
        path: the file.
        limit: the most bytes that are read.

    Raises:
        FormatError: the file cannot be read, is larger than `limit`, or is not UTF-8.
    """
    try:
        with open(path, "rb") as file:
            # As much as there is, for `read` takes the memory of all it is asked for.
            data = file.read(min(limit, os.fstat(file.fileno()).st_size) + 1)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({brief(error)})") from error
    if len(data) > limit:
        raise FormatError(f"{path}: larger than the {limit:,} bytes that such a file may have")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: not UTF-8 text (byte {error.start})") from error


def parse_json(text: str | bytes, where: str | os.PathLike[str]) -> dict[str, Any]:
    """A JSON object, with every way of being none turned into a `FormatError`.

    Args:
        text: the JSON.
        where: what the error calls it.

    Raises:
        FormatError: the text is not JSON, or not an object.

    Example:
        >>> parse_json('{"dim": 4}', "options.json")
        {'dim': 4}
    """

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON number")

    try:
        value = json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise FormatError(f"{where}: nested too deeply to be settings") from error
    except ValueError as error:
        raise FormatError(f"{where}: not JSON ({brief(error)})") from error
    if not isinstance(value, dict):
        raise FormatError(f"{where}: holds a {type(value).__name__}, not a JSON object")
    return value


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON object in a file; see `parse_json`."""
    return parse_json(read_text(Path(path)), path)
