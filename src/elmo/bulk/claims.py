"""Who works on what, where several processes of one or many hosts share a folder.

A claim is a file `claims/NAME` that is made exclusively, with the claimer's id in it; `claims/ID.alive`
is touched while that process lives. A claim whose process has ended, or has been silent for `LOST`
seconds, is anybody's. Two processes may, once in a long while, both take a lost claim: what is claimed
gives the same bytes whoever does it, so claims save work and decide nothing.

Times are those of the file system, since the clocks of hosts differ. No locks are needed: network file
systems make a file exclusively and rename, and not all of them lock.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import threading
from pathlib import Path

CLAIMS = "claims"
ALIVE = ".alive"
BEAT = 5.0  # seconds between signs of life
LOST = 60.0  # seconds of silence after which a process counts as lost


class Claims:
    """The claims of this process in a shared folder; a context, which gives them back at its end.

    Args:
        folder: the shared folder, which exists.

    Attributes:
        owner: the id of this process: host, number of the process, and a random part.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as name:
        ...     with Claims(Path(name)) as one, Claims(Path(name)) as other:
        ...         print(one.claim("part-00000"), other.claim("part-00000"))
        ...         one.give_back("part-00000")
        ...         print(other.claim("part-00000"))
        True False
        True
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / CLAIMS
        self.owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._alive = self.folder / f"{self.owner}{ALIVE}"
        self._mine: set[str] = set()
        self._end = threading.Event()
        self._beating = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Claims:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._alive.touch()
        self._beating.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._beating.join()
        for name in list(self._mine):
            self.give_back(name)
        self._alive.unlink(missing_ok=True)

    def claim(self, name: str) -> bool:
        """Whether this process has the claim now; False where another one that lives has it."""
        path = self.folder / name
        for _ in range(2):
            try:
                with open(path, "x", encoding="utf-8") as file:
                    file.write(self.owner)
                self._mine.add(name)
                return True
            except FileExistsError:
                pass
            except FileNotFoundError:  # all is done, and the folder removed
                return False
            if not self._lost(path):
                return False
            with contextlib.suppress(FileNotFoundError):  # of those who see it, one renames it
                aside = self.folder / f"{self.owner}.lost"
                os.replace(path, aside)
                aside.unlink()
        return False

    def give_back(self, name: str) -> None:
        """What is claimed is done, or is left to others."""
        self._mine.discard(name)
        with contextlib.suppress(OSError):
            (self.folder / name).unlink()

    def _lost(self, path: Path) -> bool:
        """Whether the process that has a claim is no more."""
        try:
            owner = path.read_text(encoding="utf-8")
            if not owner:  # made a moment ago, or by a process that was killed between the two
                return self._age(path) > LOST
            return _ended(owner) or self._age(self.folder / f"{owner}{ALIVE}") > LOST
        except FileNotFoundError:  # given back, or its owner has left
            return True

    def _age(self, path: Path) -> float:
        """Seconds since a file was touched, by the clock of the file system."""
        os.utime(self._alive)
        return self._alive.stat().st_mtime - path.stat().st_mtime

    def _beat(self) -> None:
        while not self._end.wait(BEAT):
            with contextlib.suppress(OSError):  # the folder is gone once all is done
                os.utime(self._alive)


def _ended(owner: str) -> bool:
    """Whether a process of this host is known to have ended."""
    host, number, _ = owner.rsplit("-", 2)
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OSError):
        return False
    return False
