"""The scan under the projected LSTM, for one direction or several side by side.

This is the one place where a backend has a path of its own. Keras's scan differentiates step by
step: each step of its backward pass adds a whole weight gradient. On JAX the backward pass written
here hands out the gates' gradients of a window and forms every weight gradient as one large product.

For each step t, with gates z split into input, candidate, forget and output (Peters et al. 2018,
after Sak et al. 2014):

    z  = x_t·K + b + h·R
    c  = clip(σ(z_f + forget_bias)·c + σ(z_i)·tanh(z_j), ± cell_clip)
    h  = clip((σ(z_o)·tanh(c))·W, ± proj_clip)

`x_t·K + b` is computed outside, for all steps at once (`input_gates`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
from keras import ops

from elmo.layers.tensors import State, Tensor


class LSTMSettings(NamedTuple):
    """What is fixed in a scan; hashable, so that a compiled function can depend on it."""

    cell_clip: float | None
    proj_clip: float | None
    forget_bias: float


def input_gates(inputs: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """The input half of the gates of a whole window, x·K + b, as one product a direction.

    Args:
        inputs: `(directions, time, batch, n)`.
        kernel: `(directions, n, 4 * dim)`.
        bias: `(directions, 4 * dim)`.

    Returns:
        `(directions, time, batch, 4 * dim)`.
    """
    shape = ops.shape(inputs)
    rows = ops.reshape(inputs, (shape[0], -1, shape[3]))  # (directions, time * batch, n)
    gates = ops.matmul(rows, kernel) + ops.expand_dims(bias, 1)
    return ops.reshape(gates, (*shape[:3], kernel.shape[-1]))


def lstm_scan(
    gates: Tensor,
    recurrent_kernel: Tensor,
    projection_kernel: Tensor | None,
    state: State,
    *,
    settings: LSTMSettings,
    mask: Tensor | None = None,
    recurrent_mask: Tensor | None = None,
) -> tuple[Tensor, State]:
    """Run the recurrence over a window.

    Args:
        gates: input half of the gates, `(directions, time, batch, 4 * dim)`; see `input_gates`.
        recurrent_kernel: `(directions, projection_dim, 4 * dim)`.
        projection_kernel: `(directions, dim, projection_dim)`, or None where the output is not
            projected (then `proj_clip` does nothing).
        state: `(h, c)`, float32, `(directions, batch, projection_dim)` and `(directions, batch, dim)`.
        settings: clips and forget bias.
        mask: `(directions, time, batch)`, true at real positions; elsewhere the state stays as it
            is and the output is zero.
        recurrent_mask: multiplied with h on its way into the gates, `(directions, batch,
            projection_dim)`: variational dropout.

    Returns:
        The outputs `(directions, time, batch, projection_dim)` in the type of `gates`, and the last
        `(h, c)` in float32.
    """
    h, c = state
    if recurrent_mask is None:
        recurrent_mask = ops.ones((1, 1, 1), dtype="float32")
    if projection_kernel is None:
        settings = settings._replace(proj_clip=None)
    arguments = (gates, recurrent_kernel, projection_kernel, h, c, mask, recurrent_mask)
    if keras.backend.backend() == "jax":
        from elmo.layers.jax_recurrence import scan

        return scan(settings, *arguments)
    return _portable_scan(settings, *arguments)


def _clip(x: Tensor, limit: float | None) -> Tensor:
    return x if limit is None else ops.clip(x, -limit, limit)


def _portable_scan(
    settings: LSTMSettings,
    gates: Tensor,
    recurrent_kernel: Tensor,
    projection_kernel: Tensor | None,
    h: Tensor,
    c: Tensor,
    mask: Tensor | None,
    recurrent_mask: Tensor,
) -> tuple[Tensor, State]:
    compute_dtype = gates.dtype
    gates = ops.swapaxes(gates, 0, 1)  # (time, directions, batch, 4 * dim)
    if mask is not None:
        mask = ops.swapaxes(mask, 0, 1)
    step: Callable[[State, Tensor], tuple[State, State]] = functools.partial(
        _step, settings, recurrent_kernel, projection_kernel, recurrent_mask, compute_dtype
    )
    inputs: Tensor = (gates,)
    if mask is not None:
        inputs = (gates, ops.cast(mask, "float32"))
    if mask is not None and gates.shape[0] is None:
        # On TensorFlow Keras's scan wants to know the length of several inputs, but not of one.
        packed = [ops.cast(gates, "float32"), ops.expand_dims(inputs[1], -1)]
        inputs, unpacked = ops.concatenate(packed, axis=-1), step

        def apart(state: State, x: Tensor) -> tuple[State, State]:
            return unpacked(state, (ops.cast(x[..., :-1], compute_dtype), x[..., -1]))

        step = apart

    (h, c), (outputs, _) = ops.scan(step, (h, c), inputs)
    return ops.swapaxes(ops.cast(outputs, compute_dtype), 0, 1), (h, c)


def _step(
    settings: LSTMSettings,
    recurrent_kernel: Tensor,
    projection_kernel: Tensor | None,
    recurrent_mask: Tensor,
    compute_dtype: str,
    state: State,
    inputs: Sequence[Tensor],
) -> tuple[State, State]:
    h_before, c_before = state
    x, *mask = inputs
    h = ops.cast(h_before * recurrent_mask, compute_dtype)
    z = ops.cast(x, "float32") + ops.cast(ops.matmul(h, recurrent_kernel), "float32")
    i, j, f, o = ops.split(z, 4, axis=-1)  # (directions, batch, dim) each
    c = ops.sigmoid(f + settings.forget_bias) * c_before + ops.sigmoid(i) * ops.tanh(j)
    c = _clip(c, settings.cell_clip)
    h = ops.sigmoid(o) * ops.tanh(c)
    if projection_kernel is not None:
        h = ops.matmul(ops.cast(h, compute_dtype), projection_kernel)
        h = _clip(ops.cast(h, "float32"), settings.proj_clip)
    output = h
    if mask:
        keep = ops.expand_dims(mask[0], -1)  # (directions, batch, 1)
        output = h * keep
        h = output + h_before * (1 - keep)
        c = c * keep + c_before * (1 - keep)
    # TensorFlow's scan wants outputs of the carry's structure and types.
    return (h, c), (output, c)
