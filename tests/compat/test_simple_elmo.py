"""simple_elmo's class: shapes, batches, substitutes."""

import numpy as np
import pytest

from elmo.api import load
from elmo.compat.simple_elmo import ElmoModel
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
    going_on = elmo.get_elmo_vectors(TEXTS, warmup=False, session=object())
    assert np.abs(going_on - found).max() > 1e-4


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


@pytest.mark.numerics
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
    with pytest.raises(ValueError, match="state=1"):
        ElmoModel(state=1)
    bare = write_folder(model(character_config(), softmax=False), tmp_path / "bare")
    words = write_folder(model(word_config(), softmax=False), tmp_path / "words")
    for place in (bare, words):
        elmo.load(place)
        with pytest.raises(ValueError, match="this model has no softmax"):
            elmo.get_elmo_substitutes(["a"])
