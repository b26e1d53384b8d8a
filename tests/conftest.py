"""Shared by all tests: where data is found, quiet backends."""

import importlib.metadata
import os
import pathlib
import sys
from pathlib import Path

import numpy as np
import pytest

FIXTURES = Path(__file__).parent / "fixtures"

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("MPLBACKEND", "agg")

# Most of the time goes into compiling: what one process has compiled, all others read, in later runs too.
COMPILED = pathlib.Path(__file__).parent.parent / ".pytest_cache" / "compiled"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(COMPILED))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
# Where in the source each operation stands takes a quarter of that time again.
os.environ.setdefault("JAX_TRACEBACK_IN_LOCATIONS_LIMIT", "0")

# Tiny models run for milliseconds and compile for seconds: a third of that without optimizing, and a
# fifth where a program is compiled in one piece, too.
# `XLA_FLAGS= pytest` has programs as users have them; so do the workflow of the backends and the
# oldest releases in .ci/run. XLA dies of a flag that it does not know.
if importlib.metadata.version("jaxlib").startswith("0.10."):
    os.environ.setdefault(
        "XLA_FLAGS",
        "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true "
        "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1",
    )

FIXTURES = pathlib.Path(__file__).parent / "fixtures"


def pytest_xdist_auto_num_workers(config):
    """All cores for everything; one process for files and tests that are named, which begins sooner."""
    here, arguments = config.invocation_params.dir, config.invocation_params.args
    named = any((here / argument.partition("::")[0]).exists() for argument in arguments)
    return 0 if named else None


@pytest.fixture(autouse=True)
def few_shapes(request, monkeypatch):
    """Windows of one shape, which compile once; with `real_windows` they are as users have them."""
    windows = sys.modules.get("elmo.embed.windows")
    if windows is not None and "real_windows" not in request.fixturenames:
        monkeypatch.setattr(windows, "ROWS", (16,))
        monkeypatch.setattr(windows, "LONG", windows.SHORT)


@pytest.fixture
def real_windows():
    """What is named beside `few_shapes` undoes it."""


@pytest.fixture(scope="session")
def data_folder():
    """A function from a path to the file, in `tests/fixtures` or else in the folder ELMO_DATA names.

    Where ELMO_DATA is not set, a test that needs it skips; where it is set, a file that is missing
    there fails the test.
    """

    def find(name: str) -> pathlib.Path:
        if (FIXTURES / name).exists():
            return FIXTURES / name
        root = os.environ.get("ELMO_DATA")
        if not root:
            pytest.skip(f"{name}: set ELMO_DATA to the folder that holds it")
        path = pathlib.Path(root) / name
        assert path.exists(), f"ELMO_DATA is set, but {path} is missing"
        return path

    return find


@pytest.fixture(scope="session")
def peer_numbers():
    """What bilm-tf, AllenNLP and simple_elmo give; see `tests/fixtures/migrating/README.md`."""
    with np.load(FIXTURES / "migrating" / "numbers.npz") as file:
        return dict(file)


@pytest.fixture(scope="session")
def peer_text():
    """The file of sentences that they read, and its tokens."""
    path = FIXTURES / "migrating" / "text.txt"
    return path, [line.split() for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def peer_model(data_folder, tmp_path_factory):
    """The model that they read: a folder with `options.json` and `weights.hdf5`."""
    place, folder = data_folder("bilm-tf-checkpoint"), tmp_path_factory.mktemp("peer")
    for name in ("weights.hdf5", "model/options.json"):
        (folder / Path(name).name).write_bytes((place / name).read_bytes())
    return folder
