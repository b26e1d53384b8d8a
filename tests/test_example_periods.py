"""`examples/periods.py` on novels of a few lines."""

import json
import lzma
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from elmo.formats.pretrained import write_folder
from tests.formats.helpers import character_config, model

SCRIPT = Path(__file__).parent.parent / "examples" / "periods.py"
YEARS = {"a": 1845, "b": 1865, "c": 1885, "d": 1905}


@pytest.fixture(scope="module")
def novels(tmp_path_factory):
    """Six authors per period, with a novel each; every period has a letter that others lack."""
    folder = tmp_path_factory.mktemp("novels")
    lines = ["id\tyear\tauthor\ttitle"]
    random = np.random.default_rng(0)
    for letter, year in YEARS.items():
        for number in range(6):
            name = f"{letter}{number}"
            lines.append(f'{name}\t{year}\tAuthor {name}\tA "title')
            words = random.choice([letter * 3, letter * 5, "x"], size=(8, 60))
            short = "too short a paragraph"
            text = "\n".join([short, *(" ".join(row) for row in words)])
            with lzma.open(folder / f"{name}.txt.xz", "wt", encoding="utf-8") as file:
                file.write(text + "\n")
    (folder / "novels.tsv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def script(monkeypatch):
    """The names of the script."""
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    return runpy.run_path(str(SCRIPT))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    write_folder(model(character_config()), tmp_path / "my-elmo")

    def call(*words):
        arguments = [str(SCRIPT), str(tmp_path / "my-elmo"), *words]
        monkeypatch.setattr(sys, "argv", arguments)
        runpy.run_path(str(SCRIPT), run_name="__main__")
        return capsys.readouterr().out

    return call


def test_periods_are_told_by_their_letters(run, novels):
    result = json.loads(run("--data", str(novels), "--paragraphs", "4", "--folds", "3", "--json"))
    assert (result["paragraphs"], result["groups"], result["tokens"]) == (96, 24, 96 * 60)
    accuracy = {name: found["value"] for name, found in result["accuracy"].items()}
    assert accuracy["tf-idf of words"] == 1
    assert accuracy["layer 0 alone"] > 0.9 and accuracy["all layers, their mean"] > 0.9
    assert accuracy["the commonest period"] <= 0.25  # of four classes of one size
    for found in (*result["accuracy"].values(), *result["over"].values()):
        assert found["low"] <= found["value"] <= found["high"]
    gain = result["over"]["the commonest period"]
    assert gain["value"] == pytest.approx(
        accuracy["all layers, their mean"] - accuracy["the commonest period"]
    )
    assert gain["low"] > 0.3


def test_a_table_for_people(run, novels):
    shown = run("--data", str(novels), "--paragraphs", "2", "--folds", "2")
    assert "tf-idf of words           100.0% [100.0%, 100.0%]\n" in shown
    assert "48 paragraphs of 24 groups, 2,880 tokens, " in shown


def test_intervals_resample_authors(script):
    """One author right and the other wrong: a sample of two authors is all, half or none right."""
    authors = np.repeat(["a", "b"], [30, 30])
    counts = script["by_group"](authors == "a", authors)
    found = script["interval"](counts, script["share"])
    assert (found["low"], found["value"], found["high"]) == (0.0, 0.5, 1.0)
    unequal = script["by_group"](np.array([True, True, False]), np.array(["a", "a", "b"]))
    assert script["interval"](unequal, script["share"])["value"] == pytest.approx(2 / 3)


def test_no_author_is_on_both_sides(script):
    seen = []

    class Classifier(script["DummyClassifier"]):
        def fit(self, X, y):
            seen.append(set(X))
            return super().fit(X, y)

        def predict(self, X):
            assert not set(X) & seen[-1]
            return super().predict(X)

    authors = np.repeat([f"author {n}" for n in range(12)], 5)
    periods = np.repeat(["early", "late"], 30)
    found = script["predict"](Classifier(), {}, authors, periods, authors, 3)
    assert len(found) == 60 and len(seen) > 3


def test_authors_of_several_novels(script):
    authors = np.array(["a", "a", "b", "b", "c", "c"])
    ids = np.array(["1", "2", "3", "3", "4", "5"])
    found = script["of_several_novels"](authors, ids)
    assert found.tolist() == [True, True, False, False, True, True]


def test_data_that_are_not_there(run, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        run("--data", str(tmp_path / "none"))
    assert ended.value.code == 2
    assert "has no novels.tsv: give the folder" in capsys.readouterr().err
