"""`elmo pairs`: accuracies, a table per pair, refusals."""

import csv
import json

import pytest

from tests.cli.conftest import as_json, invoke, refused

ROWS = [
    ("The file is closed.", "The file are closed.", "agreement", "morphology"),
    ("It is the file.", "It the is file.", "order", "syntax"),
    ("It is closed.", "It closed is.", "order", "syntax"),
]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "pairs.jsonl"
    names = "sentence_good", "sentence_bad", "UID", "field"
    path.write_text("".join(json.dumps(dict(zip(names, r, strict=True))) + "\n" for r in ROWS))
    return path


def test_accuracies_and_a_table(model, file, tmp_path):
    table = tmp_path / "pairs.csv"
    found = as_json("pairs", model, file, "-o", table)
    assert found["pairs"] == 3 and set(found["paradigms"]) == {"agreement", "order"}
    assert found["paradigms"]["order"]["unigram"] == 0.5
    rows = list(csv.DictReader(table.read_text().splitlines()))
    for name in ("forward", "backward", "both", "unigram"):
        right = [float(row[f"{name}_right"]) for row in rows]
        assert found[name] == pytest.approx(sum(right) / 3)
        assert found["fields"]["syntax"][name] == pytest.approx(sum(right[1:]) / 2)
    both = float(rows[0]["forward_good_bits"]) + float(rows[0]["backward_good_bits"])
    assert float(rows[0]["both_good_bits"]) == pytest.approx(both, abs=1e-5)
    shown = invoke("pairs", model, file).stdout.splitlines()
    assert shown[0].split()[:4] == ["forward", "backward", "both", "unigram"]
    assert [line.split()[0] for line in shown[1:3]] == ["agreement", "order"]
    assert "all" in [line.split()[0] for line in shown if line]


def test_refusals(model, file, tmp_path):
    with file.open("a") as lines:
        lines.write("{\n")
    table = tmp_path / "pairs.csv"
    assert f"{file}, line 4: is no JSON" in refused("pairs", model, file, "-o", table)
    assert not table.exists()
    assert "no such file or folder" in refused("pairs", model, tmp_path / "none.jsonl")
