"""The full softmax over all types, as pure functions: for evaluation, and for what a model answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from keras import ops

from elmo.layers.tensors import Tensor

LOWEST = -1e9
ROUNDING = 1e-5  # relative difference below which scores count as equal

Sums: TypeAlias = tuple[Tensor, ...]
"""What is summed over the types, `(n,)` each; the first is the highest score so far."""


class Predictions(NamedTuple):
    """How targets were predicted, float32 `(n,)` each but for `rank`.

    Attributes:
        nats: −ln P of the target.
        rank: int32; 1 for the most probable type. Types whose scores differ by no more than rounding
            share the best rank.
        entropy: of the distribution that the target is drawn from, in nats.
    """

    nats: Tensor
    rank: Tensor
    entropy: Tensor


def exact_nats(h: Tensor, kernel: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """−ln P of each target among all types.

    Args:
        h: `(n, P)`.
        kernel: `(V, P)`.
        bias: `(V,)`.
        targets: rows of `kernel`, `(n,)`.

    Returns:
        `(n,)` float32.

    Example:
        >>> import numpy as np
        >>> nats = exact_nats(np.zeros((1, 3), "float32"), np.zeros((4, 3), "float32"),
        ...                   np.zeros(4, "float32"), np.array([2]))
        >>> round(float(nats[0]), 4)  # ln 4
        1.3863
    """
    logits = ops.cast(ops.matmul(h, ops.transpose(kernel)), "float32")
    logits = logits + ops.cast(bias, "float32")  # (n, V)
    true = ops.squeeze(ops.take_along_axis(logits, targets[:, None], axis=-1), -1)
    return ops.logsumexp(logits, axis=-1) - true


def exact_nats_in_blocks(
    h: Tensor, kernel: Tensor, bias: Tensor, targets: Tensor, block: int = 1024
) -> Tensor:
    """The same as `exact_nats`, one block of types at a time.

    The scores of a block stay in the processor's cache, and memory does not depend on V:
    with m the highest score so far, a sum of exponentials s becomes
    s·exp(m − m') + Σ exp(score − m') where a block raises m to m'.

    Args:
        h, kernel, bias, targets: as in `exact_nats`.
        block: number of types whose scores are held at a time.

    Example:
        >>> import numpy as np
        >>> nats = exact_nats_in_blocks(np.zeros((1, 3), "float32"), np.zeros((4, 3), "float32"),
        ...                             np.zeros(4, "float32"), np.array([2]), block=3)
        >>> round(float(nats[0]), 4)  # ln 4
        1.3863
    """
    true = target_scores(h, kernel, bias, targets)

    def add(sums: Sums, scores: Tensor) -> Sums:
        highest, total = sums
        higher = ops.maximum(highest, ops.max(scores, axis=-1))
        new = ops.sum(ops.exp(scores - higher[:, None]), axis=-1)
        return higher, total * ops.exp(highest - higher) + new

    zeros = ops.zeros_like(true)
    highest, total = _over_blocks(h, kernel, bias, block, add, (zeros + LOWEST, zeros))
    return ops.log(total) + (highest - true)


def exact_predictions(
    h: Tensor, kernel: Tensor, bias: Tensor, targets: Tensor, block: int = 1024
) -> Predictions:
    r"""The nats and the rank of each target among all types, and the entropy of the prediction.

    With the scores :math:`s_v`, their highest m, :math:`Z = \sum_v e^{s_v - m}` and
    :math:`T = \sum_v (s_v - m)\, e^{s_v - m}`, the entropy is :math:`\ln Z - T / Z`. Both sums are
    taken over one block of types at a time; where a block raises m to m', Z becomes :math:`Z e^{m - m'}`
    and T becomes :math:`(T + (m - m') Z)\, e^{m - m'}`.

    Args:
        h, kernel, bias, targets, block: as in `exact_nats_in_blocks`.

    Example:
        >>> import numpy as np
        >>> bias = np.log(np.array([0.5, 0.25, 0.25], "float32"))
        >>> found = exact_predictions(np.zeros((1, 2), "float32"), np.zeros((3, 2), "float32"),
        ...                           bias, np.array([1]), block=2)
        >>> round(float(found.nats[0] / np.log(2)), 4), int(found.rank[0])  # 2 bits
        (2.0, 2)
        >>> round(float(found.entropy[0] / np.log(2)), 4)  # ½ · 1 + ¼ · 2 + ¼ · 2 bits
        1.5
    """
    true = target_scores(h, kernel, bias, targets)
    # the product of a whole block rounds a score otherwise than that of the target alone
    surely = true + ROUNDING * ops.maximum(ops.abs(true), 1.0)

    def add(sums: Sums, scores: Tensor) -> Sums:
        highest, total, weighted, better = sums
        higher = ops.maximum(highest, ops.max(scores, axis=-1))
        below = scores - higher[:, None]
        shares = ops.exp(below)
        lower, scale = highest - higher, ops.exp(highest - higher)
        return (
            higher,
            total * scale + ops.sum(shares, axis=-1),
            (weighted + lower * total) * scale + ops.sum(below * shares, axis=-1),
            better + ops.sum(ops.cast(scores > surely[:, None], "float32"), axis=-1),
        )

    zeros = ops.zeros_like(true)
    highest, total, weighted, better = _over_blocks(
        h, kernel, bias, block, add, (zeros + LOWEST, zeros, zeros, zeros)
    )
    logs = ops.log(total)
    return Predictions(
        logs + (highest - true), ops.cast(better, "int32") + 1, logs - weighted / total
    )


def target_scores(h: Tensor, kernel: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """The score of each target, float32 `(n,)`."""
    rows = ops.cast(ops.take(ops.convert_to_tensor(kernel), targets, axis=0), "float32")
    scores = ops.sum(ops.cast(h, "float32") * rows, axis=-1)
    return scores + ops.cast(ops.take(ops.convert_to_tensor(bias), targets, axis=0), "float32")


def _over_blocks(
    h: Tensor,
    kernel: Tensor,
    bias: Tensor,
    block: int,
    add: Callable[[Sums, Tensor], Sums],
    sums: Sums,
) -> Sums:
    """Add the scores of all types to sums, block after block.

    Args:
        add: from the sums so far and the scores `(n, types)` of a block.
        sums: before the first block.
    """
    kernel, bias = ops.convert_to_tensor(kernel), ops.convert_to_tensor(bias)
    size, width = kernel.shape
    block = min(block, size)

    def with_block(sums: Sums, kernel: Tensor, bias: Tensor) -> Sums:
        scores = ops.cast(ops.matmul(h, ops.transpose(kernel)), "float32")
        return add(sums, scores + ops.cast(bias, "float32"))

    def one_block(number: Tensor, sums: Sums) -> Sums:
        first = number * block
        rows = ops.slice(kernel, (first, 0), (block, width))
        return with_block(sums, rows, ops.slice(bias, (first,), (block,)))

    whole = size // block
    sums = ops.fori_loop(0, whole, one_block, sums)
    if whole * block < size:
        sums = with_block(sums, kernel[whole * block :], bias[whole * block :])
    return sums
