"""AllenNLP's module as a layer: alone, in a model, saved, with cached words."""

import keras
import numpy as np
import pytest

from elmo.api import load
from elmo.compat.allennlp import Elmo, ElmoEmbedder, batch_to_ids

SENTENCES = [["a", "bank", "closed"], ["it", "rained"]]
IDS = batch_to_ids(SENTENCES)


def array(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def test_a_mix_of_layers(files):
    elmo = Elmo(*files, 2, dropout=0, scalar_mix_parameters=[0.0, 1.0, -1.0])
    found = elmo(IDS)
    shares = np.exp([0.0, 1.0, -1.0])
    shares /= shares.sum()
    assert array(found["mask"]).tolist() == [[True] * 3, [True, True, False]]
    assert len(found["elmo_representations"]) == 2
    wanted = ElmoEmbedder(*files, state="reset").embed_batch(SENTENCES)
    for representation in map(array, found["elmo_representations"]):
        for row, vectors in zip(representation, wanted, strict=True):
            mixed = np.einsum("l,ltd->td", shares, vectors)
            np.testing.assert_allclose(row[: len(mixed)], mixed, atol=1e-5)
            assert not row[len(mixed) :].any()
    assert not elmo.trainable_variables  # fixed mixes over a frozen biLM
    assert elmo.get_output_dim() == 6


def test_what_is_learned(files):
    assert len(Elmo(*files, 3).trainable_variables) == 6  # an optimizer may be made before a call
    frozen, tuned = Elmo(*files, 1), Elmo(*files, 1, requires_grad=True)
    assert len(frozen.trainable_variables) == 2
    assert len(tuned.trainable_variables) == 2 + len(tuned.encoder.trainable_variables) > 10


def test_boundaries_can_be_kept(files):
    found = Elmo(*files, 1, dropout=0, keep_sentence_boundaries=True)(IDS)
    assert array(found["elmo_representations"][0]).shape == (2, 5, 6)
    assert array(found["mask"]).sum(axis=1).tolist() == [5, 4]


def test_dropout_is_for_training(files):
    elmo = Elmo(*files, 1, dropout=0.5, state="reset")
    still = array(elmo(IDS)["elmo_representations"][0])
    dropped = array(elmo(IDS, training=True)["elmo_representations"][0])
    assert (dropped == 0).sum() > (still == 0).sum()


def test_more_axes(files):
    elmo = Elmo(*files, 1, dropout=0, state="reset")
    once, more = elmo(IDS), elmo(IDS[None])
    assert array(more["mask"]).shape == (1, 2, 3)
    np.testing.assert_allclose(
        array(more["elmo_representations"][0])[0], array(once["elmo_representations"][0])
    )


def test_state_goes_on(files):
    elmo, embedder = Elmo(*files, 1, dropout=0), ElmoEmbedder(*files)
    for _ in range(2):
        found = array(elmo(IDS)["elmo_representations"][0])
        wanted = embedder.embed_batch(SENTENCES)
        np.testing.assert_allclose(found[1, :2], wanted[1].mean(axis=0), atol=1e-5)
    elmo.reset_state()
    again = array(elmo(IDS)["elmo_representations"][0])
    assert np.abs(again - found).max() > 1e-4


def test_cached_words(files):
    words = ["<pad>", "a", "bank", "closed", "it", "rained"]
    plain = Elmo(*files, 1, dropout=0, state="reset")
    cached = Elmo(*files, 1, dropout=0, state="reset", vocab_to_cache=words)
    word_ids = np.array([[1, 2, 3], [4, 5, 0]])
    for inputs in (IDS, np.zeros_like(IDS)):  # the characters are not asked
        found = cached(inputs, word_ids)
        assert array(found["mask"]).tolist() == [[True] * 3, [True, True, False]]
        np.testing.assert_allclose(
            array(found["elmo_representations"][0]),
            array(plain(IDS)["elmo_representations"][0]),
            atol=1e-6,
        )
    word_ids[0, 0] = 99  # not in the list: by the characters
    np.testing.assert_allclose(
        array(cached(IDS, word_ids)["elmo_representations"][0]),
        array(plain(IDS)["elmo_representations"][0]),
        atol=1e-6,
    )


def test_words_without_a_cache_are_told(files, caplog):
    elmo = Elmo(*files, 1, dropout=0, state="reset")
    found = elmo(IDS, np.array([[1, 2, 3], [4, 5, 0]]))
    assert "word_inputs: not used" in caplog.text
    np.testing.assert_array_equal(
        array(found["elmo_representations"][0]), array(elmo(IDS)["elmo_representations"][0])
    )


def test_users_compute_with_the_mask(files):
    mask = Elmo(*files, 1)(IDS)["mask"]
    real = keras.ops.cast(mask, "float32")
    assert array(1 - real).sum() == 1
    if keras.backend.backend() == "torch":
        assert array(1 - mask).tolist() == [[0, 0, 0], [0, 0, 1]]  # no booleans


def tagger(elmo):
    ids = keras.Input((None, 50), dtype="int32")
    vectors = elmo(ids)["elmo_representations"][0]
    return keras.Model(ids, keras.layers.Dense(2)(vectors))


def test_in_a_model(files, tmp_path):
    elmo = Elmo(*files, 1, state="reset")
    model = tagger(elmo)
    model.compile("adam", "mse")
    before = [array(v) for v in elmo.encoder.variables]
    model.fit(IDS, np.ones((2, 3, 2), "float32"), epochs=1, verbose=0)
    for old, new in zip(before, elmo.encoder.variables, strict=True):
        np.testing.assert_array_equal(old, array(new))  # frozen
    wanted = model.predict(IDS, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(IDS, verbose=0), wanted, atol=1e-6)


def test_a_compiled_function_cannot_carry(files):
    if keras.backend.backend() == "torch":
        pytest.skip("nothing is compiled there")
    with pytest.raises(ValueError, match="state='reset'"):
        tagger(Elmo(*files, 1)).predict(IDS, verbose=0)


def test_from_a_model(files, folder):
    module = load(folder)
    by_module = Elmo(num_output_representations=1, dropout=0, module=module)
    by_files = Elmo(*files, 1, dropout=0)
    np.testing.assert_allclose(
        array(by_module(IDS)["elmo_representations"][0]),
        array(by_files(IDS)["elmo_representations"][0]),
        atol=1e-6,
    )


def test_refusals(files, folder):
    with pytest.raises(ValueError, match="not both"):
        Elmo(*files, 1, module=load(folder))
    with pytest.raises(ValueError, match="both must be given"):
        Elmo(files[0], None, 1)
    with pytest.raises(ValueError, match="state=None"):
        Elmo(*files, 1, state=None)
    from tests.formats.helpers import word_config

    with pytest.raises(ValueError, match="reads the bytes of words"):
        Elmo(num_output_representations=1, module=word_config())


def test_inputs_that_are_no_character_ids(files):
    layer = Elmo(*files, dropout=0)
    with pytest.raises(ValueError, match=r"inputs of shape \(2, 3\): must be character ids"):
        layer(np.ones((2, 3), "int32"))
    with pytest.raises(
        ValueError, match=r"inputs of shape \(None, None, 7\): must be character ids"
    ):
        layer(keras.Input((None, 7), dtype="int32"))
    ids = np.array(batch_to_ids([["The", "bank"]]))
    ids[0, 1, 4] = 262
    with pytest.raises(ValueError, match=r"ids: 262 at \(0, 1, 4\): must be 1 to 261"):
        layer(ids)
