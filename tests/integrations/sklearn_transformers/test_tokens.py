"""`ElmoTokenFeatures`: the tokens of sentences, and a tagger over them."""

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from elmo.integrations.sklearn import ElmoTokenFeatures

SENTENCES = [["The", "bank", "closed"], ["It", "closed"], [], ["The", "river", "bank", "."]]


@pytest.mark.parametrize("layers", ["average", "top", "sum", "token"])
def test_the_vectors_of_the_model(layers, bilm):
    found = ElmoTokenFeatures(bilm, layers=layers).transform(SENTENCES)
    expected = bilm.embed(SENTENCES, layers=layers)
    assert [len(vectors) for vectors in found] == [3, 2, 0, 4]
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)


def test_all_layers_stand_one_after_the_other(bilm):
    found = ElmoTokenFeatures(bilm, layers="all").transform(SENTENCES)
    dim = bilm.config.output_dim
    for ours, theirs in zip(found, bilm.embed(SENTENCES), strict=True):
        assert ours.shape == (theirs.shape[1], 3 * dim)
        for layer in range(3):
            np.testing.assert_array_equal(ours[:, layer * dim : (layer + 1) * dim], theirs[layer])


def test_stacked_tokens_stand_in_order(bilm):
    lists = ElmoTokenFeatures(bilm).transform(SENTENCES)
    stacked = ElmoTokenFeatures(bilm, stack=True)
    np.testing.assert_array_equal(stacked.transform(SENTENCES), np.concatenate(lists), strict=True)
    assert stacked.transform([]).shape == (0, bilm.config.output_dim)
    assert stacked.transform([[]]).shape == (0, bilm.config.output_dim)


def test_chunks_change_nothing(bilm, monkeypatch):
    expected = ElmoTokenFeatures(bilm, stack=True).transform(SENTENCES)
    monkeypatch.setattr("elmo.integrations.sklearn.vectors.CHUNK_TOKENS", 3)
    found = ElmoTokenFeatures(bilm, stack=True).transform(SENTENCES)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_jobs_give_the_same_vectors(bilm, monkeypatch):
    monkeypatch.setattr("elmo.integrations.sklearn.vectors.PART_TOKENS", (4, 4))
    found = ElmoTokenFeatures(bilm, n_jobs=2).transform(SENTENCES)
    for ours, theirs in zip(found, ElmoTokenFeatures(bilm).transform(SENTENCES), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5, strict=True)


def test_a_tagger_learns_from_one_flat_list_of_tags(bilm):
    tags = ["D", "N", "V", "P", "V", "D", "N", "N", "."]
    tagger = make_pipeline(
        ElmoTokenFeatures(bilm, stack=True, layers="all"), LogisticRegression(C=1e4, max_iter=1000)
    )
    assert clone(tagger).fit(SENTENCES, tags).predict(SENTENCES).tolist() == tags


def test_a_wish_for_tables_leaves_lists_alone(bilm):
    with sklearn.config_context(transform_output="pandas"):
        found = ElmoTokenFeatures(bilm).fit_transform(SENTENCES)
    assert [type(vectors) for vectors in found] == [np.ndarray] * 4


def test_names_go_with_the_columns(bilm):
    features = ElmoTokenFeatures(bilm)
    names = features.get_feature_names_out()
    assert len(names) == features.transform([["bank"]])[0].shape[1]
    # What sklearn-crfsuite takes: a dictionary of features per token.
    (sentence,) = features.transform([["The", "bank"]])
    dictionaries = [dict(zip(names, row.tolist(), strict=True)) for row in sentence]
    assert len(dictionaries) == 2 and set(dictionaries[0]) == set(names)
