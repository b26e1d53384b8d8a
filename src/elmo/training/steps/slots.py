"""Adagrad's accumulators under the names of the weights, for a training that continues another's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from keras import ops

from elmo.training.steps.step import Step


def set_slots(step: Step, slots: Mapping[str, np.ndarray]) -> None:
    """Let the first step divide by what another training has summed up.

    Args:
        step: a step that was not made yet, of Adagrad.
        slots: sums of squared gradients under the names of `named_weights`, each in the shape of its
            weight. A weight that has none here keeps `initial_accumulator`.

    Raises:
        ValueError: the optimizer is not Adagrad, or naming all slots that are left over or of another
            shape.
    """
    if step.config.optimizer != "adagrad":
        raise ValueError(
            f"optimizer={step.config.optimizer!r}: the slots to start from are Adagrad's; train with "
            "optimizer='adagrad', or start without them"
        )
    weights = step.network.named_weights()
    faults = [f"left over {name}" for name in sorted(set(slots) - set(weights))]
    for name in sorted(set(slots) & set(weights)):
        wanted, shape = tuple(weights[name].shape), tuple(np.shape(slots[name]))
        if wanted != shape:
            faults.append(f"{name} is {shape}, not {wanted}")
    if faults:
        raise ValueError(f"slots do not fit the network: {'; '.join(faults)}")
    # Keras keeps the accumulators last, in the order of the weights.
    accumulators = step.optimizer.variables[-len(step.dense) :]
    by_weight = {id(w): a for w, a in zip(step.dense, accumulators, strict=True)}
    tables = {id(variable): name for name, variable in step.tables.items()}
    of_tables = dict(step.carry["slots"])
    for name, array in slots.items():
        table = tables.get(id(weights[name]))
        if table is None:
            by_weight[id(weights[name])].assign(array)
        else:
            of_tables[table] = [ops.convert_to_tensor(np.array(array), dtype="float32")]
    step.carry = {**step.carry, "slots": of_tables}
