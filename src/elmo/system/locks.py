"""Locks of files, which end with the process that holds them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def file_lock(path: str | os.PathLike[str], shared: bool = False) -> Iterator[bool]:
    """Whether this process holds the lock of a file, which is made if need be and stays.

    It holds it alone, or, `shared`, beside others that share it.

    The lock ends with the process, however it ends. Where a system or a file system knows no locks
    everybody holds it.
    """
    while True:
        with open(path, "a") as file:
            held = _lock(file, shared)
            try:
                there = os.path.samestat(os.stat(path), os.fstat(file.fileno()))
            except FileNotFoundError:
                there = False
            if there:  # else its last holder removed it meanwhile
                yield held
                return


def _lock(file: Any, shared: bool) -> bool:
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
