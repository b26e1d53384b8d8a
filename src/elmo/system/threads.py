"""What lets one object be used by several threads, and tells of a process that cannot compute."""

from __future__ import annotations

import os
import threading
from types import TracebackType


class Lock:
    """A reentrant lock; one that is pickled or copied comes out as a new one, free.

    Example:
        >>> import copy
        >>> lock = Lock()
        >>> with lock, lock:
        ...     with copy.copy(lock):
        ...         pass
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[Lock], tuple[()]]:
        return Lock, ()


class ForkedProcessError(RuntimeError):
    """A process that was forked computes with threads that only its parent has."""


class Computing:
    """Notes which process computes, and refuses one that was forked from it.

    `fork` copies one thread and no other; what waits for the rest (JAX's thread pool, OpenMP's) waits
    for ever.

    Args:
        library: that has the threads.
    """

    def __init__(self, library: str) -> None:
        self.library = library
        self._process: int | None = None

    def __call__(self) -> None:
        """To be called before each computation.

        Raises:
            ForkedProcessError: an ancestor of this process has computed, and this one is its fork.
        """
        process = os.getpid()
        if self._process is None:
            self._process = process
        elif self._process != process:
            raise ForkedProcessError(
                f"this process was forked from one that computes with {self.library}, whose threads "
                "do not come along: start processes by 'spawn' "
                "(multiprocessing.get_context('spawn')), or load the model in each of them first"
            )
