"""Induced senses against known clusters; agreement against sums by hand."""

import sys

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, v_measure_score

from elmo.text.files import MissingExtraError
from elmo.usages.senses.agreement import agreement
from elmo.usages.senses.clustering import centres, contextual, induce


def blobs(sizes=(60, 40, 20), dim=12, apart=6.0, seed=0):
    rng = np.random.default_rng(seed)
    gold = np.repeat(np.arange(len(sizes)), sizes)
    vectors = rng.normal(size=(len(gold), dim)) + apart * np.eye(dim)[gold] + 3
    order = rng.permutation(len(gold))
    return vectors[order].astype(np.float32), gold[order]


@pytest.mark.parametrize("method", ["kmeans", "agglomerative", "hdbscan"])
def test_senses_that_lie_apart_are_found(method):
    vectors, gold = blobs(apart=12.0)
    found = induce(vectors, method)
    assert found.k == 3
    kept = found.labels >= 0
    assert kept.mean() > 0.9
    assert adjusted_rand_score(gold[kept], found.labels[kept]) > 0.95
    assert (np.diff(np.bincount(found.labels[kept])) <= 0).all()  # 0 is the largest


def test_k_has_the_largest_silhouette():
    vectors, _ = blobs()
    found = induce(vectors)
    assert set(found.silhouettes) == set(range(2, 9))
    assert max(found.silhouettes, key=found.silhouettes.get) == 3 == found.k


def test_uses_that_are_not_clustered_go_to_the_nearest_centre():
    vectors, gold = blobs((400, 300))
    found = induce(vectors, k=2, most=100)
    assert found.clustered == 100 and adjusted_rand_score(gold, found.labels) > 0.9
    assert (found.labels == induce(vectors, k=2, most=100).labels).all()
    table = contextual(vectors)
    nearest = np.argmax(table @ centres(table, found.labels).T, axis=1)
    assert (nearest == found.labels).mean() > 0.95


def test_few_uses_and_uses_that_are_all_alike():
    assert induce(np.ones((1, 3))).labels.tolist() == [0]
    assert induce(np.ones((9, 3))).labels.tolist() == [0] * 9
    assert induce(np.ones((3, 3)), "hdbscan").labels.tolist() == [-1] * 3
    assert induce(np.ones((4, 3)), k=1).labels.tolist() == [0] * 4


def test_agreement_is_that_of_sums_by_hand():
    rng = np.random.default_rng(1)
    induced, gold = rng.integers(0, 4, 50), rng.integers(0, 3, 50)
    found = agreement(induced.tolist(), [f"s{g}" for g in gold])
    assert found.ari == pytest.approx(adjusted_rand_score(gold, induced))
    assert found.v_measure == pytest.approx(v_measure_score(gold, induced))
    precision = np.mean([np.mean(gold[induced == induced[i]] == gold[i]) for i in range(50)])
    recall = np.mean([np.mean(induced[gold == gold[i]] == induced[i]) for i in range(50)])
    assert (found.precision, found.recall) == pytest.approx((precision, recall))
    assert found.b_cubed == pytest.approx(2 / (1 / precision + 1 / recall))


def test_equal_clusters_agree_whatever_they_are_called():
    found = agreement([0, 0, 1, 2], ["c", "c", "a", "b"])
    assert (found.ari, found.v_measure, found.b_cubed) == (1, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (dict(method="dbscan"), "method='dbscan': must be 'kmeans', "),
        (dict(k=0), "k=0: must be 1 to the number of uses, 5"),
        (dict(k=6), "k=6"),
        (dict(k=2, method="hdbscan"), "finds it"),
        (dict(smallest=1, method="hdbscan"), "smallest=1"),
        (dict(most=1), "most=1"),
    ],
)
def test_choices_that_there_are_not(arguments, said):
    with pytest.raises(ValueError, match=said):
        induce(np.eye(5), **arguments)


def test_agreement_of_other_uses():
    with pytest.raises(ValueError, match="induced has 2 uses and gold 1"):
        agreement([0, 1], [0])


def test_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'elmo-keras\[usages\]'"):
        induce(np.eye(5))
