"""Shared by all tests: the data folder named by ELMO_DATA, seeds, quiet backends."""

import os
import pathlib

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("MPLBACKEND", "agg")


@pytest.fixture(scope="session")
def data_folder():
    """A function from a path under ELMO_DATA to the file; without ELMO_DATA the test skips.

    Where ELMO_DATA is set, a file that is missing there fails the test.
    """

    def find(name: str) -> pathlib.Path:
        root = os.environ.get("ELMO_DATA")
        if not root:
            pytest.skip(f"{name}: set ELMO_DATA to the folder that holds it")
        path = pathlib.Path(root) / name
        assert path.exists(), f"ELMO_DATA is set, but {path} is missing"
        return path

    return find
