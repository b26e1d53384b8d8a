"""The training step on PyTorch: eager; the touched rows are leaves of their own."""

from __future__ import annotations

from typing import Any

import torch
from keras import ops, tree


def make_step(step: Any) -> Any:
    """From `fit`'s iterator to logs."""

    def one_step(batch):
        dense = step.dense
        with torch.no_grad():
            rows = step.gather({name: v.value for name, v in step.tables.items()}, batch)
        rows = {name: r.detach().requires_grad_() for name, r in rows.items()}
        value, (nats, targets, state) = step.loss(rows, step.carry, batch)
        leaves = [v.value for v in dense] + list(rows.values())
        gradients = torch.autograd.grad(value, leaves, allow_unused=True)
        gradients = [
            torch.zeros_like(leaf) if g is None else g
            for g, leaf in zip(gradients, leaves, strict=True)
        ]
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
            step.carry = step.next_carry(
                step.carry, slots, state, nats.detach(), targets, norm, good
            )

    def train_function(iterator):
        next(iter(iterator))
        one_step(tree.map_structure(ops.convert_to_tensor, step.next_batch()))
        return {}

    return train_function
