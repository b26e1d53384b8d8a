"""The learning rate over a training."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import keras

from elmo.layers.tensors import Tensor
from elmo.settings.training import TrainingConfig

LearningRate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule


def learning_rate(config: TrainingConfig, total: int) -> LearningRate:
    """The learning rate as a number, or as a Keras schedule over `total` steps."""
    if config.schedule == "constant" and not config.warmup_steps:
        return config.learning_rate
    return _Schedule(
        peak=config.learning_rate,
        schedule=config.schedule,
        warmup_steps=config.warmup_steps,
        total=total,
    )


@keras.saving.register_keras_serializable(package="elmo")
class _Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then constant, or a line or half a cosine down to zero."""

    def __init__(self, peak: float, schedule: str, warmup_steps: int, total: int) -> None:
        self.peak, self.schedule = peak, schedule
        self.warmup_steps, self.total = warmup_steps, total

    def __call__(self, step: Tensor) -> Tensor:
        ops = keras.ops
        step = ops.cast(step, "float32")
        rise = ops.minimum(1.0, (step + 1.0) / max(1, self.warmup_steps))
        span = max(1, self.total - self.warmup_steps)
        share = ops.clip((step - self.warmup_steps) / span, 0.0, 1.0)
        if self.schedule == "linear":
            rise = rise * (1.0 - share)
        elif self.schedule == "cosine":
            rise = rise * 0.5 * (1.0 + ops.cos(math.pi * share))
        return self.peak * rise

    def get_config(self) -> dict[str, Any]:
        return {
            "peak": self.peak,
            "schedule": self.schedule,
            "warmup_steps": self.warmup_steps,
            "total": self.total,
        }
