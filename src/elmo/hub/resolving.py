"""From whatever names a model to a local path: a path, an address, the hub, a name."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from elmo.hub.client import client, reason
from elmo.hub.installed import find as find_installed
from elmo.hub.installed import installed
from elmo.hub.models import MODELS, RemoteFile, RemoteModel, find, find_by_address
from elmo.system.archives import extract_zip
from elmo.system.cache import cache_folder
from elmo.system.errors import FormatError
from elmo.system.fetch import DownloadError, Progress, fetch, read_record
from elmo.system.folders import made_once

__all__ = [
    *("DownloadError", "Local", "Source", "folder_of", "is_address", "models_folder", "name_of"),
    "resolve",
]

Source = str | os.PathLike[str] | tuple[str | os.PathLike[str], str | os.PathLike[str]]
Local = Path | tuple[Path, Path]

_CONTENT = "content"
_HUB = "hf://"
_HUB_FILES = (
    *("*options*.json", "*.hdf5", "*.h5", "vocab*.txt", "vocab*.txt.gz", "*.safetensors"),
    *("config.json", "*_sample.json", "*.dic", "token_embedder.pkl", "encoder.pkl"),
    *("checkpoint", "*.ckpt-*", "*.zip"),
)


def models_folder() -> Path:
    """Where downloaded models are kept: `models` in `ELMO_CACHE`, else in the user's cache."""
    return cache_folder() / "models"


def resolve(source: Source, *, progress: Progress | bool | None = None) -> Local:
    """The local path of a model, downloaded first if need be.

    Args:
        source: a path; the address of a zip archive, or of weights (`…weights.hdf5`, beside which
            `…options.json` is taken); a pair (options, weights) of paths or addresses, or both
            as text with a comma between them;
            `hf://user/model`, with `@revision` if wanted; or a name: of an installed model
            (`elmo.hub.installed`), or of one in `elmo.hub.models`. What exists on the disk is taken
            for a path.
        progress: called with the bytes so far and all of them (or None) during downloads; True for
            a bar on a terminal and a line elsewhere.

    Returns:
        What `pretrained.read` takes: a path, or the pair of two.

    Raises:
        FormatError: the source is none of these, or an archive is damaged.
        DownloadError: it cannot be downloaded; says why.
        ImportError: `hf://` without the package huggingface_hub.

    Example:
        >>> resolve("/")
        PosixPath('/')
    """
    if isinstance(source, tuple | list):
        if len(source) != 2:
            raise FormatError(f"{source!r}: give a path, or the pair (options, weights)")
        return _pair(*source, progress=progress)
    text = os.fspath(source)
    if os.path.exists(text) or os.path.exists(f"{text}.index"):
        return Path(text)
    if not isinstance(source, str):
        raise FormatError(f"{text}: no such file or folder")
    if text.startswith(_HUB):
        return _from_hub(text)
    if (both := _parted(text)) is not None:
        return _pair(*both, progress=progress)
    if is_address(text):
        return _from_address(text, progress)
    here = find_installed(text)
    if here is not None:
        return here
    model = find(text)
    if model is not None:
        return _from_registry(model, progress)
    names = [*installed(), *MODELS]
    close = difflib.get_close_matches(text.lower(), names, n=3)
    hint = f"; did you mean {' or '.join(close)}?" if close else "."
    raise FormatError(
        f"{text}: no such file or folder, and no model of that name{hint} Names are: "
        f"{', '.join(names[:4])}, … (`elmo models` lists them all)"
    )


def name_of(source: Source) -> str:
    """A source as the command line has it.

    Example:
        >>> name_of(("a.json", Path("a.hdf5")))
        'a.json,a.hdf5'
    """
    parts = source if isinstance(source, tuple | list) else (source,)
    return ",".join(os.fspath(part) for part in parts)


def _parted(text: str) -> tuple[str, str] | None:
    """Options and weights of `OPTIONS,WEIGHTS`; an address may have a comma of its own."""
    options, comma, weights = text.partition(",")
    if not (comma and options and weights):
        return None
    if is_address(text) and not (is_address(weights) or os.path.isfile(weights)):
        return None
    return options, weights


