"""How well induced senses agree with senses that people gave: ARI, V-measure, B-cubed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from elmo.usages.extra import need_sklearn


@dataclass(frozen=True)
class Agreement:
    """Of two clusterings of the same uses.

    Attributes:
        uses: how many uses both have.
        ari: adjusted Rand index (Hubert and Arabie 1985): 1 for the same clusters, 0 by chance.
        v_measure: harmonic mean of `homogeneity` and `completeness` (Rosenberg and Hirschberg 2007).
        homogeneity: 1 where every induced sense has uses of one gold sense.
        completeness: 1 where the uses of every gold sense lie in one induced sense.
        b_cubed: harmonic mean of `precision` and `recall`.
        precision: B-cubed (Bagga and Baldwin 1998): for a use, which share of its induced sense has its
            gold sense; the mean over uses.
        recall: which share of its gold sense has its induced sense.
    """

    uses: int
    ari: float
    v_measure: float
    homogeneity: float
    completeness: float
    b_cubed: float
    precision: float
    recall: float

    def to_dict(self) -> dict[str, float]:
        """Plain values, for JSON."""
        return asdict(self)


def agreement(induced: Sequence[Hashable], gold: Sequence[Hashable]) -> Agreement:
    """Compares induced senses with gold ones.

    Args:
        induced, gold: the senses of the same uses, one after the other; a use without a sense (−1) is a
            sense of its own kind, not left out.

    Raises:
        ValueError: they are not of the same number, or there are none.
        MissingExtraError: scikit-learn is not installed.

    Example:
        >>> found = agreement([0, 0, 1, 1], ["a", "a", "a", "b"])
        >>> found.ari, round(found.precision, 3), round(found.recall, 3)
        (0.0, 0.75, 0.667)
    """
    need_sklearn("comparing senses")
    from sklearn.metrics import adjusted_rand_score, homogeneity_completeness_v_measure

    first, second = _numbered(induced), _numbered(gold)
    if len(first) != len(second) or not len(first):
        raise ValueError(
            f"induced has {len(first)} uses and gold {len(second)}: give the same uses, one or more"
        )
    homogeneity, completeness, v_measure = homogeneity_completeness_v_measure(second, first)
    precision, recall = b_cubed(first, second)
    return Agreement(
        uses=len(first),
        ari=float(adjusted_rand_score(second, first)),
        v_measure=float(v_measure),
        homogeneity=float(homogeneity),
        completeness=float(completeness),
        b_cubed=2 * precision * recall / (precision + recall),
        precision=precision,
        recall=recall,
    )


def b_cubed(induced: np.ndarray, gold: np.ndarray) -> tuple[float, float]:
    r"""B-cubed precision and recall, from the table n of both clusterings:

    .. math:: P = \frac1N \sum_{ij} \frac{n_{ij}^2}{n_{i\cdot}} \qquad
              R = \frac1N \sum_{ij} \frac{n_{ij}^2}{n_{\cdot j}}

    Args:
        induced, gold: integers from 0, `(n,)`.
    """
    table = np.zeros((induced.max() + 1, gold.max() + 1))
    np.add.at(table, (induced, gold), 1)
    squares = table**2
    precision = (squares.sum(axis=1) / np.maximum(table.sum(axis=1), 1)).sum() / len(induced)
    recall = (squares.sum(axis=0) / np.maximum(table.sum(axis=0), 1)).sum() / len(induced)
    return float(precision), float(recall)


def _numbered(senses: Sequence[Hashable]) -> np.ndarray:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(sense, len(numbers)) for sense in senses], np.int64)
