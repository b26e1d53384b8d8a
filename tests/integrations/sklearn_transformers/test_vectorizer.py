"""`ElmoVectorizer`: its numbers, beside what `BiLM.embed` gives for the tokens."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError

from elmo.api import from_pretrained
from elmo.integrations.sklearn import ElmoVectorizer
from tests.formats.helpers import character_config, model
from tests.integrations.sklearn_transformers.conftest import DOCUMENTS

LAYERS = ["average", "top", "sum", "token", "all"]


def tokens_of(bilm, document, layers):
    """`(tokens, layers · dim)`, the layers of a token one after the other."""
    (vectors,) = bilm.embed([document], layers=layers)
    return np.concatenate(list(vectors), axis=-1) if layers == "all" else vectors


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("pool", ["mean", "max"])
def test_mean_and_max_are_those_of_the_tokens(bilm, layers, pool):
    found = ElmoVectorizer(bilm, layers=layers, pool=pool).transform(DOCUMENTS)
    tokens = [tokens_of(bilm, document, layers) for document in DOCUMENTS]
    expected = np.stack([getattr(np, pool)(one, axis=0) for one in tokens])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6, strict=True)


@pytest.mark.parametrize("layers", ["average", "top", "sum"])
def test_first_last_takes_what_has_read_the_document(bilm, layers):
    found = ElmoVectorizer(bilm, layers=layers, pool="first-last").transform(DOCUMENTS)
    p = bilm.config.lstm.projection_dim
    for row, document in zip(found, DOCUMENTS, strict=True):
        tokens = tokens_of(bilm, document, layers)
        np.testing.assert_allclose(row, [*tokens[-1, :p], *tokens[0, p:]], atol=1e-6)


def test_first_last_of_all_layers(bilm):
    found = ElmoVectorizer(bilm, layers="all", pool="first-last").transform(DOCUMENTS[:1])
    tops = ElmoVectorizer(bilm, layers="top", pool="first-last").transform(DOCUMENTS[:1])
    dim = bilm.config.output_dim
    assert found.shape == (1, 3 * dim)
    np.testing.assert_allclose(found[:, -dim:], tops, atol=1e-6)


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_first_last_of_one_direction(direction):
    alone = from_pretrained(model(character_config(directions=direction)))
    (found,) = ElmoVectorizer(alone, layers="top", pool="first-last").transform(DOCUMENTS[:1])
    tokens = tokens_of(alone, DOCUMENTS[0], "top")
    np.testing.assert_allclose(found, tokens[-1 if direction == "forward" else 0], atol=1e-6)


@pytest.mark.parametrize("layers", ["average", "all"])
def test_tfidf_weights_by_hand(bilm, layers):
    vectorizer = ElmoVectorizer(bilm, layers=layers, pool="tfidf").fit(["a a b", "a c", "a"])
    idf = {  # ln((1 + 3) / (1 + df)) + 1
        "a": 1.0,
        "b": math.log(4 / 2) + 1,
        "c": math.log(4 / 2) + 1,
        "new": math.log(4 / 1) + 1,
    }
    for token, place in vectorizer.vocabulary_.items():
        assert vectorizer.idf_[place] == pytest.approx(idf[token])
    (found,) = vectorizer.transform(["a b new a"])
    weights = np.array([idf[token] for token in ("a", "b", "new", "a")])
    expected = weights @ tokens_of(bilm, "a b new a", layers) / weights.sum()
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_tfidf_is_refused_before_fit(bilm):
    vectorizer = ElmoVectorizer(bilm, pool="tfidf")
    with pytest.raises(NotFittedError, match="ElmoVectorizer instance is not fitted"):
        vectorizer.transform(DOCUMENTS)
    with pytest.raises(ValueError, match="none of the 2 has a token"):
        vectorizer.fit(["", " "])


def test_a_document_does_not_depend_on_the_others(bilm):
    vectorizer = ElmoVectorizer(bilm, pool="max")
    together = vectorizer.transform(DOCUMENTS)
    alone = np.concatenate([vectorizer.transform([document]) for document in DOCUMENTS])
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize("pool", ["mean", "max", "first-last", "tfidf"])
def test_a_document_without_tokens_is_zeros_and_told(bilm, pool):
    vectorizer = ElmoVectorizer(bilm, pool=pool).fit(DOCUMENTS)
    with pytest.warns(UserWarning, match=r"2 of 3 documents have no tokens, first number 0"):
        found = vectorizer.transform(["", "It closed", []])
    assert not found[[0, 2]].any() and found[1].all()


def test_no_document_is_no_row(bilm):
    assert ElmoVectorizer(bilm).transform([]).shape == (0, bilm.config.output_dim)


def test_forms_of_documents(bilm):
    expected = ElmoVectorizer(bilm).transform(DOCUMENTS)
    lists = [document.split() for document in DOCUMENTS]
    for documents in (
        tuple(DOCUMENTS),
        np.array(DOCUMENTS),
        np.array(DOCUMENTS, object),
        pd.Series(DOCUMENTS, index=[3, 1, 4, 5]),
        iter(DOCUMENTS),
        lists,
        pd.Series(lists),
    ):
        np.testing.assert_array_equal(ElmoVectorizer(bilm).transform(documents), expected)


def test_a_tokenizer_cuts_strings_and_leaves_lists(bilm):
    found = ElmoVectorizer(bilm, tokenizer=lambda text: text.split("/")).transform(
        ["New York/is", ["New York", "is"]]
    )
    expected = ElmoVectorizer(bilm).transform([["New York", "is"], ["New York", "is"]])
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("documents", "error", "said"),
    [
        ("one string", ValueError, "Iterable over raw text documents expected"),
        (pd.DataFrame({"text": DOCUMENTS}), ValueError, "select a column by its name"),
        (["a", None], TypeError, "sentence 1 is None"),
        ([b"a"], TypeError, "must be a list of tokens or a string"),
        ([1.5], TypeError, "sentence 0 is 1.5"),
    ],
)
def test_documents_that_are_none(bilm, documents, error, said):
    with pytest.raises(error, match=said):
        ElmoVectorizer(bilm).transform(documents)


@pytest.mark.parametrize(
    ("parameters", "error", "said"),
    [
        ({"pool": "median"}, ValueError, "pool='median': must be 'mean', 'max', 'first-last'"),
        ({"layers": "bottom"}, ValueError, "layers='bottom': must be 'all'"),
        ({"layers": "token", "pool": "first-last"}, ValueError, "layers='token' has no direction"),
        ({"precision": "float16"}, ValueError, "precision='float16': must be"),
        ({"n_jobs": 0}, ValueError, "n_jobs=0: must be 1 or more"),
        ({"batch_size": 0}, ValueError, "batch_size=0: must be 1 or more"),
        ({"tokenizer": "words"}, TypeError, "tokenizer='words': must be a function"),
        ({"model": 3}, TypeError, "model=3: must be a BiLM, or the path"),
    ],
)
def test_parameters_that_are_no_choice(bilm, parameters, error, said):
    vectorizer = ElmoVectorizer(bilm).set_params(**parameters)
    with pytest.raises(error, match=said):
        vectorizer.fit_transform(DOCUMENTS)


@pytest.mark.parametrize("pool", ["mean", "tfidf"])
def test_jobs_give_the_same_vectors(bilm, pool, monkeypatch):
    monkeypatch.setattr("elmo.integrations.sklearn.vectors.PART_TOKENS", (8, 8))  # several parts
    documents = [*DOCUMENTS, [], ["A token\nwith", "blanks "]]
    alone = ElmoVectorizer(bilm, layers="all", pool=pool).fit(DOCUMENTS)
    several = ElmoVectorizer(bilm, layers="all", pool=pool, n_jobs=2).fit(DOCUMENTS)
    with pytest.warns(UserWarning, match="1 of 6"):
        expected = alone.transform(documents)
    with pytest.warns(UserWarning, match="1 of 6"):
        found = several.transform(documents)
    np.testing.assert_allclose(found, expected, atol=1e-5)
