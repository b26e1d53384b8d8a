"""The module of TensorFlow Hub: its signatures and outputs."""

import pickle

import keras
import numpy as np
import pytest
from keras import ops

from elmo.api import load
from elmo.compat.tfhub import ElmoModule

STRINGS = ["the cat  sat", "dogs"]
TOKENS = {
    "tokens": np.array([["the", "cat", "sat", ""], ["dogs", "", "", ""]]),
    "sequence_len": [3, 1],
}


@pytest.fixture
def elmo(folder):
    return ElmoModule(load(folder))


def test_outputs(elmo, folder):
    found = elmo(STRINGS, signature="default", as_dict=True)
    assert {name: value.shape for name, value in found.items()} == {
        "word_emb": (2, 3, 3),
        "lstm_outputs1": (2, 3, 6),
        "lstm_outputs2": (2, 3, 6),
        "elmo": (2, 3, 6),
        "default": (2, 6),
    }
    first, second = load(folder).embed(STRINGS)
    np.testing.assert_allclose(found["word_emb"][0], first[0, :, :3], atol=1e-6)
    np.testing.assert_allclose(found["lstm_outputs2"][0], first[2], atol=1e-6)
    np.testing.assert_allclose(found["elmo"][1, :1], second.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(found["default"][1], second.mean(axis=(0, 1)), atol=1e-6)
    assert not found["elmo"][1, 1:].any()
    np.testing.assert_array_equal(elmo(STRINGS), found["default"])


def test_tokens(elmo):
    found = elmo(TOKENS, signature="tokens", as_dict=True)
    assert found["elmo"].shape == (2, 4, 6)
    wanted = elmo([s.encode() for s in STRINGS], as_dict=True)
    np.testing.assert_allclose(found["elmo"][:, :3], wanted["elmo"], atol=1e-6)
    np.testing.assert_allclose(found["default"], wanted["default"], atol=1e-6)
    assert not found["elmo"][:, 3].any()


def test_weights_of_the_sum(folder):
    elmo = ElmoModule(folder, weights=[0.0, 50.0, 0.0], scaling=2.0)
    found = elmo(STRINGS, as_dict=True)
    np.testing.assert_allclose(found["elmo"], 2 * found["lstm_outputs1"], atol=1e-5)


def gradients(module, strings, direction):
    """Of `default` times a direction with respect to what is trainable, by each backend's own means."""
    direction = ops.convert_to_tensor(np.asarray(direction, np.float32))

    def loss():
        return ops.sum(module(strings) * direction)

    variables = module.trainable_variables
    if keras.backend.backend() == "torch":
        loss().backward()
        found = [variable.value.grad for variable in variables]
    elif keras.backend.backend() == "tensorflow":
        import tensorflow

        with tensorflow.GradientTape() as tape:
            value = loss()
        found = tape.gradient(value, [variable.value for variable in variables])
    else:
        import jax

        def at(values):
            with keras.StatelessScope(list(zip(variables, values, strict=True))):
                return loss()

        found = jax.grad(at)([variable.value for variable in variables])
    return [keras.ops.convert_to_numpy(gradient) for gradient in found]


@pytest.mark.numerics
def test_a_trainable_module_learns_weights_and_scale(folder):
    """Against the derivatives of the softmax-weighted sum, in float64 from the layers themselves."""
    weights, scaling = np.array([0.3, -0.2, 0.5]), 1.5
    module = ElmoModule(load(folder), weights=weights, scaling=scaling, trainable=True)
    direction = np.random.default_rng(0).normal(size=6)
    found = gradients(module, STRINGS[:1], direction)
    (layers,) = load(folder).embed(STRINGS[:1])
    means = layers.astype(np.float64).mean(axis=1) @ direction  # one number a layer
    shares = np.exp(weights) / np.exp(weights).sum()
    by_shape = {np.shape(gradient): gradient for gradient in found}
    np.testing.assert_allclose(by_shape[()], shares @ means, atol=1e-5)
    np.testing.assert_allclose(
        by_shape[(3,)], scaling * shares * (means - shares @ means), atol=1e-5
    )


def test_a_trainable_module_begins_as_the_other(folder):
    fixed, learned = (ElmoModule(load(folder), trainable=t) for t in (False, True))
    wanted, found = (module(STRINGS, as_dict=True) for module in (fixed, learned))
    assert wanted.keys() == found.keys()
    for name in wanted:
        np.testing.assert_allclose(ops.convert_to_numpy(found[name]), wanted[name], atol=1e-6)
    assert fixed.trainable_variables == []
    gamma = next(v for v in learned.trainable_variables if v.shape == ())
    gamma.assign(2.0)
    doubled = ops.convert_to_numpy(learned(STRINGS))
    np.testing.assert_allclose(doubled, 2 * wanted["default"], atol=1e-5)


def test_signatures_by_name(elmo):
    wanted = elmo(TOKENS, signature="tokens", as_dict=True)
    for found in (
        elmo.signatures["tokens"](**TOKENS),
        elmo.signatures["tokens"](TOKENS),
        pickle.loads(pickle.dumps(elmo)).signatures["tokens"](**TOKENS),
    ):
        for name, value in wanted.items():
            np.testing.assert_allclose(found[name], value, atol=1e-6)


def test_state(folder):
    stateless, carrying = ElmoModule(folder), ElmoModule(folder, state="carry")
    np.testing.assert_allclose(stateless(STRINGS), carrying(STRINGS), atol=1e-6)
    np.testing.assert_allclose(stateless(STRINGS), stateless(STRINGS))
    assert np.abs(stateless(STRINGS) - carrying(STRINGS)).max() > 1e-4


def test_empty(elmo):
    found = elmo(["", ""], as_dict=True)
    assert found["elmo"].shape == (2, 0, 6) and not found["default"].any()


@pytest.mark.parametrize(
    ("inputs", "signature", "text"),
    [
        ("one string", "default", "list of strings"),
        ([["a"]], "default", "list of strings"),
        (["a"], "tokens", "takes a dict"),
        ({"tokens": [["a"]], "sequence_len": [2]}, "tokens", "no more than that"),
        ({"tokens": [["a"], ["a", "b"]], "sequence_len": [1, 2]}, "tokens", "one length"),
        (["a"], "elmo", "signature='elmo'"),
    ],
)
def test_refusals(elmo, inputs, signature, text):
    with pytest.raises(ValueError, match=text):
        elmo(inputs, signature=signature)


def test_refused_settings(folder):
    with pytest.raises(ValueError, match="must be 3 numbers"):
        ElmoModule(folder, weights=[1.0])
    with pytest.raises(ValueError, match="state=0"):
        ElmoModule(folder, state=0)
