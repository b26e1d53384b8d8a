"""`elmo plot`: learning curves of runs side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any

from elmo.cli import options as o
from elmo.cli.columns import columns
from elmo.cli.command import Argument, Command, Option, Result


def plot(
    runs: Annotated[Sequence[str | os.PathLike[str]], Argument("RUN", many=True)],
    output: Annotated[str | os.PathLike[str], o.output("The picture: .png, .svg or .pdf.")],
    *,
    column: Annotated[str, Option("What of metrics.csv is drawn.")] = "valid_both",
    overwrite: Annotated[bool, Option("Replace the file if there is one.")] = False,
) -> dict[str, Any]:
    """Draw learning curves; see `elmo.training.curves.plot`."""
    from elmo.training import curves

    return curves.plot(runs, output, column=column, overwrite=overwrite)


def show(result: Result) -> str:
    """The best of each run that was drawn."""
    rows = [("run", "best", "at epoch", "last", "million tokens", "hours")]
    for run in result["runs"]:
        training = " (training)" if run["column"].startswith("train") else ""
        size, hours = (run["tokens"] or 0) / 1e6, (run["seconds"] or 0) / 3600
        best, last = (f"{run[which]:,.2f}" for which in ("best", "last"))
        epoch = f"{run['best_epoch']:.3g}"
        rows.append((run["name"] + training, best, epoch, last, f"{size:,.2f}", f"{hours:,.2f}"))
    told = [f"note: {text}" for text in (result["note"], *result["notes"]) if text]
    return "\n".join([columns(rows), result["output"], *told])


COMMAND = Command(
    plot,
    show,
    "Draw learning curves of runs side by side.",
    "elmo plot my-elmo my-other-elmo -o curves.png",
)
