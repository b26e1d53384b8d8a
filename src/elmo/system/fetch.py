"""One file from the web to the disk: streamed, resumed, checked, renamed."""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import json
import os
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage, HTTPResponse
from pathlib import Path
from typing import IO, Any, BinaryIO
from urllib.parse import urlsplit

from elmo.system.download_progress import Shown
from elmo.system.files import write_whole

Progress = Callable[[int, int | None], None]
"""Called with the bytes so far and all of them (None where that is not known)."""

TIMEOUT = 30.0
ATTEMPTS = 4
PAUSE = 1.0
LONGEST_PAUSE = 120.0  # seconds that a server's Retry-After is waited for
_BLOCK = 1 << 18
_ABANDONED = 600.0
_AGENT = "elmo-keras"
_SCHEMES = ("http", "https")
_RANGE = ("Range", "If-Range")


class DownloadError(OSError):
    """What could not be downloaded, why, and what would do."""


class _Interrupted(Exception):
    """The connection ended too early; what came so far is kept.

    Attributes:
        pause: seconds after which the server wants to be asked again; 0 where it did not say.
    """

    pause = 0.0


def record_path(path: Path) -> Path:
    """Where the address, size and checksum of a downloaded file are noted."""
    return path.with_name(f"{path.name}.download.json")


