"""`elmo score`: the table, its files and its refusals."""

import csv
import json
import math

import pyarrow.parquet
import pytest

from elmo.api import load
from tests.cli.conftest import full_disk, invoke, refused

COLUMNS = [
    *("sentence", "position", "token", "direction"),
    *("surprisal_bits", "rank", "entropy_bits", "unknown"),
]


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text('The file is closed .\n\nIt is a "zyzzyva" .\n')
    return path


def unknown_to(model, text):
    vocabulary = load(model).vocabulary
    return sum(token not in vocabulary.tokens for token in text.read_text().split())


def as_json(*words):
    result = invoke("score", *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_three_files_hold_the_same_table(model, text, tmp_path):
    tables = []
    for ending in ("csv", "jsonl", "parquet"):
        path = tmp_path / f"scores.{ending}"
        report = as_json(model, text, "-o", path)
        assert (report["rows"], report["sentences"], report["tokens"]) == (24, 2, 10)
        assert report["unknown"] == unknown_to(model, text) > 0
        tables.append(path)
    of_csv = list(csv.DictReader(tables[0].read_text().splitlines()))
    of_json = [json.loads(line) for line in tables[1].read_text().splitlines()]
    of_parquet = pyarrow.parquet.read_table(tables[2]).to_pylist()
    wanted = load(model).score([line.split() for line in text.read_text().splitlines() if line])
    assert list(of_csv[0]) == list(of_json[0]) == list(of_parquet[0]) == COLUMNS
    for n, (a, b, c) in enumerate(zip(of_csv, of_json, of_parquet, strict=True)):
        assert a["token"] == b["token"] == c["token"] == wanted.token[n]
        assert int(a["rank"]) == b["rank"] == c["rank"] == wanted.rank[n]
        assert c["surprisal_bits"] == wanted.surprisal_bits[n]
        assert float(a["surprisal_bits"]) == b["surprisal_bits"]
        assert b["surprisal_bits"] == pytest.approx(c["surprisal_bits"], abs=6e-7)
        assert b["unknown"] is c["unknown"] is bool(wanted.unknown[n])


def test_means_are_what_evaluate_gives(model, text, tmp_path):
    report = as_json(model, text, "-o", tmp_path / "a.csv")
    evaluated = json.loads(invoke("evaluate", model, text, "--json").stdout)
    for direction, value in report["perplexity"].items():
        assert value == pytest.approx(evaluated[direction], rel=1e-6)
        assert report["bits"][direction] == pytest.approx(math.log2(value), rel=1e-9)
    said = invoke("score", model, text, "-o", tmp_path / "b.csv").stdout
    assert (
        f"24 rows of 10 tokens in 2 sentences, {unknown_to(model, text)} unknown" in said
        and "bits per token" in said
    )


def test_without_a_file_it_prints_them(model, text):
    found = as_json(model, text)
    assert [row["tokens"] for row in found["sentences"]] == [5, 5]
    assert sum(r["surprisal_bits"] for r in found["rows"] if r["direction"] == "forward") == (
        pytest.approx(sum(row["forward_bits"] for row in found["sentences"]), abs=1e-4)
    )
    shown = invoke("score", model, text).stdout.splitlines()
    assert [line.split()[0] for line in shown[1:8]] == [
        "<S>",
        "The",
        "file",
        "is",
        "closed",
        ".",
        "</S>",
    ]
    assert shown[8] == "" and shown[1].split()[1:4] == ["–"] * 3
    assert any(line.startswith('"zyzzyva" ?') for line in shown)
    assert shown[-1] == "? not in the vocabulary: scored as <UNK>"


def test_what_is_refused_leaves_nothing(model, text, tmp_path):
    output = tmp_path / "scores.csv"
    assert "must be one of .csv, .jsonl, .parquet" in refused(
        "score", model, text, "-o", tmp_path / "a.xlsx"
    )
    empty = tmp_path / "empty.txt"
    empty.write_text("\n")
    assert f"{empty}: there is no sentence in it" in refused("score", model, empty, "-o", output)
    assert not output.exists()
    output.write_text("mine")
    assert "exists; replace it (--overwrite)" in refused("score", model, text, "-o", output)
    long = tmp_path / "long.txt"
    long.write_text(text.read_text() * 400)
    with full_disk():
        assert f"cannot write {output}" in refused(
            "score", model, long, "-o", output, "--overwrite"
        )
    assert output.read_text() == "mine" and len(list(tmp_path.iterdir())) == 4
    assert invoke("score", model, long, "-o", output, "--overwrite").exit_code == 0
