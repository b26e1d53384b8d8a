"""Every key means something, or is refused by name."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from elmo.compat.elmo_keras.parameters import (
    KEYS,
    differences,
    model_config,
    read_parameters,
    training_config,
)
from elmo.config import ConfigError
from elmo.settings.settings import Settings
from elmo.settings.training import TrainingConfig

EXAMPLE = Path(__file__).parents[3] / "examples" / "elmo_keras" / "train_wikitext.py"


def test_defaults_are_those_of_the_example():
    text = re.search(r"^parameters = (\{.*?^\})", EXAMPLE.read_text(), re.S | re.M).group(1)
    given = eval(text)
    values = read_parameters({"vocab_size": given["vocab_size"]})
    files = {"train_dataset", "valid_dataset", "test_dataset", "vocab"}
    assert {k: v for k, v in values.items() if k in set(given) - files} == {
        k: v for k, v in given.items() if k not in files
    }
    assert set(KEYS) - set(given) == {"seed", "directions"}


def test_every_key_says_what_it_means():
    assert all(key.meaning and key.wanted for key in KEYS.values())


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("vocab_size", "28914", "a whole number, 4 or more"),
        ("epochs", 0, "1 or more"),
        ("patience", 0, "1 or more, or None"),
        ("lr", -1, "a positive number"),
        ("clip_value", 0, "a positive number, or None"),
        ("cell_clip", True, "a positive number, or None"),
        ("charset_size", 300, "262 or 261"),
        ("token_encoding", "bpe", "'word' or 'char'"),
        ("directions", "left", "'both' or 'forward' or 'backward'"),
        ("dropout_rate", 1, "below 1"),
        ("cnn_filters", [3, 32], "a list of pairs"),
        ("cuDNN", 1, "True or False"),
        ("vocab", 7, "a path, or None"),
        ("hidden_units_size", 401, "at most lstm_units_size=400"),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name, value, wanted):
    with pytest.raises(ConfigError, match=re.escape(wanted)) as error:
        read_parameters({"vocab_size": 100, name: value})
    assert str(error.value).startswith(f"{name}={value!r}")


@pytest.mark.parametrize(
    "changes",
    [
        {"lr": 1},
        {"lr": np.float32(0.5), "clip_value": np.int64(1), "cell_clip": np.float16(3)},
        {"epochs": np.int64(3), "patience": np.uint8(1), "batch_size": np.int32(2)},
        {"vocab_size": np.int64(40), "num_sampled": np.int32(8), "n_threads": np.int64(2)},
        {"cnn_filters": np.array([[1, 4], [2, 8]]), "token_encoding": np.str_("char")},
        {"cnn_filters": [(np.int64(1), np.int64(4))], "charset_size": np.int64(262)},
        {"dropout_rate": np.float32(0.25), "word_dropout_rate": 0, "weight_tying": np.bool_(True)},
        {"lstm_units_size": np.int64(8), "hidden_units_size": np.int64(4)},
        {"sentence_maxlen": np.int64(12), "token_maxlen": np.int64(10), "shuffle": np.False_},
    ],
    ids=lambda changes: ", ".join(changes),
)
def test_numbers_of_numpy_and_whole_ones_are_numbers(changes):
    """They are taken, mean the same, and what is saved of them is plain."""
    found = read_parameters({"vocab_size": 100, **changes})
    for name, value in changes.items():
        plain = value.tolist() if hasattr(value, "tolist") else value
        np.testing.assert_array_equal(found[name], plain)
    json.dumps([model_config(found).to_dict(), training_config(found, 8).to_dict()])


def test_missing_and_unknown_keys():
    with pytest.raises(ConfigError, match="vocab_size: is not given"):
        read_parameters({})
    with pytest.raises(ConfigError, match="'lstm_unit_size'; did you mean 'lstm_units_size'"):
        read_parameters({"vocab_size": 9, "lstm_unit_size": 3})
    with pytest.raises(ConfigError, match="unknown parameter 'zzz'; known are multi_processing"):
        read_parameters({"vocab_size": 9, "zzz": 3})
    with pytest.raises(ConfigError, match="must be a dict"):
        read_parameters([1])


def test_a_filter_wider_than_a_token():
    narrow = {"vocab_size": 9, "token_maxlen": 5}
    read_parameters(narrow)  # words have no filters
    with pytest.raises(ConfigError, match="width of 7: must be at most token_maxlen=5"):
        read_parameters({**narrow, "token_encoding": "char"})


def test_what_keys_become(parameters):
    words = model_config(read_parameters({**parameters, "dropout_rate": 0.3, "proj_clip": None}))
    assert (words.lstm.dim, words.lstm.projection_dim, words.lstm.n_layers) == (8, 6, 2)
    assert (words.lstm.cell_clip, words.lstm.proj_clip) == (5, None)
    assert words.weight_tying and words.char_cnn is None
    assert words.dropout.input == words.dropout.output == 0.3
    assert words.dropout.word == 0.05 and words.dropout.variational
    chars = model_config(read_parameters({**parameters, "token_encoding": "char"}))
    assert chars.char_cnn.filters == ((1, 4), (2, 4)) and chars.char_cnn.activation == "tanh"
    assert chars.char_cnn.max_characters_per_token == 10 and not chars.weight_tying


def test_how_a_model_is_trained(parameters):
    training = training_config(read_parameters({**parameters, "patience": None}), batch_size=7)
    assert (training.mode, training.batch_size, training.negatives) == ("sentence", 7, 8)
    assert (training.learning_rate, training.clip_value, training.clip_norm) == (0.2, 5, 10)
    assert (training.epochs, training.patience, training.workers) == (1, None, 1)
    for exact in (0, 21, 1000):
        values = read_parameters({**parameters, "num_sampled": exact, "n_threads": None})
        assert training_config(values, 1).negatives == 0


def test_differences_are_told(parameters):
    values = read_parameters(parameters)
    assert differences(values, model_config(values)) == []
    other = read_parameters({**parameters, "lstm_units_size": 9, "weight_tying": False})
    assert differences(values, model_config(other)) == [
        "lstm_units_size is 9, not 8",
        "weight_tying is False, not True",
    ]
    characters = read_parameters({**parameters, "token_encoding": "char"})
    assert differences(values, model_config(characters)) == ["token_encoding is 'char', not 'word'"]


def test_settings_of_the_house_take_numbers_of_numpy():
    training = TrainingConfig(learning_rate=1, clip_norm=np.float32(2), epochs=np.int64(3))
    assert (training.learning_rate, training.clip_norm, training.epochs) == (1, 2.0, 3)
    values = {"dim": np.int64(8), "projection_dim": np.int32(4), "input_dropout": np.float32(0.5)}
    values |= {
        "learning_rate": np.float32(0.5),
        "min_count": np.int64(2),
        "filters": np.array([[1, 4]]),
        "patience": None,
    }
    settings = Settings.from_values({**values, "token_encoding": "char"})
    config = settings.model(vocabulary_size=np.int64(9))
    assert type(settings.vocabulary.min_count) is int and config.lstm.dim == 8
    assert Settings.from_values({"dim": np.int64(64)}).model(9).lstm.projection_dim == 64
    assert config.char_cnn.filters == ((1, 4),)
    json.dumps([config.to_dict(), settings.training.to_dict(), settings.resolved()])
    with pytest.raises(
        ConfigError, match=r"learning_rate=-1\.0: must be a positive, finite number"
    ):
        TrainingConfig(learning_rate=np.float32(-1))
