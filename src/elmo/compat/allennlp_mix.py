"""AllenNLP's `ScalarMix`: the mix of any tensors of one shape, given as a list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from elmo.layers import scalar_mix


@keras.saving.register_keras_serializable(package="elmo.allennlp")
class ScalarMix(keras.layers.Layer):
    r"""A learned mix of tensors (Peters et al. 2018, equation 1), with AllenNLP's arguments.

    .. math:: y = \gamma \sum_k s_k x_k, \quad s = \mathrm{softmax}(w)

    Args:
        mixture_size: number of tensors.
        do_layer_norm: bring each tensor to mean 0 and variance 1 before, over all values that
            `mask` leaves.
        initial_scalar_parameters: w at the start, one number a tensor; zeros by default.
        trainable: whether w and γ are learned.

    Call arguments:
        tensors: `mixture_size` tensors of one shape `(…, dim)`.
        mask: `(…)`, true (or 1) where values count; only the layer norm asks. None: all count.

    Returns:
        The shape of a tensor.

    Raises:
        ValueError: another number of tensors or of initial parameters than `mixture_size`.

    Example:
        >>> import numpy as np
        >>> mix = ScalarMix(2, initial_scalar_parameters=[50.0, 0.0])
        >>> mixed = mix([np.ones((1, 3), "float32"), np.zeros((1, 3), "float32")])
        >>> keras.ops.convert_to_numpy(mixed).tolist()
        [[1.0, 1.0, 1.0]]
    """

    def __init__(
        self,
        mixture_size: int,
        do_layer_norm: bool = False,
        initial_scalar_parameters: Sequence[float] | None = None,
        trainable: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, **kwargs)
        given = initial_scalar_parameters
        if given is not None and len(given) != mixture_size:
            raise ValueError(
                f"initial_scalar_parameters={given!r}: must hold mixture_size={mixture_size} numbers"
            )
        self.mixture_size = mixture_size
        self.do_layer_norm = do_layer_norm
        self.mix = scalar_mix.ScalarMix(
            n_layers=mixture_size,
            do_layer_norm="allennlp" if do_layer_norm else False,
            initial_weights=None if given is None else [float(value) for value in given],
            trainable=trainable,
            name="mix",
            dtype=self.dtype_policy,
        )
        self.mix.build()
        self.built = True

    @property
    def scalar_parameters(self) -> list[Any]:
        """w, a tensor of shape `(1,)` each; on PyTorch they share the layer's memory."""
        values = self.mix.scalars.value
        return [values[number : number + 1] for number in range(self.mixture_size)]

    @property
    def gamma(self) -> Any:
        """γ, shape `(1,)`; on PyTorch it shares the layer's memory."""
        return ops.reshape(self.mix.gamma.value, (1,))

    def call(self, tensors: Sequence[Any], mask: Any = None) -> Any:
        if len(tensors) != self.mixture_size:
            raise ValueError(
                f"{len(tensors)} tensors were given, and mixture_size={self.mixture_size} says how "
                "many are mixed"
            )
        stacked = ops.stack([ops.convert_to_tensor(tensor) for tensor in tensors])
        shape = ops.shape(stacked)[1:]
        rows = ops.reshape(stacked, (1, self.mixture_size, -1, shape[-1]))
        if isinstance(mask, list | tuple):  # Keras hands on one for each tensor
            mask = mask[0]
        if mask is not None:
            mask = ops.reshape(mask, (1, -1))
        return ops.reshape(self.mix(rows, mask=mask), shape)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return tuple(input_shape[0])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "mixture_size": self.mixture_size,
            "do_layer_norm": self.do_layer_norm,
            "initial_scalar_parameters": self.mix.initial_weights,
        }
