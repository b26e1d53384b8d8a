"""`elmo substitutes` and `elmo neighbours`: what they print, and their refusals."""

import math

import pytest

from elmo.api import load
from tests.cli.conftest import as_json, invoke, refused

MARKED = "The [file] is closed ."
TOKENS = MARKED.replace("[", "").replace("]", "").split()


def test_a_target_in_brackets(model):
    (target,) = as_json("substitutes", model, MARKED, "-n", 4, "--combine", "and")["targets"]
    assert (target["sentence"], target["position"], target["target"]) == (TOKENS, 1, "file")
    wanted = load(model).substitutes(TOKENS, 1, top_k=4, combine="and")
    found = {one["word"]: one["log_probability"] for one in target["substitutes"]}
    assert len(found) == 4 and found == pytest.approx(dict(wanted), abs=1e-5)
    shown = invoke("substitutes", model, MARKED, "-n", 4, "--combine", "and").stdout.splitlines()
    assert shown[0] == MARKED
    for line, (word, value) in zip(shown[1:], wanted, strict=True):
        assert line.split() == [word, f"{math.exp(value):.4f}"]


def test_a_file_and_every_token(model, tmp_path):
    file = tmp_path / "sentences.txt"
    file.write_text(f"{MARKED}\n\nIt [is] closed .\n")
    targets = as_json("substitutes", model, file)["targets"]
    assert [one["target"] for one in targets] == ["file", "is"]
    plain = tmp_path / "plain.txt"
    plain.write_text("It is closed .\n")
    words = tmp_path / "words.txt"
    words.write_text("file\nis\nobject\n")
    every = as_json("substitutes", model, plain, "--all", "--among", words, "--keep-target")
    assert [one["position"] for one in every["targets"]] == [0, 1, 2, 3]
    for one in every["targets"]:
        total = sum(math.exp(word["log_probability"]) for word in one["substitutes"])
        assert total == pytest.approx(1, abs=1e-6)


def test_what_cannot_be_substituted(model, tmp_path):
    ask = "substitutes", model
    assert "no token is in brackets; mark one as [word]" in refused(*ask, "The file is closed .")
    assert "2 tokens are in brackets" in refused(*ask, "The [file] is [closed] .")
    assert "combine='sum': must be 'product'" in refused(*ask, MARKED, "--combine", "sum")
    file = tmp_path / "sentences.txt"
    file.write_text(f"{MARKED}\nno brackets\n")
    assert f"{file}, line 2: " in refused(*ask, file)
    file.write_text("\n")
    assert f"{file}: there is no sentence in it" in refused(*ask, file)
    assert "is empty; give a token or more" in refused(*ask, " ", "--all")
    none = tmp_path / "none.txt"
    assert f"{none}: no such file" in refused(*ask, MARKED, "--among", none)


def types(model, count):
    """Words that the tiny model knows."""
    return [t for t in load(model).vocabulary.tokens if t.isalpha()][:count]


def test_neighbours(model, tmp_path):
    word, *others = types(model, 3)
    found = as_json("neighbours", model, word, "-n", 5)
    wanted = load(model).neighbours(word, top_k=5)
    assert found["word"] == word and len(wanted) == 5
    cosines = {one["word"]: one["cosine"] for one in found["neighbours"]}
    assert cosines == pytest.approx(dict(wanted), abs=1e-5)
    file = tmp_path / "words.txt"
    file.write_text("\n".join(others))
    sentence = f"It is [{word}] or {word} ."
    options = "--sentence", sentence, "--layer", "1", "--among", file
    shown = invoke("neighbours", model, word, *options).stdout.splitlines()
    inside = load(model).neighbours(word, sentence, others, layer=1)
    assert len(shown) == 2
    assert [line.split() for line in shown] == [[w, f"{c:.4f}"] for w, c in inside]


def test_what_has_no_neighbours(model, tmp_path):
    ask = "neighbours", model
    (word,) = types(model, 1)
    assert "word='zyzzyva': is not in the model's vocabulary" in refused(*ask, "zyzzyva")
    assert "layer='last': must be" in refused(*ask, word, "--layer", "last")
    assert f"does not hold {word!r}" in refused(*ask, word, "--sentence", "zyzzyva .")
    both = "--among", tmp_path / "a.txt", "--most", 5
    assert "give one of them" in refused(*ask, word, *both)
