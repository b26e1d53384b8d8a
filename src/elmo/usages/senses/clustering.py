"""Senses of a word as clusters of its uses: k-means, agglomerative, HDBSCAN."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np

from elmo.usages.extra import need_sklearn
from elmo.usages.unit_vectors import unit_length

Method = Literal["kmeans", "agglomerative", "hdbscan"]
METHODS = get_args(Method)
MOST = 2000  # uses that are clustered; the others go to the nearest centre
LARGEST = 8  # senses among which k is chosen
_JUDGED = 1000  # uses that a silhouette is computed from
_STARTS = 4  # of k-means


@dataclass(frozen=True)
class Induced:
    """Senses of the uses of a word.

    Attributes:
        labels: int `(n,)`, 0 for the sense with the most uses; −1 for none (HDBSCAN).
        method: how they were found.
        silhouettes: for each k that was tried the mean silhouette; empty where k was given or none is
            chosen.
        clustered: how many uses were clustered; the others got the sense of the nearest centre.
    """

    labels: np.ndarray
    method: str
    silhouettes: dict[int, float] = field(default_factory=dict)
    clustered: int = 0

    @property
    def k(self) -> int:
        """How many senses there are."""
        return int(self.labels.max(initial=-1)) + 1


def contextual(vectors: np.ndarray) -> np.ndarray:
    """What the context made of the word: its mean taken off, unit length. float32 `(n, dim)`.

    Example:
        >>> contextual(np.array([[5.0, 1.0], [5.0, 3.0]])).tolist()
        [[0.0, -1.0], [0.0, 1.0]]
    """
    return unit_length(vectors, np.asarray(vectors).mean(axis=0, dtype=np.float64))


def induce(
    vectors: np.ndarray,
    method: Method = "kmeans",
    k: int | None = None,
    *,
    most: int = MOST,
    smallest: int | None = None,
    seed: int = 0,
) -> Induced:
    """Clusters the uses of a word.

    Vectors are taken relative to the word's mean and scaled to unit length, so that squared Euclidean
    distance is twice the cosine distance. Where k is not given, it is the one from 2 to 8 with the
    largest mean silhouette (Rousseeuw 1987). The silhouette is not defined for one cluster, so that one
    sense is found only if `k=1` is asked for; look at the value: below about 0.05 there is
    hardly a structure.

    Args:
        vectors: `(n, dim)`.
        method: `"kmeans"`; `"agglomerative"` (average linkage, cosine); `"hdbscan"` (Campello et al.
            2013), which finds the number of senses and leaves some uses without.
        k: how many senses.
        most: uses that are clustered, drawn at random where there are more.
        smallest: uses of a sense, at least, for HDBSCAN; by default 5, or 2 % of the uses.
        seed: of k-means and of what is drawn.

    Raises:
        ValueError: a choice that there is not, or more senses than uses.
        MissingExtraError: scikit-learn is not installed.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> around = np.repeat(np.eye(3) * 9, [8, 6, 4], axis=0)
        >>> found = induce(around + rng.normal(size=(18, 3)))
        >>> found.k, found.labels.tolist()
        (3, [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2])
    """
    if method not in METHODS:
        raise ValueError(f"method={method!r}: must be {', '.join(map(repr, METHODS))}")
    if k is not None and method == "hdbscan":
        raise ValueError(f"k={k}: 'hdbscan' finds it; leave it out, or take 'kmeans'")
    if k is not None and not 1 <= k <= len(vectors):
        raise ValueError(f"k={k}: must be 1 to the number of uses, {len(vectors)}")
    if most < 2:
        raise ValueError(f"most={most}: must be 2 or more")
    if smallest is not None and smallest < 2:
        raise ValueError(f"smallest={smallest}: must be 2 or more")
    need_sklearn("inducing senses")
    rng = np.random.default_rng(seed)
    table = contextual(vectors)
    chosen = np.arange(len(table))
    if len(table) > max(most, k or 0):
        chosen = np.sort(rng.choice(len(table), max(most, k or 0), replace=False))
    part = table[chosen]
    silhouettes: dict[int, float] = {}
    with _one_thread():
        if method == "hdbscan":
            labels = _hdbscan(part, smallest)
        elif k is None:
            labels, silhouettes = _best(part, method, seed)
        else:
            labels = _cluster(part, method, k, seed)
    labels = _spread(table, chosen, labels)
    return Induced(by_size(labels), method, silhouettes, len(chosen))


def centres(table: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean vectors of the senses 0 to the largest label, of unit length. `(k, dim)`."""
    sums = np.zeros((int(labels.max(initial=-1)) + 1, table.shape[1]))
    for sense in range(len(sums)):
        sums[sense] = table[labels == sense].sum(axis=0, dtype=np.float64)
    return unit_length(sums)


