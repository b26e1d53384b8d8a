"""Layers of LSTMs in two directions that share nothing, or in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import keras
from keras import ops

from elmo.layers.dropout import VariationalDropout, drop_each
from elmo.layers.projected_lstm import ProjectedLSTM, run_side_by_side
from elmo.layers.tensors import Shape, State, Tensor


class _LSTMConfig(TypedDict):
    """What all the LSTMs of a stack have in common."""

    dim: int
    projection_dim: int
    cell_clip: float | None
    proj_clip: float | None
    forget_bias: float
    always_project: bool
    recurrent_dropout: float
    weight_dropout: float


@keras.saving.register_keras_serializable(package="elmo")
class BidirectionalStack(keras.layers.Layer):
    """The recurrent part of a biLM: each direction a stack of `ProjectedLSTM` (Peters et al. 2018).

    The output of layer l is h_l, or from the second layer up h_l + its input with skip connections;
    it is what the next layer reads. The h that goes back into the recurrence leaves the skip out.

    The layer knows no direction: whoever calls it reverses the rows that are to be read backward.

    Args:
        dim, projection_dim, cell_clip, proj_clip, forget_bias: as in `ProjectedLSTM`.
        n_layers: number of layers.
        directions: names of the directions.
        use_skip_connections: add a layer's input to its output, from the second layer up.
        input_dropout: rate on each layer's input; the skip adds the input after dropout.
        recurrent_dropout, weight_dropout: as in `ProjectedLSTM`.
        variational: `input_dropout` draws one mask for all positions of a row.
        seed: of all masks.

    Call arguments:
        inputs: `(directions, batch, time, projection_dim)`, each row in reading order; where it has
            fewer directions than the stack, they are run alone.
        mask: `(directions, batch, time)`.
        state: `(h, c)`, `(directions, n_layers, batch, projection_dim)` and `(…, dim)`; zeros by
            default.
        training: whether dropout is active.
        first_direction: which direction the first of `inputs` is, counted from 0.

    Returns:
        Every layer's output, `(n_layers, directions, batch, time, projection_dim)`, and the last
        state in float32.

    Example:
        >>> import numpy as np
        >>> stack = BidirectionalStack(dim=8, projection_dim=4, n_layers=3)
        >>> outputs, (h, c) = stack(np.ones((2, 5, 7, 4), "float32"))
        >>> tuple(outputs.shape), tuple(h.shape), tuple(c.shape)
        ((3, 2, 5, 7, 4), (2, 3, 5, 4), (2, 3, 5, 8))
    """

    def __init__(
        self,
        *,
        dim: int,
        projection_dim: int,
        n_layers: int = 2,
        directions: Sequence[str] = ("forward", "backward"),
        cell_clip: float | None = None,
        proj_clip: float | None = None,
        forget_bias: float = 1.0,
        always_project: bool = False,
        use_skip_connections: bool = True,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        variational: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.n_layers = n_layers
        self.directions = tuple(directions)
        self.use_skip_connections = use_skip_connections
        self.input_dropout = input_dropout
        self.variational = variational
        self.seed = seed
        self.autocast = False
        self.supports_masking = True
        self._lstm_config: _LSTMConfig = {
            "dim": dim,
            "projection_dim": projection_dim,
            "cell_clip": cell_clip,
            "proj_clip": proj_clip,
            "forget_bias": forget_bias,
            "always_project": always_project,
            "recurrent_dropout": recurrent_dropout,
            "weight_dropout": weight_dropout,
        }

        def seed_of(number: int) -> int | None:
            return None if seed is None else seed + number

        self.lstms = [
            [
                ProjectedLSTM(
                    **self._lstm_config,
                    seed=seed_of(2 * layer + number),
                    name=f"{direction}_{layer}",
                    dtype=self.dtype_policy,
                )
                for number, direction in enumerate(self.directions)
            ]
            for layer in range(n_layers)
        ]
        dropout = VariationalDropout if variational else keras.layers.Dropout
        self.dropouts = [
            [
                dropout(
                    input_dropout,
                    seed=seed_of(2 * (n_layers + layer) + number),
                    dtype=self.dtype_policy,
                )
                for number in range(len(self.directions) if input_dropout else 0)
            ]
            for layer in range(n_layers)
        ]

    @property
    def projection_dim(self) -> int:
        """P, the size of a direction's output."""
        return self._lstm_config["projection_dim"]

    def build(self, input_shape: Shape) -> None:
        if input_shape[-1] != self.projection_dim:
            raise ValueError(
                f"inputs of size {input_shape[-1]}: the stack reads vectors of its "
                f"projection_dim={self.projection_dim}"
            )
        for layer in self.lstms:
            for lstm in layer:
                lstm.build(input_shape[1:])
        self.built = True

    def call(
        self,
        inputs: Tensor,
        mask: Tensor | None = None,
        state: State | None = None,
        training: bool = False,
        first_direction: int = 0,
    ) -> tuple[Tensor, State]:
        n = inputs.shape[0]  # None where TensorFlow leaves it open: then all are run
        run = slice(first_direction, None if n is None else first_direction + n)
        x = ops.cast(inputs, self.compute_dtype)
        outputs, hs, cs = [], [], []
        for number, lstms in enumerate(self.lstms):
            x = drop_each(self.dropouts[number][run], x, training)
            before = None if state is None else (state[0][:, number], state[1][:, number])
            y, (h, c) = run_side_by_side(lstms[run], x, mask=mask, state=before, training=training)
            x = x + y if self.use_skip_connections and number > 0 else y
            outputs.append(x)
            hs.append(h)
            cs.append(c)
        # (n_layers, directions, batch, time, P); states (directions, n_layers, batch, ·)
        return ops.stack(outputs), (ops.stack(hs, axis=1), ops.stack(cs, axis=1))

    def compute_mask(self, inputs: Tensor, mask: Tensor | None = None) -> None:
        return None  # the outputs have axes of their own; whoever calls knows the mask

    def of_direction(self, number: int) -> list[keras.Variable]:
        """The variables of a direction, weights and seeds, in the same order for each."""
        return [
            variable
            for lstms, dropouts in zip(self.lstms, self.dropouts, strict=True)
            for layer in (lstms[number], *dropouts[number : number + 1])
            for variable in layer.variables
        ]

    def named_weights(self) -> dict[str, keras.Variable]:
        """The variables under `{direction}/layer_{l}/…`."""
        return {
            f"{direction}/layer_{number}/{name}": variable
            for which, direction in enumerate(self.directions)
            for number, lstms in enumerate(self.lstms)
            for name, variable in lstms[which].named_weights().items()
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **self._lstm_config,
            "n_layers": self.n_layers,
            "directions": self.directions,
            "use_skip_connections": self.use_skip_connections,
            "input_dropout": self.input_dropout,
            "variational": self.variational,
            "seed": self.seed,
        }
