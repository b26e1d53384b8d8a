import keras
import numpy as np
import pytest
from keras import ops

from elmo.layers.sequence import lengths, reverse_within_length, trim_boundaries
from tests.layers.harness import gradients, to_numpy

LENGTHS = np.array([5, 0, 1, 3], "int32")
MASK = np.arange(5) < LENGTHS[:, None]


def reversed_by_hand(x):
    result = x.copy()
    for row, length in zip(result, LENGTHS, strict=True):
        row[:length] = row[:length][::-1].copy()
    return result


@pytest.mark.numerics
@pytest.mark.parametrize("trailing", [(), (3,), (2, 3)])
@pytest.mark.parametrize("dtype", ["int32", "float32", "bool"])
def test_reverse_within_length(trailing, dtype):
    x = (np.arange(20 * np.prod(trailing, dtype=int)) % 7).reshape(4, 5, *trailing).astype(dtype)
    for how in ({"mask": MASK}, {"lengths": LENGTHS}):
        turned = reverse_within_length(x, **how)
        np.testing.assert_array_equal(to_numpy(turned), reversed_by_hand(x))
        np.testing.assert_array_equal(to_numpy(reverse_within_length(turned, **how)), x)
    np.testing.assert_array_equal(to_numpy(reverse_within_length(x)), x[:, ::-1])


def test_reverse_takes_one_of_mask_and_lengths():
    with pytest.raises(ValueError, match="give one of them"):
        reverse_within_length(MASK, mask=MASK, lengths=LENGTHS)


@pytest.mark.numerics
def test_reverse_is_differentiable():
    x, pull = np.random.default_rng(0).standard_normal((2, 4, 5, 3)).astype("float32")
    variable = keras.Variable(x)

    class Holder:
        trainable_variables = (variable,)

    weights = ops.convert_to_tensor(pull)
    found = gradients(Holder, lambda: ops.sum(reverse_within_length(variable, mask=MASK) * weights))
    np.testing.assert_allclose(to_numpy(found[0]), reversed_by_hand(pull), rtol=1e-6)


@pytest.mark.numerics
def test_reverse_in_a_graph_of_unknown_sizes():
    x, mask = keras.Input((None, 3)), keras.Input((None,), dtype="bool")
    model = keras.Model([x, mask], Reverse()(x, mask))
    values = np.random.default_rng(0).standard_normal((4, 5, 3)).astype("float32")
    turned = to_numpy(model([ops.convert_to_tensor(values), ops.convert_to_tensor(MASK)]))
    np.testing.assert_array_equal(turned, reversed_by_hand(values))


class Reverse(keras.layers.Layer):
    def call(self, x, mask):
        return reverse_within_length(x, mask=mask)


@pytest.mark.numerics
def test_lengths():
    assert to_numpy(lengths(MASK)).tolist() == LENGTHS.tolist()


@pytest.mark.numerics
@pytest.mark.parametrize("axis", [1, 2, -2])
def test_trim_boundaries(axis):
    real = np.array([5, 2, 3])
    mask = np.arange(5) < real[:, None]
    x = np.random.default_rng(0).standard_normal((3, 4, 5, 2) if axis != 1 else (3, 5, 4, 2))
    x = x.astype("float32")
    trimmed, left = trim_boundaries(x, mask, axis=axis)
    by_time = np.moveaxis(x, axis, 1)
    wanted = np.zeros_like(by_time[:, :3])
    for row, words, length in zip(wanted, by_time, real, strict=True):
        row[: length - 2] = words[1 : length - 1]
    np.testing.assert_array_equal(np.moveaxis(to_numpy(trimmed), axis, 1), wanted)
    assert to_numpy(lengths(left)).tolist() == [3, 0, 1]
    assert to_numpy(left)[2].tolist() == [True, False, False]
