"""Write to a temporary file, rename it when it is complete, and report failures in one sentence."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class OutputError(OSError):
    """An output that cannot be written; names it and says why. What was there before stays."""


def _output_error(title: Any, error: OSError, more: str = "") -> OutputError:
    return OutputError(f"cannot write {title}: {error.strerror or error}{more}")


@contextlib.contextmanager
def writing(title: str | os.PathLike[str]) -> Iterator[None]:
    """Within it a failure of the disk is an `OutputError` that names the output.

    Example:
        >>> with writing("a.bin"):
        ...     raise OSError(28, "No space left on device", "some/other/file")
        Traceback (most recent call last):
        ...
        elmo.system.output.OutputError: cannot write a.bin: No space left on device
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        raise _output_error(os.fspath(title), error) from error


class OutputFile:
    """A new binary file beside `path`, renamed to it by `commit`.

    It can be given to `h5py.File` or `zipfile.ZipFile`. HDF5 keeps on writing after a failed write
    and crashes when that fails too; so after the first failure everything is swallowed, and the
    failure is raised as an `OutputError` there and by `commit`.

    Args:
        path: where it is to stand.
        overwrite: whether a file that is there is replaced.
        title: what messages call it; None for its path.
        quiet: raise a failure in `commit` alone, never to the library that writes; HDF5 cannot close a
            file that fails while it does.

    Raises:
        FileExistsError: there is one, and `overwrite` is off.
        OutputError: the folder is missing or cannot be written to.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     output = OutputFile(Path(folder, "a.bin"))
        ...     _ = output.write(b"all of it")
        ...     output.commit()
        ...     Path(folder, "a.bin").read_text()
        'all of it'
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        overwrite: bool = False,
        title: str | os.PathLike[str] | None = None,
        quiet: bool = False,
    ) -> None:
        self.path = Path(path)
        self.title = self.path if title is None else title
        self._quiet = quiet
        self.failure: OutputError | None = None
        if self.path.is_dir():
            raise OutputError(f"cannot write {self.title}: it is a folder; give a file")
        if self.path.exists() and not overwrite:
            raise FileExistsError(f"{self.title} exists; overwrite it or give another name")
        parent = self.path.absolute().parent
        self._aside = parent / f".{self.path.name}.{secrets.token_hex(4)}.part"
        try:
            self._file = open(self._aside, "xb+")  # noqa: SIM115 - closed by commit or discard
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> OutputError:
        # Under another title it is a piece of something, and its maker knows what was kept.
        whole = self.title == self.path
        return _output_error(self.title, error, "; nothing of it was kept" if whole else "")

    def _try(self, do: Callable[..., Any], *arguments: Any, instead: Any = None) -> Any:
        if self.failure is not None:
            return instead
        try:
            return do(*arguments)
        except OSError as error:
            self.failure = self._error(error)
            self.failure.__cause__ = error
            if self._quiet:
                return instead
            raise self.failure from error

    # What h5py and zipfile ask of a file.

    def write(self, data: Any) -> int:
        return self._try(self._file.write, data, instead=memoryview(data).nbytes)

    def flush(self) -> None:
        self._try(self._file.flush)

    def truncate(self, size: int | None = None) -> int:
        return self._try(self._file.truncate, size, instead=size or 0)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._try(self._file.seek, offset, whence, instead=offset)

    def tell(self) -> int:
        return self._try(self._file.tell, instead=0)

    def readinto(self, buffer: Any) -> int:
        return self._try(self._file.readinto, buffer, instead=0)

    def read(self, size: int = -1) -> bytes:
        return self._try(self._file.read, size, instead=b"")

    # The end.

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._aside.stat().st_size if self._aside.exists() else self.path.stat().st_size

    def commit(self) -> None:
        """Close the file and put it in its place.

        Raises:
            OutputError: something could not be written; then nothing is left of it.
        """
        try:
            self._try(self._file.flush)
            self._try(os.fsync, self._file.fileno())
            self._try(self._file.close)
            self._try(os.replace, self._aside, self.path)
            if self.failure is not None:
                raise self.failure
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Close the file and remove it."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._aside.unlink()
