"""A backend that cannot be used is one sentence that says what to install."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from elmo.system.backends import OLDEST_KERAS, BackendError, _check_keras, check


def run(code, backend, *words):
    env = {**os.environ, "KERAS_BACKEND": backend}
    what = ("-m", "elmo", *words) if code is None else ("-c", code)
    return subprocess.run([sys.executable, *what], capture_output=True, text=True, env=env)


HIDDEN = (  # as where the package is not installed
    "import sys, importlib.util as u\nfind = u.find_spec\n"
    "u.find_spec = lambda name, *rest: None if name == 'tensorflow' else find(name, *rest)\n"
)


@pytest.mark.parametrize("use", ["elmo.load('x')", "elmo.BiLM", "elmo.ElmoEmbedding"])
def test_an_unknown_backend(use):
    done = run(f"import elmo\n{use}", "nope")
    assert "BackendError: KERAS_BACKEND is 'nope': must be jax, tensorflow or torch" in done.stderr


def test_a_backend_that_is_not_installed():
    done = run(f"{HIDDEN}import elmo\nelmo.BiLM", "tensorflow")
    assert "pip install 'elmo-keras[tensorflow]'" in done.stderr.splitlines()[-1]


def test_keras_was_imported_first_with_a_backend_that_is_none_of_ours():
    done = run("import keras\nimport elmo\nelmo.BiLM", "numpy")
    assert "Keras was imported with the backend 'numpy'" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("first", ["", "import keras\n"])
def test_a_keras_that_would_lose_weights_is_refused(first):
    lie = (
        "import importlib.metadata as m\nfind = m.version\n"
        "m.version = lambda name: '3.14.1' if name == 'keras' else find(name)\n"
    )
    if first:
        lie = "keras.__version__ = '3.9.0.dev1'\n"
    done = run(f"{first}{lie}import elmo\nelmo.BiLM", "jax")
    assert "must be 3.15 or newer" in done.stderr.splitlines()[-1]


def test_the_oldest_keras_is_the_one_that_is_required():
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    (required,) = [r for r in project["project"]["dependencies"] if r.startswith("keras")]
    assert required == f"keras>={OLDEST_KERAS}"
    for version in (OLDEST_KERAS, "3.15.0", "3.100.1", "4.0rc1", None):
        _check_keras(version)


def test_the_command_says_it_in_a_sentence(tmp_path):
    done = run(None, "nope", "embed", str(tmp_path), "text.txt", "-o", "v.hdf5")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "KERAS_BACKEND is 'nope'" in done.stderr
    assert run(None, "nope", "--help").returncode == 0


def test_the_backend_of_these_tests_is_fine(monkeypatch):
    check()
    monkeypatch.setattr("elmo.system.backends.PACKAGES", {})
    with pytest.raises(BackendError):
        check()
