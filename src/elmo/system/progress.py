"""How far something is: a bar on a terminal or in a notebook, lines elsewhere, or nothing."""

from __future__ import annotations

import logging
import math
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Protocol

_log = logging.getLogger("elmo")


class Progress(Protocol):
    """Shows how far a training is."""

    def start(self, total: int, done: int) -> None:
        """Steps in all and steps already made."""

    def update(self, done: int, **values: float) -> None:
        """Steps made, and numbers to show beside."""

    def message(self, text: str) -> None:
        """A line that stays."""

    def stop(self) -> None:
        """The end."""


class NoProgress:
    """Says nothing."""

    def start(self, total: int, done: int) -> None:
        pass

    def update(self, done: int, **values: float) -> None:
        pass

    def message(self, text: str) -> None:
        pass

    def stop(self) -> None:
        pass


def warn(progress: Progress, text: str) -> None:
    """A sentence that is seen even where no progress is."""
    if isinstance(progress, NoProgress):
        _log.warning(text)
    else:
        progress.message(f"warning: {text}")


class _Pace:
    """How long the rest takes at the pace since the first count: what came before it was compiled."""

    def __init__(self, total: int) -> None:
        self.total = total
        self._first: tuple[int, float] | None = None

    def left(self, done: int) -> str:
        """The time that is left, such as `"4:30 left"`; empty where there is no pace yet."""
        now = time.monotonic()
        if self._first is None:
            self._first = done, now
        first, begin = self._first
        if done <= first:
            return ""
        return f"{_duration((now - begin) / (done - first) * (self.total - done))} left"


class PlainProgress:
    """A line on standard error every `seconds`: for logs and pipes.

    Args:
        seconds: between two lines.
        unit: what is counted.
    """

    def __init__(self, seconds: float = 15.0, unit: str = "step") -> None:
        self.seconds = seconds
        self.unit = unit
        self._last = -math.inf

    def start(self, total: int, done: int) -> None:
        self.total, self._pace = total, _Pace(total)
        self._last = time.monotonic()

    def update(self, done: int, **values: float) -> None:
        left = self._pace.left(done)
        if time.monotonic() - self._last < self.seconds:
            return
        self._last = time.monotonic()
        self.message(
            "  ".join(filter(None, [f"{self.unit} {done}/{self.total}", *_numbers(values), left]))
        )

    def message(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def stop(self) -> None:
        pass


class RichProgress:
    """A bar on a terminal or in a notebook, in one line: where it is narrow, figures are left out.

    Args:
        title: what goes on, where it is not plain.
        console: where it is drawn; standard error by default.
    """

    BAR = 10  # columns that a bar has at least; at most four times as many

    def __init__(self, title: str = "", console: Any = None) -> None:
        from rich.console import Console

        self.title = title
        self.console = console or Console(stderr=True)

    def start(self, total: int, done: int) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self.total, self._pace = total, _Pace(total)
        self._column = BarColumn()
        self.bar = Progress(
            *([TextColumn(self.title)] if self.title else []),
            self._column,
            TextColumn("{task.fields[text]}", markup=False),
            console=self.console,
        )
        self.task = self.bar.add_task(self.title, total=total, completed=done, text="")
        self._show(done, [], "")
        self.bar.start()

    def update(self, done: int, **values: float) -> None:
        self._show(done, _numbers(values), self._pace.left(done))

    def _show(self, done: int, numbers: Sequence[str], left: str) -> None:
        def line() -> str:
            return "  ".join(filter(None, [f"{done}/{self.total}", *shown, left]))

        room = self.console.width - 1 - (len(self.title) + 1 if self.title else 0)
        shown = list(numbers)
        while shown and len(line()) + self.BAR > room:
            shown.pop()
        text = line()
        self._column.bar_width = max(self.BAR, min(4 * self.BAR, room - len(text)))
        self.bar.update(self.task, completed=done, text=text)

    def message(self, text: str) -> None:
        self.console.print(text, highlight=False, markup=False)

    def stop(self) -> None:
        self.bar.stop()


def progress_for(choice: bool | Progress = True, title: str = "", unit: str = "step") -> Progress:
    """A bar on a terminal and in a notebook, lines elsewhere, nothing for False, or what is given."""
    if choice is True:
        return RichProgress(title) if sys.stderr.isatty() or _draws() else PlainProgress(unit=unit)
    return NoProgress() if choice is False else choice


def _draws() -> bool:
    """Whether this is a notebook that has what a bar needs there."""
    if "IPython" not in sys.modules or find_spec("ipywidgets") is None:
        return False
    from rich.console import Console

    return Console(stderr=True).is_jupyter


def _numbers(values: dict[str, float]) -> list[str]:
    """Figures of a training, what matters most first.

    Example:
        >>> _numbers({"tokens_per_second": 1500.0, "train_forward": 90.25, "train_backward": 101.0,
        ...           "train_both": 95.5, "waiting_share": 0.004})
        ['1,500 tokens/s', 'perplexity → 90.2 ← 101', 'waiting for data 0.4%']
    """
    parts, values = [], dict(values)
    if (rate := values.pop("tokens_per_second", None)) is not None:
        parts.append(f"{_round(rate)} tokens/s")
    arrows = {"→": values.pop("train_forward", None), "←": values.pop("train_backward", None)}
    values.pop("train_both", None)
    shown = [f"{arrow} {_round(value)}" for arrow, value in arrows.items() if value is not None]
    if shown:
        parts.append(f"perplexity {' '.join(shown)}")
    if (waiting := values.pop("waiting_share", None)) is not None:
        parts.append(f"waiting for data {waiting:.1%}")
    return parts + [f"{name.replace('_', ' ')} {_round(value)}" for name, value in values.items()]


def _round(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
