"""Measures of change as functions of weighted sums, for one weighting of the uses or a thousand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import jensenshannon

from elmo.usages.change.units import Units

MEASURES = ("apd", "apd_excess", "prt", "jsd", "graded", "binary")
OF_SENSES = ("jsd", "graded", "binary")
Scores = dict[str, np.ndarray]


@dataclass(frozen=True)
class Thresholds:
    """When a sense counts as gained or lost (Schlechtweg et al. 2020, section 3).

    A sense is absent from a period with `k` uses or fewer, present with `n` or more; a word has changed
    where a sense is absent from one period and present in the other. These numbers are of the
    about 100 uses per period that SemEval-2020 annotated; where a period has more than `per` uses, its
    counts are scaled down to `per`.

    Args:
        k, n: the two numbers, 0 ≤ k < n.
        per: the largest sample that they hold for.

    Raises:
        ValueError: they are not in this order.

    Example:
        >>> Thresholds(2, 2)
        Traceback (most recent call last):
        ValueError: thresholds 2,2: the first must be 0 or more and below the second
    """

    k: float = 2
    n: float = 5
    per: int = 100

    def __post_init__(self) -> None:
        if not 0 <= self.k < self.n:
            raise ValueError(
                f"thresholds {self.k},{self.n}: the first must be 0 or more and below the second"
            )
        if self.per < 1:
            raise ValueError(f"per={self.per}: must be 1 or more")


def scores(
    units: Units, earlier: np.ndarray, later: np.ndarray, thresholds: Thresholds | None = None
) -> Scores:
    r"""Every measure for each of R weightings of the units.

    With unit vectors u of the uses, A of the earlier and B of the later period:

    .. math::
       \mathrm{APD} &= \frac{1}{|A||B|} \sum_{a \in A, b \in B} (1 - u_a \cdot u_b)
                     = 1 - \bar u_A \cdot \bar u_B \\
       \mathrm{PRT} &= 1 - \cos(\bar u_A, \bar u_B)

    APD is the average pairwise distance and PRT the distance of prototypes (Kutuzov and Giulianelli
    2020). `apd_excess` is APD less the mean of the average distances within A and within B, which
    is half the energy distance of the two samples (Székely and Rizzo 2013): a word of many senses has a
    large APD without any change, and no excess. Pairs within a unit (a use with itself, uses of one
    document) are left out there, as none of them are between the periods either.

    `jsd` is the Jensen-Shannon divergence in bits of the senses' shares, `graded` its square root, the
    graded change of SemEval-2020, and `binary` 1 or 0 by its thresholds.

    Args:
        units: what is weighted.
        earlier, later: `(R, units)`, how often each unit is taken in either period.
        thresholds: of `binary`.

    Returns:
        For each measure float64 `(R,)`; NaN where it is not defined. Those of senses are there where
        the units have senses.

    Example:
        >>> from elmo.usages.change.units import units_of
        >>> units = units_of(np.eye(2), np.array([False, True]), senses=np.array([0, 1]))
        >>> found = scores(units, np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
        >>> {name: float(values[0]) for name, values in found.items() if name != "apd_excess"}
        {'apd': 1.0, 'prt': 1.0, 'jsd': 1.0, 'graded': 1.0, 'binary': 0.0}
    """
    earlier, later = (np.asarray(w, np.float32) for w in (earlier, later))
    uses = units.uses.astype(np.float32)
    total_a, total_b = (np.asarray(w @ uses, np.float64) for w in (earlier, later))
    between, within_a, within_b = _products(units.sums, earlier, later)
    own = np.einsum("ud,ud->u", units.sums, units.sums)  # of a unit with itself
    with np.errstate(invalid="ignore", divide="ignore"):
        apd = 1 - between / (total_a * total_b)
        spread = [
            1 - (within - w**2 @ own) / (total**2 - w**2 @ uses**2)
            for within, w, total in ((within_a, earlier, total_a), (within_b, later, total_b))
        ]
        if units.prototypes is not None:
            between, within_a, within_b = _products(units.prototypes, earlier, later)
        norms = np.sqrt(np.maximum(within_a, 0) * np.maximum(within_b, 0))
        found = {
            "apd": apd,
            "apd_excess": apd - (spread[0] + spread[1]) / 2,
            "prt": 1 - np.where(norms > 0, between / norms, np.nan),
        }
        found = {name: _finite(values) for name, values in found.items()}
    if units.senses is not None:
        found |= _of_senses(
            earlier @ units.senses, later @ units.senses, thresholds or Thresholds()
        )
    return found


def _products(
    sums: np.ndarray, earlier: np.ndarray, later: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The inner products of the weighted sums: A with B, A with A, B with B."""
    if len(sums) <= sums.shape[1]:  # the units' own products are the smaller table
        table = sums @ sums.T
        first, second = earlier @ table, later @ table
        pairs = ((first, later), (first, earlier), (second, later))
    else:
        first, second = _sums(sums, earlier, later)
        pairs = ((first, second), (first, first), (second, second))
    between, within_a, within_b = (np.einsum("ru,ru->r", x, y, dtype=np.float64) for x, y in pairs)
    return between, within_a, within_b


def _sums(
    sums: np.ndarray, earlier: np.ndarray, later: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """`earlier @ sums` and `later @ sums`, without the products that are known."""
    if np.array_equal(
        earlier, 1 - later
    ):  # every unit is in one of the periods, as in a permutation
        second = later @ sums
        return sums.sum(axis=0) - second, second
    taken = earlier.any(axis=0), later.any(axis=0)
    first, second = (
        weights[:, mask] @ sums[mask] for weights, mask in zip((earlier, later), taken, strict=True)
    )
    return first, second


def _of_senses(earlier: np.ndarray, later: np.ndarray, thresholds: Thresholds) -> Scores:
    counts = [np.asarray(c, np.float64) for c in (earlier, later)]
    with np.errstate(invalid="ignore", divide="ignore"):
        graded = _finite(jensenshannon(counts[0], counts[1], base=2, axis=1))
    scaled = []
    for count in counts:
        total = count.sum(axis=1, keepdims=True)
        scaled.append(count * np.minimum(1, thresholds.per / np.maximum(total, 1)))
    gained = ((scaled[0] <= thresholds.k) & (scaled[1] >= thresholds.n)).any(axis=1)
    lost = ((scaled[1] <= thresholds.k) & (scaled[0] >= thresholds.n)).any(axis=1)
    return {"jsd": graded**2, "graded": graded, "binary": (gained | lost).astype(np.float64)}


def _finite(values: np.ndarray) -> np.ndarray:
    """NaN for what is not defined, infinities among them."""
    return np.where(np.isfinite(values), values, np.nan)
