"""Small files that unpack to much, and sizes that no model has: refused before memory is taken."""

import json
import tracemalloc

import h5py
import numpy as np
import pytest

from elmo.formats.pretrained import read, write_folder
from elmo.system.errors import FormatError
from tests.formats.helpers import character_config, model, word_config


@pytest.fixture
def folder(tmp_path):
    return write_folder(model(word_config()), tmp_path / "model")


def changed(folder, *keys, value):
    """The folder with one value of its options replaced."""
    options = json.loads((folder / "options.json").read_text())
    place = options
    for key in keys[:-1]:
        place = place.setdefault(key, {})
    place[keys[-1]] = value
    (folder / "options.json").write_text(json.dumps(options))
    return folder


def refused(folder, most=30_000_000):
    tracemalloc.start()
    try:
        with pytest.raises(FormatError) as error:
            read(folder)
        assert tracemalloc.get_traced_memory()[1] < most
    finally:
        tracemalloc.stop()
    return str(error.value)


def test_an_array_of_zeros_that_deflates_to_nothing(tmp_path):
    folder = write_folder(model(word_config(), softmax=False), tmp_path / "model")
    types = 1 << 22
    with h5py.File(folder / "weights.hdf5", "a") as file:
        del file["embedding"]
        file.create_dataset(
            "embedding", shape=(types, 3), dtype="f8", chunks=(1 << 16, 3), compression="gzip",
            fillvalue=0.0,
        )  # fmt: skip
        rows = np.zeros((1 << 16, 3))
        for start in range(0, types, 1 << 16):
            file["embedding"][start : start + (1 << 16)] = rows
    assert (folder / "weights.hdf5").stat().st_size < 2_000_000
    said = refused(changed(folder, "n_tokens_vocab", value=types))
    assert "embedding would unpack from" in said and "100,663,296" in said


@pytest.mark.parametrize(
    "keys",
    [
        ("lstm", "dim"),
        ("lstm", "projection_dim"),
        ("lstm", "n_layers"),
        ("n_tokens_vocab",),
    ],
)
def test_sizes_of_a_word_model(folder, keys):
    assert "model" in refused(changed(folder, *keys, value=10**9))


@pytest.mark.parametrize(
    "keys",
    [
        ("char_cnn", "max_characters_per_token"),
        ("char_cnn", "embedding", "dim"),
        ("char_cnn", "n_highway"),
        ("char_cnn", "n_characters"),
        ("elmo_keras", "char_cnn", "n_words"),
    ],
)
def test_sizes_of_a_character_model(tmp_path, keys):
    folder = write_folder(model(character_config(vocabulary_size=7)), tmp_path / "model")
    assert "options.json" in refused(changed(folder, *keys, value=10**8))


@pytest.mark.parametrize("value", [[1], "carry", 3, {"state": "always"}, {"state": 1}, True])
def test_settings_that_are_kept_with_a_model_are_checked(folder, value):
    assert "elmo_keras.settings=" in refused(changed(folder, "elmo_keras", "settings", value=value))


@pytest.mark.parametrize("value", [None, {}, {"state": "carry"}, {"other": 1}])
def test_settings_that_are_fine(folder, value):
    assert read(changed(folder, "elmo_keras", "settings", value=value)).has_softmax
