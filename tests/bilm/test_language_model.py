"""The whole forward pass against the NumPy reference."""

import keras
import numpy as np
import pytest

from elmo.bilm.encoder import BiLMEncoder
from elmo.bilm.initialization import initialize
from elmo.bilm.language_model import BiLanguageModel
from elmo.bilm.weights import get_weights, set_weights
from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from tests.layers.harness import run_layer_test, to_numpy
from tests.reference.bilm import ReferenceBiLM
from tests.reference.random_model import random_sentence, random_weights, weight_shapes

LSTM = {"dim": 6, "projection_dim": 4, "cell_clip": 0.7, "proj_clip": 0.5}
CHARACTERS = {"embedding_dim": 3, "filters": [[1, 3], [3, 4]], "max_characters_per_token": 9}
CONFIGS = {
    "word": {},
    "word, tied": {"weight_tying": True},
    "word, forward": {"directions": "forward"},
    "word, backward, one layer": {"directions": "backward", "lstm": {"n_layers": 1}},
    "word, four layers, no skip": {"lstm": {"n_layers": 4, "use_skip_connections": False}},
    "word, no projection": {"lstm": {"dim": 4}},
    "word, no clips": {"lstm": {"cell_clip": None, "proj_clip": None}},
    "characters": {"char_cnn": CHARACTERS},
    "characters, tanh, no highway": {
        "char_cnn": {**CHARACTERS, "activation": "tanh", "n_highway": 0}
    },
    "characters, three highways, no projection": {
        "char_cnn": {**CHARACTERS, "filters": [[2, 4]], "n_highway": 3}
    },
    "characters and words": {
        "char_cnn": {**CHARACTERS, "word_dim": 2, "n_words": 5, "always_project": True},
        "lstm": {"forget_bias": 0.0},
    },
}


def config_of(name):
    settings = CONFIGS[name]
    char_cnn = settings.get("char_cnn")
    return BiLMConfig(
        lstm=LSTMConfig(**{**LSTM, **settings.get("lstm", {})}),
        char_cnn=None if char_cnn is None else CharCNNConfig(**char_cnn),
        vocabulary_size=7,
        directions=settings.get("directions", "both"),
        weight_tying=settings.get("weight_tying", False),
    )


def build(config, seed=0):
    network = BiLanguageModel(config)
    network.build()
    weights = random_weights(config, seed)
    set_weights(network, weights)
    return network, ReferenceBiLM(weights, config)


def batch_of(config, lengths, seed=0):
    rng = np.random.default_rng(seed)
    pairs = [random_sentence(config, n, rng) for n in lengths]
    ids = np.zeros((len(lengths), max(lengths), *pairs[0][0].shape[1:]), np.int32)
    for row, (sentence, _) in zip(ids, pairs, strict=True):
        row[: len(sentence)] = sentence
    return ids, pairs


@pytest.mark.numerics
@pytest.mark.parametrize("name", CONFIGS)
def test_all_layers_are_the_reference(name):
    config = config_of(name)
    network, reference = build(config)
    ids, pairs = batch_of(config, [6, 2, 4])
    layers = to_numpy(network(ids))
    assert layers.shape == (3, config.lstm.n_layers + 1, 6, config.output_dim)
    for row, (sentence, _) in zip(layers, pairs, strict=True):
        wanted, _ = reference.layers(sentence)
        np.testing.assert_allclose(row[:, : len(sentence)], wanted, atol=1e-5)


@pytest.mark.numerics
@pytest.mark.parametrize("name", ["word, tied", "word, backward, one layer", "characters"])
def test_log_probabilities_are_the_reference(name):
    config = config_of(name)
    network, reference = build(config, seed=1)
    (sentence, words), *_ = batch_of(config, [7], seed=2)[1]
    wanted, _ = reference.log_probabilities(sentence, words)
    for number, direction in enumerate(config.direction_names):
        read, targets = sentence[:-1], words[1:]
        if direction == "backward":
            read, targets = sentence[:0:-1], words[-2::-1]
        inputs = np.zeros((len(config.direction_names), 1, len(read)), np.int32)
        inputs[number, 0] = np.arange(len(read))
        h, _ = network.top(read, inputs, np.ones(inputs.shape, bool))
        nats = network.nats(h[number, 0], targets - 1)
        np.testing.assert_allclose(-to_numpy(nats), wanted[direction], atol=1e-5)


@pytest.mark.numerics
@pytest.mark.parametrize("name", ["word", "characters"])
def test_encoder_in_the_harness(name):
    config = config_of(name)
    ids, _ = batch_of(config, [5, 3])
    run_layer_test(
        BiLMEncoder,
        {"config": config.to_dict()},
        {"ids": ids},
        (2, 3, 5, 8),
        pad_axes={"ids": 1},
        output_time_axes=2,
        trainable=False,  # at random weights some byte or word of the table is not read
    )


@pytest.mark.numerics
@pytest.mark.parametrize("name", ["word, tied", "characters"])
def test_the_network_goes_through_a_keras_file(name, tmp_path):
    config = config_of(name)
    network, _ = build(config)
    ids, _ = batch_of(config, [4, 3])
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.config == config
    np.testing.assert_array_equal(to_numpy(loaded(ids)), to_numpy(network(ids)))
    np.testing.assert_array_equal(
        get_weights(loaded)["softmax/bias"], get_weights(network)["softmax/bias"]
    )


@pytest.mark.parametrize("name", CONFIGS)
def test_weights_have_the_names_and_shapes_of_the_table(name):
    config = config_of(name)
    network = BiLanguageModel(config)
    network.build()
    named = {n: tuple(v.shape) for n, v in network.named_weights().items()}
    assert named == weight_shapes(config)
    assert len(network.trainable_variables) == len(named)


def test_first_weights_depend_on_the_seed_alone():
    config = config_of("characters")
    networks = []
    for seed in (1, 1, 2):
        network = BiLanguageModel(config)
        network.build()
        initialize(network, seed)
        networks.append(get_weights(network))
    first, again, other = networks
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    kernel = "forward/layer_0/kernel"
    assert np.abs(first[kernel] - other[kernel]).max() > 0.1
    limit = np.sqrt(6 / (2 * 4 + 24))
    assert 0.9 * limit < np.abs(first[kernel]).max() <= limit
    assert (first["token_encoder/highway_0/carry_bias"] == -2).all()


def test_a_model_without_vocabulary_has_no_softmax():
    config = BiLMConfig(lstm=LSTMConfig(**LSTM), char_cnn=CharCNNConfig(**CHARACTERS))
    network = BiLanguageModel(config)
    network.build()
    assert not any(name.startswith("softmax") for name in network.named_weights())
    with pytest.raises(ValueError, match="no softmax"):
        _ = network.softmax_kernel
