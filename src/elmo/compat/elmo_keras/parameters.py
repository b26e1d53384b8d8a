"""The parameters of ELMo-keras as a table: what each key means here and which values it takes.

A key that stands for one setting of the house names it (`setting`), and the table is read in both
directions: to build a configuration from parameters, and to tell whether a saved model is the one
that parameters describe.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from elmo.config import (
    BiLMConfig,
    CharCNNConfig,
    ConfigError,
    DropoutConfig,
    LSTMConfig,
    plain,
)
from elmo.settings.training import TrainingConfig

CHARSET_SIZE = 262  # 256 bytes, begin and end of sentence and word, padding in a word, no token
ACTIVATION: Literal["tanh"] = "tanh"  # of the character CNN, which the parameters have no key for

REQUIRED = object()


@dataclass(frozen=True)
class Key:
    """One key of the parameters.

    Args:
        meaning: what it does here.
        fits: whether a value will do.
        wanted: which values do, for errors.
        default: where the key is not given.
        setting: the setting of the house that it stands for, such as `"lstm.dim"`.
    """

    meaning: str
    fits: Callable[[Any], bool]
    wanted: str
    default: Any = REQUIRED
    setting: str | None = None


def _whole(least: int) -> tuple[Callable[[Any], bool], str]:
    def fits(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    return fits, f"a whole number, {least} or more"


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _or_none(fits: Callable[[Any], bool], wanted: str) -> tuple[Callable[[Any], bool], str]:
    return lambda value: value is None or fits(value), f"{wanted}, or None"


def _filters(value: Any) -> bool:
    pairs = isinstance(value, list | tuple) and len(value) > 0
    size = _whole(1)[0]
    return pairs and all(
        isinstance(p, list | tuple) and len(p) == 2 and size(p[0]) and size(p[1]) for p in value
    )


def _one_of(*choices: Any) -> tuple[Callable[[Any], bool], str]:
    return lambda value: value in choices, " or ".join(map(repr, choices))


_POSITIVE = (lambda value: _number(value) and value > 0), "a positive number"
_RATE = (lambda value: _number(value) and 0 <= value < 1), "0 or more and below 1"
_SWITCH = (lambda value: isinstance(value, bool)), "True or False"
_NAME = _or_none(lambda value: isinstance(value, str | os.PathLike), "a path")
_FILTERS = _filters, "a list of pairs [width, number of filters]"
_CHARSET = _one_of(CHARSET_SIZE, CHARSET_SIZE - 1)
_PUBLISHED_HERE = [[1, 32], [2, 32], [3, 64], [4, 128], [5, 256], [6, 512], [7, 512]]
_SCRIPT = "for the calling script, which joins it to DATA_SET_DIR; the model reads no file of it"
_GENERATOR = "for the calling script, which hands it to LMDataGenerator; the generator's own holds"

KEYS: dict[str, Key] = {
    # the machine
    "multi_processing": Key(
        "count the training text in n_threads processes; batches are made in threads",
        *_SWITCH,
        False,
    ),
    "n_threads": Key(
        "threads that prepare batches; None or 0 for one a core", *_or_none(*_whole(0)), 4
    ),
    "cuDNN": Key(
        "accepted either way: there is one LSTM, which runs on the GPU that the backend finds",
        *_SWITCH,
        False,
    ),
    # files
    "train_dataset": Key(_SCRIPT, *_NAME, None),
    "valid_dataset": Key(_SCRIPT, *_NAME, None),
    "test_dataset": Key(_SCRIPT, *_NAME, None),
    "vocab": Key(_SCRIPT, *_NAME, None),
    # words
    "vocab_size": Key(
        "number of entries of the vocabulary, special ones included; data with another are refused",
        *_whole(4),
        setting="vocabulary_size",
    ),
    "num_sampled": Key(
        "types drawn for the sampled softmax in training; 0, or vocab_size, for the exact one",
        *_whole(0),
        1000,
    ),
    "charset_size": Key(
        "ids of characters, padding included (262) or not (261): always the published bytes",
        *_CHARSET,
        CHARSET_SIZE,
    ),
    "sentence_maxlen": Key(_GENERATOR, *_whole(3), 100),
    "token_maxlen": Key(
        "bytes of a token, its begin and end included",
        *_whole(3),
        50,
        "char_cnn.max_characters_per_token",
    ),
    "token_encoding": Key("how tokens are read", *_one_of("word", "char"), "word"),
    # training
    "epochs": Key("passes over the training text", *_whole(1), 10, "training.epochs"),
    "patience": Key(
        "stop after this many epochs without a better validation perplexity; None to go on",
        *_or_none(*_whole(1)),
        2,
        "training.patience",
    ),
    "batch_size": Key(f"sentences of a batch, {_GENERATOR}", *_whole(1), 1),
    "clip_value": Key(
        "each gradient's values are cut at plus and minus this, before their norm is; None for no "
        "cut",
        *_or_none(*_POSITIVE),
        5,
        "training.clip_value",
    ),
    "lr": Key("Adagrad's learning rate", *_POSITIVE, 0.2, "training.learning_rate"),
    "shuffle": Key(_GENERATOR, *_SWITCH, True),
    "seed": Key("of weights, orders, drawn types and dropout", *_whole(0), 0, "training.seed"),
    # the network
    "cell_clip": Key(
        "the cell state is cut at plus and minus this; None for no cut",
        *_or_none(*_POSITIVE),
        5,
        "lstm.cell_clip",
    ),
    "proj_clip": Key(
        "the projected output is cut at plus and minus this; None for no cut",
        *_or_none(*_POSITIVE),
        5,
        "lstm.proj_clip",
    ),
    "n_lstm_layers": Key("LSTM layers of each direction", *_whole(1), 2, "lstm.n_layers"),
    "n_highway_layers": Key(
        "highway layers of the character CNN", *_whole(0), 2, "char_cnn.n_highway"
    ),
    "cnn_filters": Key(
        "filters of the character CNN", *_FILTERS, _PUBLISHED_HERE, "char_cnn.filters"
    ),
    "lstm_units_size": Key("cells of an LSTM layer, D", *_whole(1), 400, "lstm.dim"),
    "hidden_units_size": Key(
        "what a layer's output is projected to, P, and the size of word vectors; at most D",
        *_whole(1),
        200,
        "lstm.projection_dim",
    ),
    "char_embedding_size": Key(
        "size of a character's vector", *_whole(1), 16, "char_cnn.embedding_dim"
    ),
    "dropout_rate": Key(
        "whole features of a sentence, dropped from token vectors and every layer's output",
        *_RATE,
        0.1,
    ),
    "word_dropout_rate": Key("whole tokens", *_RATE, 0.05, "dropout.word"),
    "weight_tying": Key(
        "the softmax uses the word vectors; with token_encoding 'char' there are none, and it has "
        "a matrix of its own either way",
        *_SWITCH,
        True,
    ),
    "directions": Key(
        "not in ELMo-keras: a language model of both directions or of one",
        *_one_of("both", "forward", "backward"),
        "both",
        "directions",
    ),
}


def read_parameters(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """All keys, those that are given checked, the others with their defaults.

    Raises:
        ConfigError: naming an unknown key, a missing one, or a value that does not fit.

    Example:
        >>> values = read_parameters({"vocab_size": 100, "epochs": 3})
        >>> values["epochs"], values["patience"]
        (3, 2)
        >>> read_parameters({"vocab_size": 100, "epoch": 3})
        Traceback (most recent call last):
        ...
        elmo.config.ConfigError: unknown parameter 'epoch'; did you mean 'epochs'?
    """
    if not isinstance(parameters, Mapping):
        raise ConfigError(
            f"parameters={parameters!r:.40}: must be a dict, such as the one in ELMo-keras's README"
        )
    for name in parameters:
        if name not in KEYS:
            close = difflib.get_close_matches(str(name), KEYS, 1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(KEYS)}"
            raise ConfigError(f"unknown parameter {name!r}; {hint}")
    values = {}
    for name, key in KEYS.items():
        value = values[name] = plain(parameters.get(name, key.default))
        if value is REQUIRED:
            raise ConfigError(f"{name}: is not given; must be {key.wanted} ({key.meaning})")
        if not key.fits(value):
            raise ConfigError(f"{name}={value!r}: must be {key.wanted}")
    if values["hidden_units_size"] > values["lstm_units_size"]:
        raise ConfigError(
            f"hidden_units_size={values['hidden_units_size']}: must be at most "
            f"lstm_units_size={values['lstm_units_size']}, which it is projected from"
        )
    widest = max(width for width, _ in values["cnn_filters"])
    if values["token_encoding"] == "char" and widest > values["token_maxlen"]:
        raise ConfigError(
            f"cnn_filters has a width of {widest}: must be at most "
            f"token_maxlen={values['token_maxlen']}"
        )
    return values


def _settings(values: Mapping[str, Any], part: str) -> dict[str, Any]:
    """What the keys say of one part of a configuration, by the part's own names."""
    named = {key.setting: values[name] for name, key in KEYS.items() if key.setting}
    prefix = f"{part}."
    return {s.removeprefix(prefix): v for s, v in named.items() if s.startswith(prefix)}


