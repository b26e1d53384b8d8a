"""Our models in one `.keras` file: Keras's own archive, with options and vocabulary as members beside.

Keras alone knows where the weights lie in it, so reading builds the network: the one format that does.
What else stands in the archive is never run or imported.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from elmo.config import BiLMConfig
from elmo.formats.contents import Pretrained
from elmo.formats.finding import find_vocabulary, load_vocabulary
from elmo.formats.manylangs import read_characters
from elmo.formats.options import (
    config_from_options,
    kept_settings,
    options_from_config,
    training_options,
)
from elmo.system.archives import extract_zip
from elmo.system.errors import FormatError, brief, parse_json
from elmo.text.vocabulary import Vocabulary

FOLDER = "elmo_keras"  # of the members that are ours
_OPTIONS, _WEIGHTS, _MANYLANGS = "options.json", "model.weights.h5", "manylangs"
# Keras leaves layers as they were made, with no more than a warning, where it finds nothing for them.
_DIGEST = "weights.sha256"


def add_description(pretrained: Pretrained, path: Path) -> None:
    """Put what `read` needs beside the weights into a `.keras` file that Keras has written.

    Args:
        pretrained: the model whose weights Keras has written.
        path: the file.
    """
    dictionaries = pretrained.dictionaries
    settings = {**(pretrained.extra.get("settings") or {}), "softmax": pretrained.has_softmax}
    options = options_from_config(
        pretrained.config,
        pretrained.extra.get("options"),
        settings,
        None if dictionaries is None else _MANYLANGS,
    )
    with tempfile.TemporaryDirectory(prefix="elmo-") as folder, zipfile.ZipFile(path, "a") as file:
        place = Path(folder)
        (place / _OPTIONS).write_text(json.dumps(options, allow_nan=False), encoding="utf-8")
        if pretrained.vocabulary is not None:
            pretrained.vocabulary.save(place / "vocab.txt")
        if dictionaries is not None:
            dictionaries.save(place)
        (place / _DIGEST).write_text(_digest(pretrained.weights), encoding="ascii")
        for member in sorted(place.iterdir()):
            file.write(member, f"{FOLDER}/{member.name}", zipfile.ZIP_DEFLATED)


def read(path: Path, vocabulary: str | os.PathLike[str] | Vocabulary | None = None) -> Pretrained:
    """A model out of a `.keras` file that `BiLM.save` made.

    Args:
        path: the file.
        vocabulary: in place of the one that is in it.

    Raises:
        FormatError: the file is damaged, not ours, or its weights do not fit its options.
    """
    if not _is_ours(path):
        raise FormatError(
            f"{path}: a Keras model without the options that elmo-keras keeps in its own, which "
            "keras.saving.load_model reads; give the model's folder"
        )
    with tempfile.TemporaryDirectory(prefix="elmo-") as folder:
        place = extract_zip(path, folder)
        ours, weights = place / FOLDER, place / _WEIGHTS
        if not weights.is_file():
            raise FormatError(f"{path}: holds no {_WEIGHTS}")
        options = parse_json((ours / _OPTIONS).read_text("utf-8", "replace"), path)
        config = config_from_options(options, path)
        arrays = _arrays(config, weights, path)
        kept = kept_settings(options, path)
        settings = dict(kept.get("settings") or {})
        if not settings.pop("softmax", True):
            arrays = {n: a for n, a in arrays.items() if not n.startswith("softmax/")}
        said = ours / _DIGEST
        if not said.is_file() or said.read_text("ascii", "replace").strip() != _digest(arrays):
            raise FormatError(
                f"{path}: its weights are not those that were saved: the file is damaged, or was written "
                "by a version of Keras that lays them out otherwise; give the model's folder"
            )
        dictionaries = None
        if (options.get("elmo_keras") or {}).get("characters") == _MANYLANGS and config.char_cnn:
            dictionaries = read_characters(ours, config.char_cnn)
        extra = {"format": "keras", "options": training_options(options), **kept}
        found = Pretrained(
            config=config,
            weights=arrays,
            dictionaries=dictionaries,
            extra={**extra, "settings": settings},
        )
        needed = found.has_softmax or config.char_cnn is None
        size = config.vocabulary_size if needed else None
        listed = vocabulary if vocabulary is not None else find_vocabulary(ours)
        if listed is not None and dictionaries is None:
            found.vocabulary = load_vocabulary(listed, size, config.lowercase)
        return found


def _is_ours(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as file:
            return f"{FOLDER}/{_OPTIONS}" in file.namelist()
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def _arrays(config: BiLMConfig, weights: Path, path: Path) -> dict[str, np.ndarray]:
    """The weights by our names, read by Keras into the network of the configuration."""
    from elmo.bilm.language_model import BiLanguageModel
    from elmo.bilm.weights import get_weights
    from elmo.layers.initial_values import blank_weights

    if _least(config) > os.path.getsize(weights):
        raise FormatError(f"{path}: too small for the weights that its options describe")
    with blank_weights():
        network = BiLanguageModel(config)
        network.build()
    try:
        network.load_weights(weights)
    except Exception as error:  # Keras and HDF5 raise whatever they meet
        raise FormatError(f"{path}: its weights cannot be read ({brief(error)})") from error
    return get_weights(network)


def _digest(arrays: Mapping[str, np.ndarray]) -> str:
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.shape}\n".encode())
        found.update(np.ascontiguousarray(array, "<f4").data)
    return found.hexdigest()


def _least(config: BiLMConfig) -> int:
    """Bytes that the weights take at least: no network is built for a file that cannot hold it."""
    lstm = config.lstm
    numbers = len(config.direction_names) * lstm.n_layers * lstm.dim * lstm.projection_dim * 8
    numbers += (config.vocabulary_size or 0) * lstm.projection_dim
    if (cnn := config.char_cnn) is not None:
        numbers += cnn.n_characters * cnn.embedding_dim + cnn.n_words * cnn.word_dim
        numbers += sum(width * cnn.embedding_dim * number for width, number in cnn.filters)
        numbers += 2 * cnn.n_highway * cnn.n_filters**2
    return 4 * numbers
