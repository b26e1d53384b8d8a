"""StableHLO of an encoder by `jax.export`, with symbolic batch and time, and its weights beside.

Runs as a process of its own, under Keras on JAX: `python -m … SOURCE OUTPUT`. The weights are
arguments, so the graph is small and they are not copied into the compiled program.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elmo.export.process import read_encoder

if TYPE_CHECKING:
    import jax

    from elmo.bilm.encoder import BiLMEncoder

PLATFORMS = ("cpu", "cuda", "tpu")
WEIGHTS = "weights.npz"


def write_stablehlo(encoder: BiLMEncoder, output: str) -> None:
    """Write `(weights, ids) → (layers, mask)` serialized, and `weights.npz` beside it.

    Args:
        encoder: a built `BiLMEncoder` on JAX.
        output: the file.
    """
    import jax
    import keras
    import numpy as np
    from jax import export

    variables = encoder.named_weights()

    @jax.jit
    def embed(weights: dict[str, jax.Array], ids: jax.Array) -> tuple[jax.Array, jax.Array]:
        mapping = [(variables[name], value) for name, value in weights.items()]
        with keras.StatelessScope(state_mapping=mapping):
            return encoder(ids), encoder.mask(ids)

    width = encoder.ids_per_token
    names = "batch, time" if width is None else f"batch, time, {width}"
    values: dict[str, Any] = {n: np.asarray(variable.value) for n, variable in variables.items()}
    ids = np.zeros((1, 1) if width is None else (1, 1, width), np.int32)
    shapes = export.symbolic_args_specs((values, ids), (None, names))
    exported = export.export(embed, platforms=PLATFORMS)(*shapes)
    path = Path(output)
    path.write_bytes(exported.serialize())
    np.savez(path.with_name(WEIGHTS), **values)


if __name__ == "__main__":
    write_stablehlo(read_encoder(sys.argv[1]), sys.argv[2])
