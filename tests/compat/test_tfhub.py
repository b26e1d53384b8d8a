"""The module of TensorFlow Hub: its signatures and outputs."""

import numpy as np
import pytest

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
