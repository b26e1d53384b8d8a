"""The index of the benchmarks is whole, and each of them starts."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks.__main__ import scripts
from benchmarks.embed_speed import save

import elmo

FOLDER = Path(__file__).parent.parent / "benchmarks"
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_index_names_every_script_and_result():
    rows = set(re.findall(r"^\| `([\w.]+)` \|", INDEX, flags=re.MULTILINE))
    assert rows == {*scripts(), "interrupted.sh"}
    results = {path.name for path in (FOLDER / "results").iterdir() if path.is_dir()}
    linked = set(re.findall(r"\(results/([\w-]+)\)", INDEX))
    assert linked <= results and results - linked <= {"tagger"}


@pytest.mark.whole
@pytest.mark.parametrize("name", scripts())
def test_a_benchmark_explains_itself(name):
    command = [sys.executable, "-m", "benchmarks", name, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER.parent, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ") and "--json" in done.stdout


def test_the_model_of_the_benchmarks_is_one_that_loads(tmp_path):
    save("tiny", tmp_path)
    model = elmo.load(tmp_path / "tiny")
    assert model.config.lstm.dim == 64 and model.config.lstm.projection_dim == 16
    (vectors,) = model.embed(["two words"])
    assert vectors.shape == (3, 2, 32)
    assert (vectors[0, :, :16] == vectors[0, :, 16:]).all() and np.ptp(vectors[2]) > 0.01


def test_a_name_that_is_none():
    command = [sys.executable, "-m", "benchmarks", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER.parent, timeout=60)
    assert done.returncode == 1 and "must be one of answers, change" in done.stderr
