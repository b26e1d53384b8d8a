"""The index of the benchmarks is whole, and each of them starts."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from benchmarks import scale
from benchmarks.__main__ import scripts
from benchmarks.embed_speed import save

import elmo
from tests.training.helpers import make

FOLDER = Path(__file__).parent.parent / "benchmarks"
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_index_names_every_script_and_result():
    rows = set(re.findall(r"^\| `([\w.]+)` \|", INDEX, flags=re.MULTILINE))
    assert rows == {*scripts(), "interrupted.sh"}
    results = {path.name for path in (FOLDER / "results").iterdir() if path.is_dir()}
    linked = set(re.findall(r"\(results/([\w-]+)\)", INDEX))
    assert linked <= results and results - linked <= {"table", "tagger"}  # of examples


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


@pytest.mark.parametrize("characters", [False, True])
def test_the_arithmetic_counts_the_dense_weights_that_there_are(characters):
    step, *_ = make(characters=characters)
    actual = sum(int(np.prod(variable.shape)) for variable in step.dense)
    char_embed = 261 * 3 if characters else 0  # a table too small to be one
    assert scale.weights(step.network.config) == actual - char_embed


def test_the_arithmetic_expects_the_types_that_draws_have():
    generator = np.random.default_rng(0)
    drawn = [len(set(draw_ranks(generator, 3000, 1000))) for _ in range(200)]
    assert scale.distinct(3000, 1000) == pytest.approx(np.mean(drawn), rel=0.01)


def draw_ranks(generator, count, types):
    """Log-uniform ranks, by inverting their distribution function."""
    return np.floor(np.exp(generator.random(count) * np.log(types + 1))).astype(int) - 1


def test_a_name_that_is_none():
    command = [sys.executable, "-m", "benchmarks", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER.parent, timeout=60)
    assert done.returncode == 1 and "must be one of answers, change" in done.stderr
