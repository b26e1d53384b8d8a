"""simple_elmo's class: shapes, batches, substitutes."""

import numpy as np
import pytest

from elmo.api import load
from elmo.compat.simple_elmo import ElmoModel, weight_layers
from elmo.formats.pretrained import write_folder
from tests.formats.helpers import character_config, model, word_config

TEXTS = [["a", "bank", "closed"], ["w1"], ["it", "rained"], [], ["w2", "w0"]]


@pytest.fixture
def elmo(folder):
    elmo = ElmoModel()
    assert elmo.load(folder, max_batch_size=2) == "The model is now loaded."
    return elmo


def test_shapes(elmo):
    assert (elmo.vector_size, elmo.n_layers, elmo.batch_size) == (6, 3, 2)
    assert elmo.get_elmo_vectors(TEXTS).shape == (5, 3, 6)
    assert elmo.get_elmo_vectors(TEXTS, layers="top").shape == (5, 3, 6)
    every = elmo.get_elmo_vectors(TEXTS, layers="all")
    assert every.shape == (5, 3, 3, 6) and every.dtype == np.float64
    assert not every[1, :, 1:].any() and every[1, :, 0].all()
    np.testing.assert_allclose(elmo.get_elmo_vectors(TEXTS), every.mean(axis=1), atol=1e-6)


def test_each_call_warms_up_and_carries(elmo, folder):
    by_hand = load(folder)
    options = {"state": "carry", "batch_size": 2, "layers": "average"}
    cold = by_hand.embed(TEXTS, **options)
    by_hand.reset_state()
    by_hand.embed(TEXTS[:2], **options)
    warm = by_hand.embed(TEXTS, **options)
    for warmup, wanted in ((True, warm), (False, cold), (True, warm)):
        found = elmo.get_elmo_vectors(TEXTS, warmup=warmup)
        for row, vectors in zip(found, wanted, strict=True):
            np.testing.assert_allclose(row[: len(vectors)], vectors, atol=1e-5)


class Session:
    """Any object does."""


def test_a_session_has_a_state_of_its_own(elmo, folder):
    first, second = Session(), Session()
    options = {"warmup": False}
    alone = elmo.get_elmo_vectors(TEXTS, **options)
    once = elmo.get_elmo_vectors(TEXTS, session=first, **options)
    np.testing.assert_allclose(once, alone, atol=1e-6)
    again = elmo.get_elmo_vectors(TEXTS, session=first, **options)
    assert np.abs(again - once).max() > 1e-4
    for calls in range(2):  # neither the other session nor calls without one are in its way
        np.testing.assert_allclose(elmo.get_elmo_vectors(TEXTS, **options), alone, atol=1e-6)
        found = elmo.get_elmo_vectors(TEXTS, session=second, **options)
        np.testing.assert_allclose(found, (once, again)[calls], atol=1e-6)
    other = ElmoModel()
    other.load(folder, max_batch_size=2)
    found = other.get_elmo_vectors(TEXTS, session=first, **options)
    np.testing.assert_allclose(found, alone, atol=1e-6)
    for wanted in (once, again):
        found = elmo.get_elmo_vectors(TEXTS, session=1, **options)
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_the_choice_of_a_session(elmo):
    session = Session()
    elmo.elmo_sentence_input = weight_layers("input", elmo.sentence_embeddings_op, use_layers="all")
    assert elmo.get_elmo_vectors(TEXTS, session=session).shape == (5, 3, 3, 6)
    assert elmo.get_elmo_vectors(TEXTS).shape == (5, 3, 6)  # without one the argument counts
    with pytest.raises(ValueError, match="use_layers='first'"):
        weight_layers("input", elmo.sentence_embeddings_op, use_layers="first")
    with pytest.raises(ValueError, match="do_layer_norm=True"):
        weight_layers("input", elmo.sentence_embeddings_op, do_layer_norm=True)


@pytest.mark.numerics
def test_the_numbers_of_simple_elmo(peer_model, peer_numbers, peer_text):
    """Its own vectors, in batches of two: with a warm-up, and by the recipe of one session."""
    sentences = peer_text[1]

    def close(found, name):
        for row, wanted, tokens in zip(found, peer_numbers[name], sentences, strict=True):
            n = len(tokens)  # behind a shorter sentence simple_elmo has no zeros
            np.testing.assert_allclose(row[:n], wanted[:n], atol=1e-5)
            assert not row[n:].any()

    model = ElmoModel()
    for limit in (100, 1):
        model.load(peer_model, max_batch_size=2, limit=limit)
        close(model.get_elmo_vectors(sentences), "simple_elmo/average")
        close(model.get_elmo_vectors(sentences), "simple_elmo/average_limit_1")
    means = model.get_elmo_vector_average(sentences)
    longest = [0, 2, 4]  # of their batches; the others' sums have what stands behind them, too
    np.testing.assert_allclose(means[longest], peer_numbers["simple_elmo/mean"][longest], atol=1e-5)
    session = Session()
    model.elmo_sentence_input = weight_layers("input", model.sentence_embeddings_op)
    for number in range(2):
        found = model.get_elmo_vectors(sentences, session=session)
        close(found, f"simple_elmo/session_{number}")
    means = model.get_elmo_vector_average(sentences, warmup=False, session=session)
    wanted = peer_numbers["simple_elmo/session_mean"]
    np.testing.assert_allclose(means[longest], wanted[longest], atol=1e-5)
    model.load(peer_model, max_batch_size=1)
    means = model.get_elmo_vector_average(sentences)
    np.testing.assert_allclose(means, peer_numbers["simple_elmo/mean_alone"], atol=1e-5)


