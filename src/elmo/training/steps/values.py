"""Names for the types of what goes into a training step and of what comes out of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypedDict

from elmo.layers.tensors import State, Tensor

Batch: TypeAlias = dict[str, Tensor]
"""The arrays of a batch, or of a part of its rows, by their names (see `Batches.batch`)."""

Rows: TypeAlias = dict[str, Tensor]
"""Touched rows of tables, their slots or their gradients, by the name of the table."""

Slots: TypeAlias = dict[str, list[Tensor]]
"""An optimizer's slots of tables, by the name of the table."""

Result: TypeAlias = tuple[Tensor, Tensor, State | None]
"""Nats and targets of each direction, and the last state (None where none is carried)."""

TrainFunction: TypeAlias = Callable[..., object]
"""What `fit` calls: with its state and an iterator on JAX, with an iterator elsewhere."""


class Carried(TypedDict):
    """The state of the LSTMs, which the next step goes on from."""

    h: Tensor
    c: Tensor


class Carry(Carried):
    """All that a step hands to the next: the state, the slots of the tables, sums for reports."""

    slots: Slots
    sums: dict[str, Tensor]
