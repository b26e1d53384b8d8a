"""A tiny model of characters, in memory and in a folder, and documents."""

import pytest

from elmo.api import from_pretrained
from elmo.formats.pretrained import write_folder
from tests.formats.helpers import character_config, model

DOCUMENTS = [
    "The bank closed early .",
    "On the bank of the river",
    "It closed",
    "The river , the bank and the shore",
]
TARGETS = [0, 1, 0, 1]


@pytest.fixture(scope="package")
def bilm():
    return from_pretrained(model(character_config()))


@pytest.fixture(scope="package")
def folder(tmp_path_factory):
    return write_folder(model(character_config()), tmp_path_factory.mktemp("sklearn") / "model")
