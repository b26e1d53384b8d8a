"""Tiny language models and what the NumPy reference says of them."""

import logging

import numpy as np
import pytest

from elmo.api import BiLM
from elmo.bilm.language_model import BiLanguageModel
from elmo.bilm.weights import set_weights
from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.text.encoding import SentenceEncoder
from elmo.text.vocabulary import Vocabulary
from tests.reference.bilm import ReferenceBiLM, log_softmax
from tests.reference.random_model import random_weights

SENTENCES = [
    "the cat saw a dog",
    "",
    "a bird",
    "the dog sang and the old cat slept in a garden",
    "x y z",
]


class Tiny:
    """A model of random weights, its reference, and what that predicts."""

    def __init__(self, kind="word", directions="both", state="reset"):
        self.vocabulary = Vocabulary.from_corpus([s.split() for s in SENTENCES[:4]])
        char_cnn = None
        if kind == "characters":
            char_cnn = CharCNNConfig(embedding_dim=3, filters=[[1, 3], [2, 4]], n_highway=1)
        config = BiLMConfig(
            lstm=LSTMConfig(dim=6, projection_dim=4, cell_clip=0.8, proj_clip=0.6),
            char_cnn=char_cnn,
            vocabulary_size=len(self.vocabulary),
            directions=directions,
            weight_tying=kind == "tied",
        )
        weights = random_weights(config)
        network = BiLanguageModel(config)
        network.build()
        set_weights(network, weights)
        self.encoder = SentenceEncoder(self.vocabulary, 50 if char_cnn else None)
        self.model = BiLM(network, self.encoder, state=state)
        self.reference = ReferenceBiLM(weights, config)

    def log_probabilities(self, sentences, state="reset"):
        """ln P of all types in the order of reading: a list of `{direction: (n + 1, V)}`."""
        found, carried = [], None
        for sentence in sentences:
            ids = self.encoder.encode(sentence.split())
            scores, end = self.reference.scores(ids, carried)
            found.append({d: log_softmax(values) for d, values in scores.items()})
            carried = end if state == "carry" else None
        return found


def compiled_by(ask, caplog):
    """An answer, and the lines in which JAX names what it compiled for it."""
    import jax

    caplog.clear()
    with jax.log_compiles(), caplog.at_level(logging.WARNING, "jax"):
        answer = ask()
    lines = [record.getMessage() for record in caplog.records]
    return answer, [line for line in lines if line.startswith("Compiling")]


@pytest.fixture
def tiny():
    return Tiny


@pytest.fixture
def sentences():
    return list(SENTENCES)


def nearly(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
