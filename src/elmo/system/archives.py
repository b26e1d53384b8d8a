"""Zip archives of models, unpacked without trust."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import IO

from elmo.system.errors import FormatError, brief

MAX_ENTRIES = 10_000
MAX_RATIO = 200
FREE_BYTES = 64 << 20
"""An archive may unpack to this much however small it is; beyond it the ratio counts."""


def extract_zip(archive: str | os.PathLike[str], folder: str | os.PathLike[str]) -> Path:
    """Unpacks a zip archive.

    Args:
        archive: the zip file.
        folder: where its files go; made if need be.

    Returns:
        The folder.

    Raises:
        FormatError: the archive is damaged or encrypted; an entry climbs out of the folder, is
            absolute, a link, or no plain file; two have one name; or they unpack to far more than
            an archive of models would.
    """
    folder = Path(folder)
    try:
        with zipfile.ZipFile(archive) as file:
            entries = _checked(file, archive)
            for entry, path in entries:
                target = folder.joinpath(*path.parts)
                target.parent.mkdir(parents=True, exist_ok=True)
                with file.open(entry) as source, open(target, "xb") as out:
                    _copy(source, out, entry, archive)
    except FormatError:
        raise
    except FileExistsError as error:
        raise FormatError(f"{archive}: holds a name twice ({error.filename})") from error
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise FormatError(f"{archive}: a damaged zip archive ({brief(error)})") from error
    except OSError as error:
        raise FormatError(f"{archive}: cannot be unpacked ({brief(error)})") from error
    except Exception as error:  # decompressors raise errors of their own kinds
        raise FormatError(f"{archive}: a damaged zip archive ({brief(error)})") from error
    return folder


def _checked(
    file: zipfile.ZipFile, archive: str | os.PathLike[str]
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    entries = file.infolist()
    if len(entries) > MAX_ENTRIES:
        raise FormatError(f"{archive}: holds more than {MAX_ENTRIES:,} files")
    total = sum(entry.file_size for entry in entries)
    if total > max(FREE_BYTES, MAX_RATIO * os.path.getsize(archive)):
        raise FormatError(
            f"{archive}: would unpack to {total:,} bytes, far more than a model's zip"
        )
    checked = []
    for entry in entries:
        name = entry.filename.replace("\\", "/")
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in entry.orig_filename:
            raise FormatError(f"{archive}: {entry.filename!r} would be written outside its folder")
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise FormatError(f"{archive}: {entry.filename!r} is a link or a device, not a file")
        if entry.flag_bits & 1:
            raise FormatError(f"{archive}: {entry.filename!r} is encrypted")
        if not entry.is_dir() and path.parts:
            checked.append((entry, path))
    return checked


def _copy(
    source: IO[bytes], out: IO[bytes], entry: zipfile.ZipInfo, archive: str | os.PathLike[str]
) -> None:
    left = entry.file_size
    while piece := source.read(1 << 20):
        left -= len(piece)
        if left < 0:
            raise FormatError(f"{archive}: {entry.filename!r} is larger than it says")
        out.write(piece)
    if left:
        raise FormatError(f"{archive}: {entry.filename!r} is cut")
