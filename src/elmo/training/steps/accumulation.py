"""A batch in parts of its rows: their gradients are summed, as if all had been computed at once.

What a step keeps for its way back is then a part of it. Rows of tables, drawn negatives and distinct
tokens belong to the whole batch: each part names places among them.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras import ops

from elmo.layers.tensors import State
from elmo.training.steps.values import Batch

ROWS_AXIS = {"inputs": 1, "mask": 1, "targets": 1, "target_log_expected": 1, "reset": 0}
STATE_AXIS = 2  # (directions, n_layers, batch, ·)


def split(batch: Batch, state: State | None, n: int) -> list[tuple[Batch, State | None]]:
    """`n` parts of what belongs to rows: `(values, state)` each.

    Args:
        batch: see `Batches.batch`; the number of rows is a multiple of `n`.
        state: `(h, c)`, or None where every row begins from zero.
        n: how many.

    Example:
        >>> import numpy as np
        >>> batch = {"mask": np.ones((2, 6, 5)), "rows": np.arange(3), "reset": np.zeros(1)}
        >>> [{k: tuple(v.shape) for k, v in part.items()} for part, _ in split(batch, None, 3)][0]
        {'mask': (2, 2, 5)}
    """
    rows = batch["mask"].shape[1]
    values: list[Batch] = [{} for _ in range(n)]
    for name, axis in ROWS_AXIS.items():
        if name in batch and batch[name].shape[axis] == rows:
            for part, value in zip(values, ops.split(batch[name], n, axis=axis), strict=True):
                part[name] = value
    if state is None:
        return [(part, None) for part in values]
    halves = (ops.split(half, n, axis=STATE_AXIS) for half in state)
    return list(zip(values, zip(*halves, strict=True), strict=True))


def join_states(states: Sequence[State]) -> State:
    """The states `(h, c)` of parts, as that of the whole batch."""
    h, c = zip(*states, strict=True)
    return ops.concatenate(h, axis=STATE_AXIS), ops.concatenate(c, axis=STATE_AXIS)
