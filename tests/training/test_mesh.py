"""Several devices make the steps of one, and a training takes the same course."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from keras.config import backend

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(backend() != "jax", reason="of JAX's backend")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=4"
    paths = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-m", "tests.training.on_devices", str(tmp_path_factory.mktemp("runs"))],
        env={**os.environ, "XLA_FLAGS": flags, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("tables", ["whole", "split"])
@pytest.mark.parametrize(
    "kind", ["words", "tied", "characters", "sentences", "exact softmax", "accumulated"]
)
def test_two_devices_make_the_steps_of_one(found, kind, tables):
    """Masks of dropout included, but where rows of padding fill up a batch of sentences."""
    far = found[kind][tables]
    assert far["moved"] > 1e-3
    assert far["weights"] < 1e-5
    assert far["state"] < 1e-5
    assert far["sums"] < 1e-4


def test_each_device_holds_its_share_of_the_tables(found):
    size = found["bytes"]
    assert size["on"] == [size["whole"] // 2] * 2


def test_nothing_is_sent_within_a_loop(found):
    """Gradients are summed over the devices once a step, not once a position."""
    loops = found["loops"]
    assert loops["loops"] >= 4 and loops["all"] > 0
    assert loops["inside"] == []


@pytest.mark.parametrize("name", ["four", "split", "resumed"])
def test_a_training_takes_the_course_of_one_device(found, name):
    one, other = found["trainings"]["one"], found["trainings"][name]
    assert len(other["curve"]) == 3
    np.testing.assert_allclose(other["curve"], one["curve"], rtol=1e-4)
    np.testing.assert_allclose(other["score"], one["score"], rtol=1e-4)


def test_what_cannot_be_shared(found):
    errors = found["trainings"]["errors"]
    assert [error.split(":")[0] for error in errors] == [
        "batch_size=6",
        "devices=5",
        "shard_tables",
    ]
    assert not found["trainings"]["left"]


def test_one_device_is_no_mesh(found):
    assert found["none"]
