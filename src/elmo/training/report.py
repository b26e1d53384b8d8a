"""What a training tells: lines of `metrics.csv`, a curve, progress on the screen."""

from __future__ import annotations

import csv
import json
import logging
import math
import os
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from elmo.text.files import written_whole

_log = logging.getLogger("elmo")

COLUMNS = (
    "epoch",
    "step",
    "tokens",
    "seconds",
    "train_forward",
    "train_backward",
    "train_both",
    "valid_forward",
    "valid_backward",
    "valid_both",
    "test_forward",
    "test_backward",
    "test_both",
    "learning_rate",
    "gradient_norm",
    "tokens_per_second",
    "waiting_share",
    *(
        f"{text}_{name}"
        for text in ("valid", "test")
        for name in ("unigram", "per_character", "unknown_share")
    ),
    "kept",
)


STEPS = "steps.csv"
Row = Mapping[str, Any]


class Metrics:
    """The lines of a training: those of epochs in `metrics.csv`, those between in `steps.csv` beside it.

    A line between has None in `kept`. The files are written aside and renamed each time.

    Args:
        path: of the file.
        rows: lines of the run so far, when it goes on.
    """

    def __init__(self, path: Path, rows: list[dict[str, Any]] | None = None) -> None:
        self.path = path
        self.rows = list(rows or [])

    def add(self, **values: Any) -> None:
        """A line; columns that are not given stay empty."""
        if unknown := set(values) - set(COLUMNS):
            raise ValueError(f"unknown columns {sorted(unknown)}; known are {', '.join(COLUMNS)}")
        self.rows.append(values)
        self.write()

    def write(self) -> None:
        """Write all lines."""
        _write_lines(self.path, epochs(self.rows))
        between, path = _between(self.rows), self.path.with_name(STEPS)
        if between:
            _write_lines(path, between)
        else:
            path.unlink(missing_ok=True)


def _write_lines(path: Path, rows: Sequence[Row]) -> None:
    aside = path.with_name(f".{path.name}.part")
    with open(aside, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: _short(v) for k, v in row.items() if v is not None})
    os.replace(aside, path)


def write_json(path: Path, values: Any) -> None:
    """Write a file of values aside and rename it; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as file:
        file.write(json.dumps(values, indent=1).encode("utf-8"))


def beside(values: Mapping[str, Any], text: str = "") -> str:
    """What a perplexity is to be read beside: the unigram model's, the one per character, unknown words.

    Args:
        values: of `Evaluation.to_dict`, or a line of `metrics.csv`.
        text: what its columns begin with there, such as `"valid_"`.

    Example:
        >>> beside({"unigram": 523.41, "per_character": 3.2174, "unknown_share": 0.0213})
        'unigram 523.41, per character 3.217, 2.1% unknown'
        >>> beside({"valid_unknown_share": 0.0}, "valid_")
        '0.0% unknown'
    """
    forms = {
        "unigram": "unigram {:,.2f}",
        "per_character": "per character {:.4g}",
        "unknown_share": "{:.1%} unknown",
    }
    found = ((form, values.get(f"{text}{name}")) for name, form in forms.items())
    return ", ".join(form.format(value) for form, value in found if value is not None)


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def read_metrics(path: str | Path) -> list[dict[str, float | None]]:
    """The lines of a `metrics.csv`, numbers as floats and None where a cell is empty."""
    with open(path, newline="", encoding="utf-8") as file:
        return [
            {name: float(cell) if cell else None for name, cell in row.items()}
            for row in csv.DictReader(file)
        ]


def read_steps(path: str | Path) -> list[dict[str, float | None]]:
    """The lines within epochs that belong to a `metrics.csv`; none where there is no such file."""
    steps = Path(path).with_name(STEPS)
    return read_metrics(steps) if steps.is_file() else []


def epochs(rows: Sequence[Row]) -> list[Row]:
    """The lines of whole epochs, and of the training's end, among all that a training has in memory.

    Example:
        >>> [row["step"] for row in epochs([{"step": 50, "kept": None}, {"step": 80, "kept": 1}])]
        [80]
    """
    return [row for row in rows if row.get("kept", 0) is not None]


def _between(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.get("kept", 0) is None]


def kept(rows: Sequence[Row]) -> Row | None:
    """The line of the epoch whose model was kept, or None.

    Args:
        rows: of `metrics.csv`.

    Example:
        >>> kept([{"step": 40, "kept": 1}, {"step": 80, "kept": 0}])["step"]
        40
    """
    if any(row.get("kept") is not None for row in rows):
        return next((row for row in reversed(rows) if row["kept"]), None)
    validated = [row for row in rows if row.get("valid_both") is not None]  # without the column
    if validated:
        return min(validated, key=lambda row: row["valid_both"])
    return rows[-1] if rows else None


def plot_curve(rows: list[dict[str, Any]], path: str | Path, title: str = "") -> None:
    """Perplexity over epochs, training and validation, as a picture of the type that the name says."""
    from matplotlib.figure import Figure

    from elmo.training.drawing import LARGEST, linear, logarithmic, write_figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for column, label, style in (
        ("train_both", "training (candidates)", "--"),
        ("valid_both", "validation, both directions", "-"),
        ("valid_forward", "validation, forward", ":"),
        ("valid_backward", "validation, backward", "-."),
    ):
        between = _between(rows) if column == "train_both" else []
        lines = between if len(between) > 1 else epochs(rows)
        points = [(r["epoch"], r[column]) for r in lines if r.get(column) is not None]
        points = [(x, y) for x, y in points if y < LARGEST]
        if points:
            marker = "o" if len(points) <= 40 else None
            axes.plot(*zip(*points, strict=True), style, marker=marker, markersize=3, label=label)
    unigram = [r["valid_unigram"] for r in rows if r.get("valid_unigram")]
    if unigram:
        axes.axhline(unigram[-1], color="0.5", linewidth=1, label="validation, unigram model")
    axes.set(xlabel="epochs", ylabel="perplexity (logarithmic)", title=title)
    axes.set_xlim(left=0)
    linear(axes.xaxis, whole=True)
    logarithmic(axes.yaxis)
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False)
    write_figure(figure, Path(path))


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
