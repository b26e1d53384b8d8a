"""Where the arrays of a training step lie when several devices share it.

The step itself stays as it is: XLA splits it by where its arguments lie, and puts in the messages.

| array | lies |
|---|---|
| rows of a batch, and the LSTM state that belongs to them | split by rows |
| dense weights and their slots | whole on every device; gradients are summed over all |
| tables (word vectors, softmax) and their slots | whole on every device, or split by columns |
| distinct tokens of a batch that are read by characters | split, where their number allows it |

Only the rows of a table that a batch names travel. A table is split by columns and not by rows: a
device's share of every row lies with it, so that all devices work on whatever rows a batch names,
frequent ones or not, and any number of types can be split.

All random numbers are functions of a key and a shape, wherever they are drawn, so the masks of dropout
are those of one device, and with the same batches a run takes the same course to float tolerance.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import jax
import keras
import numpy as np
from jax.sharding import Mesh as DeviceMesh
from jax.sharding import NamedSharding, PartitionSpec

from elmo.config import ConfigError
from elmo.training.steps.jax_directions import BY_DIRECTION
from elmo.training.steps.values import Batch, Carry

AXIS = "devices"
SPELLINGS = ("tokens", "long_tokens")

Tree = TypeVar("Tree")


class Mesh:
    """Some devices that make each step together.

    Args:
        devices: which of them.
        split_tables: whether tables are split by their columns.

    Attributes:
        number: how many devices there are.
    """

    def __init__(self, devices: Sequence[jax.Device], split_tables: bool = False) -> None:
        self.number = len(devices)
        self.split_tables = split_tables
        self._mesh = DeviceMesh(np.array(devices), (AXIS,))
        self.whole = self._sharding()

    def _sharding(self, *axes: str | None) -> NamedSharding:
        return NamedSharding(self._mesh, PartitionSpec(*axes))  # type: ignore[no-untyped-call]

    def check(self, batch_size: int, columns: int, mode: str) -> None:
        """Raise where something cannot be split among the devices.

        Args:
            batch_size: rows of a batch.
            columns: of the tables.
            mode: of the training.
        """
        if mode == "stream" and batch_size % self.number:
            raise ConfigError(
                f"batch_size={batch_size}: must be a multiple of devices={self.number}, which share "
                "its rows"
            )
        if self.split_tables and columns % self.number:
            raise ConfigError(
                f"shard_tables: tables of {columns} columns cannot be split among {self.number} "
                "devices; projection_dim must be a multiple of their number"
            )

    def gathered(self, vectors: jax.Array) -> jax.Array:
        """Vectors that the devices have computed a share of each, whole on all of them."""
        whole = jax.lax.with_sharding_constraint(vectors, self.whole)  # type: ignore[no-untyped-call]
        return whole

    # Values that stay from step to step.

    def table(self, value: Any) -> NamedSharding:
        """Where a table, or slots of one, lies."""
        columns = (
            0 if np.ndim(value) < 2 else np.shape(value)[1]
        )  # Adam's slots of a row may have one
        split = self.split_tables and columns and columns % self.number == 0
        return self._sharding(None, AXIS) if split else self.whole

    def carry(self, carry: Carry) -> Any:
        """Where each array of a carry lies, in a structure like it."""
        rows = self._sharding(None, None, AXIS, None)
        return {
            "h": rows,
            "c": rows,
            "slots": jax.tree.map(self.table, carry["slots"]),
            "sums": jax.tree.map(lambda value: self.whole, carry["sums"]),
        }

    def put(self, values: Tree, shardings: Any) -> Tree:
        """The values where they should lie; those that lie there already are left as they are."""
        return jax.tree.map(jax.device_put, values, shardings)

    # Batches.

    def batch(self, batch: Batch) -> Batch:
        """A batch's arrays where they should lie; rows of padding fill up what cannot be split."""
        rows = -(-batch["mask"].shape[1] // self.number) * self.number
        placed = {}
        for name, value in batch.items():
            sharding = self.whole
            if name in BY_DIRECTION and value.ndim == 3:
                missing = rows - value.shape[1]
                if missing:
                    value = np.pad(value, ((0, 0), (0, missing), (0, 0)))
                sharding = self._sharding(None, AXIS, None)
            elif name in SPELLINGS and value.ndim == 2 and len(value) % self.number == 0:
                sharding = self._sharding(AXIS, None)
            placed[name] = jax.device_put(value, sharding)
        return placed

    # The network between the steps.

    @contextlib.contextmanager
    def on_one_device(self, variables: Sequence[keras.Variable]) -> Iterator[None]:
        """Within it, variables that lie whole on every device lie on the first one alone.

        What is computed meanwhile is computed once, not by every device. Where tables are split nothing
        moves, since no device has room for them.
        """
        if self.split_tables:
            yield
            return
        before = [variable.value for variable in variables]
        for variable, value in zip(variables, before, strict=True):
            if value.sharding.is_fully_replicated:
                variable._value = value.addressable_data(0)
        try:
            yield
        finally:
            for variable, value in zip(variables, before, strict=True):
                variable._value = value


def mesh_of(devices: int | None, split_tables: bool = False) -> Mesh | None:
    """A mesh of the first devices of this machine; None where there is nothing to share.

    Args:
        devices: how many; None for one.
        split_tables: see `Mesh`.

    Raises:
        ConfigError: there are not so many, or Keras runs on another backend than JAX.
    """
    if devices is None and not split_tables:
        return None
    if keras.backend.backend() != "jax":
        raise ConfigError(
            f"devices={devices}: several devices train on JAX alone, and Keras runs on "
            f"{keras.backend.backend()}; set KERAS_BACKEND=jax"
        )
    found = jax.devices()
    wanted = len(found) if devices is None else devices
    if not 1 <= wanted <= len(found):
        kind = found[0].platform
        more = (
            f"; XLA_FLAGS=--xla_force_host_platform_device_count={wanted} makes a processor pass for "
            "that many"
            if kind == "cpu" and wanted > 1
            else ""
        )
        raise ConfigError(
            f"devices={devices}: must be 1 to {len(found)}, the {kind} devices of this machine{more}"
        )
    return Mesh(found[:wanted], split_tables) if wanted > 1 else None
