"""The training step on PyTorch: eager; the touched rows are leaves of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from keras import ops, tree
from torch import Tensor

from elmo.training.steps.accumulation import join_states, split
from elmo.training.steps.values import Batch, Result, Rows, TrainFunction

if TYPE_CHECKING:
    from elmo.training.steps.step import Step


def make_step(step: Step) -> TrainFunction:
    """From `fit`'s iterator to logs."""

    def one_step(batch: Batch) -> None:
        dense = step.dense
        with torch.no_grad():
            rows = step.gather({name: v.value for name, v in step.tables.items()}, batch)
        value, result, gradients = _gradients(step, rows, batch)
        with torch.no_grad():
            gradients, norm = step.clip(gradients)
            d_rows = dict(zip(rows, gradients[len(dense) :], strict=True))
            good = torch.isfinite(value) & torch.isfinite(norm)
            learning_rate = ops.convert_to_tensor(step.optimizer.learning_rate)
            slots = step.carry["slots"]
            touched = {n: [step.gather({n: s}, batch)[n] for s in slots[n]] for n in slots}
            deltas = step.row_deltas(rows, touched, d_rows, batch, learning_rate, good)
            for name, (change, *slot_changes) in deltas.items():
                ids = torch.clamp(step.row_ids(name, batch), min=0).long()
                step.tables[name].value.data.index_add_(0, ids, change)
                for slot, d in zip(slots[name], slot_changes, strict=True):
                    slot.index_add_(0, ids, d)
            if good:
                step.optimizer.apply(gradients[: len(dense)], dense)
            step.carry = step.next_carry(step.carry, slots, result, norm, good)

    def train_function(iterator: Iterable[object]) -> dict[str, Tensor]:
        next(iter(iterator))
        for batch in step.next_batches():
            one_step(tree.map_structure(ops.convert_to_tensor, batch))
        return {}

    return train_function


def _gradients(step: Step, rows: Rows, batch: Batch) -> tuple[Tensor, Result, list[Tensor]]:
    """The loss, what belongs to it, and the gradients of the dense variables and of the rows."""
    dense = [v.value for v in step.dense]
    rows = {name: r.detach().requires_grad_() for name, r in rows.items()}
    n, weights = step.config.accumulate, step.weights(batch)
    state = step.state(step.carry, batch)
    if n == 1:
        value, (nats, targets, end) = step.loss(rows, state, batch, weights)
        return value.detach(), (nats.detach(), targets, end), _grad(value, dense, rows)

    vectors = None
    if step.encodes(batch):  # once for all parts
        vectors = step.encode(batch)
        rows["vectors"] = vectors.detach().requires_grad_()
    found = []
    for part, begin in split(batch, state, n):
        value, (nats, targets, end) = step.loss(rows, begin, {**batch, **part}, weights)
        found.append((value.detach(), nats.detach(), targets, end, _grad(value, dense, rows)))
    values, nats, targets, states, of_parts = zip(*found, strict=True)
    gradients: list[Tensor] = [sum(parts) for parts in zip(*of_parts, strict=True)]
    if vectors is not None:
        through = _grad(vectors, dense, {}, gradients.pop())
        gradients[: len(dense)] = [
            a + b for a, b in zip(gradients[: len(dense)], through, strict=True)
        ]
    joined = join_states(states) if step.config.mode == "stream" else None
    return sum(values), (sum(nats), sum(targets), joined), gradients


def _grad(
    value: Tensor, dense: Sequence[Tensor], rows: Rows, out: Tensor | None = None
) -> list[Tensor]:
    leaves = [*dense, *rows.values()]
    gradients = torch.autograd.grad(value, leaves, out, allow_unused=True)
    return [
        torch.zeros_like(leaf) if g is None else g
        for g, leaf in zip(gradients, leaves, strict=True)
    ]
