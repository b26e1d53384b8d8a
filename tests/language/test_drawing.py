"""Which types are kept, and that they are drawn as often as they should be."""

import numpy as np
import pytest
from scipy.stats import chisquare

from elmo.language.drawing import Drawing, stream_of

P = np.array([0.05, 0.3, 0.0, 0.25, 0.1, 0.2, 0.1])
with np.errstate(divide="ignore"):
    LOG_P = np.log(P)


@pytest.mark.parametrize(
    ("choices", "types"),
    [
        ({}, [0, 1, 3, 4, 5, 6]),
        ({"top_k": 1}, [1]),
        ({"top_k": 3}, [1, 3, 5]),
        ({"top_k": 4}, [1, 3, 4, 5]),  # of two equally probable types the first
        ({"top_k": 100}, [0, 1, 3, 4, 5, 6]),
        ({"top_p": 0.01}, [1]),
        ({"top_p": 0.31}, [1, 3]),
        ({"top_p": 0.74}, [1, 3, 5]),
        ({"top_p": 0.76}, [1, 3, 4, 5]),
        ({"top_p": 1.0}, [0, 1, 3, 4, 5, 6]),
        ({"top_k": 3, "top_p": 0.7}, [1, 3]),  # 0.55 of 0.75 is more than 0.7
        ({"temperature": 0}, [1]),
        ({"temperature": 0.5, "top_p": 0.5}, [1, 3]),  # 9 and 6.25 of 20.5 are more than a half
        ({"temperature": 2.0, "top_p": 0.5}, [1, 3, 5]),
    ],
)
def test_exactly_these_types_are_kept(choices, types):
    drawing = Drawing(**choices)
    found, probabilities = drawing.kept(LOG_P - 3.0)
    assert found.tolist() == types
    wanted = P[types] ** (1 / (drawing.temperature or 1))
    np.testing.assert_allclose(probabilities, wanted / wanted.sum(), rtol=1e-12)


def test_a_temperature_near_zero_is_the_most_probable():
    assert Drawing(temperature=1e-300).draw(LOG_P, np.random.default_rng(0)) == 1


@pytest.mark.parametrize("choices", [{}, {"temperature": 0.6}, {"temperature": 2.0, "top_k": 4}])
def test_types_are_drawn_as_often_as_they_are_probable(choices):
    drawing = Drawing(**choices)
    types, probabilities = drawing.kept(LOG_P)
    drawn = [drawing.draw(LOG_P, stream_of(5, ["a"], 0, k)) for k in range(4000)]
    counts = np.bincount(drawn, minlength=len(P))
    assert counts.sum() == counts[types].sum()
    assert chisquare(counts[types], 4000 * probabilities).pvalue > 0.01


def test_streams_differ_in_every_argument():
    streams = [(0, ["a"], 0, 0), (1, ["a"], 0, 0), (0, ["b"], 0, 0), (0, ["a"], 1, 0)]
    streams += [(0, ["a"], 0, 1), (0, ["a", "a"], 0, 0), (0, ["a a"], 0, 0)]
    assert len({stream_of(*key).random() for key in streams}) == len(streams)


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"temperature": -0.1}, "temperature=-0.1: must be 0"),
        ({"temperature": float("nan")}, "temperature=nan: must be 0"),
        ({"top_k": 0}, "top_k=0: must be 1 or more, such as 40"),
        ({"top_p": 2}, "top_p=2: must be above 0 and at most 1, such as 0.9"),
        ({"top_p": 0.0}, "top_p=0.0: must be above 0"),
    ],
)
def test_choices_that_cannot_be(choices, sentence):
    with pytest.raises(ValueError, match=sentence):
        Drawing(**choices)


def test_predictions_that_are_no_numbers():
    with pytest.raises(ValueError, match="weights are damaged"):
        Drawing().kept(np.full(3, np.nan))
