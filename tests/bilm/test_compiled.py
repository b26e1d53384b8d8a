"""What is compiled for inference is exact, on a GPU too."""

import keras
import numpy as np
import pytest

from elmo.bilm.compiled import compiled


def test_products_have_all_digits_of_float32():
    if keras.backend.backend() != "jax":
        pytest.skip("of JAX alone")
    import jax

    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    seen = []

    def function(x):
        seen.append(str(jax.make_jaxpr(lambda y: y @ layer.kernel.value)(x)))
        return layer(x)

    compiled(layer, function)(np.ones((1, 3), "float32"))
    assert "Precision.HIGHEST" in seen[0]
    assert "HIGHEST" not in str(jax.make_jaxpr(lambda y: y @ y)(np.ones((2, 2), "float32")))
