"""`options.json` of bilm-tf and AllenNLP, to and from a `BiLMConfig`.

What the published file has no place for stands under its key `elmo_keras`, which the other readers
ignore: directions, weight tying, lower-casing, all dropout rates, the forget bias, what
ELMoForManyLangs adds to the token encoder, and settings that upper floors keep with the model.
"""

from __future__ import annotations

import copy
import dataclasses
import os
from typing import Any

from elmo.config import BiLMConfig, CharCNNConfig, DropoutConfig, LSTMConfig
from elmo.system.errors import FormatError

OUR_KEY = "elmo_keras"
VERSION = 1
PUBLISHED_CHARACTERS = 261
MAX_REPEATS = 1000

_CONFIG_KEYS = {
    "lstm",
    "char_cnn",
    "bidirectional",
    "dropout",
    "n_tokens_vocab",
    "share_embedding_softmax",
    OUR_KEY,
}
_CNN_EXTRAS = ("n_characters", "word_dim", "n_words", "always_project")
_WANTED = {dict: "a JSON object", int: "a whole number", float: "a number", bool: "true or false"}


def _take(table: dict[str, Any], key: str, kind: type, default: Any = ..., prefix: str = "") -> Any:
    """The value of a key, of the right kind; a key that is absent or null is the default."""
    value = table.get(key)
    if value is None:
        if default is ...:
            raise FormatError(f"{prefix}{key} is missing")
        return default
    accepted = (int, float) if kind is float else kind
    if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
        raise FormatError(f"{prefix}{key}={value!r:.60}: must be {_WANTED[kind]}")
    return value


def _count(table: dict[str, Any], key: str, default: Any = ..., prefix: str = "") -> int:
    value = _take(table, key, int, default, prefix)
    if value > MAX_REPEATS:
        raise FormatError(f"{prefix}{key}={value}: more than {MAX_REPEATS}, which no model has")
    return value


def _clip(table: dict[str, Any], key: str) -> float | None:
    value = _take(table, key, float, None, "lstm.")
    return None if not value else float(value)


def config_from_options(
    options: dict[str, Any], where: str | os.PathLike[str], **known: Any
) -> BiLMConfig:
    """The configuration that an `options.json` describes.

    Clips of 0, null or none at all are no clip; `n_characters` 261 (training) and 262 (inference)
    are the same table of 261 rows.

    Args:
        options: the parsed file.
        where: what errors call it.
        known: settings known from elsewhere, used where the options lack them: `vocabulary_size`
            (rows of the embedding of a word model), `always_project` and `lstm_always_projects`
            (the weights have a projection though F = P or D = P).

    Raises:
        FormatError: a key is missing, of the wrong kind, or has a value without meaning.

    Example:
        >>> config = config_from_options(
        ...     {"lstm": {"dim": 8, "projection_dim": 4, "n_layers": 1}, "n_tokens_vocab": 50}, "x")
        >>> config.lstm.cell_clip, config.lstm.use_skip_connections, config.vocabulary_size
        (None, False, 50)
    """
    try:
        return _config(options, known)
    except FormatError as error:
        raise FormatError(f"{where}: {error}") from None
    except (ValueError, OverflowError) as error:
        raise FormatError(f"{where}: {error}") from error


def _config(options: dict[str, Any], known: dict[str, Any]) -> BiLMConfig:
    ours = _take(options, OUR_KEY, dict, {})
    if _take(ours, "version", int, VERSION, f"{OUR_KEY}.") > VERSION:
        raise FormatError(
            f"written by a newer version of elmo-keras ({OUR_KEY}.version); update it"
        )
    lstm = _take(options, "lstm", dict)
    lstm_extras = _take(ours, "lstm", dict, {}, f"{OUR_KEY}.")
    directions = ours.get("directions")
    if directions is None:
        directions = "both" if _take(options, "bidirectional", bool, True) else "forward"
    dropout = _take(options, "dropout", float, 0.0)
    rates = _take(ours, "dropout", dict, {"input": dropout, "output": dropout}, f"{OUR_KEY}.")
    try:
        dropouts = DropoutConfig(**rates)
    except TypeError:
        raise FormatError(f"{OUR_KEY}.dropout={rates!r:.200}: unknown or wrong rates") from None
    cnn = _take(options, "char_cnn", dict, None)
    vocabulary_size = _take(options, "n_tokens_vocab", int, None)
    tying = _take(options, "share_embedding_softmax", bool, False) and cnn is None
    return BiLMConfig(
        lstm=LSTMConfig(
            dim=_take(lstm, "dim", int, prefix="lstm."),
            projection_dim=_take(lstm, "projection_dim", int, prefix="lstm."),
            n_layers=_count(lstm, "n_layers", prefix="lstm."),
            cell_clip=_clip(lstm, "cell_clip"),
            proj_clip=_clip(lstm, "proj_clip"),
            use_skip_connections=_take(lstm, "use_skip_connections", bool, False, "lstm."),
            forget_bias=float(_take(ours, "forget_bias", float, 1.0, f"{OUR_KEY}.")),
            always_project=_take(
                lstm_extras, "always_project", bool, known.get("lstm_always_projects", False)
            ),
        ),
        char_cnn=None if cnn is None else _char_cnn(cnn, ours, known),
        vocabulary_size=known.get("vocabulary_size")
        if vocabulary_size is None
        else vocabulary_size,
        directions=directions,
        weight_tying=_take(ours, "weight_tying", bool, tying, f"{OUR_KEY}."),
        lowercase=_take(ours, "lowercase", bool, False, f"{OUR_KEY}."),
        dropout=dropouts,
    )


