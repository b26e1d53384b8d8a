"""Folders of trainings that have not come to their end."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TypedDict

OPTIONS, RUN = "options.json", "run"
SETTINGS, CHECKPOINTS, PROGRESS = "settings.json", "checkpoints", "progress.json"
GO_ON = "elmo train with the same texts, -o {folder} and --resume goes on"


class Unfinished(TypedDict):
    """Where a training stands: its folder, the steps that it has done and those of the whole."""

    folder: str
    step: int
    total: int | None


def run_of(folder: Path) -> Path | None:
    """The folder of a training, if this is one, or the `run` folder in one."""
    if (folder / RUN / SETTINGS).is_file():
        return folder
    inside = folder.name == RUN and (folder / SETTINGS).is_file()
    return folder.parent if inside else None


def unfinished(folder: Path) -> Unfinished | None:
    """Where a training stands that has not come to its end; None for any other folder.

    Returns:
        `folder`; `step` and `total`, of its newest checkpoint, 0 and None without one.
    """
    output = run_of(folder)
    if output is None:
        return None
    checkpoints = output / RUN / CHECKPOINTS
    steps = checkpoints.iterdir() if checkpoints.is_dir() else ()
    found = sorted(path for path in steps if re.fullmatch(r"step-\d{9}", path.name))
    if not found:
        if (output / OPTIONS).is_file():  # whoever has a model may have removed the checkpoints
            return None
        return {"folder": str(output), "step": 0, "total": None}
    try:
        state = json.loads((found[-1] / PROGRESS).read_text(encoding="utf-8"))
        # A checkpoint that does not say whether it is the last is of an earlier version.
        if state.get("finished", True):
            return None
        return {"folder": str(output), "step": int(state["step"]), "total": int(state["total"])}
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def sentence(state: Unfinished) -> str:
    """Where an unfinished training stands and how it goes on.

    Example:
        >>> sentence({"folder": "my-elmo", "step": 1200, "total": 5000})
        'its training has come to step 1,200 of 5,000; elmo train with the same texts, -o my-elmo and
        --resume goes on'
    """
    total = f" of {state['total']:,}" if state["total"] else ""
    where = f"come to step {state['step']:,}{total}" if state["step"] else "no checkpoint yet"
    return f"its training has {where}; {GO_ON.format(folder=state['folder'])}"
