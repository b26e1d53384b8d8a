"""AllenNLP's private names that its users' programs depend on."""

import json

import h5py
import keras
import numpy as np
import pytest

from elmo.api import BiLM
from elmo.compat.allennlp import Elmo, ElmoEmbedder, ElmoTokenEmbedder, batch_to_ids
from elmo.compat.allennlp_bilm import ElmoBiLm, remove_sentence_boundaries


def array(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


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
    embed, ids = ElmoTokenEmbedder(*files, dropout=0), batch_to_ids([["a", "bank"]])
    first = array(embed(ids))
    assert np.abs(array(embed(ids)) - first).max() > 1e-4
    embed._elmo._elmo_lstm._elmo_lstm.reset_states()
    np.testing.assert_allclose(array(embed(ids)), first, atol=1e-6)


def test_the_state_can_be_switched_off(files):
    """`stateful = False` is how programs have it."""
    elmo, embedder, ids = (
        Elmo(*files, 1, dropout=0),
        ElmoEmbedder(*files),
        batch_to_ids([["a", "it"]]),
    )
    for switch in (elmo._elmo_lstm._elmo_lstm, embedder.elmo_bilm._elmo_lstm):
        assert switch.stateful
        switch.stateful = False
        assert not switch.stateful
    vectors = [array(elmo(ids)["elmo_representations"][0]) for _ in range(2)]
    np.testing.assert_array_equal(*vectors)
    np.testing.assert_array_equal(*(embedder.embed_sentence(["a", "it"]) for _ in range(2)))
    with pytest.raises(AttributeError, match="forward_layer_0"):
        switch.forward_layer_0 = None


@pytest.mark.numerics
def test_the_fixture_by_the_module(data_folder):
    """Batches of three with the state that goes on, the boundaries taken off its top layer."""
    place = data_folder("allennlp-elmo-fixture")
    documents = json.loads((place / "sentences.json").read_text(encoding="utf-8"))
    bilm = ElmoBiLm(place / "options.json", place / "lm_weights.hdf5")
    embedder = ElmoEmbedder(place / "options.json", place / "lm_weights.hdf5")
    assert bilm.num_layers == embedder.elmo_bilm.num_layers == 3
    assert bilm.get_output_dim() == embedder.elmo_bilm.get_output_dim() == 32
    expected = [h5py.File(place / f"lm_embeddings_{d}.hdf5") for d in range(3)]
    batches = [[documents[d][k].split() for d in range(3)] for k in range(2)]
    longest = max(len(tokens) for sentences in batches for tokens in sentences)
    for k, sentences in enumerate(batches):
        ids = np.asarray(batch_to_ids(sentences))
        # Padded to one shape, which compiles once.
        ids = np.pad(ids, ((0, 0), (0, longest - ids.shape[1]), (0, 0)))
        found = bilm(ids), embedder.elmo_bilm(ids)
        for one in found:
            top, mask = map(array, remove_sentence_boundaries(one["activations"][2], one["mask"]))
            assert mask.sum(axis=1).tolist() == [len(tokens) for tokens in sentences]
            for file, vectors, tokens in zip(expected, top, sentences, strict=True):
                wanted = np.concatenate(file[str(k)][()], axis=-1)
                np.testing.assert_allclose(vectors[: len(tokens)], wanted, atol=1e-5)
    for file in expected:
        file.close()


def test_the_module_reads_with_the_state_of_its_embedder(files):
    sentence = ["a", "bank"]
    elmo, other = ElmoEmbedder(*files), ElmoEmbedder(*files)
    for _ in range(2):
        wanted = other.embed_sentence(sentence)
    elmo.elmo_bilm(batch_to_ids([sentence]))
    np.testing.assert_allclose(elmo.embed_sentence(sentence), wanted, atol=1e-5)


def test_the_module_is_mixed(files):
    ids = batch_to_ids([["a", "bank"]])
    mixed = Elmo(None, None, 1, dropout=0, module=ElmoBiLm(*files))(ids)["elmo_representations"][0]
    wanted = Elmo(*files, 1, dropout=0)(ids)["elmo_representations"][0]
    np.testing.assert_allclose(array(mixed), array(wanted), atol=1e-6)


def test_the_module_in_a_saved_model(files, tmp_path):
    ids = keras.Input((None, 50), dtype="int32")
    bilm = ElmoBiLm(*files, state="reset")
    model = keras.Model(ids, bilm(ids)["activations"][1])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    batch = np.asarray(batch_to_ids([["a", "bank"], ["it"]]))
    np.testing.assert_allclose(array(again(batch)), array(model(batch)), atol=1e-6)
