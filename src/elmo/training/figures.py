"""What the folder of a training says of its model, for the model's card."""

from __future__ import annotations

import os
from pathlib import Path

from elmo.hub.card import Figures
from elmo.system.errors import FormatError, read_json
from elmo.training.report import Row, kept, read_metrics

_TEXTS = {"valid": "validation", "test": "test"}
_NAMES = ("forward", "backward", "both", "unigram", "per_character", "unknown_share")


def figures_of(folder: str | os.PathLike[str]) -> Figures | None:
    """The figures of the model at the top of a training's folder; None where there is no training.

    Args:
        folder: what `elmo train` has written.

    Raises:
        FormatError: the files of the training are damaged.

    Example:
        >>> figures_of("/") is None
        True
    """
    run = Path(folder) / "run"
    settings, metrics = run / "settings.json", run / "metrics.csv"
    if not settings.is_file() or not metrics.is_file():
        return None
    text = read_json(settings).get("text")
    text = text if isinstance(text, dict) else {}
    try:
        row = kept(read_metrics(metrics))
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FormatError(f"{metrics}: damaged; the figures of the training are in it") from error
    if row is None:
        return Figures(text.get("tokens"), text.get("sentences"))
    held_out = {name: _perplexities(row, column) for column, name in _TEXTS.items()}
    return Figures(
        tokens=text.get("tokens"),
        sentences=text.get("sentences"),
        epoch=row.get("epoch"),
        step=None if row.get("step") is None else int(row["step"]),
        perplexities={name: values for name, values in held_out.items() if "both" in values},
    )


def _perplexities(row: Row, text: str) -> dict[str, float]:
    values = {name: row.get(f"{text}_{name}") for name in _NAMES}
    return {name: value for name, value in values.items() if value is not None}
