"""Tables and pictures for papers: scores of words, and series over time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from elmo.language.tables import table_writer
from elmo.training.drawing import TYPES, write_figure
from elmo.usages.change.comparison import WordChange, measures_of
from elmo.usages.change.series import Point

_PARTS = ("value", "low", "high", "p", "q")


def columns_of(found: Sequence[WordChange]) -> dict[str, np.ndarray]:
    """A row for each word: frequencies, and value, low, high, p and q of each measure."""
    table: dict[str, np.ndarray] = {
        "word": np.array([one.word for one in found], object),
        "unit": np.array([one.unit for one in found], object),
    }
    for place, period in enumerate(("from", "to")):
        table[f"uses_{period}"] = np.array([one.uses[place] for one in found], np.int64)
        table[f"compared_{period}"] = np.array([one.compared[place] for one in found], np.int64)
        table[f"documents_{period}"] = np.array([one.documents[place] for one in found], np.int64)
        table[f"per_million_{period}"] = np.array([one.per_million[place] for one in found])
    for name in measures_of(found):
        for part in _PARTS:
            key = name if part == "value" else f"{name}_{part}"
            table[key] = np.array([getattr(one.scores[name], part) for one in found])
        if any(one.controlled for one in found):
            table[f"{name}_controlled"] = np.array(
                [one.controlled.get(name, np.nan) for one in found]
            )
    return table


def write_changes(
    path: str | os.PathLike[str], found: Sequence[WordChange], *, overwrite: bool = False
) -> None:
    """Scores of words as `.csv`, `.jsonl` or `.parquet`.

    Raises:
        ValueError, FileExistsError, ImportError, OutputError: as `elmo.language.tables`.
    """
    with table_writer(path, overwrite) as write:
        write(columns_of(found))


def write_series(
    path: str | os.PathLike[str],
    word: str,
    steps: Sequence[Point],
    measure: str = "apd_excess",
    *,
    overwrite: bool = False,
) -> None:
    """A series as a picture (`.svg`, `.png`, `.pdf`) of one measure, or as a table of all.

    Raises:
        ValueError, FileExistsError, ImportError, OutputError: as `elmo.language.tables`.
    """
    path = Path(path)
    if path.suffix.lower() in TYPES:
        _draw(path, word, steps, measure)
        return
    found = [step for step in steps if step.change is not None]
    changes = [step.change for step in found if step.change is not None]
    table = {
        "from": np.array([step.earlier for step in found], object),
        "to": np.array([step.later for step in found], object),
        **columns_of(changes),
    }
    with table_writer(path, overwrite) as write:
        write(table)


def _draw(path: Path, word: str, steps: Sequence[Point], measure: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for place, step in enumerate(steps):
        score = None if step.change is None else step.change.scores.get(measure)
        if score is None:
            continue
        axes.plot([place], [score.value], "o", color="#1f77b4")
        if np.isfinite(score.low):
            axes.vlines(place, score.low, score.high, color="#1f77b4", linewidth=1.5)
    axes.set_xticks(range(len(steps)), [f"{s.earlier}\n→ {s.later}" for s in steps], fontsize=8)
    axes.set_xlim(-0.5, len(steps) - 0.5)
    axes.set_ylabel(measure)
    axes.set_title(word)
    axes.spines[["top", "right"]].set_visible(False)
    write_figure(figure, path)
