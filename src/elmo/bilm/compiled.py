"""A function of a layer's weights and arrays, compiled by whichever backend runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import keras

from elmo.layers.tensors import Tensor
from elmo.system.threads import Computing

Result = TypeVar("Result")

_computing = Computing("JAX")


def compiled(layer: keras.layers.Layer, function: Callable[..., Result]) -> Callable[..., Result]:
    """Compile `function(*arrays)`, which uses the weights of `layer`, for inference.

    The weights are read anew at each call, so training in between is seen. On PyTorch nothing is
    compiled, but no gradient is kept. Products of float32 are of all its digits: JAX's default on a GPU
    is TF32, which has three. On JAX a process that was forked from one that has computed is refused,
    for it would wait for ever.

    Args:
        layer: a built layer or model.
        function: from arrays (or nested arrays) to arrays.

    Example:
        >>> import numpy as np
        >>> layer = keras.layers.Dense(2, kernel_initializer="ones")
        >>> layer.build((None, 3))
        >>> run = compiled(layer, lambda x: layer(x))
        >>> keras.ops.convert_to_numpy(run(np.ones((1, 3), "float32"))).tolist()
        [[3.0, 3.0]]
    """
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        variables = layer.variables

        @jax.jit
        def run(values: Iterable[Tensor], arguments: tuple[Tensor, ...]) -> Result:
            given = zip(variables, values, strict=True)
            with jax.default_matmul_precision("highest"), keras.StatelessScope(state_mapping=given):
                return function(*arguments)

        def run_with_weights(*arguments: Tensor) -> Result:
            _computing()
            return run([v.value for v in variables], arguments)

        return run_with_weights
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function, reduce_retracing=True)
    import torch

    def run_without_gradients(*arguments: Tensor) -> Result:
        with torch.no_grad():
            return function(*keras.tree.map_structure(keras.ops.convert_to_tensor, arguments))

    return run_without_gradients
