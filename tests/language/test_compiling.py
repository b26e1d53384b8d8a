"""A question like one that was asked before compiles nothing, and still sees new weights."""

import keras
import numpy as np
import pytest

from elmo.bilm.weights import get_weights, set_weights
from tests.language.conftest import SENTENCES, compiled_by

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
    model = tiny(kind).model
    first, lines = compiled_by(lambda: ASKED[question](model), caplog)
    assert lines
    second, lines = compiled_by(lambda: ASKED[question](model), caplog)
    assert not lines
    np.testing.assert_array_equal(first, second)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX says what it compiles")
def test_a_few_short_sentences_of_any_length_and_number_share_what_is_compiled(tiny, caplog):
    model = tiny("characters").model
    model.score(["the cat"])
    for sentences in (["dog"], ["the cat " * 11], ["a bird", "", "the dog sang"]):
        _, lines = compiled_by(lambda given=sentences: model.score(given), caplog)
        assert not lines


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
