"""The model of a transformer, opened once per process."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from elmo.api import BiLM, load

Model = BiLM | str | os.PathLike[str] | tuple[str, str]
KEPT = 2  # models that stay open after they were opened by name

Stamp = tuple[tuple[str, int, int], ...]


def open_model(model: Model) -> BiLM:
    """The model itself, or the one that a path or a name stands for.

    Clones and copies that name the same model share it: the last `KEPT` opened models stay in memory.
    A path whose files have changed since is read again.

    Args:
        model: a `BiLM`, or what `elmo.load` takes.

    Raises:
        TypeError: it is none of these.
        FormatError, DownloadError: as `elmo.load` raises them.
    """
    if isinstance(model, BiLM):
        return model
    if isinstance(model, tuple) and all(isinstance(path, str | os.PathLike) for path in model):
        pair = tuple(map(os.fspath, model))
        return _opened(pair, sum(map(_stamp, pair), ()))
    if not isinstance(model, str | os.PathLike):
        raise TypeError(
            f"model={model!r}: must be a BiLM, or the path or the name of a model as elmo.load takes it"
        )
    source = os.fspath(model)
    return _opened(source, _stamp(source))


@functools.lru_cache(maxsize=KEPT)
def _opened(source: str | tuple[str, str], stamp: Stamp) -> BiLM:
    return load(source)


def _stamp(source: str) -> Stamp:
    """Names, times and sizes of the files of a model; nothing for one that is no path here."""
    path = Path(source)
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    facts = ((file.name, file.stat()) for file in files if file.is_file())
    return tuple((name, fact.st_mtime_ns, fact.st_size) for name, fact in facts)
