"""Small models for the tests of the formats."""

import numpy as np
from hypothesis import strategies as st

from elmo.config import BiLMConfig, CharCNNConfig, DropoutConfig, LSTMConfig
from elmo.formats.contents import Pretrained
from elmo.text.vocabulary import Vocabulary
from tests.reference.random_model import random_weights

RATES = st.sampled_from([0.0, 0.1, 0.5])


def vocabulary(size, lowercase=False):
    words = [f"w{i}" for i in range(size - 3)]
    return Vocabulary(["<S>", "</S>", "<UNK>", *words], range(size, 0, -1), lowercase=lowercase)


def model(config, seed=0, softmax=True):
    """A `Pretrained` with random weights."""
    weights = random_weights(config, seed)
    if not softmax:
        weights = {n: a for n, a in weights.items() if not n.startswith("softmax/")}
    size = config.vocabulary_size
    return Pretrained(
        config=config,
        weights=weights,
        vocabulary=vocabulary(size, config.lowercase) if size else None,
    )


def word_config(**changes):
    settings = {"lstm": LSTMConfig(dim=5, projection_dim=3, n_layers=2), "vocabulary_size": 7}
    return BiLMConfig(**(settings | changes))


def character_config(**changes):
    cnn = CharCNNConfig(embedding_dim=2, filters=[[1, 2], [3, 4]], n_highway=1)
    settings = {"lstm": LSTMConfig(dim=5, projection_dim=3, n_layers=2), "char_cnn": cnn}
    return BiLMConfig(**(settings | changes))


def assert_same_weights(actual, expected):
    assert set(actual) == set(expected)
    for name, array in expected.items():
        assert actual[name].dtype == np.float32, name
        np.testing.assert_array_equal(actual[name], array, err_msg=name, strict=True)


@st.composite
def configs(draw):
    """Any configuration that the published layout and our keys in it can hold."""
    size = draw(st.integers(1, 4))
    clip = st.sampled_from([None, 0.5, 3.0])
    lstm = LSTMConfig(
        dim=draw(st.integers(size, 5)),
        projection_dim=size,
        n_layers=draw(st.integers(1, 4)),
        cell_clip=draw(clip),
        proj_clip=draw(clip),
        use_skip_connections=draw(st.booleans()),
        forget_bias=draw(st.sampled_from([1.0, 1.0, 0.0, 0.7])),
        always_project=draw(st.booleans()),
    )
    cnn = None
    if draw(st.booleans()):
        filters = draw(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1))
        words = draw(st.sampled_from([0, 0, 3]))
        cnn = CharCNNConfig(
            embedding_dim=draw(st.integers(1, 3)),
            filters=filters[:5],
            n_highway=draw(st.integers(0, 3)),
            activation=draw(st.sampled_from(["relu", "tanh"])),
            max_characters_per_token=draw(st.integers(4, 50)),
            n_characters=draw(st.sampled_from([261, 261, 9])),
            word_dim=draw(st.integers(1, 2)) if words else 0,
            n_words=words,
            always_project=draw(st.booleans()),
        )
    size_known = cnn is None or draw(st.booleans())
    return BiLMConfig(
        lstm=lstm,
        char_cnn=cnn,
        vocabulary_size=draw(st.integers(3, 6)) if size_known else None,
        directions=draw(st.sampled_from(["both", "forward", "backward"])),
        weight_tying=cnn is None and draw(st.booleans()),
        lowercase=draw(st.booleans()),
        dropout=DropoutConfig(
            input=draw(RATES),
            output=draw(RATES),
            word=draw(RATES),
            recurrent=draw(RATES),
            weight=draw(RATES),
            variational=draw(st.booleans()),
        ),
    )
