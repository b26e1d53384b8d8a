import math

import keras
import numpy as np
import pytest

from elmo.settings.training import TrainingConfig
from elmo.training.steps.schedule import learning_rate


def rates(steps, **settings):
    schedule = learning_rate(TrainingConfig(learning_rate=0.5, **settings), 100)
    return [float(keras.ops.convert_to_numpy(schedule(step))) for step in steps]


def test_a_constant_rate_is_a_number():
    assert learning_rate(TrainingConfig(learning_rate=0.5), 100) == 0.5


@pytest.mark.parametrize(
    ("schedule", "wanted"),
    [
        ("constant", [0.05, 0.5, 0.5, 0.5, 0.5]),
        ("linear", [0.05, 0.5, 0.5, 0.25, 0.0]),
        ("cosine", [0.05, 0.5, 0.5, 0.25, 0.0]),
    ],
)
def test_it_rises_and_falls(schedule, wanted):
    """Ten steps of a line up; then 90 down: at 55 half of them are gone."""
    got = rates([0, 9, 10, 55, 100], schedule=schedule, warmup_steps=10)
    np.testing.assert_allclose(got, wanted, atol=1e-6)


def test_the_cosine_is_flat_at_its_ends():
    quarter = rates([25], schedule="cosine")[0]
    assert quarter == pytest.approx(0.5 * 0.5 * (1 + math.cos(math.pi / 4)), rel=1e-6)
