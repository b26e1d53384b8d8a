"""What a training tells: lines of `metrics.csv`, a curve, progress on the screen."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from elmo.system.files import write_whole

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
Row: TypeAlias = Mapping[str, Any]
"""A line: numbers by the names of their columns."""

Logs: TypeAlias = dict[str, Any]
"""What Keras hands to callbacks: numbers by name, to which they may add."""

ARow = TypeVar("ARow", bound=Row)


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
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: _short(v) for k, v in row.items() if v is not None})
    write_whole(path, text.getvalue().encode("utf-8"))


def beside(values: Row, text: str = "") -> str:
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


def _short(value: float) -> float | str:
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


def epochs(rows: Sequence[ARow]) -> list[ARow]:
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


def plot_curve(rows: Sequence[Row], path: str | Path, title: str = "") -> None:
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
