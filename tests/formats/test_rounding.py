"""Weights rounded to few bits: how far they move, and that every reader opens the file."""

import h5py
import numpy as np
import pytest

from elmo.config import LSTMConfig
from elmo.formats.pretrained import read, write_folder
from elmo.formats.rounding import rounded
from tests.cli.conftest import as_json, refused
from tests.formats.helpers import character_config, model


@pytest.mark.parametrize("bits", [2, 4, 8, 12])
def test_each_row_has_at_most_its_levels_and_moves_by_half_a_step(bits):
    rows = np.random.default_rng(0).standard_normal((50, 64)).astype(np.float32)
    rows *= np.exp2(np.arange(50) - 25)[:, None].astype(np.float32)
    rows[3] = 0
    found = rounded(rows, bits)
    levels = 2 ** (bits - 1) - 1
    for before, after in zip(rows, found, strict=True):
        step = np.diff(np.unique(after)).min() if np.any(after) else 1.0
        assert np.log2(step) % 1 == 0
        assert len(np.unique(after)) <= 2 * levels + 1
        coarsest = 2 * np.abs(before).max() / levels  # the next power of two above the exact step
        assert np.abs(before - after).max() <= coarsest / 2


def test_biases_are_kept_and_rounding_twice_changes_nothing():
    bias = np.array([0.1, 0.2], np.float32)
    assert np.array_equal(rounded(bias, 2), bias)
    once = rounded(np.random.default_rng(1).standard_normal((9, 9)).astype(np.float32), 5)
    assert np.array_equal(rounded(once, 5), once)


def test_a_rounded_folder_is_small_and_plain_float32(tmp_path):
    source = model(
        character_config(vocabulary_size=500, lstm=LSTMConfig(dim=64, projection_dim=32))
    )
    write_folder(source, tmp_path / "whole")
    answer = as_json("convert", tmp_path / "whole", tmp_path / "small", "--bits", "8")
    whole = (tmp_path / "whole" / "weights.hdf5").stat().st_size
    assert answer["files"]["weights.hdf5"] < whole / 2
    found = read(tmp_path / "small")
    for name, weights in read(tmp_path / "whole").weights.items():
        assert np.abs(found.weights[name] - weights).max() <= np.abs(weights).max() / 100
    with h5py.File(tmp_path / "small" / "weights.hdf5") as file:
        kinds = []
        file.visititems(lambda _, item: kinds.append(getattr(item, "dtype", None)))
        assert {kind for kind in kinds if kind is not None} == {np.dtype("float32")}


def test_bits_that_make_no_sense_are_refused(tmp_path):
    write_folder(model(character_config(vocabulary_size=7)), tmp_path / "whole")
    assert "from 2 to 16" in refused("convert", tmp_path / "whole", tmp_path / "b", "--bits", "17")
    assert "to='keras'" in refused(
        *("convert", tmp_path / "whole", tmp_path / "b.keras", "--to", "keras", "--bits", "8")
    )
    assert not (tmp_path / "b").exists()
