"""Paths that commands are given: checked before any work."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from elmo.cli.options import ModelSource, Paths


def listed(paths: Paths) -> list[str | os.PathLike[str]]:
    """A list of one path or several."""
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)


def local_paths(source: ModelSource | Paths | None) -> list[Path]:
    """What of an argument is a path on the disk, and the files in it where it is a folder."""
    parts = source if isinstance(source, tuple | list) else str(source or "").split(",")
    paths = [Path(part) for part in map(str, parts) if part and os.path.exists(part)]
    return paths + [file for path in paths if path.is_dir() for file in path.iterdir()]


def check_files(paths: Iterable[Path], overwrite: bool) -> None:
    """Raise unless files can be written where these paths are.

    Raises:
        IsADirectoryError, FileExistsError: naming what is in the way.
    """
    for path in paths:
        if path.is_dir():
            raise IsADirectoryError(f"{path}: is a folder; name a file")
        check_free(path, overwrite)


def check_free(path: Path, overwrite: bool) -> None:
    """Raise unless nothing is there, or it may be replaced."""
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path}: exists; replace it (--overwrite) or name another")


def check_parent(path: Path) -> None:
    """Raise unless the folder that something is to be written to exists."""
    parent = path.absolute().parent
    if not parent.is_dir():
        raise FileNotFoundError(f"{parent}: no such folder to write {path.name} to")
