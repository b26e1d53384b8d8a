"""AllenNLP's private names that its users' programs depend on."""

import keras
import numpy as np
import pytest

from elmo.api import BiLM
from elmo.compat.allennlp import Elmo, ElmoEmbedder, batch_to_ids


def test_the_state_of_an_embedder(files):
    elmo = ElmoEmbedder(*files)
    first = elmo.embed_sentence(["a", "bank"])
    assert np.abs(elmo.embed_sentence(["a", "bank"]) - first).max() > 1e-4
    elmo.elmo_bilm._elmo_lstm.reset_states()
    np.testing.assert_allclose(elmo.embed_sentence(["a", "bank"]), first, atol=1e-6)
    elmo.elmo_bilm._elmo_lstm._states = None
    np.testing.assert_allclose(elmo.embed_sentence(["a", "bank"]), first, atol=1e-6)


def test_an_embedder_is_moved(files):
    """Flair moves the module and the tensors of its state to its device."""
    elmo = ElmoEmbedder(*files)
    first = elmo.embed_sentence(["a", "bank"])
    bilm = elmo.elmo_bilm
    assert isinstance(bilm, BiLM) and bilm.to(device="cpu") is bilm.eval() is bilm
    bilm._elmo_lstm._states = tuple(state.to("cpu") for state in bilm._elmo_lstm._states)
    assert np.abs(elmo.embed_sentence(["a", "bank"]) - first).max() > 1e-4  # not forgotten
    with pytest.raises(ValueError, match="only None"):
        bilm._elmo_lstm._states = (np.zeros(3),)


def test_the_state_of_a_module(files):
    elmo, ids = Elmo(*files, 1, dropout=0), batch_to_ids([["a", "bank"]])

    def read():
        return keras.ops.convert_to_numpy(elmo(ids)["elmo_representations"][0])

    first = read()
    assert np.abs(read() - first).max() > 1e-4
    elmo._elmo_lstm._elmo_lstm.reset_states()
    np.testing.assert_allclose(read(), first, atol=1e-6)
