import numpy as np
import pytest

from elmo.layers.dropout import VariationalDropout, WordDropout
from tests.layers.harness import run_layer_test, to_numpy

ONES = np.ones((50, 20, 8), "float32")


@pytest.mark.numerics
@pytest.mark.parametrize("cls", [WordDropout, VariationalDropout])
@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5)])
def test_harness(cls, shape):
    x = np.random.default_rng(0).standard_normal(shape).astype("float32")
    axis = len(shape) - 2
    layer, outputs = run_layer_test(
        cls,
        {"rate": 0.5, "seed": 3},
        x,
        shape,
        pad_axes={"inputs": axis},
        output_time_axes=axis,
        trainable=False,
        stochastic=True,
    )
    np.testing.assert_array_equal(outputs, x)
    assert layer.trainable_variables == []
    run_layer_test(cls, {"rate": 0.0}, x, shape, trainable=False)


def test_word_dropout_drops_whole_tokens_and_scales_nothing():
    y = to_numpy(WordDropout(0.3, seed=0)(ONES, training=True))
    assert set(np.unique(y)) == {0, 1}
    np.testing.assert_array_equal(y.min(axis=-1), y.max(axis=-1))
    assert y.mean() == pytest.approx(0.7, abs=0.05)
    assert 0 < y[0].mean() < 1


def test_variational_dropout_has_one_mask_a_sequence():
    y = to_numpy(VariationalDropout(0.3, seed=0)(ONES, training=True))
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1], y.shape))
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.7], rtol=1e-6)
    assert y.mean() == pytest.approx(1, abs=0.1)
    assert (y[0] != y[1]).any()


@pytest.mark.parametrize("cls", [WordDropout, VariationalDropout])
def test_there_is_nothing_to_build(cls):
    assert cls(0.5).built


@pytest.mark.parametrize("cls", [WordDropout, VariationalDropout])
def test_the_same_seed_drops_the_same(cls):
    first, second = (to_numpy(cls(0.5, seed=7)(ONES, training=True)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("rate", [-0.1, 1.0])
def test_a_rate_that_makes_no_sense_is_named(rate):
    with pytest.raises(ValueError, match="rate="):
        WordDropout(rate)
