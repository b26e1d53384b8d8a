"""What every store does, whatever its files look like."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from elmo.vectors.choices import Job
from elmo.vectors.plan import Part

Item = tuple[str, Sequence[str], np.ndarray]
"""A sentence: its key, its tokens, and what the `Embedder` gave for it."""

LABEL = "elmo"
"""Under this name a store says what it holds."""


class Store(Protocol):
    """Writes the vectors of a job, part by part, in any order and from any process.

    A store is made anew in each process; all that it knows is in the job and on the disk. Of the same
    job it makes the same bytes.

    Args:
        job: what is to be written.
        output: where it will stand in the end; for messages.
    """

    def __init__(self, job: Job, output: Path) -> None: ...

    def sizes(self) -> tuple[int, int]:
        """How many bytes the output will have (at most, where it is compressed), and how many more
        are needed while it is made. Good to a few per cent for the parts that are not vectors."""

    def prepare(self) -> None:
        """What comes before the first part; may be done again."""

    def write(self, part: Part, items: Iterable[Item]) -> None:
        """Write a part and see it on the disk; may be done again."""

    def finish(self) -> None:
        """What comes behind the last part; may be done again. The output is whole then."""

    def names(self) -> list[str]:
        """The files or the folder under `Job.folder / "data"` that are the output."""


def data_folder(job: Job) -> Path:
    """Where the unfinished output is."""
    return job.folder / "data"


def label_text(label: dict[str, Any]) -> str:
    """What a store says about itself, always in the same words."""
    return json.dumps(label, sort_keys=True, ensure_ascii=True)
