"""Progress of an embedding job: tokens per second, remaining time, bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from elmo.system.progress import NoProgress, PlainProgress, Progress, progress_for
from elmo.system.readable import readable
from elmo.vectors.choices import Job


class Meter:
    """Shows the progress of a job; a context.

    Args:
        choice: True for a bar, or lines where there is no terminal; False or None for nothing; or a
            function of the sentences and the tokens so far.
    """

    def __init__(self, choice: bool | Callable[[int, int], None] | None) -> None:
        self._function = choice if callable(choice) else None
        self._shown = choice is True
        self._bar: Progress = NoProgress()

    def __enter__(self) -> Meter:
        return self

    def __exit__(self, *_: Any) -> None:
        self._bar.stop()

    def announce(self, job: Job, name: str, size: int, free: int) -> None:
        """Say what will be written, before it is."""
        if not self._shown:
            return
        plan, choices = job.plan, job.choices
        listed = "" if choices.only is None else f", {plan.totals.row:,} of them listed"
        most = "at most " if choices.format == "parquet" else ""
        PlainProgress().message(
            f"{plan.totals.sentence:,} sentences, {plan.tokens:,} tokens{listed}: {most}"
            f"{readable(size)} as {choices.dtype} in {name}; {readable(free)} are free"
        )

    def start_types(self, total: int, done: int) -> None:
        """The distinct tokens come first."""
        self._start("distinct tokens", total, done)

    def types(self, done: int) -> None:
        """So many of them are done."""
        self._bar.update(done)

    def start(self, job: Job, size: int, parts: Iterable[int]) -> None:
        """The text comes next.

        Args:
            job: what is written.
            size: bytes that the output will have.
            parts: numbers of the parts that an earlier run has done.
        """
        self._job, self._size = job, size
        self._whole = [0, 0]  # sentences and tokens of parts that are done
        self._under_way: dict[int, tuple[int, int]] = {}
        for number in parts:
            self._add(number)
        self._before, self._begin = self._whole[1], time.monotonic()
        self._start("embedding", job.plan.tokens, self._before)

    def tell(self, number: int, sentences: int, tokens: int) -> None:
        """So much of a part is done."""
        self._under_way[number] = sentences, tokens
        self._show()

    def done(self, number: int) -> None:
        """A part is done."""
        self._under_way.pop(number, None)
        self._add(number)
        self._show()

    def _add(self, number: int) -> None:
        part = self._job.plan.parts[number]
        self._whole[0] += part.sentences
        self._whole[1] += part.tokens

    def _start(self, title: str, total: int, done: int) -> None:
        self._bar.stop()
        self._bar = progress_for(self._shown, title, "token")
        self._bar.start(total, done)

    def _show(self) -> None:
        sentences, tokens = (
            whole + sum(pair[k] for pair in self._under_way.values())
            for k, whole in enumerate(self._whole)
        )
        if self._function is not None:
            self._function(sentences, tokens)
        if self._shown:
            speed = (tokens - self._before) / max(1e-9, time.monotonic() - self._begin)
            share = tokens / max(1, self._job.plan.tokens)
            self._bar.update(tokens, tokens_per_second=speed, MB=share * self._size / 1e6)
