"""The training step on JAX: one compiled function whose tables are changed in place."""

from __future__ import annotations

import collections
from typing import Any

import jax
import jax.numpy as jnp
import keras


def make_step(step: Any) -> Any:
    """From `fit`'s `(state, iterator)` to `(logs, state)`."""
    by_id = {id(variable): name for name, variable in step.tables.items()}
    names = [by_id.get(id(v)) for v in step.network.trainable_variables]
    unlearned = step.network.non_trainable_variables

    def one_step(state, carry, batch):
        trainable, others, optimizer, metrics = state
        dense = [v for v, name in zip(trainable, names, strict=True) if name is None]
        tables = {name: v for name, v in zip(names, trainable, strict=True) if name is not None}
        rows = step.gather(tables, batch)

        def loss(dense, rows):
            mapping = [*zip(step.dense, dense, strict=True), *zip(unlearned, others, strict=True)]
            with keras.StatelessScope(state_mapping=mapping) as scope:
                value, aux = step.loss(rows, carry, batch)
            new = [scope.get_current_value(v) for v in unlearned]
            return value, (aux, new)

        gradient = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)
        (value, ((nats, targets, lstm_state), others)), gradients = gradient(dense, rows)
        leaves, shape = jax.tree.flatten(gradients)
        leaves, norm = step.clip(leaves)
        good = jnp.isfinite(value) & jnp.isfinite(norm)
        d_dense, d_rows = jax.tree.unflatten(shape, leaves)

        with keras.StatelessScope(
            state_mapping=list(zip(step.optimizer.variables, optimizer, strict=True))
        ):
            learning_rate = jnp.asarray(step.optimizer.learning_rate)
        new_dense, new_optimizer = step.optimizer.stateless_apply(optimizer, d_dense, dense)
        new_dense = _where(good, new_dense, dense)
        new_optimizer = _where(good, new_optimizer, optimizer)

        slots = carry["slots"]
        touched = {
            name: [step.gather({name: s}, batch)[name] for s in slots[name]] for name in slots
        }
        deltas = step.row_deltas(rows, touched, d_rows, batch, learning_rate, good)
        new_slots = {}
        for name, changes in deltas.items():
            mask = batch[step.mask_name(name)]
            # Padding is written nowhere. What is written is a sum with what was read, not an addition
            # in place: so the reads come first, and no table has to be copied to keep its old rows.
            ids = jnp.where(mask > 0, step.row_ids(name, batch), len(tables[name]))
            tables[name], *new_slots[name] = [
                table.at[ids].set(old + change, mode="drop")
                for table, old, change in zip(
                    [tables[name], *slots[name]], [rows[name], *touched[name]], changes, strict=True
                )
            ]
        carry = step.next_carry(carry, new_slots, lstm_state, nats, targets, norm, good)
        values = iter(new_dense)
        trainable = [next(values) if name is None else tables[name] for name in names]
        # In the order of the arguments: JAX pairs donated buffers with outputs by their shapes, first
        # come, first served, and would else swap a table with its slots and copy both.
        return (trainable, others, new_optimizer, metrics), carry, value

    compiled = jax.jit(one_step, donate_argnums=(0, 1))

    losses = collections.deque()

    def train_function(state, iterator):
        next(iter(iterator))
        state, step.carry, loss = compiled(state, step.carry, step.next_batch())
        # JAX runs ahead of its results. Two steps keep it busy; more would only delay a stop.
        losses.append(loss)
        if len(losses) > 2:
            losses.popleft().block_until_ready()
        return {}, state

    return train_function


def _where(good, new, old):
    return [jnp.where(good, n, o) for n, o in zip(new, old, strict=True)]