def test_state_can_be_switched_off(folder):
    elmo = ElmoModel(state="reset")
    elmo.load(folder, max_batch_size=2)
    for row, vectors in zip(elmo.get_elmo_vectors(TEXTS), load(folder).embed(TEXTS), strict=True):
        np.testing.assert_allclose(row[: vectors.shape[1]], vectors.mean(axis=0), atol=1e-5)


def test_averages(elmo):
    vectors = elmo.get_elmo_vectors(TEXTS, layers="all")
    wanted = vectors.sum(axis=2)
    found = elmo.get_elmo_vector_average(TEXTS, layers="all")
    norms = np.linalg.norm(wanted.reshape(5, -1), axis=1)
    norms[3] = 1
    np.testing.assert_allclose(found, wanted / norms[:, None, None], atol=1e-5)
    one = elmo.get_elmo_vector_average(TEXTS)
    assert one.shape == (5, 6) and not one[3].any()
    np.testing.assert_allclose(np.linalg.norm(one[[0, 1, 2, 4]], axis=1), 1)


def test_substitutes(elmo):
    (first, second, third) = elmo.get_elmo_substitutes(["w1 bank w2", "", "w0"], topn=3)
    assert second == [] and len(first) == 3 and len(third) == 1
    assert [place["word"] for place in first] == ["w1", "<UNK>", "w2"]
    for place in first:
        for direction in ("forward", "backward"):
            found = place[direction]
            assert len(found["candidates"]) == len(found["candidate_words"]) == 3
            assert not {"<S>", "</S>"} & set(found["candidate_words"])
            assert found["logp"] == sorted(found["logp"], reverse=True)
            assert all(value < 0 for value in found["logp"])
    (every,) = elmo.get_elmo_substitutes(["w1"], topn=100, nodelimiters=False)
    assert np.exp(every[0]["forward"]["logp"]).sum() == pytest.approx(1, abs=1e-3)


def test_substitutes_of_a_checkpoint(data_folder):
    """Every direction's log-probability of the word itself is that of bilm-tf."""
    place = data_folder("bilm-tf-checkpoint")
    with np.load(place / "expected.npz") as file:
        expected = dict(file)
    elmo = ElmoModel()
    elmo.load(place / "model", full=True)
    lines = (place / "sentences.txt").read_text(encoding="utf-8").splitlines()
    for number, words in enumerate(elmo.get_elmo_substitutes(lines, 10**6, nodelimiters=False)):
        for direction in ("forward", "backward"):
            targets = expected[f"target/{direction}/{number}"][:-1]
            wanted = expected[f"logprob/{direction}/{number}"][:-1]
            if direction == "backward":
                targets, wanted = targets[::-1], wanted[::-1]
            for word, target, value in zip(words, targets, wanted, strict=True):
                found = word[direction]
                place = found["candidates"].index(target)
                assert found["logp"][place] == pytest.approx(value, abs=2e-4)  # four digits


def test_refusals(elmo, tmp_path):
    with pytest.raises(ValueError, match="layers='token'"):
        elmo.get_elmo_vectors(TEXTS, layers="token")
    with pytest.raises(ValueError, match="call load"):
        ElmoModel().get_elmo_vectors(TEXTS)
    with pytest.raises(ValueError, match="call load"):
        ElmoModel().get_elmo_substitutes(["a"])
    with pytest.raises(ValueError, match="max_batch_size=0: must be 1"):
        elmo.load(tmp_path, max_batch_size=0)
    with pytest.raises(ValueError, match="state=1"):
        ElmoModel(state=1)
    bare = write_folder(model(character_config(), softmax=False), tmp_path / "bare")
    words = write_folder(model(word_config(), softmax=False), tmp_path / "words")
    for place in (bare, words):
        elmo.load(place)
        with pytest.raises(ValueError, match="this model has no softmax"):
            elmo.get_elmo_substitutes(["a"])
