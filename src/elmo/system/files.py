"""Files written whole: to a temporary file beside the target, synced to the disk, then renamed.

Whatever happens, the target holds all of the old bytes or all of the new ones.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any


@contextlib.contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A binary file that takes its place only when it is complete.

    Raises:
        IsADirectoryError, FileNotFoundError: `path` is a folder, or its folder does not exist.
        OSError: it cannot be written; names `path`, and the old file is as it was.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     target = pathlib.Path(folder) / "a.txt"
        ...     with written_whole(target) as file:
        ...         _ = file.write(b"all of it")
        ...     target.read_text()
        'all of it'
    """
    with temporary_beside(path) as temporary, open(temporary, "xb") as file:
        yield file


@contextlib.contextmanager
def temporary_beside(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A free name beside `path`, for a library that writes files by name; renamed to `path` at the end.

    The name has the suffix of `path`. After an error the temporary file is removed.
    """
    path = os.fspath(path)
    folder, name = os.path.split(os.path.abspath(path))
    if os.path.isdir(path):
        raise IsADirectoryError(errno.EISDIR, "is a folder, where a file is to be written", path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, "its folder does not exist; make it first", path)
    stem, suffix = os.path.splitext(name)
    temporary = Path(folder, f".{stem}.{secrets.token_hex(4)}.part{suffix}")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and error.filename in (None, str(temporary), temporary):
            error.filename = path  # the name that the user knows
        raise
    sync_folder(folder)


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a small file whole."""
    with written_whole(path) as file:
        file.write(data)


def write_json(path: Path, values: Any) -> None:
    """Write values as JSON; the folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(values, indent=1).encode("utf-8"))


def sync_folder(path: str | os.PathLike[str]) -> None:
    """Let the names in a folder outlive a power cut, where the system can (Windows cannot)."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_at(file: int, data: Any, offset: int) -> None:
    """Write all of some bytes at a place of a file.

    Args:
        file: its descriptor.
        data: bytes, or a contiguous array.
        offset: where they begin.
    """
    view = memoryview(data).cast("B") if memoryview(data).nbytes else memoryview(b"")
    while view:
        written = os.pwrite(file, view, offset)
        view, offset = view[written:], offset + written


def keep_apart(outputs: Iterable[Path], inputs: Iterable[Path]) -> None:
    """Refuse to write where something is that is read.

    Args:
        outputs: files, or folders that are replaced whole.
        inputs: files or folders; what is not on the disk is passed over.

    Raises:
        FileExistsError: an output is an input, under whatever name, or holds one.
    """
    places = [(output, os.path.realpath(output)) for output in outputs]
    for source in inputs:
        if not os.path.lexists(source):
            continue
        real = os.path.realpath(source)
        for output, place in places:
            same = os.path.exists(output) and os.path.samefile(output, source)
            if same or real.startswith(place + os.sep):
                raise FileExistsError(
                    f"{output}: {'is' if same else 'holds'} {source}, which is read; write elsewhere"
                )
