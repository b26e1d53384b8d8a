"""Files under a corpus: finding them and opening them, compressed or not.

A text is known by its first bytes, not by its name, so a `.gz` file without the suffix is read as
well. Standard input and pipes are copied to a temporary file once, so that they can be read again.
"""

from __future__ import annotations

import bz2
import contextlib
import glob
import gzip
import io
import lzma
import os
import shutil
import sys
import tempfile
import weakref
import zlib
from typing import Any, BinaryIO

STANDARD_INPUT = "-"

_MAGIC = {
    "gzip": b"\x1f\x8b",
    "xz": b"\xfd7zXZ\x00",
    "zstd": b"\x28\xb5\x2f\xfd",
    "bzip2": b"BZh",
}
_BZIP2_BLOCKS = (b"1AY&SY", b"\x17rE8P\x90")  # a first block, or the end of an empty stream
_SUFFIXES = {".gz": "gzip", ".xz": "xz", ".zst": "zstd", ".bz2": "bzip2"}

# What lies beside texts in a folder and is none; a file that is named outright is always read.
NOT_TEXT = frozenset(
    f".{suffix}"
    for suffix in (
        *("7z", "rar", "tar", "tgz", "zip"),
        *("avi", "bmp", "gif", "ico", "jpeg", "jpg", "mov", "mp3", "mp4", "png", "svg", "tif"),
        *("tiff", "wav", "webp"),
        *("doc", "docx", "htm", "html", "odt", "pdf", "rtf", "xls", "xlsx", "xml"),
        *("csv", "db", "ini", "json", "jsonl", "parquet", "sqlite", "toml", "tsv", "yaml", "yml"),
        *("bin", "ckpt", "h5", "hdf5", "keras", "npy", "npz", "onnx", "pickle", "pkl", "pt"),
        *("pth", "safetensors", "vocab"),
        *("md5", "py", "pyc", "sh", "sha256", "so"),
    )
)


class CorpusError(ValueError):
    """A text that cannot be read as sentences; names the file, the line and what would do."""


class MissingTextError(CorpusError, FileNotFoundError):
    """A file, folder or pattern under which there is nothing to read."""


class MissingExtraError(ImportError):
    """A package that only an extra of `elmo-keras` installs; names the extra."""


class TextFile:
    """One file of a corpus, or a stream that is copied to a temporary file when first read.

    Args:
        name: what the user called it; `"-"` is standard input.
    """

    def __init__(self, name: str):
        self.name = name
        self.conllu: bool | None = None  # once somebody has looked
        self._copy: str | None = None
        self._is_stream = name == STANDARD_INPUT or not os.path.isfile(name)

    @property
    def title(self) -> str:
        """The name for a message."""
        return "standard input" if self.name == STANDARD_INPUT else self.name

    @property
    def path(self) -> str:
        """A path of a regular file that holds the text."""
        if not self._is_stream:
            return self.name
        if self._copy is None:
            handle, copy = tempfile.mkstemp(prefix="elmo-", suffix=".txt")
            weakref.finalize(self, _remove, copy)
            with os.fdopen(handle, "wb") as target:
                if self.name == STANDARD_INPUT:
                    shutil.copyfileobj(sys.stdin.buffer, target)
                else:
                    with open(self.name, "rb") as source:
                        shutil.copyfileobj(source, target)
            self._copy = copy
        return self._copy

    def damage(self, error: Exception, line: int) -> CorpusError:
        """The error for a compressed file that broke off or does not unpack, at a line."""
        cut = isinstance(error, EOFError)
        what = "is cut off" if cut else f"cannot be unpacked ({error})"
        return CorpusError(
            f"{self.title}, after line {line}: the compressed file {what}; "
            "fetch or compress it again"
        )


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def is_damage(error: Exception) -> bool:
    """Whether an exception from reading means a damaged compressed file, not a failing disk."""
    if isinstance(error, OSError):
        return error.errno is None
    if isinstance(error, EOFError | zlib.error | lzma.LZMAError):
        return True
    return type(error).__name__ == "ZstdError"


