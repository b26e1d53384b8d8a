"""From whatever names a published softmax to its file: a path, an address, or the model's own."""

from __future__ import annotations

import os
from pathlib import Path

from elmo.hub.models import MODELS, SOFTMAX, RemoteModel, find
from elmo.hub.resolving import Source, folder_of, is_address, models_folder, name_of
from elmo.system.errors import FormatError
from elmo.system.fetch import Progress, fetch
from elmo.text.vocabulary import Vocabulary

PUBLISHED = "published"

AVocabulary = str | os.PathLike[str] | Vocabulary | None


def resolve_softmax(
    source: Source,
    softmax: str | os.PathLike[str],
    vocabulary: AVocabulary = None,
    *,
    progress: Progress | bool | None = None,
) -> tuple[Path, AVocabulary]:
    """The local files of a softmax and its vocabulary, downloaded first if need be.

    Args:
        source: the model, as `elmo.load` takes it.
        softmax: a path, an address, or `"published"`: the one that was published for the model. What
            exists on the disk is taken for a path.
        vocabulary: of its types; by default the one that was published with `"published"`.
        progress: of downloads, as in `resolve`.

    Returns:
        The file of the softmax, and the vocabulary: what was given, the published file, or None.

    Raises:
        FormatError: none was published for the model.
        DownloadError: it cannot be downloaded; says why.

    Example:
        >>> resolve_softmax("original", "/")
        (PosixPath('/'), None)
    """
    text = os.fspath(softmax)
    if os.path.exists(text) or not isinstance(softmax, str):
        return Path(text), vocabulary
    if is_address(text):
        return fetch(text, folder_of(text) / SOFTMAX, progress=progress), vocabulary
    if text != PUBLISHED:
        return Path(text), vocabulary
    model = _known(source)
    if model is None or model.softmax is None:
        having = [name for name, known in MODELS.items() if known.softmax is not None]
        raise FormatError(
            f"{name_of(source)}: no softmax was published for this model, only for "
            f"{' and '.join(having)}; give a file"
        )
    folder = models_folder() / model.name / "softmax"
    weights, types = model.softmax
    if vocabulary is None:  # the smaller one first
        vocabulary = fetch(types.url, folder / types.name, progress=progress)
    return fetch(weights.url, folder / weights.name, progress=progress), vocabulary


def _known(source: Source) -> RemoteModel | None:
    """The published model that a source names."""
    if isinstance(source, str):
        if os.path.exists(source):
            return None
        named, urls = find(source), tuple(source.split(","))
    else:
        parts = source if isinstance(source, tuple) else (source,)
        named, urls = None, tuple(os.fspath(part) for part in parts)
    if named is not None:
        return named
    by_files = (m for m in MODELS.values() if set(urls) <= {file.url for file in m.files})
    return next(by_files, None)
