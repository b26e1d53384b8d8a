"""The training step on PyTorch: eager; the touched rows are leaves of their own."""

from __future__ import annotations

from typing import Any

import torch
from keras import ops, tree


def make_step(model: Any) -> Any:
    """From `fit`'s iterator to logs."""

    def step(batch):
        dense = model.dense_variables
        with torch.no_grad():
            rows = model.gather({name: v.value for name, v in model.tables.items()}, batch)
        rows = {name: r.detach().requires_grad_() for name, r in rows.items()}
        value, (nats, targets, state) = model.loss(rows, model.carry, batch)
        leaves = [v.value for v in dense] + list(rows.values())
        gradients = torch.autograd.grad(value, leaves, allow_unused=True)
        gradients = [
            torch.zeros_like(leaf) if g is None else g
            for g, leaf in zip(gradients, leaves, strict=True)
        ]
        with torch.no_grad():
            gradients, norm = model.clip(gradients)
            d_rows = dict(zip(rows, gradients[len(dense) :], strict=True))
            good = torch.isfinite(value) & torch.isfinite(norm)
            learning_rate = ops.convert_to_tensor(model.optimizer.learning_rate)
            slots = model.carry["slots"]
            touched = {n: [model.gather({n: s}, batch)[n] for s in slots[n]] for n in slots}
            deltas = model.row_deltas(rows, touched, d_rows, batch, learning_rate, good)
            for name, (change, *slot_changes) in deltas.items():
                ids = torch.clamp(model._ids(name, batch), min=0).long()
                model.tables[name].value.data.index_add_(0, ids, change)
                for slot, d in zip(slots[name], slot_changes, strict=True):
                    slot.index_add_(0, ids, d)
            if good:
                model.optimizer.apply(gradients[: len(dense)], dense)
            model.carry = model.next_carry(
                model.carry, slots, state, nats.detach(), targets, norm, good
            )

    def train_function(iterator):
        next(iter(iterator))
        step(tree.map_structure(ops.convert_to_tensor, model.next_batch()))
        return {}

    return train_function
