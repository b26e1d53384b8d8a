"""Rows of different lengths in one padded array: lengths, reversal, boundaries.

A mask is `(batch, time)`, true at real positions; they come first in each row and padding follows.
"""

from __future__ import annotations

from keras import ops

from elmo.layers.tensors import Tensor


def lengths(mask: Tensor) -> Tensor:
    """Number of real positions of each row.

    Args:
        mask: `(batch, time)`.

    Returns:
        `(batch,)`, int32.

    Example:
        >>> import numpy as np
        >>> mask = np.array([[True, True, False], [True, False, False]])
        >>> [int(length) for length in lengths(mask)]
        [2, 1]
    """
    return ops.sum(ops.cast(mask, "int32"), axis=-1)


def reverse_within_length(
    x: Tensor, mask: Tensor | None = None, lengths: Tensor | None = None
) -> Tensor:
    """Each row reversed within its own length; what is padding stays where it is, behind.

    Applied twice it gives `x` back. Gradients flow through it, to padding too.

    Args:
        x: `(batch, time, …)`, of any type.
        mask: `(batch, time)`; or
        lengths: `(batch,)`, integers. With neither, rows are reversed whole.

    Returns:
        The shape of `x`.

    Example:
        >>> import numpy as np
        >>> rows = np.array([[1, 2, 3, 0], [4, 5, 6, 7]])
        >>> [[int(n) for n in row] for row in reverse_within_length(rows, mask=rows > 0)]
        [[3, 2, 1, 0], [7, 6, 5, 4]]
    """
    if mask is not None and lengths is not None:
        raise ValueError("mask and lengths say the same: give one of them")
    if mask is None and lengths is None:
        return ops.flip(x, axis=1)
    if lengths is None:
        lengths = ops.sum(ops.cast(mask, "int32"), axis=1)
    x = ops.convert_to_tensor(x)
    length = ops.expand_dims(ops.cast(lengths, "int32"), 1)  # (batch, 1)
    position = ops.expand_dims(ops.arange(ops.shape(x)[1], dtype="int32"), 0)  # (1, time)
    source = ops.where(position < length, length - 1 - position, position)  # (batch, time)
    for _ in range(len(x.shape) - 2):
        source = ops.expand_dims(source, -1)
    return ops.take_along_axis(x, source, axis=1)


def trim_boundaries(x: Tensor, mask: Tensor, axis: int = 1) -> tuple[Tensor, Tensor]:
    """Drop begin and end of sentence: the first position and the last real one of each row.

    A row of n + 2 real positions keeps n; what stands behind them is zero.

    Args:
        x: `(batch, …, time, …)`.
        mask: `(batch, time)`.
        axis: where `x` has its time axis.

    Returns:
        `x` with time − 2 positions, and its mask, `(batch, time − 2)`.

    Example:
        >>> import numpy as np
        >>> ids = np.array([[1, 5, 6, 2], [1, 7, 2, 0]])
        >>> trimmed, mask = trim_boundaries(ids, ids > 0)
        >>> [[int(n) for n in row] for row in trimmed]
        [[5, 6], [7, 0]]
        >>> [[bool(real) for real in row] for row in mask]
        [[True, True], [True, False]]
    """
    x, mask = ops.convert_to_tensor(x), ops.cast(mask, "bool")
    rank = len(x.shape)
    axis = axis % rank
    inner = x[(*[slice(None)] * axis, slice(1, -1))]  # (batch, …, time - 2, …)
    # Position t of a row is its word t + 1, and there is one as long as t + 2 is real, `</S>`.
    mask = mask[:, 2:]  # (batch, time - 2)
    broad = ops.expand_dims(mask, [*range(1, axis), *range(axis + 1, rank)])
    return ops.where(broad, inner, ops.zeros_like(inner)), mask
