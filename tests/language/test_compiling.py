"""A question like one that was asked before compiles nothing, and still sees new weights."""

import logging

import keras
import numpy as np
import pytest

from elmo.bilm.weights import get_weights, set_weights
from tests.language.conftest import SENTENCES

ASKED = {
    "score": lambda model: model.score(SENTENCES).nats,
    "score, carried": lambda model: model.score(SENTENCES, state="carry").nats,
    "score_pairs": lambda model: model.score_pairs(
        [("the cat sang", "the cat the")], "spaces"
    ).nats["both"],
    "substitutes": lambda model: [
        one.log_probability for one in model.substitutes("the cat saw a dog", 1)
    ],
}


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX says what it compiles")
@pytest.mark.parametrize("question", ASKED)
@pytest.mark.parametrize("kind", ["word", "characters"])
def test_a_second_question_compiles_nothing(tiny, kind, question, caplog):
    import jax

    model = tiny(kind).model
    ask = ASKED[question]

    def compiled():
        caplog.clear()
        with jax.log_compiles(), caplog.at_level(logging.WARNING, "jax"):
            answer = ask(model)
        found = [record.getMessage() for record in caplog.records]
        return answer, [line for line in found if line.startswith("Compiling")]

    first, lines = compiled()
    assert lines
    second, lines = compiled()
    assert not lines
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("question", ASKED)
def test_new_weights_are_seen(tiny, question):
    made, other = tiny("word").model, tiny("word").model
    before = ASKED[question](made)
    weights = {name: 0.5 * values for name, values in get_weights(other.network).items()}
    for model in (made, other):
        set_weights(model.network, weights)
    after = ASKED[question](made)
    assert not np.allclose(before, after)
    np.testing.assert_array_equal(after, ASKED[question](other))
