"""Data sets by name: from the folder in `ELMO_DATA`, else downloaded once and checked.

`wikitext-2`, and novels of the European Literary Text Collection by language: `eltec-eng`, `eltec-deu`, …
(`elmo.text.eltec`). A download goes to `ELMO_CACHE`, else `$XDG_CACHE_HOME/elmo`, else `~/.cache/elmo`.
It is written aside, checked, and only then takes its place.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from elmo.system.cache import cache_folder
from elmo.system.fetch import DownloadError, Progress, fetch, record_path
from elmo.system.folders import made_once
from elmo.text import eltec, raw
from elmo.text.corpus import Corpus
from elmo.text.files import CorpusError

SPLITS = ("train", "valid", "test")
_ELTEC = "eltec-"


class DatasetError(OSError):
    """A data set that could not be obtained; says why and what would do."""


class UnknownDatasetError(DatasetError, ValueError):
    """No data set, or no part of one, has that name."""


class Dataset(NamedTuple):
    """The three parts of a data set."""

    train: Corpus
    valid: Corpus
    test: Corpus


@dataclass(frozen=True)
class Source:
    """Where a data set comes from and how its files are known.

    Args:
        folder: its folder under `ELMO_DATA` and in the cache.
        files: file names of the parts.
        urls: addresses of one and the same zip file, tried in turn.
        sha256: of the zip file.
        file_sha256: of the parts inside it, where they are known.
    """

    folder: str
    files: dict[str, str]
    urls: tuple[str, ...]
    sha256: str
    file_sha256: dict[str, str]


# The checksum of the zip is that of the first release, as published with several data loaders. The
# training part has no checksum of its own here: copies are about whose articles stand in another
# order (the same sentences); one that comes out of the checked zip is right by that.
SOURCES = {
    "wikitext-2": Source(
        folder="wikitext-2",
        files={part: f"wiki.{part}.tokens" for part in SPLITS},
        urls=(
            "https://wikitext.smerity.com/wikitext-2-v1.zip",
            "https://s3.amazonaws.com/research.metamind.io/wikitext/wikitext-2-v1.zip",
        ),
        sha256="92675f1d63015c1c8b51f1656a52d5bdbc33aafa60cc47a218a66e7ee817488c",
        file_sha256={
            "valid": "f0737ed31fc1329026e95cb8b98e19c2a182c39c240ab909dc31abf2f8af58e8",
            "test": "d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0",
        },
    )
}


def names() -> list[str]:
    """The data sets that can be loaded.

    Example:
        >>> names()[-3:]
        ['eltec-swe', 'eltec-ukr', 'wikitext-2']
    """
    return sorted([*SOURCES, *(f"{_ELTEC}{language}" for language in eltec.LANGUAGES)])


def load(name: str, *, progress: Progress | bool | None = None, **options: Any) -> Dataset:
    """The parts of a data set as corpora.

    Args:
        name: such as `"wikitext-2"`.
        progress: called with the bytes so far and their total (or None) during a download; True for a
            bar.
        **options: of `Corpus`. WikiText's blank lines are kept unless `blank_lines="skip"` is given,
            as its standard perplexities count an end of sentence on each of them.

    Returns:
        A `Dataset` with `train`, `valid` and `test`.

    Raises:
        UnknownDatasetError, DatasetError: as from `path`.
    """
    options.setdefault("blank_lines", "keep" if name in SOURCES else "skip")
    return Dataset(*(Corpus(path(name, part, progress=progress), **options) for part in SPLITS))


def path(name: str, split: str = "train", *, progress: Progress | bool | None = None) -> Path:
    """The file of one part, downloaded first where it is not there yet.

    Of novels it is a folder with a file for each novel. They are tokenized when they are first asked
    for, a matter of minutes, and kept in the cache.

    Args:
        name: such as `"wikitext-2"` or `"eltec-eng"`.
        split: `"train"`, `"valid"` or `"test"`.
        progress: as for `load`.

    Raises:
        UnknownDatasetError: the name or the part is not known.
        DatasetError: the download failed, or what came is not what it should be.
    """
    if name not in names():
        raise UnknownDatasetError(f"name={name!r}: must be one of {', '.join(names())}")
    if split not in SPLITS:
        raise UnknownDatasetError(f"split={split!r}: must be one of {', '.join(SPLITS)}")
    if name not in SOURCES:
        return _novels(name.removeprefix(_ELTEC), progress) / split
    source = SOURCES[name]
    data = os.environ.get("ELMO_DATA")
    if data:
        own = Path(data) / source.folder / source.files[split]
        if own.is_file():
            return own
    folder = cache_folder() / "datasets" / source.folder
    if not (folder / source.files[split]).is_file():
        _download(name, source, folder, progress)
    return folder / source.files[split]


def _novels(language: str, progress: Progress | bool | None) -> Path:
    """The folder with the sentences of a language's novels, made first where it is not there yet."""
    target = cache_folder() / "datasets" / eltec.folder_name(language)
    if target.is_dir():
        return target
    raw.check_installed()  # before a download
    digests = eltec.known_digests(language)
    data = os.environ.get("ELMO_DATA")
    own = Path(data) / f"{_ELTEC}{language}" if data else None
    if own is not None and (own / eltec.TABLE).is_file():
        eltec.write_sentences(eltec.from_folder(own), target, digests)
        return target
    url = eltec.address(language)
    packed = cache_folder() / "datasets" / f"{_ELTEC}{language}.zip"
    try:
        if not packed.is_file():  # by hand, as the error below advises
            fetch(url, packed, progress=progress)
        eltec.write_sentences(eltec.from_archive(packed), target, digests)
    except DownloadError as error:
        raise DatasetError(
            f"{_ELTEC}{language} could not be downloaded ({error}); put the archive of {url} at {packed}"
        ) from error
    except (zipfile.BadZipFile, CorpusError) as error:
        raise DatasetError(f"{_ELTEC}{language}: {error}; delete {packed} and try again") from None
    return target


