"""Optimizers: Keras's for the dense weights, and the same arithmetic for single rows of tables.

A step touches a few thousand rows of a table of words. `RowOptimizer` reads and writes those rows
and their slots, and no others:

- Adagrad: a += g², w −= lr·g / √(a + ε): equal to dense Adagrad, where an untouched row does not move.
- Adam and AdamW are the lazy kind: a row's moments (and its decay) advance when it is touched, so they
  equal the dense ones where a row is touched at every step.
- SGD: w −= lr·g.
"""

from __future__ import annotations

import keras
from keras import ops

from elmo.layers.tensors import Tensor
from elmo.settings.training import OPTIMIZERS
from elmo.training.steps.schedule import LearningRate


def make_optimizer(
    name: str,
    learning_rate: LearningRate,
    *,
    initial_accumulator: float = 1.0,
    weight_decay: float = 0.0,
) -> keras.optimizers.Optimizer:
    """The Keras optimizer of that name, with the constants that `RowOptimizer` reads from it."""
    if name == "adagrad":
        # bilm-tf divides by √a alone; no epsilon is needed where a starts above zero.
        return keras.optimizers.Adagrad(
            learning_rate, initial_accumulator_value=initial_accumulator, epsilon=0.0
        )
    if name == "adam":
        return keras.optimizers.Adam(learning_rate)
    if name == "adamw":
        return keras.optimizers.AdamW(learning_rate, weight_decay=weight_decay)
    if name == "sgd":
        return keras.optimizers.SGD(learning_rate)
    raise ValueError(f"optimizer={name!r}: must be one of {', '.join(OPTIMIZERS)}")


class RowOptimizer:
    """What an optimizer does to the touched rows of a table.

    Args:
        optimizer: Adagrad, Adam, AdamW or SGD of Keras.

    Example:
        >>> import numpy as np
        >>> rows = RowOptimizer(keras.optimizers.Adagrad(0.5, initial_accumulator_value=0.0, epsilon=0))
        >>> deltas = rows.deltas(np.ones((1, 2)), [np.zeros((1, 2))], np.full((1, 2), 3.0), 0.5)
        >>> [np.asarray(d).tolist() for d in deltas]  # −lr·g/|g| and g²
        [[[-0.5, -0.5]], [[9.0, 9.0]]]
    """

    def __init__(self, optimizer: keras.optimizers.Optimizer) -> None:
        self.optimizer = optimizer
        self.kind = type(optimizer).__name__.lower()
        if self.kind not in OPTIMIZERS:
            raise ValueError(f"optimizer={optimizer!r}: must be one of {', '.join(OPTIMIZERS)}")

    def initial_slots(self, shape: tuple[int, ...]) -> list[Tensor]:
        """Fresh slots of a table; Adam's last one counts how often each row was touched."""
        if self.kind == "adagrad":
            start = self.optimizer.initial_accumulator_value
            return [ops.full(shape, start, dtype="float32")]
        if self.kind in ("adam", "adamw"):
            times = (shape[0],) + (1,) * (len(shape) - 1)
            return [*(ops.zeros(shape, dtype="float32") for _ in range(2)), ops.zeros(times)]
        return []

    def deltas(
        self, rows: Tensor, slots: list[Tensor], gradients: Tensor, learning_rate: Tensor
    ) -> list[Tensor]:
        """What is added to the rows and to each of their slots.

        Args:
            rows: values of the touched rows.
            slots: their slots.
            gradients: their gradients, each row's summed over its uses.
            learning_rate: of this step.
        """
        if self.kind == "adagrad":
            squares = ops.square(gradients)
            epsilon = self.optimizer.epsilon
            root = (
                ops.sqrt(slots[0] + squares + epsilon) if epsilon else ops.sqrt(slots[0] + squares)
            )
            return [-learning_rate * gradients / root, squares]
        if self.kind == "sgd":
            return [-learning_rate * gradients]
        first, second, times = slots
        beta_1, beta_2 = self.optimizer.beta_1, self.optimizer.beta_2
        d_first = (gradients - first) * (1 - beta_1)
        d_second = (ops.square(gradients) - second) * (1 - beta_2)
        t = times + 1.0
        scale = ops.sqrt(1 - ops.power(beta_2, t)) / (1 - ops.power(beta_1, t))
        step = scale * (first + d_first) / (ops.sqrt(second + d_second) + self.optimizer.epsilon)
        if self.kind == "adamw" and self.optimizer.weight_decay:
            step = step + self.optimizer.weight_decay * rows
        return [-learning_rate * step, d_first, d_second, ops.ones_like(times)]


def global_norm(gradients: list[Tensor]) -> Tensor:
    """√Σ g² over all gradients, float32."""
    return ops.sqrt(sum(ops.sum(ops.square(ops.cast(g, "float32"))) for g in gradients))
