"""What is compiled before the server answers is what the first answers take."""

import keras
import pytest

from elmo.serve.questions import Place, Questions
from tests.language.conftest import Tiny, compiled_by


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="JAX says what it compiles")
@pytest.mark.parametrize("kind", ["word", "characters"])
def test_first_questions_compile_nothing(kind, caplog):
    asked = Questions(Tiny(kind).model)
    _, lines = compiled_by(asked.warm, caplog)
    assert lines
    first = ["the", "cat", "sang"]
    for sentences in (
        [first],
        [first] * 10,
        [["dog"] * 50],
        [["dog"] * 10, ["dog"] * 30],
        [["dog"] * 40] * 64,
    ):
        _, lines = compiled_by(lambda given=sentences: asked.analyse(given), caplog)
        assert not lines
    substitutes = asked.substitutes("product", 0.0)
    _, lines = compiled_by(lambda: substitutes([Place(first, 1, 10)]), caplog)
    assert not lines


@pytest.mark.parametrize("directions", ["forward", "backward"])
def test_a_model_of_one_direction_is_compiled_too(directions):
    Questions(Tiny(directions=directions).model).warm()


def test_a_model_that_cannot_predict_has_nothing_to_compile():
    model = Tiny().model
    model.has_softmax = False
    Questions(model).warm()
