"""The training step on JAX: one compiled function whose tables are changed in place."""

from __future__ import annotations

import collections
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import jax
import jax.numpy as jnp
import keras
import numpy as np

from elmo.layers.tensors import State, Tensor
from elmo.training.steps.accumulation import join_states, split
from elmo.training.steps.jax_directions import Directions, Found, Variables
from elmo.training.steps.values import Batch, Carried, Carry, Result, Rows, TrainFunction

if TYPE_CHECKING:
    from elmo.training.steps.jax_mesh import Mesh
    from elmo.training.steps.step import Step

Values: TypeAlias = list[jax.Array]
"""Of variables."""
TrainerState: TypeAlias = tuple[Values, Values, Values, Values]
"""Keras's: trainable variables, other ones, the optimizer's, those of metrics."""
Stepped: TypeAlias = tuple[TrainerState, Carry, jax.Array]
"""What is behind a step, and its loss."""
OneStep: TypeAlias = Callable[[TrainerState, Carry, Batch], Stepped]
ValuesOf: TypeAlias = Callable[[Values], tuple[Values, dict[str, jax.Array]]]
ROUND = 1024  # rows of computed vectors: for few sizes, each of which is compiled by itself

Pull: TypeAlias = Callable[[jax.Array], tuple[Values]]
"""From the gradients of vectors to those of the weights that they were computed with."""
Write: TypeAlias = Callable[[TrainerState, Carry, Batch, Rows, Found], Stepped]


def make_step(step: Step) -> TrainFunction:
    """From `fit`'s `(state, iterator)` to `(logs, state)`."""
    by_id = {id(variable): name for name, variable in step.tables.items()}
    names = [by_id.get(id(v)) for v in step.network.trainable_variables]

    def values_of(trainable: Values) -> tuple[Values, dict[str, jax.Array]]:
        """The dense ones in order, and the tables by name."""
        dense = [v for v, name in zip(trainable, names, strict=True) if name is None]
        tables = {name: v for name, v in zip(names, trainable, strict=True) if name is not None}
        return dense, tables

    def write(state: TrainerState, carry: Carry, batch: Batch, rows: Rows, found: Found) -> Stepped:
        trainable, _, optimizer, metrics = state
        dense, tables = values_of(trainable)
        value, result, others, gradients = found
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
        carry = step.next_carry(carry, new_slots, result, norm, good)
        values = iter(new_dense)
        trainable = [next(values) if name is None else tables[name] for name in names]
        # In the order of the arguments: JAX pairs donated buffers with outputs by their shapes, first
        # come, first served, and would else swap a table with its slots and copy both.
        return (trainable, others, new_optimizer, metrics), carry, value

    def one_step(state: TrainerState, carry: Carry, batch: Batch) -> Stepped:
        trainable, others, *_ = state
        dense, tables = values_of(trainable)
        rows = step.gather(tables, batch)
        found = gradients_of(step, dense, others, rows, carry, batch)
        return write(state, carry, batch, rows, found)

    def some_steps(state: TrainerState, carry: Carry, batches: Batch) -> Stepped:
        def next_step(
            values: tuple[TrainerState, Carry], batch: Batch
        ) -> tuple[tuple[TrainerState, Carry], jax.Array]:
            state, carry, loss = one_step(*values, batch)
            return (state, carry), loss

        (state, carry), losses = jax.lax.scan(next_step, (state, carry), batches)
        return state, carry, losses[-1]

    one: OneStep = jax.jit(one_step, donate_argnums=(0, 1))
    some: OneStep = jax.jit(some_steps, donate_argnums=(0, 1))
    apart = step.mesh is None and Directions.are_worth_it(step)
    if apart:
        one = directions_apart(step, values_of, write)
    if step.mesh is not None:
        one = on_mesh(step.mesh, names, one_step)
    losses: collections.deque[jax.Array] = collections.deque()

    def train_function(
        state: TrainerState, iterator: Iterable[object]
    ) -> tuple[dict[str, jax.Array], TrainerState]:
        next(iter(iterator))
        for batches in _alike(step.next_batches(), one_by_one=apart or step.mesh is not None):
            if len(batches) == 1:
                state, step.carry, loss = one(state, step.carry, batches[0])
            else:
                stacked = jax.tree.map(lambda *values: np.stack(values), *batches)
                state, step.carry, loss = some(state, step.carry, stacked)
            # JAX runs ahead of its results. Two calls keep it busy; more would only delay a stop.
            losses.append(loss)
            if len(losses) > 2:
                losses.popleft().block_until_ready()
        return {}, state

    return train_function


def on_mesh(mesh: Mesh, names: Sequence[str | None], one_step: OneStep) -> OneStep:
    """`one_step` of several devices: its arguments put where they should lie, and left there.

    Args:
        mesh: the devices.
        names: of the tables among the trainable variables, None for others.
        one_step: not compiled yet.
    """
    compiled: OneStep | None = None
    places: tuple[Any, Any] = (None, None)

    def places_of(state: TrainerState, carry: Carry) -> tuple[Any, Any]:
        def whole(values: Values) -> list[Any]:
            return [mesh.whole for _ in values]

        trainable, *others = state
        tables = [
            mesh.whole if name is None else mesh.table(value)
            for name, value in zip(names, trainable, strict=True)
        ]
        return (tables, *map(whole, others)), mesh.carry(carry)

    def placed(state: TrainerState, carry: Carry, batch: Batch) -> Stepped:
        nonlocal compiled, places
        if compiled is None:
            places = places_of(state, carry)
            compiled = jax.jit(one_step, donate_argnums=(0, 1), out_shardings=(*places, mesh.whole))
        state, carry = mesh.put((state, carry), places)
        return compiled(state, carry, mesh.batch(batch))

    return placed


