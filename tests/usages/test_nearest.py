"""`elmo nearest`: the nearest uses of a word in a text of one's own; `elmo models` with its filters."""

import numpy as np
import pytest

import elmo
from elmo.hub.models import MODELS
from elmo.usages.nearest import nearest
from tests.cli.conftest import as_json, invoke, refused

LINES = (
    "the old bank closed .\n\nwe sat on the bank of the river .\na bank lends money .\n"
    "the river bank was wet .\nBank is no bank but a bank .\nonce here\n"
)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    sentences = [line.split() for line in LINES.splitlines() if line]
    return elmo.train(
        elmo.Corpus.from_sentences(sentences),
        output=tmp_path_factory.mktemp("nearest") / "model",
        **dict(dim=8, projection_dim=4, epochs=1, negatives=0, seed=3),
        progress=False,
    )


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(LINES, encoding="utf-8")
    return path


@pytest.mark.parametrize("layer", ["top", "average", "0", 1])
def test_similarities_are_cosines_of_centred_vectors(model, text, layer):
    sentences = [line.split() for line in LINES.splitlines() if line]
    found = nearest(model, text, "bank", layer=layer, count=9, sentences=["a [bank] like a bank"])
    number = {"top": 2, "0": 0, 1: 1}.get(layer)
    every = [(s, p) for s in sentences for p, token in enumerate(s) if token == "bank"]
    every.append((["a", "bank", "like", "a", "bank"], 1))
    vectors = [model.embed([s])[0][:, p] for s, p in every]
    table = np.stack([v.mean(axis=0) if number is None else v[number] for v in vectors])
    table = table - table[:-1].mean(axis=0)
    cosines = table[:-1] @ table[-1]
    cosines /= np.linalg.norm(table[:-1], axis=1) * np.linalg.norm(table[-1]) + 1e-12
    wanted = {(tuple(s), p): c for (s, p), c in zip(every, cosines, strict=False)}
    (asked,) = found["asked"]
    assert (found["uses"], found["compared"], found["sentences"]) == (6, 6, 6)
    assert asked["given"] and asked["place"] == 1 and asked["nearest"]
    values = [use["similarity"] for use in asked["nearest"]]
    assert values == sorted(values, reverse=True)
    for use in asked["nearest"]:
        key = tuple(use["tokens"]), use["place"]
        assert use["similarity"] == pytest.approx(wanted[key], abs=2e-5)


def test_sentences_of_the_text_are_asked_about_and_shown(model, text):
    folder = text.parent / "model"
    model.save(folder)
    found = as_json("nearest", folder, text, "bank", "-n", 2, "--asked", 2)
    assert [asked["tokens"][asked["place"]] for asked in found["asked"]] == ["bank", "bank"]
    assert found["asked"][0]["tokens"] == ["the", "old", "bank", "closed", "."]
    for asked in found["asked"]:
        assert asked["tokens"] not in [use["tokens"] for use in asked["nearest"]]
        assert 0 < len(asked["nearest"]) <= 2
    shown = invoke("nearest", folder, text, "bank", "--sentence", "money at the [bank] .").stdout
    assert "bank: 6 uses in 6 sentences" in shown
    assert "you say" in shown and "money at the [bank] ." in shown
    few = as_json("nearest", folder, text, "bank", "--most", 3)
    assert (few["uses"], few["compared"]) == (6, 3)


@pytest.mark.parametrize(
    "word, options, said",
    [
        ("shore", {}, "does not occur"),
        ("BANK", {}, "'bank' does"),
        ("once", {}, "occurs once"),
        ("bank", {"sentences": ["no such word"]}, "does not hold 'bank'"),
        ("bank", {"sentences": ["bank or bank"]}, "holds 'bank' 2 times; mark one as [bank]"),
        ("bank", {"layer": "bottom"}, "layer='bottom'"),
        ("bank", {"layer": 3}, "layer=3: the model has 0"),
    ],
)
def test_what_cannot_be_shown_is_told(model, text, word, options, said):
    with pytest.raises(ValueError) as error:
        nearest(model, text, word, **options)
    assert said in str(error.value)


def test_models_by_words_language_and_layout():
    every = as_json("models")["models"]
    assert [m["name"] for m in every] == list(MODELS)
    russian = as_json("models", "--language", "RU")["models"]
    assert russian == [m for m in every if m["language"] == "ru"] and len(russian) > 1
    both = as_json("models", "--language", "ru", "--layout", "nlpl", "TAIGA", "lemmas")["models"]
    assert both and all("Taiga" in m["description"] and m["layout"] == "NLPL" for m in both)
    assert len(both) < len(russian)
    assert "language='xx'" in (said := refused("models", "--language", "xx")) and "de, " in said