def model_config(values: Mapping[str, Any]) -> BiLMConfig:
    """The architecture that parameters describe.

    Example:
        >>> config = model_config(read_parameters({"vocab_size": 100, "dropout_rate": 0.2}))
        >>> config.lstm.dim, config.dropout.input, config.weight_tying
        (400, 0.2, True)
    """
    characters = values["token_encoding"] == "char"
    rate = values["dropout_rate"]
    return BiLMConfig(
        lstm=LSTMConfig(**_settings(values, "lstm")),
        char_cnn=CharCNNConfig(**_settings(values, "char_cnn"), activation=ACTIVATION)
        if characters
        else None,
        vocabulary_size=values["vocab_size"],
        directions=values["directions"],
        weight_tying=values["weight_tying"] and not characters,
        dropout=DropoutConfig(
            input=rate, output=rate, variational=True, **_settings(values, "dropout")
        ),
    )


def training_config(values: Mapping[str, Any], batch_size: int) -> TrainingConfig:
    """How parameters say that a model is trained, on batches of so many sentences.

    What they have no key for is as in `TrainingConfig`: Adagrad's slots start at 1, the loss that
    is differentiated is 20 times the mean nats, and after `clip_value` the norm of all gradients
    is cut at 10. (On batches of one sentence, Adagrad without that cut runs away in its first
    steps.)

    Example:
        >>> training = training_config(read_parameters({"vocab_size": 100}), batch_size=8)
        >>> training.mode, training.negatives, training.clip_value
        ('sentence', 0, 5)
    """
    sampled = values["num_sampled"]
    return TrainingConfig(
        mode="sentence",
        batch_size=batch_size,
        negatives=sampled if sampled < values["vocab_size"] else 0,
        workers=values["n_threads"] or os.cpu_count() or 1,
        **_settings(values, "training"),
    )


def differences(values: Mapping[str, Any], config: BiLMConfig) -> list[str]:
    """Where an architecture is not the one that parameters describe, in words.

    Dropout is not looked at, which changes no weight, nor is a number of types that is not known.
    """
    if (config.char_cnn is not None) != (values["token_encoding"] == "char"):
        encoding = "word" if config.char_cnn is None else "char"
        return [f"token_encoding is {encoding!r}, not {values['token_encoding']!r}"]
    wanted = model_config(values)
    found = []
    for name, key in KEYS.items():
        part = (key.setting or "").split(".")
        if part[0] in ("training", "dropout", "") or (
            part[0] == "char_cnn" and not config.char_cnn
        ):
            continue
        is_, should = config, wanted
        for attribute in part:
            is_, should = getattr(is_, attribute), getattr(should, attribute)
        unknown = name == "vocab_size" and is_ is None
        if is_ != should and not unknown:
            found.append(f"{name} is {is_!r}, not {should!r}")
    if config.weight_tying != wanted.weight_tying:
        found.append(f"weight_tying is {config.weight_tying}, not {wanted.weight_tying}")
    return found
