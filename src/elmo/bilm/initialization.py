"""First weights from a seed: the same on every backend, in the sizes of the published training."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from elmo.bilm.language_model import BiLanguageModel
from elmo.bilm.weights import set_weights
from elmo.config import BiLMConfig


def initialize(network: Any, seed: int) -> None:
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
    arrays = {}
    for name, variable in network.named_weights().items():
        shape = tuple(variable.shape)
        arrays[name] = _draw(name, shape, config, generator).astype(np.float32)
    set_weights(network, arrays)


def new_network(config: BiLMConfig, seed: int) -> BiLanguageModel:
    """A built network with its first weights; the seed is that of its dropout, too."""
    network = BiLanguageModel(config, seed=seed)
    network.build()
    initialize(network, seed)
    return network


def _draw(name: str, shape: tuple[int, ...], config: Any, generator: np.random.Generator) -> Any:
    part, _, kind = name.rpartition("/")
    if kind == "carry_bias":
        return np.full(shape, -2.0)
    if kind.endswith("bias"):
        return np.zeros(shape)
    if kind == "char_embed" or (kind in ("embedding", "word_embed") and not config.weight_tying):
        return generator.uniform(-1.0, 1.0, shape)
    if kind == "embedding" or part == "softmax":
        return generator.normal(0.0, shape[-1] ** -0.5, shape)
    if "/cnn_" in name:
        if config.char_cnn.activation == "relu":
            return generator.uniform(-0.05, 0.05, shape)
        return generator.normal(0.0, (shape[0] * shape[1]) ** -0.5, shape)
    if part.startswith("token_encoder"):
        return generator.normal(0.0, shape[0] ** -0.5, shape)
    rows = shape[0]
    if kind in ("kernel", "recurrent_kernel"):
        rows = 2 * config.lstm.projection_dim
    limit = math.sqrt(6.0 / (rows + shape[1]))
    return generator.uniform(-limit, limit, shape)