def by_size(labels: np.ndarray) -> np.ndarray:
    """The same clusters, 0 the largest; of equal ones the one that comes first. −1 stays.

    Example:
        >>> by_size(np.array([4, 2, 2, -1])).tolist()
        [1, 0, 0, -1]
    """
    known, first, counts = np.unique(labels[labels >= 0], return_index=True, return_counts=True)
    renumbered = np.full(int(labels.max(initial=-1)) + 2, -1)
    renumbered[known[np.lexsort((first, -counts))]] = np.arange(len(known))
    return renumbered[labels]


def _one_thread() -> AbstractContextManager[object]:
    """Tables this small take twenty times as long on several threads beside other work."""
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1)


def _cluster(table: np.ndarray, method: str, k: int, seed: int) -> np.ndarray:
    from sklearn.cluster import AgglomerativeClustering, KMeans

    k = min(k, _distinct(table))  # uses of one sentence have one vector
    if k == 1:
        return np.zeros(len(table), np.int64)
    if method == "agglomerative":
        found = AgglomerativeClustering(k, metric="cosine", linkage="average")
    else:
        found = KMeans(k, n_init=_STARTS, random_state=seed)
    labels: np.ndarray = found.fit_predict(table)
    return labels


def _distinct(table: np.ndarray) -> int:
    """How many different vectors there are, told by one number of each."""
    direction = np.random.default_rng(0).normal(size=table.shape[1])
    return len(np.unique(np.round(table @ direction, 4)))


def _best(table: np.ndarray, method: str, seed: int) -> tuple[np.ndarray, dict[int, float]]:
    """Labels of the k with the largest silhouette, and all silhouettes."""
    from sklearn.metrics import silhouette_score

    tried = range(2, min(LARGEST, len(table) - 1) + 1)
    if not tried or not np.ptp(table, axis=0).any():
        return np.zeros(len(table), np.int64), {}
    found = {k: _cluster(table, method, k, seed) for k in tried}
    size = _JUDGED if len(table) > _JUDGED else None
    silhouettes = {}
    for k, labels in found.items():
        if 1 < len(np.unique(labels)) < len(table):
            silhouettes[k] = float(
                silhouette_score(
                    table, labels, metric="cosine", sample_size=size, random_state=seed
                )
            )
    if not silhouettes:
        return np.zeros(len(table), np.int64), {}
    return found[max(silhouettes, key=lambda k: silhouettes[k])], silhouettes


def _hdbscan(table: np.ndarray, smallest: int | None) -> np.ndarray:
    from sklearn.cluster import HDBSCAN

    smallest = smallest or max(5, len(table) // 50)
    if len(table) < smallest:
        return np.full(len(table), -1)
    labels: np.ndarray = HDBSCAN(smallest, copy=True).fit_predict(table)
    return np.where(labels < 0, -1, labels)


def _spread(table: np.ndarray, chosen: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Labels of all uses: those that were not clustered get the nearest centre's."""
    labels = by_size(labels.astype(np.int64))
    whole = np.full(len(table), -1)
    whole[chosen] = labels
    if len(chosen) < len(table) and labels.max(initial=-1) >= 0:
        others = np.setdiff1d(np.arange(len(table)), chosen, assume_unique=True)
        whole[others] = np.argmax(table[others] @ centres(table[chosen], labels).T, axis=1)
    return whole
