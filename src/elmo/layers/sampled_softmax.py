"""The softmax over candidates (Jean et al. 2015; Bengio and Senécal 2008), as pure functions.

In place of all V types, a target competes with K types drawn from the log-uniform law over
frequency rank k = 0 … V−1:

    p(k) = ln((k + 2) / (k + 1)) / ln(V + 1)

From each score the logarithm of the expected number of times that its type is among the drawn is
taken, so that the expectation of the loss tends to the exact one as K grows; a drawn type that is
the target itself is masked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from keras import ops

from elmo.layers.tensors import Tensor

MASKED = -1e9


class Negatives(NamedTuple):
    """Types drawn for a batch.

    Attributes:
        ranks: frequency ranks of the drawn types, distinct, `(n,)` int32.
        tries: how many draws it took until all were distinct.
    """

    ranks: np.ndarray
    tries: int


def draw_negatives(generator: np.random.Generator, n: int, vocabulary_size: int) -> Negatives:
    """Draw `n` distinct frequency ranks from the log-uniform law.

    Args:
        generator: the source of randomness.
        n: how many; at most `vocabulary_size`, where all types are drawn.
        vocabulary_size: V.

    Example:
        >>> negatives = draw_negatives(np.random.default_rng(0), 5, 100)
        >>> len(set(negatives.ranks.tolist())), negatives.tries >= 5
        (5, True)
    """
    if n >= vocabulary_size:
        # Every type is a candidate with certainty: infinitely many tries.
        return Negatives(np.arange(vocabulary_size, dtype=np.int32), 2**62)
    seen = np.empty(0, np.int64)
    while True:
        uniform = generator.random(2 * n)
        drawn = np.exp(uniform * np.log(vocabulary_size + 1)).astype(np.int64) - 1
        seen = np.concatenate([seen, np.minimum(drawn, vocabulary_size - 1)])
        # Where each rank is first drawn, without sorting: of the places written last, the first stays.
        places = np.arange(len(seen), dtype=np.int32)
        first_place = np.empty(vocabulary_size, np.int32)
        first_place[seen[::-1]] = places[::-1]
        first = np.flatnonzero(first_place[seen] == places)
        if len(first) >= n:
            first = first[:n]
            return Negatives(seen[first].astype(np.int32), int(first[-1]) + 1)


def log_expected_count(ranks: np.ndarray, tries: int, vocabulary_size: int) -> np.ndarray:
    """ln(1 − (1 − p(k))^tries), the expected number of times that rank k is among the drawn.

    Example:
        >>> bool(np.isclose(log_expected_count(np.array([0]), 1, 1)[0], 0.0))
        True
    """
    ranks = np.asarray(ranks, np.float64)
    p = np.log1p(1.0 / (ranks + 1.0)) / np.log(vocabulary_size + 1.0)
    p = np.minimum(p, 1.0 - 1e-15)  # a vocabulary of one type
    return np.log(-np.expm1(tries * np.log1p(-p))).astype(np.float32)


def sampled_nats(
    h: Tensor,
    target_kernel: Tensor,
    target_bias: Tensor,
    target_log_expected: Tensor,
    negative_kernel: Tensor,
    negative_bias: Tensor,
    negative_log_expected: Tensor,
    is_target: Tensor,
) -> Tensor:
    """−ln P of each target among itself and the drawn types.

    Args:
        h: outputs of the top layer, `(n, P)`.
        target_kernel, target_bias: rows of the softmax for each target, `(n, P)` and `(n,)`.
        target_log_expected: `(n,)`.
        negative_kernel, negative_bias: rows for the drawn types, `(k, P)` and `(k,)`.
        negative_log_expected: `(k,)`.
        is_target: `(n, k)`, true where a drawn type is the target.

    Returns:
        `(n,)` float32.
    """
    true = ops.cast(ops.sum(h * target_kernel, axis=-1), "float32")
    true = true + ops.cast(target_bias, "float32") - target_log_expected  # (n,)
    drawn = ops.cast(ops.matmul(h, ops.transpose(negative_kernel)), "float32")  # (n, k)
    drawn = drawn + (ops.cast(negative_bias, "float32") - negative_log_expected)
    drawn = ops.where(is_target, MASKED, drawn)
    highest = ops.stop_gradient(ops.maximum(ops.max(drawn, axis=-1), true))
    total = ops.exp(true - highest) + ops.sum(ops.exp(drawn - highest[:, None]), axis=-1)
    return ops.log(total) + (highest - true)  # in this order, huge scores leave digits to ln
