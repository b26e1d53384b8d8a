"""The transformers among scikit-learn's own tools."""

import inspect
import json
import os
import pickle
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.exceptions import SkipTestWarning
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import estimator_checks, get_tags

from elmo.integrations.sklearn import ElmoTokenFeatures, ElmoVectorizer, models
from tests.integrations.sklearn_transformers.conftest import DOCUMENTS, TARGETS

KINDS = [ElmoVectorizer, ElmoTokenFeatures]
CHECKS = [  # those of scikit-learn's own checks that send in no table of numbers
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_mixin_order",
    "check_get_params_invariance",
    "check_set_params",
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", CHECKS)
def test_checks_of_scikit_learn(name, kind, folder):
    check = getattr(estimator_checks, name)
    check(kind.__name__, kind(str(folder)))


@pytest.mark.parametrize("kind", KINDS)
def test_check_estimator_runs_what_it_runs_for_text(kind, bilm):
    """For vectorizers of text it stops after its first check, and warns."""

    def run(estimator):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SkipTestWarning)
            done = estimator_checks.check_estimator(estimator, on_fail=None)
        return [(one["check_name"], one["status"]) for one in done]

    found = run(kind(bilm))
    assert found == run(HashingVectorizer())
    assert found and {status for _, status in found} == {"passed"}


def test_tags_are_those_of_a_hashing_vectorizer(bilm):
    theirs = get_tags(HashingVectorizer())
    for ours in map(get_tags, (ElmoVectorizer(bilm), ElmoTokenFeatures(bilm))):
        assert ours.input_tags == theirs.input_tags
        assert ours.requires_fit is False
        assert ours.target_tags == theirs.target_tags
    assert get_tags(ElmoVectorizer(bilm, pool="tfidf")).requires_fit is True


@pytest.mark.parametrize("kind", KINDS)
def test_parameters_are_kept_as_given(kind, bilm):
    names = set(inspect.signature(kind).parameters)
    estimator = kind(bilm, layers="top", n_jobs=2)
    assert set(estimator.get_params()) == names
    assert estimator.get_params()["model"] is bilm and estimator.get_params()["n_jobs"] == 2


def test_clones_share_the_model(bilm):
    pipeline = make_pipeline(ElmoVectorizer(bilm, pool="tfidf"), LogisticRegression())
    pipeline.fit(DOCUMENTS, TARGETS)
    twin = clone(pipeline)
    assert twin[0].model is bilm and twin[0] is not pipeline[0]
    assert hasattr(pipeline[0], "idf_") and not hasattr(twin[0], "idf_")


def test_a_path_is_loaded_once(folder, monkeypatch):
    calls, load = [], models.load
    monkeypatch.setattr(models, "load", lambda source: calls.append(source) or load(source))
    models._opened.cache_clear()
    first = ElmoVectorizer(str(folder))
    expected = first.fit_transform(DOCUMENTS)
    np.testing.assert_array_equal(clone(first).transform(DOCUMENTS), expected)
    np.testing.assert_array_equal(ElmoVectorizer(folder).transform(DOCUMENTS), expected)
    assert calls == [str(folder)]
    later = (folder / "weights.hdf5").stat().st_mtime + 10
    os.utime(folder / "weights.hdf5", (later, later))  # as after another training
    clone(first).transform(DOCUMENTS)
    assert calls == [str(folder)] * 2


def test_a_model_that_is_not_there_is_named(tmp_path):
    with pytest.raises((ValueError, OSError), match="nothing-here"):
        ElmoVectorizer(str(tmp_path / "nothing-here")).fit(DOCUMENTS)


@pytest.mark.parametrize("by_path", [True, False])
def test_pickled_and_dumped(by_path, bilm, folder, tmp_path):
    original = ElmoVectorizer(str(folder) if by_path else bilm, pool="tfidf").fit(DOCUMENTS)
    expected = original.transform(DOCUMENTS)
    joblib.dump(original, tmp_path / "vectorizer.joblib")
    for again in (
        pickle.loads(pickle.dumps(original)),
        joblib.load(tmp_path / "vectorizer.joblib"),
    ):
        np.testing.assert_array_equal(again.transform(DOCUMENTS), expected)
    if by_path:  # the weights stay where they are
        assert len(pickle.dumps(original)) < 2000


def test_names_of_features_and_tables(bilm):
    vectorizer = ElmoVectorizer(bilm)
    dim = bilm.config.output_dim
    names = [f"elmovectorizer{number}" for number in range(dim)]
    assert vectorizer.get_feature_names_out().tolist() == names
    assert len(ElmoVectorizer(bilm, layers="all").get_feature_names_out()) == 3 * dim
    table = clone(vectorizer).set_output(transform="pandas").fit_transform(pd.Series(DOCUMENTS))
    assert table.columns.tolist() == names
    np.testing.assert_array_equal(table.to_numpy(), vectorizer.transform(DOCUMENTS))


def test_beside_other_columns(bilm):
    table = pd.DataFrame({"text": DOCUMENTS, "year": [1840, 1850, 1860, 1870]})
    columns = ColumnTransformer(
        [("text", ElmoVectorizer(bilm), "text"), ("year", "passthrough", ["year"])]
    )
    found = columns.fit_transform(table)
    np.testing.assert_allclose(found[:, :-1], ElmoVectorizer(bilm).transform(DOCUMENTS))
    assert found[:, -1].tolist() == table["year"].tolist()
    assert columns.get_feature_names_out()[-2:].tolist() == [
        f"text__elmovectorizer{bilm.config.output_dim - 1}",
        "year__year",
    ]


def test_a_grid_over_pools_and_models(bilm, folder):
    pipeline = Pipeline([("elmo", ElmoVectorizer(bilm)), ("classify", LogisticRegression())])
    grid = {"elmo__pool": ["mean", "max", "tfidf"], "elmo__model": [bilm, str(folder)]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(DOCUMENTS * 2, TARGETS * 2)
    scores = search.cv_results_["mean_test_score"].reshape(2, 3)
    np.testing.assert_array_equal(scores[0], scores[1])  # the same model by object and by path
    assert search.best_estimator_["elmo"].model in (bilm, str(folder))
    assert set(search.predict(DOCUMENTS)) <= {0, 1}


def test_a_pipeline_with_memory_embeds_once(bilm, tmp_path, monkeypatch):
    calls, embed = [], type(bilm).embed

    def counted(self, documents, **options):
        calls.append(len(documents))
        return embed(self, documents, **options)

    monkeypatch.setattr(type(bilm), "embed", counted)
    pipeline = make_pipeline(ElmoVectorizer(bilm), LogisticRegression(), memory=str(tmp_path))
    for C in (0.1, 1.0):
        clone(pipeline).set_params(logisticregression__C=C).fit(DOCUMENTS, TARGETS)
    assert calls == [4]


def test_elmo_does_not_load_scikit_learn():
    code = (
        "import sys, json, elmo, elmo.integrations\n"
        "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sklearn", "joblib", "pandas"} & set(json.loads(done.stdout))


def test_without_scikit_learn_one_sentence_names_the_extra():
    code = "import sys; sys.modules['sklearn'] = None\nimport elmo.integrations.sklearn"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'elmo-keras[sklearn]'" in done.stderr.splitlines()[-1]
