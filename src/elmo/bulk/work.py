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
        resume: resume the unfinished output, if there is one.
        jobs: so many processes work on the parts, with the same result whatever their number; None
            for this process alone, with all its threads.
        threads: of each of these processes. Sums of several threads are rounded in another order.
        part: `(i, n)`, from 1: this process does the `i`-th of `n` shares of an output that others make
            with it, on this host or on others that see the same folder; see `elmo.bulk.sharing`.
        progress: True for a bar (or lines, where there is no terminal), or a function of the number
            of sentences and of tokens so far.

    Raises:
        ValueError: `jobs` or `threads` is not positive, `part` is none, or `overwrite` is given with it.
    """

    overwrite: bool = False
    resume: bool = False
    jobs: int | None = None
    threads: int = 1
    progress: Progress = None
    part: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        for name, value in (("jobs", self.jobs), ("threads", self.threads)):
            if value is not None and not (type(value) is int and value >= 1):
                raise ValueError(f"{name}={value!r}: must be 1 or more")
        if self.part is None:
            return
        share, of = self.part
        if not 1 <= share <= of:
            raise ValueError(f"part={share}/{of}: must be 1/{of} to {of}/{of}")
        if self.overwrite:
            raise ValueError(
                "part with overwrite: each process would drop what the others have done; remove the "
                "output first"
            )

    @property
    def resumes(self) -> bool:
        """Whether an unfinished output is continued; that of a share is, by whichever process comes."""
        return self.resume or self.part is not None

    @property
    def workers(self) -> int | None:
        """How many worker processes there are; None where this process works itself."""
        return 1 if self.jobs is None and self.part is not None else self.jobs


def part_of(named: str | tuple[int, int] | None) -> tuple[int, int] | None:
    """The share that `i/n` names; pairs and None as they are.

    Raises:
        ValueError: it names none.

    Example:
        >>> part_of("3/8")
        (3, 8)
    """
    if not isinstance(named, str):
        return named
    share, _, of = named.partition("/")
    try:
        return int(share), int(of)
    except ValueError:
        raise ValueError(
            f"part={named!r}: must be i/n, the i-th of n shares from 1, such as 3/8"
        ) from None
