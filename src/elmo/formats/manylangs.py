"""Folders of ELMoForManyLangs.

Its LSTM keeps the gates in another order and the whole bias (no forget bias is added at run time),
its highway gate says how much is carried where ours says how much is new, and every token vector
is projected. The tables below bring all of that to our names; nothing is lost, to the last bit.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from elmo.config import PUBLISHED_FILTERS, BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.formats.containers.torch_pickle import read_state_dict
from elmo.formats.contents import Pretrained
from elmo.formats.options import MAX_REPEATS
from elmo.formats.weight_map import (
    GATES_IFCO,
    NEGATED,
    TRANSPOSED,
    Entry,
    Part,
    Stored,
    read_table,
    same,
)
from elmo.system.errors import FormatError, read_json
from elmo.text.manylangs import ManyLangsCharacters

CONFIG, TOKENS, LAYERS = "config.json", "token_embedder.pkl", "encoder.pkl"
_CHARACTERS = "char_emb_layer.embedding.weight"
_WORDS = "word_emb_layer.embedding.weight"

DEFAULT: dict[str, Any] = {
    "encoder": {
        "name": "elmo",
        "projection_dim": 512,
        "dim": 4096,
        "n_layers": 2,
        "cell_clip": 3,
        "proj_clip": 3,
    },
    "token_embedder": {
        "name": "cnn",
        "activation": "relu",
        "filters": [list(pair) for pair in PUBLISHED_FILTERS],
        "n_highway": 2,
        "word_dim": 100,
        "char_dim": 50,
        "max_characters_per_token": 50,
    },
}
"""The settings of every published model, for the many archives that lack their file."""


def is_manylangs(names: list[str]) -> bool:
    """Whether a folder with these files is meant to be one of ELMoForManyLangs.

    Example:
        >>> is_manylangs(["config.json", "encoder.pkl", "char.dic"]), is_manylangs(["config.json"])
        (True, False)
    """
    return bool({TOKENS, LAYERS, "char.dic"} & set(names))


def find_settings(folder: str | os.PathLike[str]) -> tuple[dict[str, Any], Path | None]:
    """The settings of the architecture, and their file, or None where they are the default.

    `config_path` in `config.json` is tried as a path inside the folder, then by its base name; published
    paths are those of the machine that trained, and many archives lack the file. No file outside of the
    folder is opened.

    Args:
        folder: the model's folder.

    Raises:
        FormatError: `config.json` is missing or damaged, or names a file that is not there and is
            not the default.
    """
    folder = Path(folder)
    path = folder / CONFIG
    named = read_json(path).get("config_path")
    if not isinstance(named, str) or not named or "\0" in named:
        raise FormatError(f"{path}: config_path={named!r:.60}: must be the name of a file")
    base = named.replace("\\", "/").rsplit("/", 1)[-1]
    if base in ("", ".", ".."):
        raise FormatError(f"{path}: config_path={named!r:.60}: must be the name of a file")
    parts = named.split("/")
    inside = not (os.path.isabs(named) or ".." in parts or "\\" in named or ":" in parts[0])
    for candidate in (folder / named, folder / base) if inside else (folder / base,):
        if candidate.is_file():
            return read_json(candidate), candidate
    if base != "cnn_50_100_512_4096_sample.json":
        raise FormatError(f"{folder}: {base!r}, the file with the model's settings, is missing")
    return DEFAULT, None


def config_from_settings(
    settings: dict[str, Any], where: str | os.PathLike[str], n_characters: int, n_words: int
) -> BiLMConfig:
    """The configuration that a file of settings describes.

    Args:
        settings: the parsed file.
        where: what errors call it.
        n_characters: rows of the table of characters.
        n_words: rows of the table of words.

    Raises:
        FormatError: a setting is missing, without meaning, or of an architecture that was never
            published.

    Example:
        >>> config = config_from_settings(DEFAULT, "default", 6000, 100000)
        >>> config.lstm.dim, config.char_cnn.word_dim, config.lstm.forget_bias
        (4096, 100, 0.0)
    """
    encoder = _part(settings, "encoder", "elmo", where)
    tokens = _part(settings, "token_embedder", "cnn", where)
    for key in ("word_dim", "char_dim"):
        if not isinstance(tokens.get(key), int):
            raise FormatError(f"{where}: token_embedder.{key} must be a whole number")
    if not tokens["char_dim"]:
        raise FormatError(f"{where}: token_embedder.char_dim=0: a model without characters")
    filters = tokens.get("filters")
    for name, value in (
        ("encoder.n_layers", encoder.get("n_layers")),
        ("token_embedder.n_highway", tokens.get("n_highway")),
        ("the number of filters", len(filters) if isinstance(filters, list) else None),
    ):
        if not isinstance(value, int) or value > MAX_REPEATS:
            raise FormatError(f"{where}: {name}={value!r:.60}: must be at most {MAX_REPEATS}")
    # What is missing is None, which the two classes refuse as they do other wrong values.
    sizes: dict[str, Any] = {k: encoder.get(k) for k in ("dim", "projection_dim", "n_layers")}
    names = ("filters", "n_highway", "activation", "max_characters_per_token")
    spelling: dict[str, Any] = {name: tokens.get(name) for name in names}
    try:
        config = BiLMConfig(
            lstm=LSTMConfig(
                **sizes,
                cell_clip=encoder.get("cell_clip") or None,
                proj_clip=encoder.get("proj_clip") or None,
                forget_bias=0.0,
                always_project=True,
            ),
            char_cnn=CharCNNConfig(
                embedding_dim=tokens["char_dim"],
                **spelling,
                n_characters=n_characters,
                word_dim=tokens["word_dim"],
                n_words=n_words if tokens["word_dim"] else 0,
                always_project=True,
            ),
        )
    except (ValueError, TypeError) as error:
        raise FormatError(f"{where}: {error}") from error
    return config


def _part(
    settings: dict[str, Any], name: str, wanted: str, where: str | os.PathLike[str]
) -> dict[str, Any]:
    """The table of that name, of the one kind that was published."""
    part = settings.get(name)
    found = part.get("name") if isinstance(part, dict) else part
    if not isinstance(part, dict) or str(found).lower() != wanted:
        raise FormatError(f"{where}: {name}.name={found!r:.60}: only {wanted!r} is supported")
    return part


def token_table(config: BiLMConfig) -> list[Entry]:
    """The tensors of `token_embedder.pkl`."""
    cnn, size = config.char_cnn, config.lstm.projection_dim
    assert cnn is not None  # each of these models reads characters
    ours, features = "token_encoder", cnn.n_filters
    table = [same(_CHARACTERS, f"{ours}/char_embed", (cnn.n_characters, cnn.embedding_dim))]
    if cnn.word_dim:
        table.append(same(_WORDS, f"{ours}/word_embed", (cnn.n_words, cnn.word_dim)))
    for i, (width, number) in enumerate(cnn.filters):
        kernel = (number, cnn.embedding_dim, width)
        table.append(same(f"convolutions.{i}.weight", f"{ours}/cnn_{i}/kernel", kernel, TRANSPOSED))
        table.append(same(f"convolutions.{i}.bias", f"{ours}/cnn_{i}/bias", (number,)))
    for k in range(cnn.n_highway):
        foreign, name = f"highways._layers.{k}", f"{ours}/highway_{k}"
        # Its gate g carries and ours renews: 1 - sigmoid(x) = sigmoid(-x).
        kernels = (
            Part(f"{name}/transform_kernel", features, (TRANSPOSED,)),
            Part(f"{name}/carry_kernel", features, (TRANSPOSED, NEGATED)),
        )
        biases = (
            Part(f"{name}/transform_bias", features),
            Part(f"{name}/carry_bias", features, (NEGATED,)),
        )
        table.append(Entry(f"{foreign}.weight", (2 * features, features), kernels))
        table.append(Entry(f"{foreign}.bias", (2 * features,), biases))
    projection = (size, cnn.word_dim + features)
    table.append(same("projection.weight", f"{ours}/projection/kernel", projection, TRANSPOSED))
    table.append(same("projection.bias", f"{ours}/projection/bias", (size,)))
    return table


def layer_table(config: BiLMConfig) -> list[Entry]:
    """The tensors of `encoder.pkl`."""
    size, cells = config.lstm.projection_dim, config.lstm.dim
    kernel, steps = (4 * cells, size), (GATES_IFCO, TRANSPOSED)
    table = []
    for direction in config.direction_names:
        for layer in range(config.lstm.n_layers):
            foreign, ours = f"{direction}_layer_{layer}", f"{direction}/layer_{layer}"
            table += [
                same(f"{foreign}.input_linearity.weight", f"{ours}/kernel", kernel, *steps),
                same(
                    f"{foreign}.state_linearity.weight", f"{ours}/recurrent_kernel", kernel, *steps
                ),
                same(f"{foreign}.state_linearity.bias", f"{ours}/bias", (4 * cells,), GATES_IFCO),
                same(
                    f"{foreign}.state_projection.weight",
                    f"{ours}/projection_kernel",
                    (size, cells),
                    TRANSPOSED,
                ),
            ]
    return table


def read(folder: str | os.PathLike[str]) -> Pretrained:
    """A model of ELMoForManyLangs, without PyTorch.

    Args:
        folder: where `config.json`, the two `.dic` and the two `.pkl` files lie.

    Returns:
        The model; its `dictionaries` encode sentences.

    Raises:
        FormatError: a file is missing or damaged, the weights do not fit the settings (all
            differences are listed), or a dictionary has an id that the weights do not know.
    """
    folder = Path(folder)
    missing = [name for name in (CONFIG, TOKENS, LAYERS) if not (folder / name).is_file()]
    if missing:
        raise FormatError(f"{folder}: a model of ELMoForManyLangs without {', '.join(missing)}")
    settings, where = find_settings(folder)
    tokens, layers = read_state_dict(folder / TOKENS), read_state_dict(folder / LAYERS)
    n_characters, n_words = _rows(tokens, _CHARACTERS), _rows(tokens, _WORDS)
    config = config_from_settings(
        settings, where or folder / CONFIG, n_characters or 1, n_words or 1
    )
    assert config.char_cnn is not None
    weights = read_table(token_table(config), tokens, folder / TOKENS)
    weights |= read_table(layer_table(config), layers, folder / LAYERS)
    return Pretrained(
        config=config,
        weights=weights,
        dictionaries=read_characters(folder, config.char_cnn),
        extra={"format": "ELMoForManyLangs"},
    )


def _rows(stored: dict[str, Stored], name: str) -> int:
    return stored[name].shape[0] if name in stored and stored[name].shape else 0


def read_characters(folder: str | os.PathLike[str], config: CharCNNConfig) -> ManyLangsCharacters:
    """The dictionaries of a folder, checked against the sizes of the tables.

    Raises:
        FormatError: a file is missing or damaged, or holds an id beyond its table.
    """
    try:
        characters = ManyLangsCharacters.load(
            folder, config.max_characters_per_token, words=config.word_dim > 0
        )
    except ValueError as error:
        text = str(error)
        raise FormatError(text if str(folder) in text else f"{folder}: {text}") from error
    for name, ids, rows in (
        ("char.dic", characters.characters, config.n_characters),
        ("word.dic", characters.words or {}, config.n_words),
    ):
        if max(ids.values(), default=-1) >= rows > 0:
            raise FormatError(
                f"{Path(folder, name)}: holds the id {max(ids.values())}, but the weights have "
                f"{rows} rows"
            )
    return characters
