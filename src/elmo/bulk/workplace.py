"""The folder beside an output where it is made, `NAME.unfinished`, until it is whole.

| in it | is |
|---|---|
| `manifest.json` | the job and its fingerprint; written when all is prepared |
| `text-00000.jsonl` … | the sentences of each part |
| `data/` | the output as far as it is there |
| `done/` | an empty or small file for each part that is whole and on the disk |

A process may be killed at any moment. What has its file in `done/` is whole; everything else is
done again, and gives the same bytes. `manifest.json` is the last to come and the first to go: a
folder without it holds nothing that is worth keeping.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elmo.bulk.claims import CLAIMS
from elmo.system.files import sync_folder, write_whole
from elmo.system.locks import file_lock
from elmo.system.output import OutputError
from elmo.vectors.choices import Job

SUFFIX = ".unfinished"
MANIFEST, LOCK, DONE, DATA = "manifest.json", "lock", "done", "data"


class Workplace:
    """The folder of an unfinished output.

    Args:
        output: the file or folder that is to be.

    Attributes:
        output: the same, as a path.
        folder: the folder beside it.
    """

    def __init__(self, output: str | os.PathLike[str]) -> None:
        self.output = Path(output)
        self.folder = self.output.absolute().with_name(self.output.name + SUFFIX)

    @property
    def unfinished(self) -> bool:
        """Whether there is a run to resume."""
        return (self.folder / MANIFEST).is_file()

    @contextlib.contextmanager
    def locked(self, shared: bool = False) -> Iterator[None]:
        """Make the folder and keep others out of it, but for those who share it too.

        Raises:
            OutputError: another process is in it.
        """
        self.folder.mkdir(exist_ok=True)
        with file_lock(self.folder / LOCK, shared) as mine:
            if not mine:
                raise OutputError(f"{self.folder}: another process is writing {self.output} now")
            yield

    def clear(self) -> None:
        """Remove what is in the folder, but for the lock and the claims of those who share it."""
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                if path.name != CLAIMS:
                    shutil.rmtree(path)
            elif path.name != LOCK:
                path.unlink()

    def remove(self) -> None:
        """Remove the folder."""
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for _ in range(5):  # another process of the same job may just touch a file in it
            shutil.rmtree(self.folder, ignore_errors=True)
            if not self.folder.exists():
                break

    def begin(self) -> None:
        """Make the folders inside."""
        for name in (DATA, DONE):
            (self.folder / name).mkdir(exist_ok=True)

    def commit(self, job: Job, fingerprint: dict[str, Any]) -> None:
        """From here on the job can be resumed."""
        for name in (DATA, "."):
            sync_folder(self.folder / name)
        manifest = {"fingerprint": fingerprint, "job": job.to_dict()}
        write_whole(self.folder / MANIFEST, json.dumps(manifest).encode())

    def manifest(self) -> tuple[Job, dict[str, Any]]:
        """The job and the fingerprint of the unfinished run.

        Raises:
            OutputError: another version has written it.
        """
        try:
            found = json.loads((self.folder / MANIFEST).read_text())
            job = Job.from_dict({**found["job"], "folder": self.folder})
            return job, found["fingerprint"]
        except (KeyError, TypeError, ValueError) as error:
            raise OutputError(
                f"{self.folder}: written by another version of elmo; begin anew with overwrite "
                "(--overwrite)"
            ) from error

    # Parts that are done.

    def mark(self, name: str, facts: dict[str, Any] | None = None) -> None:
        """Something is whole and on the disk."""
        write_whole(self.folder / DONE / f"{name}.json", json.dumps(facts or {}).encode())

    def facts(self, name: str) -> dict[str, Any] | None:
        """What was said when it was marked; None where it was not."""
        try:
            return json.loads((self.folder / DONE / f"{name}.json").read_text())
        except FileNotFoundError:
            return None

    # The end.

    def move(self, targets: list[Path]) -> None:
        """Put the output in its place; continues where a killed one stopped."""
        for target in targets:
            made = self.folder / DATA / target.name
            if not os.path.lexists(made):
                continue  # it was moved before
            if made.is_dir() and target.exists():
                old = self.folder / f"replaced-{target.name}"
                shutil.rmtree(old, ignore_errors=True)
                os.replace(target, old)
            os.replace(made, target)
            sync_folder(target.absolute().parent)

    def occupied(self) -> int:
        """Bytes of the disk that the folder has now."""
        found = 0
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with contextlib.suppress(OSError):
                    status = os.stat(os.path.join(folder, name))
                    found += getattr(status, "st_blocks", 0) * 512
        return found
