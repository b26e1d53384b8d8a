"""How a job is done: what shows nowhere in its output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Progress = bool | Callable[[int, int], None] | None


@dataclass(frozen=True)
class Work:
    """How a job is done.

    Args:
        overwrite: replace an output that is there, and drop an unfinished one.
        resume: go on with the unfinished output, if there is one.
        jobs: so many processes work on the parts, with the same result whatever their number; None
            for this process alone, with all its threads.
        threads: of each of these processes. Sums of several threads are rounded in another order.
        progress: True for a bar (or lines, where there is no terminal), or a function of the number
            of sentences and of tokens so far.

    Raises:
        ValueError: `jobs` or `threads` is not positive.
    """

    overwrite: bool = False
    resume: bool = False
    jobs: int | None = None
    threads: int = 1
    progress: Progress = None

    def __post_init__(self) -> None:
        for name, value in (("jobs", self.jobs), ("threads", self.threads)):
            if value is not None and not (type(value) is int and value >= 1):
                raise ValueError(f"{name}={value!r}: must be 1 or more")