def find_files(source: str | os.PathLike[str]) -> list[TextFile]:
    """The files that a source names: a file, a folder (all beneath, sorted), a pattern or `"-"`.

    In a folder hidden files and those with a suffix of another kind (`NOT_TEXT`) are passed over.

    Raises:
        MissingTextError: nothing is there, or nothing that can be a text.
    """
    name = os.fspath(source)
    if not isinstance(name, str):
        raise TypeError(f"source {name!r} must be a str or a path, not {type(name).__name__}")
    if name == STANDARD_INPUT:
        return [TextFile(name)]
    if os.path.isdir(name):
        found = _beneath(name)
        if not found:
            raise MissingTextError(f"{name}: the folder holds no text file")
        return [TextFile(path) for path in found]
    if os.path.exists(name):
        return [TextFile(name)]
    if not glob.has_magic(name):
        raise MissingTextError(f"{name!r}: no such file or folder")
    matches = sorted(glob.glob(name, recursive=True))
    found = [m for m in matches if not os.path.isdir(m)]
    if "**" not in name:  # a folder that matched by itself is meant with all that it holds
        found += [path for m in matches if os.path.isdir(m) for path in _beneath(m)]
    if not found:
        raise MissingTextError(f"{name!r}: the pattern matches no file")
    return [TextFile(path) for path in sorted(found)]


def _beneath(folder: str) -> list[str]:
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith(".")]
        for name in names:
            path = os.path.join(root, name)
            suffix = os.path.splitext(name)[1].lower()
            if not name.startswith(".") and suffix not in NOT_TEXT and os.path.isfile(path):
                found.append(path)
    return sorted(found)


def compression(path: str) -> str | None:
    """`"gzip"`, `"xz"`, `"zstd"`, `"bzip2"` or None, by the file's first bytes.

    Raises:
        CorpusError: the suffix promises a compression that the content does not have.
    """
    with open(path, "rb") as file:
        start = file.read(10)
    for kind, magic in _MAGIC.items():
        if start.startswith(magic) and (kind != "bzip2" or start[4:] in _BZIP2_BLOCKS):
            return kind
    promised = _SUFFIXES.get(os.path.splitext(path)[1].lower())
    if promised and start:
        raise CorpusError(
            f"{path}: is not a {promised} file in spite of its name; fetch it again or rename it"
        )
    return None


def open_text(path: str) -> BinaryIO:
    """The unpacked bytes of a file, as a buffered binary stream."""
    kind = compression(path)
    stream: Any
    if kind is None:
        return open(path, "rb")
    if kind == "gzip":
        stream = gzip.open(path, "rb")  # noqa: SIM115 - closed with the stream
    elif kind == "xz":
        stream = lzma.open(path, "rb")  # noqa: SIM115 - closed with the stream
    elif kind == "bzip2":
        stream = bz2.open(path, "rb")  # noqa: SIM115 - closed with the stream
    else:
        stream = _ZstdReader(path)
    return io.BufferedReader(stream, 1 << 18)


class _ZstdReader(io.RawIOBase):
    """Frames of Zstandard one after another; a frame that breaks off raises EOFError.

    Four packed bytes can hold 128 KiB. So what is unpacked at a time begins small, and grows as long as
    little comes out of it.
    """

    _FEED = (1 << 9, 1 << 16)
    _MUCH = 1 << 22

    _file: BinaryIO | None = None

    def __init__(self, path: str):
        import zstandard

        # 2 GiB, the widest window that `zstd --long` writes
        self._make = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj
        self._file = open(path, "rb")  # noqa: SIM115 - closed with the reader
        self._frame: Any = None
        self._packed = self._unpacked = memoryview(b"")
        self._feed = self._FEED[0]

    def readable(self) -> bool:
        return True

    def readinto(self, target: Any) -> int:
        while not self._unpacked:
            if not self._packed and self._file is not None:
                self._packed = memoryview(self._file.read(self._FEED[1]))
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("a frame is not complete")
                return 0
            if self._frame is None:
                self._frame = self._make()
            fed, rest = self._packed[: self._feed], self._packed[self._feed :]
            self._unpacked = memoryview(self._frame.decompress(fed))
            least, most = self._FEED
            grows = len(self._unpacked) < self._MUCH
            self._feed = min(most, 2 * self._feed) if grows else max(least, self._feed // 2)
            self._packed = rest
            if self._frame.eof:
                unused = len(self._frame.unused_data)
                self._packed = memoryview(bytes(fed[len(fed) - unused :]) + bytes(rest))
                self._frame = None
        size = min(len(target), len(self._unpacked))
        target[:size], self._unpacked = self._unpacked[:size], self._unpacked[size:]
        return size

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()
