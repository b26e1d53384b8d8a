"""The LSTM scan on JAX, with a backward pass of its own (see `recurrence.py` for the arithmetic).

Let z be a step's gates, m = σ(o)·tanh(c) what is projected, dh and dc the gradients that reach the
step from later ones. All that does not depend on dh and dc is worked out for the whole window first:

    a = σ(o)·(1 − tanh²(c)),
    b = (j·i·(1 − i),  i·(1 − j²),  c₋₁·f·(1 − f),  tanh(c)·o·(1 − o))

where i, j, f, o are the gates after their activations. The backward loop is then

    dm = (dh + dy)·Wᵀ,   dc ← dc + dm·a,   dz = (dc, dc, dc, dm)·b,   dh ← dz·Rᵀ,   dc ← dc·f

and over all steps at once

    dR = Σ hᵀ·dz,   dW = Σ mᵀ·dh,   d gates = dz.

Nothing passes through a value that was clipped.

Arrays are `(directions, time, batch, ·)`, so that the products over a whole window need no transposed
copies. XLA would compute what several fusions read once in each of them; `_once` keeps it from that.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike

if TYPE_CHECKING:
    from elmo.layers.recurrence import LSTMSettings

F32 = jnp.float32

Values = TypeVar("Values")
Maybe: TypeAlias = jax.Array | None
Outputs: TypeAlias = tuple[jax.Array, jax.Array, jax.Array]
"""The outputs of a window, and the h and c behind it."""
Arguments: TypeAlias = tuple[jax.Array, jax.Array, Maybe, jax.Array, jax.Array, Maybe, jax.Array]
"""Those of `scan` without its settings."""
Residuals: TypeAlias = tuple[
    jax.Array,
    list[jax.Array],
    tuple[jax.Array, jax.Array],
    tuple[jax.Array, Maybe, Maybe, jax.Array],
]
"""What the way back needs: outputs, what `_forward` has saved, the state before, weights and masks."""


def scan(
    settings: LSTMSettings,
    gates: jax.Array,
    recurrent_kernel: jax.Array,
    projection_kernel: Maybe,
    h: jax.Array,
    c: jax.Array,
    mask: Maybe,
    recurrent_mask: jax.Array,
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    """`lstm_scan` with its optional arguments made explicit; returns outputs and `(h, c)`."""
    outputs, h, c = _scan(
        settings, gates, recurrent_kernel, projection_kernel, h, c, mask, recurrent_mask
    )
    return outputs, (h, c)


_once: Callable[[Values], Values] = lax.optimization_barrier


def _at(array: jax.Array, step: jax.Array) -> jax.Array:
    return lax.dynamic_index_in_dim(array, step, 1, keepdims=False)


def _put(array: jax.Array, value: jax.Array, step: jax.Array) -> jax.Array:
    return lax.dynamic_update_index_in_dim(array, value.astype(array.dtype), step, 1)


def _product(a: jax.Array, b: jax.Array) -> jax.Array:
    """(directions, batch, n) · (directions, n, m), summed in float32."""
    return jnp.einsum("dbn,dnm->dbm", a, b, preferred_element_type=F32)


def _product_back(a: jax.Array, b: jax.Array) -> jax.Array:
    """(directions, batch, m) · (directions, n, m)ᵀ, summed in float32."""
    return jnp.einsum("dbm,dnm->dbn", a, b, preferred_element_type=F32)


def _activate(
    settings: LSTMSettings, z: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """The gates i, j, f, o from their sums."""
    i, j, f, o = jnp.split(z, 4, axis=-1)
    return (
        jax.nn.sigmoid(i),
        jnp.tanh(j),
        jax.nn.sigmoid(f + settings.forget_bias),
        jax.nn.sigmoid(o),
    )


def _clip(x: jax.Array, limit: float | None) -> jax.Array:
    return x if limit is None else jnp.clip(x, -limit, limit)


def _inside(x: jax.Array, limit: float) -> jax.Array:
    """1 where a clipped value was not clipped."""
    return (jnp.abs(x) < limit).astype(F32)


def _keep(mask: Maybe, new: jax.Array, old: jax.Array | float) -> jax.Array:
    return new if mask is None else jnp.where(mask[..., None], new, old)


def _forward(
    settings: LSTMSettings,
    gates: jax.Array,
    recurrent_kernel: jax.Array,
    projection_kernel: Maybe,
    h: jax.Array,
    c: jax.Array,
    mask: Maybe,
    recurrent_mask: jax.Array,
    *,
    save: bool,
) -> tuple[jax.Array, jax.Array, jax.Array, list[jax.Array]]:
    """Outputs, the last state and, to go back by, the sums of the gates and the cells of each step."""
    directions, time, batch, _ = gates.shape
    dtype = gates.dtype

    def step(t: jax.Array, values: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        h_before, c_before, outputs, *saved = values
        read = (h_before * recurrent_mask).astype(dtype)
        z = _once(_at(gates, t).astype(F32) + _product(read, recurrent_kernel))
        i, j, f, o = _activate(settings, z)
        c = _once(_clip(f * c_before + i * j, settings.cell_clip))
        h = _once(o * jnp.tanh(c))
        if projection_kernel is not None:
            h = _once(_clip(_product(h.astype(dtype), projection_kernel), settings.proj_clip))
        keep = None if mask is None else _at(mask, t)
        output = _keep(keep, h, 0.0)
        h, c = _keep(keep, h, h_before), _keep(keep, c, c_before)
        if save:
            saved = [_put(array, v, t) for array, v in zip(saved, (z, c, h_before), strict=False)]
        return (h, c, _put(outputs, output, t), *saved)

    def empty(size: int, dtype: DTypeLike) -> jax.Array:
        return jnp.zeros((directions, time, batch, size), dtype)

    start = [h, c, empty(h.shape[-1], dtype)]
    if save:
        start += [empty(gates.shape[-1], dtype), empty(c.shape[-1], F32)]
        if mask is not None:  # the h before a step is the output of the step before, but at padding
            start.append(empty(h.shape[-1], F32))
    h, c, outputs, *saved = lax.fori_loop(0, time, step, tuple(start))
    return outputs, h, c, saved


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _scan(settings: LSTMSettings, *arguments: *Arguments) -> Outputs:
    outputs, h, c, _ = _forward(settings, *arguments, save=False)
    return outputs, h, c


def _scan_forward(settings: LSTMSettings, *arguments: *Arguments) -> tuple[Outputs, Residuals]:
    outputs, h, c, saved = _forward(settings, *arguments, save=True)
    _, recurrent_kernel, projection_kernel, first_h, first_c, mask, recurrent_mask = arguments
    start = (first_h, first_c)
    weights = (recurrent_kernel, projection_kernel, mask, recurrent_mask)
    return (outputs, h, c), (outputs, saved, start, weights)


def _scan_backward(
    settings: LSTMSettings, residuals: Residuals, gradients: Outputs
) -> tuple[jax.Array, jax.Array, Maybe, jax.Array, jax.Array, None, jax.Array]:
    outputs, (z, cells, *others), (first_h, first_c), weights = residuals
    recurrent_kernel, projection_kernel, mask, recurrent_mask = weights
    d_outputs, d_h, d_c = gradients
    time, dtype = outputs.shape[1], outputs.dtype

    def before(first: jax.Array, later: jax.Array) -> jax.Array:
        return jnp.concatenate([first[:, None].astype(F32), later[:, :-1].astype(F32)], axis=1)

    c_before = before(first_c, cells)
    h_before = others[0] if others else before(first_h, outputs)
    i, j, f, o = _activate(settings, z.astype(F32))
    tanh_c = jnp.tanh(cells)
    inside = 1.0 if settings.cell_clip is None else _inside(cells, settings.cell_clip)
    to_gates = jnp.concatenate(
        [
            inside * j * i * (1 - i),
            inside * i * (1 - j**2),
            inside * c_before * f * (1 - f),
            tanh_c * o * (1 - o),
        ],
        axis=-1,
    )
    through_h = None
    if projection_kernel is not None and settings.proj_clip is not None:
        through_h = _inside(outputs.astype(F32), settings.proj_clip)
    projected, to_cell, forget, to_gates = _once(
        (o * tanh_c, o * (1 - tanh_c**2), inside * f, to_gates)
    )

    def step(number: jax.Array, values: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
        d_h, d_c, d_gates, d_projected = values
        t = time - 1 - number
        keep = None if mask is None else _at(mask, t)
        d_out = d_h + _at(d_outputs, t).astype(F32)
        if through_h is not None:
            d_out = d_out * _at(through_h, t)
        d_out = _once(_keep(keep, d_out, 0.0))
        d_m = d_out
        if projection_kernel is not None:
            d_m = _product_back(d_out.astype(dtype), projection_kernel)
        d_cell = _once(d_c + d_m * _at(to_cell, t))
        d_z = _once(jnp.concatenate([d_cell, d_cell, d_cell, d_m], axis=-1)) * _at(to_gates, t)
        d_z = _once(_keep(keep, d_z, 0.0).astype(dtype))
        new_d_h = _product_back(d_z, recurrent_kernel) * recurrent_mask
        new_d_c = _once(d_cell * _at(forget, t))
        return (
            _keep(keep, new_d_h, d_h),
            _keep(keep, new_d_c, d_c),
            _put(d_gates, d_z, t),
            _put(d_projected, d_out, t),
        )

    start = (d_h, d_c, jnp.zeros(z.shape, dtype), jnp.zeros(outputs.shape, dtype))
    d_h, d_c, d_gates, d_projected = lax.fori_loop(0, time, step, start)

    h_read = (h_before * recurrent_mask[:, None]).astype(dtype)
    d_recurrent = _weight_gradient(h_read, d_gates).astype(recurrent_kernel.dtype)
    d_projection = None
    if projection_kernel is not None:
        d_projection = _weight_gradient(projected.astype(dtype), d_projected)
        d_projection = d_projection.astype(projection_kernel.dtype)
    # Masks are drawn, not learned: their gradient is never asked for.
    return d_gates, d_recurrent, d_projection, d_h, d_c, None, jnp.zeros_like(recurrent_mask)


def _weight_gradient(left: jax.Array, right: jax.Array) -> jax.Array:
    left, right = (x.reshape(x.shape[0], -1, x.shape[-1]) for x in (left, right))
    return jnp.einsum("drn,drm->dnm", left, right, preferred_element_type=F32)


_scan.defvjp(_scan_forward, _scan_backward)
