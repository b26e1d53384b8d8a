"""A TensorFlow SavedModel of an encoder; the time loop is a `tf.while_loop`.

Runs as a process of its own, under Keras on TensorFlow: `python -m … SOURCE OUTPUT`.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from elmo.export.process import read_encoder

if TYPE_CHECKING:
    import tensorflow as tf

    from elmo.bilm.encoder import BiLMEncoder


def write_saved_model(encoder: BiLMEncoder, output: str) -> None:
    """Write the function from `ids` to `layers` and `mask`, as `serving_default` and as `__call__`.

    Args:
        encoder: a built `BiLMEncoder` on TensorFlow.
        output: the folder.
    """
    import tensorflow as tf

    width = encoder.ids_per_token
    shape = [None, None] if width is None else [None, None, width]
    module = tf.Module()
    module.weights = [variable.value for variable in encoder.variables]

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.int32, name="ids")])
    def embed(ids: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"layers": encoder(ids), "mask": encoder.mask(ids)}

    module.__call__ = embed
    tf.saved_model.save(module, output, signatures={"serving_default": embed})


if __name__ == "__main__":
    write_saved_model(read_encoder(sys.argv[1]), sys.argv[2])
