"""The index of the benchmarks is whole, and each of them starts."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.__main__ import scripts

FOLDER = Path(__file__).parent.parent / "benchmarks"
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_index_names_every_script_and_result():
    rows = set(re.findall(r"^\| `([\w.]+)` \|", INDEX, flags=re.MULTILINE))
    assert rows == {*scripts(), "interrupted.sh"}
    results = {path.name for path in (FOLDER / "results").iterdir() if path.is_dir()}
    linked = set(re.findall(r"\(results/([\w-]+)\)", INDEX))
    assert linked <= results and results - linked <= {"tagger"}


@pytest.mark.slow
@pytest.mark.parametrize("name", scripts())
def test_a_benchmark_explains_itself(name):
    command = [sys.executable, "-m", "benchmarks", name, "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER.parent, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ") and "--json" in done.stdout


def test_a_name_that_is_none():
    command = [sys.executable, "-m", "benchmarks", "nothing"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=FOLDER.parent, timeout=60)
    assert done.returncode == 1 and "must be one of answers, count_speed" in done.stderr
