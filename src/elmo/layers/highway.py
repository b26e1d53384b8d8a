"""A highway layer."""

from __future__ import annotations

import keras
from keras import ops

from elmo.layers.initial_values import drawn
from elmo.layers.tensors import Shape, Tensor


@keras.saving.register_keras_serializable(package="elmo")
class Highway(keras.layers.Layer):
    r"""A layer that learns how much of its input it lets through (Srivastava et al. 2015).

    .. math::
        g = \sigma(x W_{carry} + b_{carry}), \quad
        y = g \odot \mathrm{relu}(x W_{transform} + b_{transform}) + (1 - g) \odot x

    The names are those of the published files: "carry" is the gate of what is new. Its bias starts
    at −2, so that a fresh layer passes most of its input on.

    Call arguments:
        inputs: `(…, dim)`.

    Returns:
        The shape of the inputs. Nothing is masked.

    Example:
        >>> import numpy as np
        >>> tuple(Highway()(np.ones((2, 5, 6), "float32")).shape)
        (2, 5, 6)
    """

    def build(self, input_shape: Shape) -> None:
        dim = input_shape[-1]
        assert dim is not None  # the size of a vector is known
        kernel = {
            "shape": (dim, dim),
            "initializer": drawn(keras.initializers.RandomNormal(stddev=dim**-0.5)),
        }
        gate_bias = drawn(keras.initializers.Constant(-2.0))
        self.carry_kernel = self.add_weight(name="carry_kernel", **kernel)
        self.carry_bias = self.add_weight(name="carry_bias", shape=(dim,), initializer=gate_bias)
        kernel["initializer"] = drawn(keras.initializers.RandomNormal(stddev=dim**-0.5))
        self.transform_kernel = self.add_weight(name="transform_kernel", **kernel)
        self.transform_bias = self.add_weight(
            name="transform_bias", shape=(dim,), initializer=drawn("zeros")
        )
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        gate = ops.sigmoid(ops.matmul(inputs, self.carry_kernel) + self.carry_bias)  # (…, dim)
        new = ops.relu(ops.matmul(inputs, self.transform_kernel) + self.transform_bias)
        return inputs + gate * (new - inputs)

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def named_weights(self) -> dict[str, keras.Variable]:
        """The variables under their names in saved models, without `highway_k/`."""
        return {
            "carry_kernel": self.carry_kernel,
            "carry_bias": self.carry_bias,
            "transform_kernel": self.transform_kernel,
            "transform_bias": self.transform_bias,
        }
