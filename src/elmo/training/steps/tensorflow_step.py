"""The training step on TensorFlow: a graph function; tables are variables changed by scatter."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import tensorflow as tf

from elmo.layers.tensors import State, Tensor
from elmo.training.steps.accumulation import join_states, split
from elmo.training.steps.values import Batch, Carried, Carry, Result, Rows, TrainFunction

if TYPE_CHECKING:
    from elmo.training.steps.step import Step


def make_step(step: Step) -> TrainFunction:
    """From `fit`'s iterator to logs."""

    @tf.function(reduce_retracing=True)
    def one_step(carry: Carry, batch: Batch) -> Carry:
        dense = [v.value for v in step.dense]
        rows = step.gather({name: v.value for name, v in step.tables.items()}, batch)
        value, result, d_dense, d_rows = _gradients(step, dense, rows, carry, batch)
        names = list(d_rows)
        leaves, norm = step.clip([*d_dense, *(tf.convert_to_tensor(d_rows[n]) for n in names)])
        d_dense, d_rows = leaves[: len(dense)], dict(zip(names, leaves[len(dense) :], strict=True))
        good = tf.math.is_finite(value) & tf.math.is_finite(norm)
        learning_rate = tf.convert_to_tensor(step.optimizer.learning_rate)
        slots = carry["slots"]
        touched = {n: [step.gather({n: s}, batch)[n] for s in slots[n]] for n in slots}
        deltas = step.row_deltas(rows, touched, d_rows, batch, learning_rate, good)
        new_slots = {}
        for name, (change, *slot_changes) in deltas.items():
            ids = tf.maximum(tf.cast(step.row_ids(name, batch), tf.int32), 0)
            table = step.tables[name].value
            tf.raw_ops.ResourceScatterAdd(resource=table.handle, indices=ids, updates=change)
            new_slots[name] = [
                tf.tensor_scatter_nd_add(s, ids[:, None], d)
                for s, d in zip(slots[name], slot_changes, strict=True)
            ]

        def apply() -> Tensor:
            step.optimizer.apply(d_dense, step.dense)
            return tf.constant(0)

        tf.cond(good, apply, lambda: tf.constant(0))
        return step.next_carry(carry, new_slots, result, norm, good)

    def train_function(iterator: Iterable[object]) -> dict[str, Tensor]:
        next(iter(iterator))
        for batch in step.next_batches():
            step.carry = one_step(step.carry, tf.nest.map_structure(tf.convert_to_tensor, batch))
        return {}

    return train_function


def _gradients(
    step: Step, dense: list[Tensor], rows: Rows, carry: Carried, batch: Batch
) -> tuple[Tensor, Result, list[Tensor], Rows]:
    """The loss, what belongs to it, and the gradients of the dense variables and of the rows."""
    n, weights = step.config.accumulate, step.weights(batch)
    state = step.state(carry, batch)
    if n == 1:
        return _part(step, dense, rows, state, batch, weights)

    encoding = None
    if step.encodes(batch):  # once for all parts
        with tf.GradientTape() as encoding:
            vectors = step.encode(batch)
        rows = {**rows, "vectors": vectors}
    found = [
        _part(step, dense, rows, begin, {**batch, **part}, weights)
        for part, begin in split(batch, state, n)
    ]
    values, others, of_dense, of_rows = zip(*found, strict=True)
    d_dense = [sum(parts) for parts in zip(*of_dense, strict=True)]
    d_rows = {name: sum(part[name] for part in of_rows) for name in rows}
    if encoding is not None:
        through = encoding.gradient(vectors, dense, output_gradients=d_rows.pop("vectors"))
        d_dense = [
            a if b is None else a + tf.convert_to_tensor(b)
            for a, b in zip(d_dense, through, strict=True)
        ]
    nats, targets, states = zip(*others, strict=True)
    end = join_states(states) if step.config.mode == "stream" else None
    return sum(values), (sum(nats), sum(targets), end), d_dense, d_rows


def _part(
    step: Step,
    dense: list[Tensor],
    rows: Rows,
    state: State | None,
    batch: Batch,
    weights: Tensor,
) -> tuple[Tensor, tuple[Tensor, Tensor, State], list[Tensor], Rows]:
    with tf.GradientTape() as tape:
        tape.watch(list(rows.values()))
        value, others = step.loss(rows, state, batch, weights)
    d_dense, d_rows = tape.gradient(value, (dense, rows))
    d_dense = [
        tf.convert_to_tensor(tf.zeros_like(v) if g is None else g)
        for g, v in zip(d_dense, dense, strict=True)
    ]
    return value, others, d_dense, {name: tf.convert_to_tensor(g) for name, g in d_rows.items()}
