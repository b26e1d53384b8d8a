"""Small networks with random weights, and an encoder that knows no text."""

import dataclasses

import numpy as np

from elmo.bilm.encoder import BiLMEncoder
from elmo.bilm.weights import get_weights, set_weights
from elmo.bulk import embedding
from elmo.bulk.work import Work
from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.vectors.stores.choosing import choose
from tests.reference.bilm import ReferenceBiLM
from tests.reference.random_model import random_sentence, random_weights

WORK = {field.name for field in dataclasses.fields(Work)}


def embed_file(embedder, source, output, **options):
    """A job with the options of `BiLM.embed_file`."""
    work = Work(**{name: value for name, value in options.items() if name in WORK})
    choices = {name: value for name, value in options.items() if name not in WORK}
    return embedding.embed_file(embedder, source, output, choose(output, **choices), work)


WIDER = BiLMConfig(
    lstm=LSTMConfig(dim=96, projection_dim=48),
    char_cnn=CharCNNConfig(filters=[[1, 16], [3, 48], [5, 64]]),
)


class RowEncoder:
    """Tokens are numbers as strings; their ids are drawn once. The boundaries are tokens too."""

    def __init__(self, config, size=40, seed=0):
        rng = np.random.default_rng(seed)
        self.rows = random_sentence(config, size, rng)[0]
        if config.char_cnn is None:
            self.rows = 1 + np.arange(size, dtype=np.int32) % config.vocabulary_size

    def encode(self, tokens):
        return self.rows[[0, *map(int, tokens), 1]]


def network(config, seed=0):
    """A built encoder with the reference's random weights."""
    encoder = BiLMEncoder(config)
    encoder.build()
    weights = random_weights(config, seed)
    set_weights(encoder, {n: w for n, w in weights.items() if not n.startswith("softmax/")})
    return encoder


def milder(encoder):
    """Smaller weights: at full scale rounding would grow from position to position."""
    set_weights(encoder, {name: w * 2 / 3 for name, w in get_weights(encoder).items()})
    return encoder


def reference(config, seed=0):
    return ReferenceBiLM(random_weights(config, seed), config)


def random_sentences(lengths, size=40, seed=0):
    rng = np.random.default_rng(seed)
    return [[str(i) for i in rng.integers(2, size, n)] for n in lengths]


CONFIGS = {
    "words": BiLMConfig(
        lstm=LSTMConfig(dim=9, projection_dim=5, n_layers=3, cell_clip=0.8, proj_clip=0.4),
        vocabulary_size=30,
    ),
    "words, backward, D = P, no skip": BiLMConfig(
        lstm=LSTMConfig(
            dim=6, projection_dim=6, n_layers=2, cell_clip=0.5, use_skip_connections=False
        ),
        vocabulary_size=30,
        directions="backward",
    ),
    "words, forward, one layer": BiLMConfig(
        lstm=LSTMConfig(dim=7, projection_dim=3, n_layers=1, cell_clip=None, proj_clip=None),
        vocabulary_size=30,
        directions="forward",
    ),
    "characters": BiLMConfig(
        lstm=LSTMConfig(dim=8, projection_dim=5, cell_clip=0.6, proj_clip=0.5),
        char_cnn=CharCNNConfig(embedding_dim=3, filters=[[1, 3], [2, 4], [5, 4]]),
    ),
    "characters and words": BiLMConfig(
        lstm=LSTMConfig(dim=8, projection_dim=6, forget_bias=0.0),
        char_cnn=CharCNNConfig(
            embedding_dim=4,
            filters=[[1, 3], [3, 3]],
            n_highway=1,
            activation="tanh",
            max_characters_per_token=20,
            n_characters=60,
            word_dim=3,
            n_words=12,
            always_project=True,
        ),
    ),
}


class NumpyEngine:
    """Numbers of the right shapes, without a backend."""

    def __init__(self, config):
        self.config = config

    def refresh(self):
        pass

    def token_vectors(self, ids):
        lstm = self.config.lstm
        table = np.random.default_rng(0).normal(size=(ids.shape[1], lstm.projection_dim))
        return np.sin(ids @ table).astype(np.float32)

    def zero_state(self, rows):
        lstm = self.config.lstm
        outer = (len(self.config.direction_names), lstm.n_layers, rows)
        return tuple(np.zeros((*outer, n), np.float32) for n in (lstm.projection_dim, lstm.dim))

    def read(self, vectors, mask, state, layers):
        n = self.config.lstm.n_layers if layers == "all" else 1
        outputs = [np.tanh(vectors * (k + 2)) for k in range(n)]
        return np.stack(outputs, axis=2), state

    @staticmethod
    def fetch(outputs):
        return outputs