def is_address(text: str) -> bool:
    """Whether it is an address of the web."""
    return re.match(r"https?://", text, re.IGNORECASE) is not None


def folder_of(*urls: str) -> Path:
    """Where files of these addresses are kept."""
    return models_folder() / _key(*urls)


def _key(*urls: str) -> str:
    """A folder's name for some addresses: readable, and of its own."""
    digest = hashlib.sha256("\n".join(urls).encode()).hexdigest()[:16]
    return f"{_name(urls[-1])[:60]}-{digest}"


def _name(url: str) -> str:
    base = unquote(urlsplit(url).path).rstrip("/").rsplit("/", 1)[-1]
    return re.sub(r"[^A-Za-z0-9._-]", "_", base).lstrip(".") or "model"


def _pair(
    options: str | os.PathLike[str],
    weights: str | os.PathLike[str],
    progress: Progress | bool | None,
) -> tuple[Path, Path]:
    known = find_by_address(os.fspath(options), os.fspath(weights))
    if known is not None:
        folder = _from_registry(known, progress)
        return folder / known.files[0].name, folder / known.files[1].name
    folder = folder_of(os.fspath(options), os.fspath(weights))

    def local(source: str | os.PathLike[str], name: str) -> Path:
        if isinstance(source, str) and is_address(source):
            return fetch(source, folder / name, progress=progress)
        return Path(source)

    return local(options, "options.json"), local(weights, "weights.hdf5")


def _from_address(url: str, progress: Progress | bool | None) -> Local:
    parts = urlsplit(url)
    for ours, other in (("weights.hdf5", "options.json"), ("options.json", "weights.hdf5")):
        if parts.path.endswith(ours):
            beside = parts._replace(path=parts.path.removesuffix(ours) + other).geturl()
            pair = (url, beside) if ours == "options.json" else (beside, url)
            return _pair(*pair, progress=progress)
    if parts.path.endswith((".hdf5", ".h5", ".json")):
        raise FormatError(
            f"{url}: one file of two; give both, OPTIONS,WEIGHTS or (options, weights)"
        )
    known = find_by_address(url)
    if known is not None:
        return _from_registry(known, progress)
    name = _name(url)
    file = RemoteFile(url, name if name.endswith(".zip") else f"{name}.zip")
    return _unpacked(file, folder_of(url), progress)


def _from_registry(model: RemoteModel, progress: Progress | bool | None) -> Path:
    folder = models_folder() / model.name
    if len(model.files) == 1 and model.files[0].name.endswith(".zip"):
        return _unpacked(model.files[0], folder, progress)
    for file in model.files:
        target = folder / file.name
        fetch(file.url, target, sha256=file.sha256, size=file.size, progress=progress)
    return folder


def _unpacked(file: RemoteFile, folder: Path, progress: Progress | bool | None) -> Path:
    """The folder with an archive's files; the archive itself is not kept."""
    content, archive = folder / _CONTENT, folder / file.name
    if content.is_dir() and read_record(archive) is not None:
        return content
    fetch(file.url, archive, sha256=file.sha256, size=file.size, progress=progress)
    with made_once(content) as new:
        try:
            extract_zip(archive, new)
        except FormatError as error:
            archive.unlink(missing_ok=True)
            raise FormatError(f"{file.url}: {error}") from error
    archive.unlink(missing_ok=True)
    return content


def _from_hub(text: str) -> Path:
    match = re.fullmatch(r"hf://([\w.-]+/[\w.-]+)(?:@([\w./-]+))?/?", text)
    if match is None:
        raise FormatError(f"{text}: must be hf://user/model or hf://user/model@revision")
    hub = client(text)
    cache = cache_folder() / "hub" if os.environ.get("ELMO_CACHE") else None
    try:
        folder = hub.snapshot_download(
            match[1], revision=match[2], cache_dir=cache, allow_patterns=list(_HUB_FILES)
        )
    except Exception as error:  # of several libraries, none of which is imported here
        raise DownloadError(f"{text}: cannot be downloaded: {reason(error)}") from error
    return Path(folder)
