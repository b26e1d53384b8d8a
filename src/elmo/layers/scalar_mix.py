"""The learned mix of a biLM's layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from elmo.layers.tensors import Shape, Tensor

LAYER_NORMS = ("allennlp", "bilm-tf")
EPSILON = 1e-12  # of both published layer norms


@keras.saving.register_keras_serializable(package="elmo")
class ScalarMix(keras.layers.Layer):
    r"""One vector per token from all layers (Peters et al. 2018, equation 1).

    .. math:: y_t = \gamma \sum_k s_k x_{k,t}, \quad s = \mathrm{softmax}(w)

    Before they are mixed, layers can be brought to one scale: each layer of the batch less its
    mean, over its standard deviation, both taken over all values of all real tokens of the whole
    batch (so a sentence's result then depends on its company, as in the published programs).

    Args:
        n_layers: number of layers mixed, layer 0 included.
        do_layer_norm: False; `"allennlp"`, statistics over all real positions; or `"bilm-tf"`,
            begin and end of each sentence left out of them. The inputs hold these boundaries in
            both cases; where they are already trimmed, `"allennlp"` gives what bilm-tf does.
        initial_weights: w at the start, one number per layer; zeros, an equal share, by default.
        initial_gamma: γ at the start.
        l2_coef: adds l2_coef · Σ w² to the loss, which holds the shares near equal.
        use_top_only: γ times the last layer; there is no w, and nothing is normalized (bilm-tf's
            option of this name).
        trainable: whether w and γ are learned.

    Call arguments:
        inputs: `(batch, n_layers, time, dim)`.
        mask: `(batch, time)`, true at real tokens; only the layer norm asks. None: all are real.

    Returns:
        `(batch, time, dim)`. At padding stands the mix of what stood there.

    Example:
        >>> import numpy as np
        >>> mix = ScalarMix(n_layers=3)
        >>> tuple(mix(np.ones((2, 3, 5, 8), "float32")).shape)
        (2, 5, 8)
    """

    def __init__(
        self,
        n_layers: int,
        do_layer_norm: bool | str = False,
        initial_weights: Sequence[float] | None = None,
        initial_gamma: float = 1.0,
        l2_coef: float = 0.0,
        use_top_only: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if do_layer_norm is not False and do_layer_norm not in LAYER_NORMS:
            raise ValueError(
                f"do_layer_norm={do_layer_norm!r}: must be False, 'allennlp' or 'bilm-tf'"
            )
        if initial_weights is not None and len(initial_weights) != n_layers:
            raise ValueError(
                f"initial_weights={initial_weights!r}: must hold {n_layers} numbers, one per layer"
            )
        if l2_coef < 0:
            raise ValueError(f"l2_coef={l2_coef!r}: must be 0 or more")
        if use_top_only and (do_layer_norm or initial_weights is not None or l2_coef):
            raise ValueError(
                "use_top_only=True: no layers are mixed; leave out do_layer_norm, initial_weights "
                "and l2_coef"
            )
        self.n_layers = n_layers
        self.do_layer_norm = do_layer_norm
        self.initial_weights = None if initial_weights is None else list(initial_weights)
        self.initial_gamma = initial_gamma
        self.l2_coef = l2_coef
        self.use_top_only = bool(use_top_only)
        self.supports_masking = True

    def build(self, input_shape: Shape | None = None) -> None:
        if input_shape is not None and input_shape[1] not in (None, self.n_layers):
            raise ValueError(
                f"inputs of shape {tuple(input_shape)}: the second axis must be "
                f"n_layers={self.n_layers}"
            )
        if not self.use_top_only:
            start = self.initial_weights or [0.0] * self.n_layers
            self.scalars = self.add_weight(
                name="scalars",
                shape=(self.n_layers,),
                initializer=lambda shape, dtype=None: ops.convert_to_tensor(start, dtype=dtype),
                regularizer=keras.regularizers.L2(self.l2_coef) if self.l2_coef else None,
                autocast=False,
            )
        self.gamma = self.add_weight(
            name="gamma",
            shape=(),
            initializer=keras.initializers.Constant(self.initial_gamma),
            autocast=False,
        )
        self.built = True

    def call(self, inputs: Tensor, mask: Tensor | None = None) -> Tensor:
        if self.use_top_only:
            return inputs[:, -1] * ops.cast(self.gamma, inputs.dtype)
        if self.do_layer_norm:
            inputs = self._normalized(inputs, mask)
        shares = ops.softmax(self.scalars) * self.gamma  # (n_layers,)
        return ops.einsum("k,bktd->btd", ops.cast(shares, inputs.dtype), inputs)

    def _normalized(self, inputs: Tensor, mask: Tensor | None) -> Tensor:
        """Each layer centred and scaled by the statistics of the tokens that count."""
        values = ops.cast(inputs, "float32")  # (batch, n_layers, time, dim)
        batch, _, time, dim = ops.shape(values)
        counts = ops.ones((batch, time)) if mask is None else ops.cast(mask, "float32")
        if self.do_layer_norm == "bilm-tf":
            # Neither the first position of a row nor its last real one, which padding follows.
            after = ops.pad(counts[:, 1:], ((0, 0), (0, 1)))
            counts = counts * after * ops.cast(ops.arange(time) > 0, "float32")
        counts = ops.reshape(counts, (batch, 1, time, 1))
        total = ops.maximum(ops.sum(counts) * dim, 1.0)
        over = (0, 2, 3)
        mean = ops.sum(values * counts, axis=over, keepdims=True) / total  # (1, n_layers, 1, 1)
        spread = ops.sum(ops.square(values - mean) * counts, axis=over, keepdims=True) / total
        return ops.cast((values - mean) / ops.sqrt(spread + EPSILON), inputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        batch, _, time, dim = input_shape
        return (batch, time, dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "n_layers": self.n_layers,
            "do_layer_norm": self.do_layer_norm,
            "initial_weights": self.initial_weights,
            "initial_gamma": self.initial_gamma,
            "l2_coef": self.l2_coef,
            "use_top_only": self.use_top_only,
        }
