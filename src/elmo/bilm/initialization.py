"""First weights from a seed: the same on every backend, in the sizes of the published training."""

from __future__ import annotations

import math

import numpy as np

from elmo.bilm.language_model import BiLanguageModel
from elmo.config import BiLMConfig
from elmo.layers.initial_values import blank_weights

_ROWS = 1 << 15  # that are drawn at a time, in float64


def initialize(network: BiLanguageModel, seed: int) -> None:
    """Give every weight of a built network its first values.

    Tables of word vectors are normal with deviation 1/√P (uniform in ±1 where the softmax has a matrix
    of its own), character vectors uniform in ±1, convolutions uniform in ±0.05 (relu) or normal with
    1/√fan-in (tanh), highway and projection normal with 1/√fan-in, recurrent kernels uniform after
    Glorot over input and recurrent rows together, biases zero, the highways' carry biases −2.

    Args:
        network: a `BiLanguageModel`.
        seed: of all draws.
    """
    config = network.config
    generator = np.random.default_rng(seed)
    for name, variable in network.named_weights().items():
        shape = tuple(variable.shape)
        array = np.empty(shape, np.float32)
        # The generator goes on from part to part: the same numbers as at once, in little memory.
        for first in range(0, shape[0], _ROWS):
            part = array[first : first + _ROWS]
            part[:] = _draw(name, part.shape, shape, config, generator)
        variable.assign(array)


def new_network(config: BiLMConfig, seed: int, precision: str = "float32") -> BiLanguageModel:
    """A built network with its first weights; the seed is that of its dropout, too.

    Args:
        config: its architecture.
        seed: of the draws.
        precision: `"float32"` or `"mixed_bfloat16"`; weights are float32 in both.
    """
    with blank_weights():
        network = BiLanguageModel(config, seed=seed, dtype=precision)
        network.build()
    initialize(network, seed)
    return network


def _draw(
    name: str,
    size: tuple[int, ...],
    shape: tuple[int, ...],
    config: BiLMConfig,
    generator: np.random.Generator,
) -> np.ndarray:
    """Numbers for some rows, `size`, of a weight of a shape."""
    part, _, kind = name.rpartition("/")
    if kind == "carry_bias":
        return np.full(size, -2.0)
    if kind.endswith("bias"):
        return np.zeros(size)
    if kind == "char_embed" or (kind in ("embedding", "word_embed") and not config.weight_tying):
        return generator.uniform(-1.0, 1.0, size)
    if kind == "embedding" or part == "softmax":
        return generator.normal(0.0, shape[-1] ** -0.5, size)
    if config.char_cnn is not None and "/cnn_" in name:
        if config.char_cnn.activation == "relu":
            return generator.uniform(-0.05, 0.05, size)
        return generator.normal(0.0, (shape[0] * shape[1]) ** -0.5, size)
    if part.startswith("token_encoder"):
        return generator.normal(0.0, shape[0] ** -0.5, size)
    rows = shape[0]
    if kind in ("kernel", "recurrent_kernel"):
        rows = 2 * config.lstm.projection_dim
    limit = math.sqrt(6.0 / (rows + shape[1]))
    return generator.uniform(-limit, limit, size)
