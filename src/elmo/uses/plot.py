"""`plot`: learning curves of several runs side by side, over what they have read and over time."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elmo.config import ConfigError
from elmo.text.files import keep_apart
from elmo.training.report import read_metrics

PANELS = (("epoch", 1.0, "epochs"), ("tokens", 1e6, "million tokens"), ("seconds", 3600.0, "hours"))
LARGEST = 1e12  # what a logarithmic scale can show


def plot(
    runs: Sequence[str | os.PathLike[str]] | str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    column: str = "valid_both",
    overwrite: bool = False,
) -> dict[str, Any]:
    """Draw the perplexity of runs over epochs, over tokens and over wall-clock time.

    Args:
        runs: folders of trainings, or files `metrics.csv`.
        output: the PNG.
        column: of `metrics.csv`: what is drawn. A run without it (as without a validation text) is
            drawn by its training perplexity.
        overwrite: replace the file if there is one.

    Returns:
        `output`, and `runs`: for each its `name`, `column`, `epochs`, `tokens`, `seconds`, the `best`
        value and the epoch of it, and the `last`.

    Raises:
        FileExistsError: there is something, and `overwrite` is off.
        ConfigError: a run has no line to draw, or the column is unknown.
    """
    output = Path(output)
    if output.exists() and not overwrite:
        raise FileExistsError(f"{output}: exists; replace it (--overwrite) or name another")
    listed = [runs] if isinstance(runs, str | os.PathLike) else list(runs)
    keep_apart([output], map(Path, listed))
    found = [_read(Path(run), column) for run in listed]
    names = _names([Path(run) for run in listed])
    _draw(dict(zip(names, found, strict=True)), output)
    return {
        "output": str(output),
        "runs": [
            _summary(name, drawn, rows) for name, (drawn, rows) in zip(names, found, strict=True)
        ],
    }


Rows = list[dict[str, float | None]]


def _read(run: Path, column: str) -> tuple[str, Rows]:
    """Which column of a run is drawn, and the lines that have it."""
    path = run if run.is_file() else run / "run" / "metrics.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; name the folder of a training")
    try:
        rows = read_metrics(path)
    except (ValueError, TypeError, AttributeError, csv.Error) as error:
        raise ConfigError(f"{path}: no metrics of a training ({error})") from error
    if rows and column not in rows[0]:
        known = ", ".join(
            name for name in rows[0] if name.endswith(("forward", "backward", "both"))
        )
        raise ConfigError(f"column={column!r}: {path} has none; it has {known}")
    for drawn in (column, "train_both"):
        if lines := [row for row in rows if row.get(drawn) is not None]:
            return drawn, lines
    raise ConfigError(f"{path}: has no line to draw yet")


def _names(runs: Sequence[Path]) -> list[str]:
    """The shortest ends of the paths that tell the runs apart.

    Example:
        >>> _names([Path("a/one"), Path("b/two")]), _names([Path("a/m"), Path("b/m")])
        (['one', 'two'], ['a/m', 'b/m'])
    """
    runs = [run.parent if run.name == "metrics.csv" else run for run in runs]
    runs = [run.parent if run.name == "run" else run for run in runs]
    for length in range(1, 1 + max(len(run.absolute().parts) for run in runs)):
        names = [str(Path(*run.absolute().parts[-length:])) for run in runs]
        if len(set(names)) == len(names):
            return names
    return [f"{run.name} ({number})" for number, run in enumerate(runs, 1)]


def _summary(name: str, column: str, rows: Rows) -> dict[str, Any]:
    best = min(rows, key=lambda row: row[column])
    last = rows[-1]
    return {
        "name": name,
        "column": column,
        "epochs": last["epoch"],
        "tokens": last["tokens"],
        "seconds": last["seconds"],
        "best": best[column],
        "best_epoch": best["epoch"],
        "last": last[column],
    }


def _draw(runs: dict[str, tuple[str, Rows]], output: Path) -> None:
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    figure = Figure(figsize=(12, 4.4), layout="constrained")
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for panel, (x, unit, label) in zip(panels, PANELS, strict=True):
        for name, (column, rows) in runs.items():
            points = [(row[x] / unit, row[column]) for row in rows if row.get(x) is not None]
            points = [point for point in points if point[1] < LARGEST]
            style = "--" if column.startswith("train") else "-"
            label_of_run = f"{name} (training)" if style == "--" else name
            if points:
                panel.plot(
                    *zip(*points, strict=True), style, marker="o", markersize=3, label=label_of_run
                )
        panel.set(xlabel=label, yscale="log")
        panel.set_xlim(left=0)
        panel.grid(alpha=0.3, which="both")
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 5, 7)))
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        panel.yaxis.set_minor_formatter(NullFormatter())
    panels[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    panels[0].set_ylabel("perplexity (logarithmic)")
    if panels[0].get_legend_handles_labels()[0]:
        panels[0].legend(frameon=False)
    aside = output.with_name(f".{output.name}.part")
    figure.savefig(aside, dpi=130, format="png")
    os.replace(aside, output)
