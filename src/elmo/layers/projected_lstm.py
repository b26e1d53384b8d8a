"""The LSTM with recurrent projection and value clips, for one direction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from elmo.layers.initial_values import drawn
from elmo.layers.recurrence import LSTMSettings, input_gates, lstm_scan
from elmo.layers.tensors import Shape, State, Tensor


@keras.saving.register_keras_serializable(package="elmo")
class ProjectedLSTM(keras.layers.Layer):
    r"""LSTM whose output is projected before it is fed back (Sak et al. 2014; Peters et al. 2018).

    .. math::
        z = x_t K + h R + b, \quad
        c \leftarrow \mathrm{clip}(\sigma(z_f + \beta) c + \sigma(z_i) \tanh z_j, \pm cell\_clip),
        \quad
        h \leftarrow \mathrm{clip}((\sigma(z_o) \tanh c) W, \pm proj\_clip)

    The clips are on values, as in the published models, not on the norms of weights.

    Args:
        dim: number of cells, D.
        projection_dim: size of the output, P; with P = D nothing is projected and `proj_clip` does
            nothing, unless `always_project`.
        cell_clip: the cell state is clipped to ± this; None for no clip.
        proj_clip: the projected output is clipped to ± this; None for no clip.
        forget_bias: added to the forget gate at run time, not stored in the bias.
        always_project: project even where P = D.
        recurrent_dropout: rate of the mask on h, the same for all steps of a call.
        weight_dropout: rate of the mask on the recurrent kernel, drawn once a call.
        seed: of the dropout masks.

    Call arguments:
        inputs: `(batch, time, input_dim)`.
        mask: `(batch, time)`, true at real positions; elsewhere the state stays and the output is
            zero.
        initial_state: `(h, c)`, `(batch, projection_dim)` and `(batch, dim)`; zeros by default.
        training: whether dropout is active.
        return_state: also return the last `(h, c)`.

    Returns:
        `(batch, time, projection_dim)`, and with `return_state` the last state, in float32.

    Example:
        >>> import numpy as np
        >>> layer = ProjectedLSTM(dim=8, projection_dim=4, cell_clip=3.0, proj_clip=3.0)
        >>> tuple(layer(np.ones((2, 5, 3), "float32")).shape)
        (2, 5, 4)
    """

    def __init__(
        self,
        *,
        dim: int,
        projection_dim: int,
        cell_clip: float | None = None,
        proj_clip: float | None = None,
        forget_bias: float = 1.0,
        always_project: bool = False,
        recurrent_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if projection_dim > dim:
            raise ValueError(f"projection_dim={projection_dim}: must be at most dim={dim}")
        self.dim = dim
        self.projection_dim = projection_dim
        self.always_project = always_project
        self.settings = LSTMSettings(cell_clip, proj_clip, forget_bias)
        self.recurrent_dropout = recurrent_dropout
        self.weight_dropout = weight_dropout
        self.seed = seed
        self.supports_masking = True
        self.masks = None
        if recurrent_dropout or weight_dropout:
            self.masks = keras.random.SeedGenerator(seed)
        # The state is float32 whatever the policy: Keras must not cast it on its way in.
        self.autocast = False

    def build(self, input_shape: Shape) -> None:
        shapes = {
            "kernel": (input_shape[-1], 4 * self.dim),
            "recurrent_kernel": (self.projection_dim, 4 * self.dim),
            "bias": (4 * self.dim,),
        }
        if self.always_project or self.projection_dim != self.dim:
            shapes["projection_kernel"] = (self.dim, self.projection_dim)
        self.projection_kernel = None
        for name, shape in shapes.items():
            initializer = "zeros" if name == "bias" else "glorot_uniform"
            variable = self.add_weight(name=name, shape=shape, initializer=drawn(initializer))
            setattr(self, name, variable)
        self.built = True

    def call(
        self,
        inputs: Tensor,
        mask: Tensor | None = None,
        initial_state: State | None = None,
        training: bool = False,
        return_state: bool = False,
    ) -> Tensor:
        if initial_state is not None:
            initial_state = tuple(ops.expand_dims(s, 0) for s in initial_state)
        outputs, (h, c) = run_side_by_side(
            [self],
            ops.expand_dims(inputs, 0),
            mask=None if mask is None else ops.expand_dims(mask, 0),
            state=initial_state,
            training=training,
        )
        outputs = ops.squeeze(outputs, 0)
        return (outputs, (ops.squeeze(h, 0), ops.squeeze(c, 0))) if return_state else outputs

    def named_weights(self) -> dict[str, keras.Variable]:
        """The variables by name."""
        names = ["kernel", "recurrent_kernel", "bias"]
        if self.projection_kernel is not None:
            names.append("projection_kernel")
        return {name: getattr(self, name) for name in names}

    def drop_weights(self, training: bool) -> Tensor:
        """The recurrent kernel in the compute type, with weights dropped in training."""
        kernel = ops.cast(self.recurrent_kernel, self.compute_dtype)
        if training and self.weight_dropout:
            kernel = keras.random.dropout(kernel, self.weight_dropout, seed=self.masks)
        return kernel

    def draw_recurrent_mask(self, batch: Tensor | int, training: bool) -> Tensor | None:
        """What h is multiplied with on its way into the gates, `(batch, projection_dim)`."""
        if not (training and self.recurrent_dropout):
            return None
        ones = ops.ones((batch, self.projection_dim), dtype="float32")
        return keras.random.dropout(ones, self.recurrent_dropout, seed=self.masks)

    def compute_output_shape(self, input_shape: Shape, **kwargs: Any) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.projection_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dim": self.dim,
            "projection_dim": self.projection_dim,
            **self.settings._asdict(),
            "always_project": self.always_project,
            "recurrent_dropout": self.recurrent_dropout,
            "weight_dropout": self.weight_dropout,
            "seed": self.seed,
        }


def run_side_by_side(
    lstms: Sequence[ProjectedLSTM],
    inputs: Tensor,
    *,
    mask: Tensor | None = None,
    state: State | None = None,
    training: bool = False,
) -> tuple[Tensor, State]:
    """Run LSTMs of one shape, each over its own rows, in one scan.

    Args:
        lstms: built layers of equal sizes and settings, one per direction.
        inputs: `(directions, batch, time, input_dim)`, each row in reading order.
        mask: `(directions, batch, time)`.
        state: `(h, c)` with a leading axis of directions; zeros by default.
        training: whether dropout is active.

    Returns:
        `(directions, batch, time, projection_dim)` and the last `(h, c)`.
    """
    first = lstms[0]
    dtype = first.compute_dtype
    batch = ops.shape(inputs)[1]
    x = ops.transpose(ops.cast(inputs, dtype), (0, 2, 1, 3))  # (directions, time, batch, input)

    def stacked(name: str) -> Tensor:
        return ops.stack([ops.cast(getattr(lstm, name), dtype) for lstm in lstms])

    gates = input_gates(x, stacked("kernel"), stacked("bias"))
    if state is None:
        sizes = (first.projection_dim, first.dim)
        state = tuple(ops.zeros((len(lstms), batch, n), dtype="float32") for n in sizes)
    recurrent_masks = [lstm.draw_recurrent_mask(batch, training) for lstm in lstms]
    outputs, state = lstm_scan(
        gates,
        ops.stack([lstm.drop_weights(training) for lstm in lstms]),
        None if first.projection_kernel is None else stacked("projection_kernel"),
        tuple(ops.cast(s, "float32") for s in state),
        settings=first.settings,
        mask=None if mask is None else ops.transpose(ops.cast(mask, "bool"), (0, 2, 1)),
        recurrent_mask=None if recurrent_masks[0] is None else ops.stack(recurrent_masks),
    )
    return ops.transpose(outputs, (0, 2, 1, 3)), state
