"""The folder of a run: the model at its top, and under `run/` the settings and what they belong to."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from elmo.config import ConfigError
from elmo.settings.settings import Settings
from elmo.system.files import write_json
from elmo.system.locks import file_lock
from elmo.training.batches.batches import Tokens

RUN, SETTINGS, VOCABULARY = "run", "settings.json", "vocab.txt"
LOCK = ".training"


class RunningError(FileExistsError):
    """Another process trains in the folder."""


@contextlib.contextmanager
def locked(output: Path) -> Iterator[None]:
    """Keep other trainings out of a folder; one that was made for this and stays empty goes again.

    Raises:
        RunningError: another process trains there.
    """
    if output.exists() and not output.is_dir():
        raise FileExistsError(f"{output}: is a file; the output of a training is a folder")
    output.mkdir(parents=True, exist_ok=True)
    with file_lock(output / LOCK) as mine:
        if not mine:
            raise RunningError(
                f"{output}: another process trains in this folder; wait for it, stop it, or name "
                "another folder"
            )
        try:
            yield
        finally:
            (output / LOCK).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                output.rmdir()


def check_output(output: Path, overwrite: bool) -> None:
    """Raise unless the folder is free; nothing in it is touched."""
    held = {path.name for path in output.iterdir()} - {LOCK} if output.is_dir() else set()
    if held and not overwrite:
        raise FileExistsError(
            f"{output}: holds something; resume its training (--resume), begin anew "
            "(--overwrite), or name another folder"
        )


def remove_run(output: Path) -> None:
    """Remove an earlier run; the model at the top stays until the new run has a better one."""
    run, aside = output / RUN, output / f".{RUN}.old"
    shutil.rmtree(aside, ignore_errors=True)
    if run.is_dir():
        os.replace(run, aside)  # at once: never half a run under its name
        shutil.rmtree(aside, ignore_errors=True)


def read_run(run: Path) -> dict[str, Any]:
    """What `keep_run` has written.

    Raises:
        FileNotFoundError: there is no run.
        ValueError: the file is damaged.
    """
    path = run / SETTINGS
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no run to resume")
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(kept, dict) and {"settings", "text"} <= set(kept):
            return kept
    except ValueError:
        pass
    raise ValueError(
        f"{path}: damaged, so that the run cannot be resumed; put the file back from a copy, or begin "
        "anew (--overwrite)"
    )


def keep_run(run: Path, settings: Settings, text: Mapping[str, Any], **others: Any) -> None:
    """Write what the run depends on.

    Args:
        run: its folder.
        settings: all that were set.
        text: see `fingerprint_of`.
        **others: further values.
    """
    write_json(run / SETTINGS, {"settings": settings.values, **others, "text": text})


def fingerprint_of(tokens: Tokens) -> dict[str, Any]:
    """Fingerprint of the training text."""
    return {
        "tokens": tokens.corpus.n_tokens,
        "sentences": tokens.corpus.n_sentences,
        "sha256": hashlib.sha256(np.ascontiguousarray(tokens.corpus.ids).data).hexdigest(),
    }


def check_text(run: Path, before: Mapping[str, Any], text: Mapping[str, Any]) -> None:
    """Raise unless the text is the one that the run was trained on."""
    if before != text:
        raise ValueError(
            f"{run}: the run was trained on a different text ({before['tokens']:,} tokens, not "
            f"{text['tokens']:,}, or other ones); resume it with the same files"
        )


MAY_CHANGE = (
    "epochs",
    "max_steps",
    "patience",
    "learning_rate",
    "clip_norm",
    "clip_value",
    "loss_scale",
    "weight_decay",
    "precision",
    "accumulate",
    "steps_per_execution",
    "report_steps",
    "checkpoint_minutes",
    "keep_checkpoints",
    "workers",
)


def check_changes(run: Settings, settings: Mapping[str, Any], *, further: bool) -> None:
    """Raise if a setting is given that a checkpoint, the text's order or the vocabulary depends on.

    Args:
        run: the run's own settings.
        settings: given as it is resumed.
        further: a model is trained further; its architecture is looked at elsewhere.

    Raises:
        ConfigError: naming what may not change, and what may.
    """
    before, now = run.resolved(), run.merged(settings).resolved()
    names = set(settings) - set(MAY_CHANGE)
    if further:
        names &= set(run.training.to_dict())
    differs = [
        f"{name}={now[name]!r} (the run has {before[name]!r})"
        for name in sorted(names)
        if now[name] != before[name]
    ]
    if differs:
        raise ConfigError(
            f"{', '.join(differs)}: stays as it is when a run is resumed; what may change are "
            f"{', '.join(MAY_CHANGE)}"
        )


def check_agreement(run: Settings, given: Settings, settings: Mapping[str, Any]) -> None:
    """Raise if a file of settings differs from the settings of the run that is resumed.

    Args:
        run: the run's own settings.
        given: of the file.
        settings: given one by one; they take the place of the run's and of the file's.

    Raises:
        ConfigError: naming what differs.
    """
    before, now = run.resolved(), given.resolved()
    differs = [
        f"{name}={now[name]!r} (the run has {before[name]!r})"
        for name in given.values
        if name not in settings and now[name] != before[name]
    ]
    if differs:
        raise ConfigError(
            f"the run that is resumed has its own settings, and config says {', '.join(differs)}; "
            "leave config out, or give what should change by its own option"
        )


def check_start(kept: Mapping[str, Any], name: str) -> None:
    """Raise if the run that is resumed began from another model."""
    before = kept.get("start_from")
    if before != name:
        raise ConfigError(
            f"start_from={name!r}: the run that is resumed began from {before or 'no other model'}; "
            "leave it out"
        )
