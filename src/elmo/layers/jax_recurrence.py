"""The LSTM scan on JAX, with a backward pass of its own (see `recurrence.py` for the arithmetic).

Let z be a step's gates, m = σ(o)·tanh(c) what is projected, dh and dc the gradients that reach the
step from later ones. The backward scan computes only

    dm = (dh + dy)·Wᵀ,   dz from dm and dc,   dh ← dz·Rᵀ,   dc ← dc·f

and stacks dz and the gradient of the projected output; then, over all steps at once,

    dR = Σ hᵀ·dz,   dW = Σ mᵀ·dh,   d gates = dz.

Nothing passes through a value that was clipped.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import lax

F32 = jnp.float32


def scan(settings, gates, recurrent_kernel, projection_kernel, h, c, mask, recurrent_mask):
    """`lstm_scan` with its optional arguments made explicit; returns outputs and `(h, c)`."""
    outputs, h, c = _scan(
        settings, gates, recurrent_kernel, projection_kernel, h, c, mask, recurrent_mask
    )
    return outputs, (h, c)


def _product(a, b):
    """(directions, batch, n) · (directions, n, m), summed in float32."""
    return jnp.einsum("dbn,dnm->dbm", a, b, preferred_element_type=F32)


def _activate(settings, z):
    i, j, f, o = jnp.split(z, 4, axis=-1)
    return (
        jax.nn.sigmoid(i),
        jnp.tanh(j),
        jax.nn.sigmoid(f + settings.forget_bias),
        jax.nn.sigmoid(o),
    )


def _clip(x, limit):
    return x if limit is None else jnp.clip(x, -limit, limit)


def _inside(x, limit):
    """1 where a clipped value was not clipped."""
    return 1.0 if limit is None else (jnp.abs(x) < limit).astype(F32)


def _forward_step(settings, recurrent_kernel, projection_kernel, recurrent_mask, state, inputs):
    h_before, c_before = state
    x, keep = inputs
    dtype = x.dtype
    z = x.astype(F32) + _product((h_before * recurrent_mask).astype(dtype), recurrent_kernel)
    i, j, f, o = _activate(settings, z)
    c = _clip(f * c_before + i * j, settings.cell_clip)
    h = o * jnp.tanh(c)
    if projection_kernel is not None:
        h = _clip(_product(h.astype(dtype), projection_kernel), settings.proj_clip)
    new_h, new_c, output = h, c, h
    if keep is not None:
        real = keep[..., None]
        new_h, new_c = jnp.where(real, h, h_before), jnp.where(real, c, c_before)
        output = jnp.where(real, h, 0.0)
    return (new_h, new_c), output, (i, j, f, o)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _scan(settings, gates, recurrent_kernel, projection_kernel, h, c, mask, recurrent_mask):
    def step(state, inputs):
        state, output, _ = _forward_step(
            settings, recurrent_kernel, projection_kernel, recurrent_mask, state, inputs
        )
        return state, output.astype(gates.dtype)

    (h, c), outputs = lax.scan(step, (h, c), (gates, mask))
    return outputs, h, c


def _scan_forward(settings, gates, recurrent_kernel, projection_kernel, h, c, mask, recurrent_mask):
    def step(state, inputs):
        h_before, c_before = state
        state, output, activations = _forward_step(
            settings, recurrent_kernel, projection_kernel, recurrent_mask, state, inputs
        )
        saved = (h_before, c_before, jnp.concatenate(activations, -1).astype(gates.dtype))
        return state, (output.astype(gates.dtype), saved)

    (last_h, last_c), (outputs, saved) = lax.scan(step, (h, c), (gates, mask))
    residuals = (outputs, saved, last_c, recurrent_kernel, projection_kernel, mask, recurrent_mask)
    return (outputs, last_h, last_c), residuals


def _scan_backward(settings, residuals, gradients):
    outputs, (h_before, c_before, activations), last_c, *rest = residuals
    recurrent_kernel, projection_kernel, mask, recurrent_mask = rest
    d_outputs, d_h, d_c = gradients
    dtype = outputs.dtype
    # At padding c stays as it was, so the c after a step is the c before the next one.
    c_after = jnp.concatenate([c_before[1:], last_c[None]])
    recurrent_t = jnp.swapaxes(recurrent_kernel, 1, 2)
    projection_t = None if projection_kernel is None else jnp.swapaxes(projection_kernel, 1, 2)

    def step(carry, inputs):
        d_h, d_c = carry
        d_output, output, c, c_old, act, keep = inputs
        i, j, f, o = jnp.split(act.astype(F32), 4, axis=-1)
        d_out = d_h + d_output.astype(F32)
        if projection_t is None:
            d_m = d_out
        else:
            d_out = d_out * _inside(output.astype(F32), settings.proj_clip)
            d_m = _product(d_out.astype(dtype), projection_t)
        tanh_c = jnp.tanh(c)
        d_cell = (d_c + d_m * o * (1 - tanh_c**2)) * _inside(c, settings.cell_clip)
        d_z = jnp.concatenate(
            [
                d_cell * j * i * (1 - i),
                d_cell * i * (1 - j**2),
                d_cell * c_old * f * (1 - f),
                d_m * tanh_c * o * (1 - o),
            ],
            axis=-1,
        )
        if keep is not None:
            real = keep[..., None]
            d_z, d_out = jnp.where(real, d_z, 0.0), jnp.where(real, d_out, 0.0)
        d_z = d_z.astype(dtype)
        d_h_input = _product(d_z, recurrent_t)  # before the recurrent mask
        new_d_h, new_d_c = d_h_input * recurrent_mask, d_cell * f
        if keep is not None:
            new_d_h, new_d_c = jnp.where(real, new_d_h, d_h), jnp.where(real, new_d_c, d_c)
        return (new_d_h, new_d_c), (d_z, d_out.astype(dtype))

    inputs = (d_outputs, outputs, c_after, c_before, activations, mask)
    (d_h, d_c), (d_gates, d_projected) = lax.scan(step, (d_h, d_c), inputs, reverse=True)

    h_input = (h_before * recurrent_mask).astype(dtype)
    d_recurrent = _weight_gradient(h_input, d_gates).astype(recurrent_kernel.dtype)
    d_projection = None
    if projection_kernel is not None:
        o = activations[..., -c_after.shape[-1] :].astype(F32)
        m = (o * jnp.tanh(c_after)).astype(dtype)
        d_projection = _weight_gradient(m, d_projected).astype(projection_kernel.dtype)
    # Masks are drawn, not learned: their gradient is never asked for.
    return d_gates, d_recurrent, d_projection, d_h, d_c, None, jnp.zeros_like(recurrent_mask)


def _weight_gradient(left, right):
    return jnp.einsum("tdbn,tdbm->dnm", left, right, preferred_element_type=F32)


_scan.defvjp(_scan_forward, _scan_backward)
