"""Weights that are made as zeros where others will come anyhow."""

import keras
import numpy as np
import pytest

from elmo.bilm.language_model import BiLanguageModel
from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.layers.initial_values import blank_weights

LSTM = LSTMConfig(dim=6, projection_dim=4)
CNN = CharCNNConfig(embedding_dim=3, filters=[[1, 3], [2, 4]], word_dim=2, n_words=5)


@pytest.mark.numerics
@pytest.mark.parametrize("characters", [None, CNN])
def test_nothing_is_drawn(monkeypatch, characters):
    config = BiLMConfig(lstm=LSTM, char_cnn=characters, vocabulary_size=9)
    drawn = []
    for name in ("RandomNormal", "RandomUniform", "GlorotUniform", "Constant", "Zeros"):
        kind = getattr(keras.initializers, name)
        monkeypatch.setattr(kind, "__call__", _noting(kind.__call__, drawn))
    with blank_weights():
        blank = BiLanguageModel(config)
        blank.build()
    assert not drawn
    assert all(not np.any(weight) for weight in blank.get_weights())
    usual = BiLanguageModel(config)
    usual.build()
    assert drawn and any(np.any(weight) for weight in usual.get_weights())
    assert [w.shape for w in usual.weights] == [w.shape for w in blank.weights]
    assert {w.dtype for w in usual.weights} == {w.dtype for w in blank.weights}


def _noting(call, drawn):
    def noting(self, *arguments, **options):
        drawn.append(type(self))
        return call(self, *arguments, **options)

    return noting
