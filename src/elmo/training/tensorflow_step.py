"""The training step on TensorFlow: a graph function; tables are variables changed by scatter."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


def make_step(step: Any) -> Any:
    """From `fit`'s iterator to logs."""

    @tf.function(reduce_retracing=True)
    def one_step(carry, batch):
        dense = [v.value for v in step.dense]
        rows = step.gather({name: v.value for name, v in step.tables.items()}, batch)
        with tf.GradientTape() as tape:
            tape.watch(list(rows.values()))
            value, (nats, targets, state) = step.loss(rows, carry, batch)
        d_dense, d_rows = tape.gradient(value, (dense, rows))
        d_dense = [
            tf.convert_to_tensor(tf.zeros_like(v) if g is None else g)
            for g, v in zip(d_dense, dense, strict=True)
        ]
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

        def apply():
            step.optimizer.apply(d_dense, step.dense)
            return tf.constant(0)

        tf.cond(good, apply, lambda: tf.constant(0))
        return step.next_carry(carry, new_slots, state, nats, targets, norm, good)

    def train_function(iterator):
        next(iter(iterator))
        batch = tf.nest.map_structure(tf.convert_to_tensor, step.next_batch())
        step.carry = one_step(step.carry, batch)
        return {}

    return train_function
