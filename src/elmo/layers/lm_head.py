"""The softmax of a language model: one matrix, sampled in training and exact in evaluation."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from elmo.layers.exact_softmax import (
    Predictions,
    exact_nats,
    exact_nats_in_blocks,
    exact_predictions,
)
from elmo.layers.initial_values import drawn
from elmo.layers.tensors import Shape, Tensor


@keras.saving.register_keras_serializable(package="elmo")
class LMHead(keras.layers.Layer):
    r"""Scores of all types for the next token, for both directions (Peters et al. 2018, section 3.1).

    .. math:: P(t_k = v) = \mathrm{softmax}(W h_k + b)_v

    Args:
        vocabulary_size: V.
        projection_dim: P.
        tied: whether W is the embedding matrix of the words, given at each call (Press and Wolf 2017);
            else it is the layer's own.

    Call arguments:
        inputs: `(…, P)`.
        kernel: `(V, P)`, the embedding matrix of a model that ties its weights; the layer's own
            where it is not given.

    Returns:
        Scores `(…, V)`.

    Example:
        >>> import numpy as np
        >>> head = LMHead(vocabulary_size=7, projection_dim=4)
        >>> tuple(head(np.ones((2, 3, 4), "float32")).shape)
        (2, 3, 7)
    """

    def __init__(
        self, *, vocabulary_size: int, projection_dim: int, tied: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.vocabulary_size = vocabulary_size
        self.projection_dim = projection_dim
        self.tied = tied
        self.kernel = None

    def build(self, input_shape: Shape | None = None) -> None:
        if not self.tied:
            self.kernel = self.add_weight(
                name="kernel",
                shape=(self.vocabulary_size, self.projection_dim),
                # As bilm-tf: small enough that the first scores are nearly equal.
                initializer=drawn(
                    keras.initializers.RandomNormal(stddev=self.projection_dim**-0.5)
                ),
            )
        self.bias = self.add_weight(
            name="bias", shape=(self.vocabulary_size,), initializer=drawn("zeros")
        )
        self.built = True

    def call(self, inputs: Tensor, kernel: Tensor | None = None) -> Tensor:
        kernel = self._kernel(kernel)
        scores = ops.matmul(ops.cast(inputs, self.compute_dtype), ops.transpose(kernel))
        return scores + ops.cast(self.bias, self.compute_dtype)

    def nats(
        self,
        inputs: Tensor,
        targets: Tensor,
        kernel: Tensor | None = None,
        block: int | None = None,
    ) -> Tensor:
        """−ln P of each target (a row of the matrix, from 0) among all types, float32.

        Args:
            inputs: `(n, P)`.
            targets: `(n,)`.
            kernel: as in `call`.
            block: types whose scores are held at a time; None for all.
        """
        arguments = (ops.cast(inputs, self.compute_dtype), self._kernel(kernel), self.bias, targets)
        if block is None:
            return exact_nats(*arguments)
        return exact_nats_in_blocks(*arguments, block)

    def predictions(
        self, inputs: Tensor, targets: Tensor, kernel: Tensor | None = None, block: int = 1024
    ) -> Predictions:
        """Nats and rank of each target, and the entropy of the prediction; arguments as in `nats`."""
        inputs = ops.cast(inputs, self.compute_dtype)
        return exact_predictions(inputs, self._kernel(kernel), self.bias, targets, block)

    def _kernel(self, kernel: Tensor | None) -> Tensor:
        if kernel is None:
            if self.tied:
                raise ValueError("kernel=None: a tied head needs the embedding matrix")
            kernel = self.kernel
        return ops.cast(kernel, self.compute_dtype)

    def named_weights(self) -> dict[str, keras.Variable]:
        """The variables by name."""
        return {"bias": self.bias} if self.tied else {"kernel": self.kernel, "bias": self.bias}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "projection_dim": self.projection_dim,
            "tied": self.tied,
        }
