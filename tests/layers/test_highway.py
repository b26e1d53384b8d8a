import numpy as np
import pytest

from elmo.layers.highway import Highway
from tests.layers.harness import assign, run_layer_test, to_numpy


@pytest.mark.numerics
def test_harness():
    x = np.random.default_rng(0).standard_normal((2, 3, 5)).astype("float32")
    run_layer_test(Highway, {}, x, (2, 3, 5), pad_axes={"inputs": 1}, output_time_axes=1)


@pytest.mark.numerics
def test_values_by_hand():
    """Two features: the first gate almost open, the second almost shut."""
    layer = Highway()
    layer.build((None, 2))
    np.testing.assert_array_equal(to_numpy(layer.carry_bias), [-2, -2])
    assign(
        layer.named_weights(),
        {
            "carry_kernel": np.array([[1.0, 0.0], [0.0, 0.0]]),
            "carry_bias": np.array([1.0, -1.0]),
            "transform_kernel": np.array([[2.0, 0.0], [0.0, -1.0]]),
            "transform_bias": np.array([0.5, 0.0]),
        },
    )
    first = 1 / (1 + np.exp(-3.0))  # of 2 · 1 + 1
    second = 1 / (1 + np.exp(1.0))  # of -1
    wanted = [first * 4.5 + (1 - first) * 2, second * 0 + (1 - second) * 3]
    np.testing.assert_allclose(to_numpy(layer(np.array([[2.0, 3.0]], "float32")))[0], wanted, 1e-6)
