"""The folder of a run: what a training keeps of itself beside checkpoints and metrics.

The model lies at the top of the output folder, everything of the run under `run/` in it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from elmo.config import ConfigError
from elmo.training.batches import Tokens
from elmo.training.report import write_json
from elmo.training.settings import Settings

RUN, SETTINGS, VOCABULARY = "run", "settings.json", "vocab.txt"


def make_room(output: Path, overwrite: bool) -> None:
    """See that a folder may be written to; an earlier run in it goes."""
    if output.exists() and not output.is_dir():
        raise FileExistsError(f"{output}: is a file; the output of a training is a folder")
    if output.is_dir() and any(output.iterdir()):
        if not overwrite:
            raise FileExistsError(
                f"{output}: holds something; resume its training (--resume), begin anew "
                "(--overwrite), or name another folder"
            )
        # The model at the top stays until the new run has a better one to put there.
        shutil.rmtree(output / RUN, ignore_errors=True)


def read_run(run: Path) -> dict[str, Any]:
    """What `keep_run` has written.

    Raises:
        FileNotFoundError: there is no run.
    """
    path = run / SETTINGS
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no run to resume")
    return json.loads(path.read_text(encoding="utf-8"))


def keep_run(run: Path, settings: Settings, tokens: Tokens, *, resume: bool, **others: Any) -> None:
    """Write what the run depends on; a resumed run must be of the same text."""
    text = {
        "tokens": tokens.corpus.n_tokens,
        "sentences": tokens.corpus.n_sentences,
        "sha256": hashlib.sha256(np.ascontiguousarray(tokens.corpus.ids)).hexdigest(),
    }
    if resume:
        before = read_run(run)["text"]
        if before != text:
            raise ValueError(
                f"{run}: the run was made of another text ({before['tokens']:,} tokens, not "
                f"{text['tokens']:,}, or other ones); resume it with the same files"
            )
    write_json(run / SETTINGS, {"settings": settings.values, **others, "text": text})


def must_agree(run: Settings, given: Settings, settings: Mapping[str, Any]) -> None:
    """Refuse a file of settings that says other things than the run that is resumed.

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


def must_start_from(kept: Mapping[str, Any], name: str) -> None:
    """Refuse another model to train further than the one that the run began from."""
    before = kept.get("start_from")
    if before != name:
        raise ConfigError(
            f"start_from={name!r}: the run that is resumed began from {before or 'no other model'}; "
            "leave it out"
        )
