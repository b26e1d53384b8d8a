"""Progress of downloads: a bar on a terminal, a line elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from elmo.system.readable import readable

_silent: ContextVar[bool] = ContextVar("silent", default=False)


@contextlib.contextmanager
def silent(choice: bool = True) -> Iterator[None]:
    """Within it, downloads are not shown.

    Args:
        choice: False leaves things as they are.
    """
    token = _silent.set(choice or _silent.get())
    try:
        yield
    finally:
        _silent.reset(token)


class Shown:
    """What `fetch` tells of one file, on standard error; a context.

    Args:
        url: of the file.
        folder: where it goes.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self._begun = False
        self._bar: Any = None

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._bar is not None:
            self._bar.stop()

    def __call__(self, done: int, total: int | None) -> None:
        if _silent.get():
            return
        if not self._begun:
            self._begun = True
            self._begin(total)
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)

    def _begin(self, total: int | None) -> None:
        size = "" if total is None else f" ({readable(total)})"
        print(f"downloading {self.url}{size} to {self.folder}", file=sys.stderr, flush=True)
        if not sys.stderr.isatty():
            return
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        columns = BarColumn(None), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=total)
        self._bar.start()
