"""What is made of the layers of a sentence: which of them, one vector per token or one in all."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from elmo.config import BiLMConfig
from elmo.embed.windows import Window

Layers = Literal["all", "top", "average", "sum", "token"]
Pool = Literal["mean"]
State = Literal["reset", "carry"]
LAYERS, POOLS, STATES = get_args(Layers), (None, *get_args(Pool)), get_args(State)


def check_choices(layers: str, pool: str | None, state: str, batch_size: int | None) -> None:
    """Refuse what an `Embedder` cannot do.

    Raises:
        ValueError: naming the argument, its value and what would do.
    """
    if layers not in LAYERS:
        raise ValueError(f"layers={layers!r}: must be {', '.join(map(repr, LAYERS))}")
    if pool not in POOLS:
        raise ValueError(f"pool={pool!r}: must be None or 'mean'")
    if state not in STATES:
        raise ValueError(f"state={state!r}: must be 'reset' or 'carry'")
    if batch_size is not None and not (type(batch_size) is int and batch_size >= 1):
        raise ValueError(f"batch_size={batch_size!r}: must be 1 or more, or None")


def result_shape(config: BiLMConfig, layers: str, pool: str | None, tokens: int) -> tuple[int, ...]:
    """The shape of a sentence's result.

    Example:
        >>> config = BiLMConfig(vocabulary_size=3)
        >>> result_shape(config, "all", None, 7), result_shape(config, "token", "mean", 7)
        ((3, 7, 1024), (512,))
    """
    dim = config.lstm.projection_dim if layers == "token" else config.output_dim
    outer = (config.lstm.n_layers + 1,) if layers == "all" else ()
    return (*outer, dim) if pool else (*outer, tokens, dim)


class Result:
    """The vectors of one sentence, filled window by window.

    The mean over tokens is summed in float64 as the windows come, so a pooled sentence never
    stands in memory as a whole. Of a sentence without tokens it is zero.

    Args:
        config: the model.
        layers: `"all"`, `"top"`, `"average"`, `"sum"` or `"token"`.
        pool: None or `"mean"`.
        vectors: the vectors of its tokens, `(tokens, projection_dim)`.
    """

    def __init__(
        self, config: BiLMConfig, layers: str, pool: str | None, vectors: np.ndarray
    ) -> None:
        self.layers, self.pool = layers, pool
        self.tokens = len(vectors)
        self._p = config.lstm.projection_dim
        self._n_layers = config.lstm.n_layers + 1
        shape = result_shape(config, layers, pool, self.tokens)
        self._flat = layers != "all"  # one layer and no axis for it
        dtype = np.float64 if pool else np.float32
        self._values = np.zeros(shape, dtype) if pool else np.empty(shape, dtype)
        if layers == "top":
            return
        bottom = vectors.sum(axis=0, dtype=np.float64) if pool else vectors
        if layers == "token":
            self._values[:] = bottom
            return
        for direction in range(len(config.direction_names)):
            half = slice(direction * self._p, (direction + 1) * self._p)
            if layers == "all":
                self._values[0, ..., half] = bottom
            else:
                self._values[..., half] = bottom

    def receive(self, window: Window) -> None:
        """Take what a direction gave for some tokens, each layer above the lowest in turn."""
        half = slice(window.direction * self._p, (window.direction + 1) * self._p)
        values = window.values[0] if self._flat else window.values
        target = self._values if self._flat else self._values[1:]
        if self.pool:
            target[..., half] += values.sum(axis=-2, dtype=np.float64)
        elif self.layers in ("average", "sum"):
            target[window.start : window.stop, half] += values
        else:
            target[..., window.start : window.stop, half] = values

    def finish(self) -> np.ndarray:
        """The result, float32."""
        if self.layers == "average":
            self._values /= self._n_layers
        if self.pool:
            return (self._values / max(1, self.tokens)).astype(np.float32)
        return self._values
