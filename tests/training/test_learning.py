"""Trainings of every kind learn."""

import pytest

from tests.elsewhere import slow_elsewhere
from tests.training.helpers import TEXT, make, run


@pytest.mark.numerics
@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("stream", "word"),
        ("sentence", "tied"),
        ("stream", "characters"),
        slow_elsewhere("sentence", "forward"),
        slow_elsewhere("sentence", "exact"),
        slow_elsewhere("stream", "tied exact"),
    ],
)
def test_training_lowers_the_loss(mode, kind):
    step, batches, _ = make(
        mode,
        characters=kind == "characters",
        tied="tied" in kind,
        directions="forward" if kind == "forward" else "both",
        negatives=0 if "exact" in kind else 4,
    )
    n = len(batches)
    run(step, n)
    first = step.take_sums()
    run(step, 9 * n)
    step.take_sums()
    run(step, n)
    last = step.take_sums()
    assert step.position == 11 * n
    assert first["targets"].tolist() == last["targets"].tolist()
    assert first["targets"][0] == sum(len(s) + 1 for s in TEXT)
    assert (last["nats"] < 0.9 * first["nats"]).all()
    assert first["bad"] == last["bad"] == 0