def read_record(path: Path) -> dict[str, Any] | None:
    """What is noted about a downloaded file, or None."""
    try:
        record = json.loads(record_path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def fetch(
    url: str,
    path: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    progress: Progress | bool | None = None,
) -> Path:
    """Downloads a file once.

    The bytes go to a file beside the target, which is renamed once it is whole and checked. An
    interrupted download is resumed where it stopped, if the server can and its file is the same.
    The checksum is noted beside the file, whether it was known before or not.

    Args:
        url: `http://` or `https://`.
        path: the target; a whole download that is there already is not repeated.
        sha256: what its checksum must be, where known.
        size: how many bytes it must have, where known.
        progress: called now and then; True for a bar on a terminal and a line elsewhere.

    Returns:
        `path`.

    Raises:
        DownloadError: there is no connection, the server refuses, or the file is another.
        OSError: it cannot be written.
    """
    record = read_record(path)
    if record is not None and path.is_file() and path.stat().st_size == record.get("size"):
        return path
    if progress is True:
        with Shown(url, path.parent) as shown:
            return fetch(url, path, sha256=sha256, size=size, progress=shown)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _claim(path)
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                digest = _stream(url, part, size, progress or None)
                break
            except _Interrupted as error:
                if attempt == ATTEMPTS:
                    raise DownloadError(_offline(url, str(error))) from error
                if error.pause > LONGEST_PAUSE:
                    raise DownloadError(
                        f"{url}: the server wants to be asked again in {error.pause:,.0f} seconds "
                        f"({error}); try later"
                    ) from error
                time.sleep(max(PAUSE * attempt, error.pause))
        found = part.stat().st_size
        other_size = size is not None and found != size
        if other_size or (sha256 is not None and digest != sha256):
            part.unlink()
            wanted = f"{size} bytes" if other_size else f"SHA-256 {sha256}"
            raise DownloadError(
                f"{url}: another file than expected came ({found} bytes, SHA-256 {digest}; wanted "
                f"{wanted}); nothing was kept"
            )
        note = {"url": url, "size": found, "sha256": digest, "verified": sha256 is not None}
        _write_record(path, note)
        os.replace(part, path)
    finally:
        if part.exists() and part.stat().st_size:
            _park(part, path)
        else:
            part.unlink(missing_ok=True)
            _validator(part).unlink(missing_ok=True)
    return path


def _offline(url: str, reason: str) -> str:
    return (
        f"{url}: cannot be downloaded ({reason}); check the connection, or fetch it elsewhere and "
        "give the path of the file or folder"
    )


# The unfinished file. Each process works on one of its own name; one that fails leaves it under a
# common name, where the next finds it.


def _validator(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _claim(path: Path) -> Path:
    mine = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    now = time.time()
    for other in sorted(path.parent.glob(f".{path.name}.*.part")):
        with contextlib.suppress(OSError):
            parked = other.name == f".{path.name}.left.part"
            if parked or now - other.stat().st_mtime > _ABANDONED:
                os.replace(other, mine)
                os.replace(_validator(other), _validator(mine))
                break
    return mine


def _park(part: Path, path: Path) -> None:
    left = path.with_name(f".{path.name}.left.part")
    with contextlib.suppress(OSError):
        os.replace(_validator(part), _validator(left))
        os.replace(part, left)


def _write_record(path: Path, values: dict[str, Any]) -> None:
    write_whole(record_path(path), (json.dumps(values, indent=1) + "\n").encode("utf-8"))


def _stream(url: str, part: Path, size: int | None, progress: Progress | None) -> str:
    digest, done = hashlib.sha256(), 0
    headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
    validator = _read_validator(part, url)
    if validator is not None:
        with open(part, "rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                done += len(block)
        headers |= {"Range": f"bytes={done}-", "If-Range": validator}
    with _open(url, headers) as answer:
        if answer.status != 206:
            digest, done = hashlib.sha256(), 0
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            # Another piece than was asked for: it is neither the rest nor the whole.
            part.unlink(missing_ok=True)
            raise _Interrupted("the server sent another part of the file than was asked for")
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length and length.isdigit() else None
        if size is not None and total not in (None, size):
            raise DownloadError(f"{url}: has {total} bytes, but the model's file has {size}")
        tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        strong = tag if tag and not tag.startswith("W/") else None
        _validator(part).write_text(json.dumps({"url": url, "validator": strong}))
        with open(part, "ab" if done else "wb") as file:
            done = _copy(answer, file, digest, done, total, size, url, progress)
            file.flush()
            os.fsync(file.fileno())
    if total is not None and done < total:
        raise _Interrupted(f"the connection ended after {done:,} of {total:,} bytes")
    return digest.hexdigest()


def _copy(
    answer: HTTPResponse,
    file: BinaryIO,
    digest: hashlib._Hash,
    done: int,
    total: int | None,
    size: int | None,
    url: str,
    progress: Progress | None,
) -> int:
    try:
        while block := answer.read(_BLOCK):
            if not done and _is_page(block):
                raise DownloadError(
                    f"{url}: a web page came in place of the file (a portal that wants a login, or an "
                    "address that has moved); open the address in a browser, or fetch the file elsewhere "
                    "and give its path"
                )
            file.write(block)
            digest.update(block)
            done += len(block)
            if progress is not None:
                progress(done, total)
            if size is not None and done > size:
                raise DownloadError(f"{url}: goes on beyond the {size} bytes of the model's file")
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise _Interrupted(str(error) or type(error).__name__) from error
    return done


def _is_page(start: bytes) -> bool:
    """Whether bytes are the beginning of HTML, which no file of a model is."""
    text = start[:512].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def _pause(wanted: str | None) -> float:
    """Seconds of a Retry-After header, which has a number or a date; 0 without one.

    Example:
        >>> _pause("7"), _pause("soon"), _pause(None)
        (7.0, 0.0, 0.0)
    """
    if wanted is None:
        return 0.0
    if wanted.strip().isdigit():
        return float(wanted)
    try:
        then = email.utils.parsedate_to_datetime(wanted)
    except ValueError:
        return 0.0
    return max(0.0, then.timestamp() - time.time())


def _read_validator(part: Path, url: str) -> str | None:
    """The ETag or date stored with the partial file, or None where it is of another file."""
    try:
        values = json.loads(_validator(part).read_text())
        known = values["url"] == url and part.stat().st_size > 0
        return values["validator"] if known else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follows redirections that stay on the web."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme not in _SCHEMES:
            raise DownloadError(f"{req.full_url}: leads to {newurl}, which is not on the web")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _open(url: str, headers: dict[str, str]) -> HTTPResponse:
    if urlsplit(url).scheme.lower() not in _SCHEMES:
        raise DownloadError(f"{url}: only http:// and https:// can be downloaded")
    request = urllib.request.Request(url, headers=headers)
    try:
        return urllib.request.build_opener(_WebOnly).open(request, timeout=TIMEOUT)
    except DownloadError:
        raise
    except urllib.error.HTTPError as error:
        with error:
            if error.code in (408, 429) or error.code >= 500:
                interrupted = _Interrupted(f"HTTP {error.code} {error.reason}")
                interrupted.pause = _pause(error.headers.get("Retry-After"))
                raise interrupted from error
            if error.code == 416:  # the part is as long as the file, or longer: begin anew
                return _open(url, {k: v for k, v in headers.items() if k not in _RANGE})
            raise DownloadError(
                f"{url}: the server answers HTTP {error.code} {error.reason}"
            ) from error
    except (urllib.error.URLError, HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise _Interrupted(str(reason) or type(error).__name__) from error