def _download(name: str, source: Source, folder: Path, progress: Progress | bool | None) -> None:
    with made_once(folder) as new:
        packed = new / "download.zip"
        _fetch_any(name, source, packed, progress)
        _unpack(name, source, packed, new)
        packed.unlink()
        record_path(packed).unlink()
        if folder.is_dir() and not all((folder / file).is_file() for file in source.files.values()):
            shutil.rmtree(folder)  # what somebody deleted a part of


def _fetch_any(name: str, source: Source, target: Path, progress: Progress | bool | None) -> None:
    reasons = []
    for url in source.urls:
        try:
            fetch(url, target, sha256=source.sha256, progress=progress)
            return
        except DownloadError as error:
            reasons.append(str(error))
    raise DatasetError(
        f"{name} could not be downloaded ({'; '.join(reasons)}); put {', '.join(SPLITS)} as "
        f"{', '.join(source.files.values())} in a folder {source.folder!r} and set ELMO_DATA to "
        "the folder above it"
    )


def _unpack(name: str, source: Source, packed: Path, folder: Path) -> None:
    """Take the known files, and nothing else, out of the zip."""
    try:
        with zipfile.ZipFile(packed) as archive:
            members = {Path(m).name: m for m in archive.namelist() if not m.endswith("/")}
            for part, file in source.files.items():
                if file not in members:
                    raise DatasetError(f"{name}: the downloaded zip holds no {file}")
                with archive.open(members[file]) as inside, open(folder / file, "wb") as target:
                    shutil.copyfileobj(inside, target)
                wanted = source.file_sha256.get(part)
                with open(folder / file, "rb") as written:
                    found = hashlib.file_digest(written, "sha256").hexdigest()
                if wanted is not None and found != wanted:
                    raise DatasetError(f"{name}: {file} has the SHA-256 {found}, not {wanted}")
    except zipfile.BadZipFile as error:
        raise DatasetError(f"{name}: the downloaded file is not a zip ({error})") from None
