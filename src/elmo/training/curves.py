"""`plot`: learning curves of several runs side by side, over what they have read and over time."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

from elmo.config import ConfigError
from elmo.system.files import keep_apart
from elmo.training.drawing import LARGEST, check_type, drawable, linear, logarithmic, write_figure
from elmo.training.report import read_metrics, read_steps

# A column, and the units that it is drawn in: the first that the largest number reaches.
PANELS = (
    ("epoch", ((1.0, "epochs"),)),
    ("tokens", ((1e6, "million tokens"), (1e3, "thousand tokens"), (1.0, "tokens"))),
    ("seconds", ((3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))),
)
MARKED = 40  # more points than these are a line without dots


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
        output: the picture, `.png`, `.svg` or `.pdf`.
        column: of `metrics.csv`: what is drawn. A run without it (as without a validation text) is
            drawn by its training perplexity.
        overwrite: replace the file if there is one.

    Returns:
        `output`, `note` (a sentence on names that no font draws, or None), `notes` (why the runs may not
        be compared), and `runs`: for each its `name`, `column`, `epochs`, `tokens`, `seconds`, the `best`
        value and the epoch of it, and the `last`.

    Raises:
        ValueError: the name says no such type.
        FileExistsError: there is something, and `overwrite` is off.
        ConfigError: a run has no line to draw, or the column is unknown.
    """
    output = Path(output)
    check_type(output)
    if output.exists() and not overwrite:
        raise FileExistsError(f"{output}: exists; replace it (--overwrite) or name another")
    listed = [runs] if isinstance(runs, str | os.PathLike) else list(runs)
    keep_apart([output], map(Path, listed))
    found = [_read(Path(run), column) for run in listed]
    names = _names([Path(run) for run in listed])
    note = _draw(dict(zip(names, found, strict=True)), output)
    return {
        "output": str(output),
        "note": note,
        "runs": [
            _summary(name, drawn, rows) for name, (drawn, rows) in zip(names, found, strict=True)
        ],
        "notes": _notes(found),
    }


def _notes(found: Sequence[tuple[str, Rows]]) -> list[str]:
    """Why curves of one picture may not be compared."""
    drawn = {column for column, _ in found}
    notes = []
    if len(drawn) > 1:
        notes.append(f"the runs have no column in common: {' and '.join(sorted(drawn))} are drawn")
    text = f"{next(iter(drawn)).partition('_')[0]}_" if len(drawn) == 1 else "valid_"
    baselines = {f"{rows[-1][f'{text}unigram']:.4g}" for _, rows in found if _has(rows, text)}
    if len(baselines) > 1 and not drawn & {f"{text}per_character"}:
        notes.append(
            "the runs' vocabularies or texts differ (perplexities of the unigram model: "
            f"{', '.join(sorted(baselines))}); on one text --column {text}per_character compares them"
        )
    return notes


def _has(rows: Rows, text: str) -> bool:
    return rows[-1].get(f"{text}unigram") is not None


Row: TypeAlias = dict[str, float | None]
Rows: TypeAlias = list[Row]


def _read(run: Path, column: str) -> tuple[str, Rows]:
    """Which column of a run is drawn, and the lines that have it."""
    path = run if run.is_file() else run / "run" / "metrics.csv"
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; name the folder of a training")
    try:
        rows, between = read_metrics(path), read_steps(path)
    except (ValueError, TypeError, AttributeError, csv.Error) as error:
        raise ConfigError(f"{path}: no metrics of a training ({error})") from error
    if rows and column not in rows[0]:
        known = ", ".join(
            name
            for name in rows[0]
            if name.endswith(("forward", "backward", "both", "per_character"))
        )
        raise ConfigError(f"column={column!r}: {path} has none; it has {known}")
    for drawn in (column, "train_both"):
        near = between if len(between) > 1 and drawn.startswith("train") else rows
        if lines := [row for row in near if row.get(drawn) is not None]:
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


def _cell(row: Row, column: str) -> float:
    """A cell that is not empty."""
    value = row[column]
    assert value is not None
    return value


def _summary(name: str, column: str, rows: Rows) -> dict[str, Any]:
    best = min(rows, key=lambda row: _cell(row, column))
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


def _draw(runs: dict[str, tuple[str, Rows]], output: Path) -> str | None:
    """Write the picture; gives a sentence on names that are drawn otherwise."""
    import matplotlib
    from matplotlib.figure import Figure

    names, families, note = drawable(list(runs))
    lines = {}  # a label of its own would hide a line whose name begins with _
    with matplotlib.rc_context({"font.family": families}):
        figure = Figure(figsize=(12, 4.4), layout="constrained")
        panels = figure.subplots(1, len(PANELS), sharey=True)
        for panel, (x, units) in zip(panels, PANELS, strict=True):
            most = max(
                (row[x] or 0 for _, rows in runs.values() for row in rows if x in row), default=0
            )
            unit, label = next((u for u in units if most >= u[0]), units[-1])
            for name, (column, rows) in zip(names, runs.values(), strict=True):
                points = [
                    (_cell(row, x) / unit, _cell(row, column))
                    for row in rows
                    if row.get(x) is not None
                ]
                points = [point for point in points if point[1] < LARGEST]
                style = "--" if column.startswith("train") else "-"
                if points:
                    marker = "o" if len(points) <= MARKED else None
                    drawn = panel.plot(
                        *zip(*points, strict=True), style, marker=marker, markersize=3
                    )
                    lines[f"{name} (training)" if style == "--" else name] = drawn[0]
            panel.set(xlabel=label)
            panel.set_xlim(left=0)
            panel.grid(alpha=0.3)
            linear(panel.xaxis, whole=x == "epoch")
            logarithmic(panel.yaxis)
        panels[0].set_ylabel("perplexity (logarithmic)")
        if lines:
            panels[0].legend(list(lines.values()), list(lines), frameon=False)
        write_figure(figure, output)
    return note
