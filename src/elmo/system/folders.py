"""Files written together: a folder holds all of the old ones or all of the new ones.

`made_once` makes a folder that nobody changes later, such as a download. `write_together` writes one
that may be written again:
A new folder is written aside and renamed. In a folder that exists (with a run's files that must
not move) the new files are written to a subfolder, which is then renamed to `.complete`: from that
moment they count. They are moved up one by one; should that be interrupted, readers look into
`.complete` first (`settled`), and the next write finishes the move.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from elmo.system.errors import FormatError, brief
from elmo.system.files import sync_folder

COMPLETE = ".complete"
PREFIX = ".writing-"
REMOVED = ".removed.json"
KEPT = ("run",)


@contextlib.contextmanager
def made_once(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """A new folder to fill, which becomes `folder` when the block ends without an error.

    Where another process has made `folder` meanwhile, its files count and the new ones are dropped.
    After an error nothing is left but the parents of `folder`, which are made.

    Args:
        folder: where the files will be.

    Raises:
        OSError: the folder cannot be made.
    """
    folder = Path(os.path.abspath(folder))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _aside(folder.parent, f".{folder.name}{PREFIX}") as new:
        yield new
        try:
            os.replace(new, folder)
        except OSError:
            if not folder.is_dir():  # else another process was first
                raise


@contextlib.contextmanager
def settled(folder: str | os.PathLike[str]) -> Iterator[Path]:
    """The folder to read from: the folder itself, or its new state if a write was interrupted.

    Args:
        folder: a folder that `write_together` may have written.
    """
    folder = Path(folder)
    complete = folder / COMPLETE
    if not complete.is_dir():
        yield folder
        return
    removed = {*_removed(complete), COMPLETE}
    with tempfile.TemporaryDirectory(prefix="elmo-") as view:
        for source in (complete, folder):
            for path in source.iterdir():
                link = Path(view, path.name)
                if path.name not in removed and not link.is_symlink():
                    link.symlink_to(path.resolve())
        yield Path(view)


def write_together(
    folder: str | os.PathLike[str],
    write: Callable[[Path], None],
    *,
    overwrite: bool = False,
    replaces: Iterable[str] = (),
) -> Path:
    """Fills a folder with files so that a crash leaves the old ones whole.

    Args:
        folder: the folder; its parents are made.
        write: writes the files into the empty folder that it is given.
        overwrite: whether a folder that holds something may be written to. What `write` does not
            replace stays, except for the names in `replaces`.
        replaces: names that are removed where `write` does not make them.

    Returns:
        The folder.

    Raises:
        FileExistsError: the folder holds something, and `overwrite` is off. A folder with nothing
            but a `run` folder is taken as new.
        OSError: it cannot be written.
    """
    folder = Path(os.path.abspath(folder))
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; give a folder")
    content = set(os.listdir(folder)) if folder.exists() else set()
    stays = {name for name in content if not name.startswith(PREFIX)}
    if stays - set(KEPT) and not overwrite:
        raise FileExistsError(f"{folder} exists and is not empty; overwrite it or give another")
    folder.parent.mkdir(parents=True, exist_ok=True)
    if content:
        _replace(folder, write, set(replaces))
    else:
        with _aside(folder.parent, f".{folder.name}{PREFIX}") as new:
            write(new)
            _sync(new)
            if folder.exists():
                folder.rmdir()
            os.replace(new, folder)
        sync_folder(folder.parent)
    return folder


def _replace(folder: Path, write: Callable[[Path], None], replaces: set[str]) -> None:
    _finish(folder)
    for left in folder.glob(f"{PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    with _aside(folder, PREFIX) as new:
        write(new)
        removed = sorted(replaces - set(os.listdir(new)))
        (new / REMOVED).write_text(json.dumps(removed))
        _sync(new)
        os.replace(new, folder / COMPLETE)
    sync_folder(folder)
    _finish(folder)


def _finish(folder: Path) -> None:
    complete = folder / COMPLETE
    if not complete.is_dir():
        return
    removed = _removed(complete)
    for path in sorted(complete.iterdir()):
        if path.name != REMOVED:
            os.replace(path, folder / path.name)
    for name in removed:
        (folder / name).unlink(missing_ok=True)
    sync_folder(folder)
    (complete / REMOVED).unlink(missing_ok=True)
    complete.rmdir()


def _removed(complete: Path) -> list[str]:
    try:
        names = json.loads((complete / REMOVED).read_text())
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise FormatError(f"{complete / REMOVED}: damaged ({brief(error)})") from error
    if not isinstance(names, list) or any(os.path.basename(str(n)) != n for n in names):
        raise FormatError(f"{complete / REMOVED}: damaged (not a list of file names)")
    return names


@contextlib.contextmanager
def _aside(parent: Path, prefix: str) -> Iterator[Path]:
    path = parent / f"{prefix}{secrets.token_hex(8)}"
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_file():
            with open(path, "rb") as file:
                os.fsync(file.fileno())
    sync_folder(folder)
