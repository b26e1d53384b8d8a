"""A model that we saved, read by simple_elmo itself.

Set ELMO_SIMPLE_ELMO to the folder of a virtual environment that has it (and tensorflow-cpu, tf_keras);
`benchmarks/peers/with_simple_elmo.py` makes one.
"""

import os
from pathlib import Path

import pytest

from elmo.formats.pretrained import write_folder
from tests.formats.helpers import character_config, model

ENVIRONMENT = os.environ.get("ELMO_SIMPLE_ELMO")
pytestmark = [
    pytest.mark.numerics,
    pytest.mark.skipif(not ENVIRONMENT, reason="ELMO_SIMPLE_ELMO names no environment"),
]


def test_the_same_vectors(tmp_path):
    peers = pytest.importorskip("benchmarks.peers.with_simple_elmo")
    assert Path(ENVIRONMENT).is_dir(), f"ELMO_SIMPLE_ELMO={ENVIRONMENT}: no such folder"
    folder = write_folder(model(character_config(vocabulary_size=7)), tmp_path / "model")
    found = peers.compare(peers.make_environment(ENVIRONMENT), folder)
    assert max(found["largest_difference"].values()) < 1e-5
    assert found["largest_difference_from_zero_state"] < 1e-5
    assert found["largest_value"] > 0.1
