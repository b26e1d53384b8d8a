"""How a biLM is trained, apart from what it is made of."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from elmo.config import ConfigError, make_plain

OPTIMIZERS = ("adagrad", "adam", "adamw", "sgd")


def _require(condition: bool, name: str, value: Any, wanted: str) -> None:
    if not condition:
        raise ConfigError(f"{name}={value!r}: must be {wanted}")


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _positive(value: Any) -> bool:
    return _number(value) and value > 0


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """Settings of a training.

    Args:
        mode: `"stream"`: contiguous text, the state carried from window to window, gradients cut
            between them, as published; `"sentence"`: padded sentences in length buckets, each from
            zero state.
        batch_size: rows of a batch.
        accumulate: compute a batch in so many parts of its rows and sum their gradients before the
            update: the same step in less memory. It divides `batch_size`.
        steps_per_execution: steps of one compiled call; on JAX a scan over batches, worth it where a
            step takes no longer than its call (models whose directions are computed side by side make
            single steps all the same). Checkpoints and stops lie between calls.
        window: positions of a row; in sentence mode `batch_size · window` positions are the budget of
            a batch, whatever the length of its sentences.
        stream_order: of a stream's sentences, `"corpus"` or `"shuffled"` anew each epoch.
        state_resets: share of a stream's windows that a row begins from zero state, so that the model
            knows how to begin: sentences alone are embedded from there. 0 as published.
        max_sentence_tokens: longer sentences are split.
        epochs: passes over the text.
        max_steps: stop after this many steps in all, in the middle of an epoch if need be.
        patience: stop after this many epochs without a better validation perplexity; None to go on.
        optimizer: `"adagrad"`, `"adam"`, `"adamw"` or `"sgd"`.
        learning_rate: at its highest.
        schedule: `"constant"`, or `"linear"` or `"cosine"` down to zero over all epochs.
        warmup_steps: steps over which the learning rate rises from zero.
        initial_accumulator: Adagrad's slots at the start.
        weight_decay: AdamW's.
        clip_norm: cut the norm of all gradients together at this; None for no cut.
        clip_value: cut each gradient's values at ± this; None for no cut.
        loss_scale: the loss that is differentiated is this times the mean nats (bilm-tf: its window);
            what Adagrad's slots and the clips see. The mean is over all positions of a stream's
            window, so that the last ones of an epoch, which hold few targets, weigh little.
        negatives: types drawn for the sampled softmax; 0 for the exact one.
        unknown_singletons: share of the words that occur once, drawn anew in each epoch, that are
            predicted (and by a word model read) as `<UNK>`. A model whose vocabulary holds the whole
            training text learns in no other way how likely unknown words are.
        negatives_mode: `"shared"` by both directions, or `"per_direction"` as published.
        precision: `"float32"` or `"mixed_bfloat16"`: products in bfloat16; state, sums and weights in
            float32. Validation during training is in the same precision.
        seed: of weights, orders, negatives and dropout; the same seed gives the same run.
        report_steps: steps between two lines of `steps.csv`, within an epoch; None for 50 or a
            four-hundredth of the training, whichever is more.
        checkpoint_minutes: write a checkpoint this often, and at the end of each epoch.
        keep_checkpoints: how many of the last ones are kept, besides the best.
        workers: threads that prepare batches.

    Example:
        >>> TrainingConfig(epochs=3).epochs
        3
    """

    mode: Literal["stream", "sentence"] = "stream"
    batch_size: int = 32
    accumulate: int = 1
    steps_per_execution: int = 1
    window: int = 35
    stream_order: Literal["corpus", "shuffled"] = "shuffled"
    state_resets: float = 0.02
    max_sentence_tokens: int = 400
    epochs: int = 10
    max_steps: int | None = None
    patience: int | None = None
    optimizer: str = "adagrad"
    learning_rate: float = 0.2
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup_steps: int = 0
    initial_accumulator: float = 1.0
    weight_decay: float = 0.0
    clip_norm: float | None = 10.0
    clip_value: float | None = None
    loss_scale: float = 20.0
    negatives: int = 1000
    unknown_singletons: float = 0.0
    negatives_mode: Literal["shared", "per_direction"] = "shared"
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    seed: int = 0
    report_steps: int | None = None
    checkpoint_minutes: float = 10.0
    keep_checkpoints: int = 2
    workers: int = 2

    def __post_init__(self) -> None:
        make_plain(self)
        choices = {
            "mode": ("stream", "sentence"),
            "stream_order": ("corpus", "shuffled"),
            "optimizer": OPTIMIZERS,
            "schedule": ("constant", "linear", "cosine"),
            "negatives_mode": ("shared", "per_direction"),
            "precision": ("float32", "mixed_bfloat16"),
        }
        for name, allowed in choices.items():
            value = getattr(self, name)
            _require(value in allowed, name, value, f"one of {', '.join(allowed)}")
        at_least = {
            "batch_size": 1,
            "accumulate": 1,
            "steps_per_execution": 1,
            "window": 1,
            "max_sentence_tokens": 1,
            "epochs": 1,
            "warmup_steps": 0,
            "negatives": 0,
            "seed": 0,
            "keep_checkpoints": 1,
            "workers": 1,
        }
        for name, least in at_least.items():
            value = getattr(self, name)
            _require(_whole(value, least), name, value, f"a whole number, {least} or more")
        parts = self.accumulate
        _require(
            self.batch_size % parts == 0, "accumulate", parts, f"a divisor of {self.batch_size}"
        )
        for name in ("max_steps", "patience", "report_steps"):
            value = getattr(self, name)
            _require(value is None or _whole(value, 1), name, value, "1 or more, or None")
        for name in ("learning_rate", "loss_scale", "checkpoint_minutes"):
            value = getattr(self, name)
            _require(_positive(value), name, value, "a positive, finite number")
        for name in ("clip_norm", "clip_value"):
            value = getattr(self, name)
            _require(value is None or _positive(value), name, value, "a positive number, or None")
        for name in ("state_resets", "unknown_singletons"):
            share = getattr(self, name)
            _require(_number(share) and 0 <= share <= 1, name, share, "from 0 to 1")
        for name in ("initial_accumulator", "weight_decay"):
            value = getattr(self, name)
            _require(_number(value) and value >= 0, name, value, "a number, 0 or more")

    @property
    def state(self) -> str:
        """How the model will be used: a stream carries its state on, sentences begin from zero."""
        return "carry" if self.mode == "stream" else "reset"

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `json` can write."""
        return dataclasses.asdict(self)
