"""The harness catches what it is there to catch."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.layers.harness import run_layer_test

X = np.random.default_rng(0).standard_normal((2, 3, 4)).astype("float32")


@keras.saving.register_keras_serializable(package="elmo")
class Scale(keras.layers.Layer):
    """Multiplies by a weight; its arguments spoil it in one way or another."""

    def __init__(self, fault=None, **kwargs):
        super().__init__(**kwargs)
        self.fault = fault

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(4,), initializer="ones", name="scale")
        self.idle = self.add_weight(shape=(4,), initializer="ones", name="idle")
        self.built = True

    def call(self, inputs, training=False):
        outputs = inputs * self.scale
        if self.fault == "looks at padding":
            outputs = outputs + ops.sum(inputs, axis=1, keepdims=True)
        return outputs if self.fault == "idle weight" else outputs + self.idle

    def get_config(self):
        named = {} if self.fault == "forgets its arguments" else {"fault": self.fault}
        return {**super().get_config(), **named}


@pytest.mark.numerics
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (None, None),
        ("forgets its arguments", "leaves out"),
        ("looks at padding", "Not equal to tolerance"),
        ("idle weight", "idle|None|NoneType"),
    ],
)
def test_faults(fault, message):
    def check():
        arguments = {"pad_axes": {"inputs": 1}, "output_time_axes": 1}
        run_layer_test(Scale, {"fault": fault}, X, (2, 3, 4), **arguments)

    if message is None:
        check()
    else:
        with pytest.raises(Exception, match=message):
            check()


def test_another_shape():
    with pytest.raises(AssertionError):
        run_layer_test(Scale, {}, X, (2, 3, 5))