def directions_apart(step: Step, values_of: ValuesOf, write: Write) -> OneStep:
    """`one_step` in three calls, the gradients of each direction by a call of its own.

    Where vectors are computed from characters, the first call computes them, and the last one takes
    their gradients on to the weights of the CNN.
    """
    directions = Directions(step, gradients_of)
    gather = jax.jit(step.gather)

    @jax.jit
    def encode(dense: Values, others: Values, batch: Batch) -> tuple[jax.Array, Pull]:
        unlearned = step.network.non_trainable_variables

        def vectors(dense: Values) -> jax.Array:
            mapping = [*zip(step.dense, dense, strict=True), *zip(unlearned, others, strict=True)]
            with keras.StatelessScope(state_mapping=mapping):
                found = step.encode(batch)
            return jnp.pad(found, ((0, -len(found) % ROUND), (0, 0)))

        return jax.vjp(vectors, dense)

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def update(
        state: TrainerState,
        carry: Carry,
        batch: Batch,
        rows: Rows,
        found: Sequence[Found],
        pull: Pull | None,
    ) -> Stepped:
        value, result, others, (d_dense, d_rows) = directions.join(found)
        if pull is not None:
            (through,) = pull(d_rows.pop("vectors"))
            d_dense = [a + b for a, b in zip(d_dense, through, strict=True)]
        return write(state, carry, batch, rows, (value, result, others, (d_dense, d_rows)))

    def one_step(state: TrainerState, carry: Carry, batch: Batch) -> Stepped:
        trainable, others, *_ = state
        dense, tables = values_of(trainable)
        rows, pull = gather(tables, batch), None
        read = rows
        if step.encodes(batch):
            vectors, pull = encode(dense, others, batch)
            read = {**rows, "vectors": vectors}
        spellings = ("tokens", "long_tokens") if pull is not None else ()
        plain = {name: value for name, value in batch.items() if name not in spellings}
        found = directions.gradients(dense, others, read, carry, plain)
        return update(state, carry, batch, rows, found, pull)

    return one_step


def gradients_of(
    step: Step,
    dense: Values,
    others: Values,
    rows: Rows,
    carry: Carried,
    batch: Batch,
    variables: Sequence[Variables] | None = None,
    share: float = 1.0,
) -> Found:
    """The loss, what belongs to it, the new state of the seeds, and the gradients `(dense, rows)`.

    Args:
        step: a `Step`.
        dense, others: values of variables.
        rows, carry, batch: of all directions, or of the first ones.
        variables: those that `dense` and `others` are the values of; all by default.
        share: of the loss, for some of the directions.
    """
    learned, unlearned = variables or (step.dense, step.network.non_trainable_variables)
    n, weights, state = step.config.accumulate, step.weights(batch), step.state(carry, batch)
    weights = weights / share

    def scope_of(dense: Values, others: Values) -> keras.StatelessScope:
        mapping = [*zip(learned, dense, strict=True), *zip(unlearned, others, strict=True)]
        return keras.StatelessScope(state_mapping=mapping)

    def loss(
        dense: Values, rows: Rows, others: Values, state: State | None, batch: Batch
    ) -> tuple[jax.Array, tuple[Result, Values]]:
        with scope_of(dense, others) as scope:
            value, aux = step.loss(rows, state, batch, weights)
        return value, (aux, [scope.get_current_value(v) for v in unlearned])

    gradient = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)
    if n == 1:
        (value, (aux, others)), gradients = gradient(dense, rows, others, state, batch)
        return value, aux, others, gradients

    def encode(dense: Values) -> jax.Array:
        with scope_of(dense, others):
            return step.encode(batch)

    pull = None
    if step.encodes(batch) and "vectors" not in rows:  # once for all parts
        vectors, pull = jax.vjp(encode, dense)
        rows = {**rows, "vectors": vectors}

    def add_part(
        values: tuple[Values, *tuple[Tensor, ...]], given: tuple[Batch, State | None]
    ) -> tuple[tuple[Values, *tuple[Tensor, ...]], State]:
        others, *sums = values
        part, state = given
        (value, ((nats, targets, state), others)), found = gradient(
            dense, rows, others, state, {**batch, **part}
        )
        return (others, *jax.tree.map(jnp.add, sums, [value, nats, targets, found])), state

    parts = jax.tree.map(lambda *values: jnp.stack(values), *split(batch, state, n))
    zero = jnp.zeros(batch["mask"].shape[0])
    zeros = jax.tree.map(jnp.zeros_like, (dense, rows))
    (others, value, nats, targets, gradients), states = jax.lax.scan(
        add_part, (others, jnp.zeros(()), zero, zero, zeros), parts
    )
    d_dense, d_rows = gradients
    if pull is not None:
        (through,) = pull(d_rows.pop("vectors"))
        d_dense = [a + b for a, b in zip(d_dense, through, strict=True)]
    if step.config.mode == "stream":
        state = join_states([tuple(half[k] for half in states) for k in range(n)])
    return value, (nats, targets, state), others, (d_dense, d_rows)


def _alike(batches: list[Batch], one_by_one: bool) -> list[list[Batch]]:
    """All batches as one list where their shapes are the same, else each in a list of its own."""
    shapes = {tuple((name, value.shape) for name, value in batch.items()) for batch in batches}
    alike = len(shapes) == 1 and not one_by_one
    return [batches] if alike else [[batch] for batch in batches]


def _where(good: jax.Array, new: Values, old: Values) -> Values:
    return [jnp.where(good, n, o) for n, o in zip(new, old, strict=True)]
