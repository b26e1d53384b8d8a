"""A map of a word's uses in two dimensions: principal components at once, UMAP where it is installed."""

from __future__ import annotations

import numpy as np

from elmo.serve.refusing import Refused
from elmo.serve.usages import Usages, first_components
from elmo.serve.usages_answers import Points
from elmo.usages.senses.clustering import contextual

_NEIGHBOURS = 15
_DIGITS = 4


def points(usages: Usages, word: str, method: str, limit: int) -> Points:
    """Where each use of a word lies.

    Args:
        usages: of the index.
        word: with uses.
        method: `"pca"` or `"umap"`.
        limit: points at most, spread evenly over the uses.

    Raises:
        Refused: the word has no uses, or UMAP is not installed.
    """
    found = usages.word(word)
    rows = np.arange(len(found.uses))
    if len(rows) > limit:
        rows = np.linspace(0, len(rows) - 1, limit).round().astype(int)
    places, explained = first_components(found.uses.vectors)
    if places.shape[1] < 2:
        places = np.pad(places, ((0, 0), (0, 2 - places.shape[1])))
    places = places[rows]
    if method == "umap":
        places, explained = _umap(contextual(found.uses.vectors[rows])), np.zeros(0)
    numbers = np.array([*(sense.number for sense in found.senses.senses), 0])
    return Points(
        word=word,
        method=method,
        periods=list(found.uses.periods),
        use=rows.tolist(),
        x=np.round(places[:, 0].astype(float), _DIGITS).tolist(),
        y=np.round(places[:, 1].astype(float), _DIGITS).tolist(),
        sense=numbers[found.labels[rows]].tolist(),
        period=found.uses.period[rows].tolist(),
        explained=np.round(explained, _DIGITS).tolist(),
    )


def _umap(table: np.ndarray) -> np.ndarray:
    try:
        from umap import UMAP
    except ImportError:
        raise Refused(
            422,
            "method: 'umap' needs the package umap-learn: pip install umap-learn; or take 'pca'",
        ) from None
    if len(table) <= _NEIGHBOURS + 1:
        raise Refused(422, f"method: 'umap' needs more than {_NEIGHBOURS + 1} uses; take 'pca'")
    found: np.ndarray = UMAP(
        n_neighbors=_NEIGHBOURS, metric="cosine", random_state=0, n_jobs=1
    ).fit_transform(table)
    return found
