"""Our weights in one `.safetensors` file, with the configuration in its metadata.

Wants the extra `safetensors`. The vocabulary is not in the file: `vocab.txt` lies beside it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from types import ModuleType

import numpy as np

from elmo.formats.contents import Pretrained
from elmo.formats.manylangs import read_characters
from elmo.formats.options import (
    config_from_options,
    kept_settings,
    options_from_config,
    training_options,
)
from elmo.formats.weight_map import check_weights
from elmo.system.errors import FormatError, brief, parse_json
from elmo.system.files import written_whole

METADATA = "elmo_keras"
_MANYLANGS = "manylangs"


def _library() -> ModuleType:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(
            "safetensors files want the package safetensors: pip install 'elmo-keras[safetensors]'"
        ) from error
    return safetensors


def read(path: str | os.PathLike[str]) -> Pretrained:
    """A model out of a `.safetensors` file that `write` made.

    Args:
        path: the file.

    Raises:
        ImportError: the package safetensors is not installed.
        FormatError: the file is missing, damaged, without our metadata, or the weights do not fit
            their configuration (all differences are listed).
    """
    safetensors = _library()
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({brief(error)})") from error
    except (safetensors.SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise FormatError(
            f"{path}: not a safetensors file, or a damaged one ({brief(error)})"
        ) from error
    if METADATA not in metadata:
        raise FormatError(
            f"{path}: has no {METADATA!r} in its metadata; only our files can be read"
        )
    options = parse_json(metadata[METADATA], path)
    config = config_from_options(options, path)
    check_weights(config, weights, path)
    weights = {name: np.asarray(value, np.float32) for name, value in weights.items()}
    ours = options.get("elmo_keras") or {}
    dictionaries = None
    if ours.get("characters") == _MANYLANGS and config.char_cnn is not None:
        dictionaries = read_characters(Path(path).parent, config.char_cnn)
    extra = {"format": "safetensors", "options": training_options(options)}
    extra |= kept_settings(options, path)
    return Pretrained(config=config, weights=weights, dictionaries=dictionaries, extra=extra)


def write(pretrained: Pretrained, path: str | os.PathLike[str]) -> None:
    """Writes the weights under our names, and the configuration into the metadata.

    The file is written aside and renamed. A vocabulary, or the dictionaries of ELMoForManyLangs,
    are written beside it.

    Args:
        pretrained: the model.
        path: the `.safetensors` file; one that exists is replaced.

    Raises:
        ImportError: the package safetensors is not installed.
        FormatError: the weights do not fit the configuration.
        OSError: the file cannot be written.
    """
    safetensors = _library()
    path = Path(path)
    check_weights(pretrained.config, pretrained.weights, "the model")
    dictionaries = pretrained.dictionaries
    options = options_from_config(
        pretrained.config,
        pretrained.extra.get("options"),
        pretrained.extra.get("settings"),
        None if dictionaries is None else _MANYLANGS,
    )
    arrays = {
        name: np.ascontiguousarray(array, np.float32) for name, array in pretrained.weights.items()
    }
    data = safetensors.numpy.save(arrays, {METADATA: json.dumps(options, allow_nan=False)})
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as file:
        file.write(data)
        if pretrained.vocabulary is not None:
            pretrained.vocabulary.save(path.parent / "vocab.txt")
        if dictionaries is not None:
            dictionaries.save(path.parent)
