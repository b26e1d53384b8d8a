"""The published layout: `options.json` and `weights.hdf5` of bilm-tf, AllenNLP and simple_elmo.

It is also the layout in which we save. What the published files leave out stands where the other
readers do not look: they open each array by its name and never list the file, so the softmax lies
in the group `elmo_keras/softmax`. A model of one direction has only `RNN_0` (forward) or `RNN_1`
(backward); of a model with D = P, or of characters with F = P, the projections are absent. The
other readers want both directions, and AllenNLP both projections.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from elmo.config import BiLMConfig
from elmo.formats.containers.hdf5 import open_arrays, write_arrays
from elmo.formats.contents import Pretrained
from elmo.formats.manylangs import read_characters
from elmo.formats.options import (
    OUR_KEY,
    PUBLISHED_CHARACTERS,
    config_from_options,
    kept_settings,
    options_from_config,
    training_options,
)
from elmo.formats.rounding import rounded
from elmo.formats.weight_map import (
    SQUEEZED,
    Entry,
    Part,
    Stored,
    check_weights,
    encoder_shapes,
    has_token_projection,
    read_table,
    same,
    softmax_shapes,
    write_table,
)
from elmo.system.errors import FormatError, brief, read_json

MANYLANGS = "manylangs"


def encoder_table(config: BiLMConfig) -> list[Entry]:
    """The arrays of `weights.hdf5` that make the encoder.

    Args:
        config: what the network is.

    Example:
        >>> from elmo.config import LSTMConfig
        >>> lstm = LSTMConfig(dim=4, projection_dim=2, n_layers=1)
        >>> for entry in encoder_table(BiLMConfig(lstm=lstm, vocabulary_size=9)):
        ...     print(entry.name, entry.shape)
        embedding (9, 2)
        RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/W_0 (4, 16)
        RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/B (16,)
        RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/W_P_0 (4, 2)
        RNN_1/RNN/MultiRNNCell/Cell0/LSTMCell/W_0 (4, 16)
        RNN_1/RNN/MultiRNNCell/Cell0/LSTMCell/B (16,)
        RNN_1/RNN/MultiRNNCell/Cell0/LSTMCell/W_P_0 (4, 2)
    """
    table = _token_table(config)
    for direction in config.direction_names:
        for layer in range(config.lstm.n_layers):
            table += _lstm_table(config, direction, layer)
    return table


def _token_table(config: BiLMConfig) -> list[Entry]:
    shapes = encoder_shapes(config)

    def plain(name: str, ours: str) -> Entry:
        ours = f"token_encoder/{ours}"
        return same(name, ours, shapes[ours])

    cnn = config.char_cnn
    if cnn is None:
        return [plain("embedding", "embedding")]
    # Ids of another alphabet: under a name where nobody takes them for bytes.
    place = "" if cnn.n_characters == PUBLISHED_CHARACTERS and not cnn.word_dim else f"{OUR_KEY}/"
    table = [plain(f"{place}char_embed", "char_embed")]
    if cnn.word_dim:
        table.append(plain(f"{place}word_embed", "word_embed"))
    for i, (width, number) in enumerate(cnn.filters):
        shape = (1, width, cnn.embedding_dim, number)
        kernel = Part(f"token_encoder/cnn_{i}/kernel", 1, (SQUEEZED,))
        table.append(Entry(f"CNN/W_cnn_{i}", shape, (kernel,)))
        table.append(plain(f"CNN/b_cnn_{i}", f"cnn_{i}/bias"))
    for k in range(cnn.n_highway):
        for gate in ("carry", "transform"):
            table.append(plain(f"CNN_high_{k}/W_{gate}", f"highway_{k}/{gate}_kernel"))
            table.append(plain(f"CNN_high_{k}/b_{gate}", f"highway_{k}/{gate}_bias"))
    if has_token_projection(config):
        table.append(plain("CNN_proj/W_proj", "projection/kernel"))
        table.append(plain("CNN_proj/b_proj", "projection/bias"))
    return table


def _lstm_table(config: BiLMConfig, direction: str, layer: int) -> list[Entry]:
    size, cells = config.lstm.projection_dim, config.lstm.dim
    ours = f"{direction}/layer_{layer}"
    rnn = "RNN_0" if direction == "forward" else "RNN_1"
    cell = f"{rnn}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"
    # dump_weights of a model with one layer leaves out the level of the cells.
    other = (f"{rnn}/RNN/LSTMCell",) if config.lstm.n_layers == 1 else ()

    def entry(
        name: str,
        shape: tuple[int, ...],
        *parts: Part,
        derive: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> Entry:
        aliases = tuple(f"{place}/{name}" for place in other)
        return Entry(f"{cell}/{name}", shape, parts, aliases, derive)

    kernels = Part(f"{ours}/kernel", size), Part(f"{ours}/recurrent_kernel", size)
    bias = Part(f"{ours}/bias", 4 * cells)
    table = [entry("W_0", (2 * size, 4 * cells), *kernels)]
    extra = config.lstm.forget_bias - 1
    if extra:
        # Others always add 1 to the forget gate, so their bias holds the difference; ours lies
        # beside it, since a sum would not come back to the last bit.
        table.append(entry("B", (4 * cells,), bias, derive=lambda b: _shifted(b, extra)))
        table.append(Entry(f"{OUR_KEY}/{cell}/B", (4 * cells,), (bias,)))
    else:
        table.append(entry("B", (4 * cells,), bias))
    if config.lstm.projects:
        projection = Part(f"{ours}/projection_kernel", cells)
        table.append(entry("W_P_0", (cells, size), projection))
    return table


def _shifted(bias: np.ndarray, extra: float) -> np.ndarray:
    bias = bias.copy()
    cells = len(bias) // 4
    bias[2 * cells : 3 * cells] += np.float32(extra)
    return bias


def softmax_table(config: BiLMConfig) -> list[Entry]:
    """The arrays of the softmax, in a group of our own."""
    return [
        same(f"{OUR_KEY}/{name}", name, shape) for name, shape in softmax_shapes(config).items()
    ]


def is_ours(options: str | os.PathLike[str]) -> bool:
    """Whether an options file was written by us."""
    return OUR_KEY in read_json(options)


def read_pair(options: str | os.PathLike[str], weights: str | os.PathLike[str]) -> Pretrained:
    """A model from its two files, whatever their names; the vocabulary is read apart.

    Args:
        options: the JSON file.
        weights: the HDF5 file.

    Returns:
        The model; with the softmax where the file has ours.

    Raises:
        FormatError: a file is missing, damaged or of another kind, or the weights do not fit the
            options (all differences are listed).
    """
    values = read_json(options)
    with open_arrays(weights) as stored:
        config = config_from_options(values, options, **_known(values, stored))
        table = encoder_table(config)
        if any(name.startswith(f"{OUR_KEY}/softmax/") for name in stored):
            if config.vocabulary_size is None:
                raise FormatError(f"{options}: n_tokens_vocab is missing, but there is a softmax")
            table += softmax_table(config)
        arrays = read_table(table, stored, weights)
    ours = values.get(OUR_KEY) or {}
    extra = {"format": "elmo-keras" if ours else "allennlp", "options": training_options(values)}
    extra |= kept_settings(values, options)
    dictionaries = None
    if ours.get("characters") == MANYLANGS and config.char_cnn is not None:
        dictionaries = read_characters(Path(options).parent, config.char_cnn)
    return Pretrained(config=config, weights=arrays, dictionaries=dictionaries, extra=extra)


def _known(options: dict[str, Any], stored: Mapping[str, Stored]) -> dict[str, Any]:
    known: dict[str, Any] = {"always_project": False, "lstm_always_projects": False}
    if "embedding" in stored and len(stored["embedding"].shape) == 2:
        known["vocabulary_size"] = stored["embedding"].shape[0]
    cnn, lstm = options.get("char_cnn"), options.get("lstm")
    if isinstance(lstm, dict) and lstm.get("dim") == lstm.get("projection_dim"):
        known["lstm_always_projects"] = any(name.endswith("/LSTMCell/W_P_0") for name in stored)
    if "CNN_proj/W_proj" in stored and isinstance(cnn, dict) and isinstance(lstm, dict):
        # A projection is told by its presence where the sizes do not ask for one.
        shape, size = stored["CNN_proj/W_proj"].shape, lstm.get("projection_dim")
        known["always_project"] = isinstance(size, int) and tuple(shape) == (size, size)
    return known


def foreign_arrays(config: BiLMConfig, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of `weights.hdf5` by their names there.

    Raises:
        FormatError: the weights do not fit the configuration (all differences are listed).
    """
    table = encoder_table(config)
    if check_weights(config, weights, "the model"):
        table += softmax_table(config)
    return write_table(table, weights)


def write_pair(
    pretrained: Pretrained,
    options: str | os.PathLike[str],
    weights: str | os.PathLike[str],
    bits: int | None = None,
) -> None:
    """Writes a model's two files, in place; `write_folder` does it safely.

    Args:
        pretrained: the model; its vocabulary is not written here.
        options: the JSON file.
        weights: the HDF5 file.
        bits: round the weights to so many bits (`elmo.formats.rounding`) and pack the file.

    Raises:
        FormatError: the weights do not fit the configuration.
        OSError: a file cannot be written.
    """
    arrays = foreign_arrays(pretrained.config, pretrained.weights)
    extra = pretrained.extra
    dictionaries = pretrained.dictionaries
    values = options_from_config(
        pretrained.config,
        extra.get("options"),
        extra.get("settings"),
        None if dictionaries is None else MANYLANGS,
    )
    try:
        text = json.dumps(values, indent=2, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise FormatError(f"{options}: a setting that JSON cannot hold ({brief(error)})") from error
    with open(options, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    if bits is not None:
        arrays = {name: rounded(array, bits) for name, array in arrays.items()}
    write_arrays(weights, arrays, packed=bits is not None)
    if dictionaries is not None:
        dictionaries.save(Path(options).parent)