def _char_cnn(cnn: dict[str, Any], ours: dict[str, Any], known: dict[str, Any]) -> CharCNNConfig:
    prefix = "char_cnn."
    extras = _take(ours, "char_cnn", dict, {}, f"{OUR_KEY}.")
    n_characters = _take(cnn, "n_characters", int, PUBLISHED_CHARACTERS + 1, prefix)
    rows = _take(extras, "n_characters", int, PUBLISHED_CHARACTERS, f"{OUR_KEY}.char_cnn.")
    if n_characters not in (rows, rows + 1):
        raise FormatError(f"char_cnn.n_characters={n_characters}: must be {rows} or {rows + 1}")
    activation: Any = cnn.get("activation")  # `CharCNNConfig` checks it
    filters = cnn.get("filters")
    if not isinstance(filters, list) or len(filters) > MAX_REPEATS:
        raise FormatError(f"char_cnn.filters={filters!r:.60}: must be a list of pairs")
    return CharCNNConfig(
        embedding_dim=_take(
            _take(cnn, "embedding", dict, prefix=prefix), "dim", int, prefix="char_cnn.embedding."
        ),
        filters=cnn["filters"],
        n_highway=_count(cnn, "n_highway", 0, prefix),
        activation=activation,
        max_characters_per_token=_take(cnn, "max_characters_per_token", int, prefix=prefix),
        n_characters=rows,
        word_dim=_take(extras, "word_dim", int, 0),
        n_words=_take(extras, "n_words", int, 0),
        always_project=_take(extras, "always_project", bool, known.get("always_project", False)),
    )


def kept_settings(options: dict[str, Any], where: str | os.PathLike[str]) -> dict[str, Any]:
    """What upper floors have kept with the model, and how it makes ids: `{"settings": …}`, checked.

    Args:
        options: the parsed file.
        where: what errors call it.

    Raises:
        FormatError: they are not what this package writes.
    """
    ours = options.get(OUR_KEY) or {}
    settings = ours.get("settings")
    if settings is None:
        return {}
    state = settings.get("state", "reset") if isinstance(settings, dict) else None
    if state not in ("reset", "carry"):
        raise FormatError(
            f"{where}: {OUR_KEY}.settings={settings!r:.60}: must be a JSON object whose state is "
            "'reset' or 'carry'"
        )
    return {"settings": settings}


def training_options(options: dict[str, Any]) -> dict[str, Any]:
    """The keys of an `options.json` that are about training and that the configuration lacks."""
    return {key: value for key, value in options.items() if key not in _CONFIG_KEYS}


def options_from_config(
    config: BiLMConfig,
    training: dict[str, Any] | None = None,
    settings: Any = None,
    characters: str | None = None,
) -> dict[str, Any]:
    """The `options.json` of a configuration, as AllenNLP, bilm-tf and simple_elmo read it.

    Args:
        config: what the network is.
        training: further keys, as `training_options` gives them.
        settings: kept under `elmo_keras.settings`.
        characters: kept under `elmo_keras.characters`: how tokens become ids, where not as bytes.

    Example:
        >>> config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), vocabulary_size=9,
        ...                     directions="forward")
        >>> options = options_from_config(config)
        >>> options["bidirectional"], options["elmo_keras"]["directions"]
        (False, 'forward')
        >>> config_from_options(options, "options.json") == config
        True
    """
    lstm = config.lstm
    options: dict[str, Any] = copy.deepcopy(training_options(training or {}))
    options["bidirectional"] = config.directions == "both"
    options["dropout"] = config.dropout.input
    options["lstm"] = {
        "dim": lstm.dim,
        "projection_dim": lstm.projection_dim,
        "n_layers": lstm.n_layers,
        "cell_clip": lstm.cell_clip,
        "proj_clip": lstm.proj_clip,
        "use_skip_connections": lstm.use_skip_connections,
    }
    ours: dict[str, Any] = {
        "version": VERSION,
        "directions": config.directions,
        "forget_bias": lstm.forget_bias,
        "lstm": {"always_project": lstm.always_project},
        "weight_tying": config.weight_tying,
        "lowercase": config.lowercase,
        "dropout": dataclasses.asdict(config.dropout),
    }
    if config.vocabulary_size is not None:
        options["n_tokens_vocab"] = config.vocabulary_size
    if config.weight_tying:
        options["share_embedding_softmax"] = True
    cnn = config.char_cnn
    if cnn is not None:
        options["char_cnn"] = {
            "activation": cnn.activation,
            "embedding": {"dim": cnn.embedding_dim},
            "filters": [list(pair) for pair in cnn.filters],
            "max_characters_per_token": cnn.max_characters_per_token,
            "n_characters": cnn.n_characters + 1,
            "n_highway": cnn.n_highway,
        }
        ours["char_cnn"] = {name: getattr(cnn, name) for name in _CNN_EXTRAS}
    if characters is not None:
        ours["characters"] = characters
    if settings is not None:
        ours["settings"] = settings
    options[OUR_KEY] = ours
    return options
