"""Tiny models on disk."""

import pytest

from elmo.formats.pretrained import write_folder
from tests.formats.helpers import character_config, model


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A character model with softmax and vocabulary, in the published layout."""
    place = tmp_path_factory.mktemp("compat") / "model"
    return write_folder(model(character_config(vocabulary_size=7)), place)


@pytest.fixture
def files(folder):
    """Its options and weights."""
    return str(folder / "options.json"), str(folder / "weights.hdf5")
