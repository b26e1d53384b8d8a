"""The nearest uses: against cosines worked out from the vectors, within a word and among all words."""

import random
import shutil
import sys

import numpy as np
import pytest

import elmo
from elmo.usages import UsageIndex, across, build
from elmo.usages.cosines import largest
from tests.cli.conftest import as_json, invoke, refused
from tests.usages.conftest import NOVELS, random_model, write_texts

ASKED = "the [bank] lends gold"


def wanted(vectors, vector, mean):
    """Cosines in float64 after the mean is taken off."""
    table, asked = vectors.astype(np.float64) - mean, vector.astype(np.float64) - mean
    return table @ asked / (np.linalg.norm(table, axis=1) * np.linalg.norm(asked) + 1e-12)


@pytest.fixture(scope="module")
def large(model_folder, tmp_path_factory):
    """An index of some thousand uses in two segments."""
    draw, folder = random.Random(1), tmp_path_factory.mktemp("large")
    words = sorted({token for text in NOVELS.values() for token in text.split()})
    texts = {
        f"{year}.txt": "\n".join(" ".join(draw.choices(words, k=8)) for _ in range(300)) + "\n"
        for year in (1840, 1900)
    }
    write_texts(folder, texts)
    build(model_folder, folder / "1840.txt", folder / "i", periods=r"\d+")
    build(model_folder, folder / "1900.txt", folder / "i", periods=r"\d+", add=True)
    return folder / "i"


@pytest.mark.parametrize("period", [None, "1900"])
def test_cosines_within_a_word(large, model, period):
    index = UsageIndex(large)
    uses = index.uses("bank")
    vector = model.embed([ASKED.replace("[", "").replace("]", "").split()], layers="top")[0][1]
    cosines = wanted(uses.vectors, vector, uses.vectors.mean(axis=0, dtype=np.float64))
    if period is not None:
        cosines[uses.period != 1] = -2
    found = index.searcher.within("bank", vector, 15, period)
    order = np.argsort(-cosines, kind="stable")[:15]
    np.testing.assert_allclose(found.similarities, cosines[order], atol=1e-5)
    np.testing.assert_allclose(cosines[found.numbers], cosines[order], atol=1e-5)
    lines = index.like(ASKED, k=5, period=period)
    assert len(lines) == 5 and lines[0].similarity == pytest.approx(cosines[order[0]], abs=1e-5)
    values = [use.similarity for use in lines]
    assert values == sorted(values, reverse=True)
    for use in lines:
        assert use.tokens[use.place] == "bank" and index.sentence(use.sentence) == use.tokens
        assert use.period == (period or use.period) and use.document.endswith(f"{use.period}.txt")


def test_cosines_among_all_words(large, model):
    index = UsageIndex(large)
    every = index.floats_at(np.arange(len(index)))
    mean = every.mean(axis=0, dtype=np.float64)
    vector = model.embed([["gold", "is", "money"]], layers="top")[0][1]
    cosines = wanted(every, vector, mean)
    found = index.searcher.across(vector, 30)
    assert not (large / "across").exists()  # so few are compared one by one
    np.testing.assert_allclose(found.similarities, np.sort(cosines)[::-1][:30], atol=1e-5)
    uses = list(index.located(found.numbers))
    for use, vector_ in zip(uses, index.floats_at(found.numbers), strict=True):
        word = use.tokens[use.place]
        here = index.uses(word)
        row = np.flatnonzero((here.sentence == use.sentence) & (here.place == use.place))
        assert (here.vectors[row] == vector_).all() and len(row) == 1
    lines = index.like(["gold", "is", "money"], 1, across=True, k=8)
    assert len({use.tokens[use.place] for use in lines}) > 1


def test_a_library_finds_what_comparing_all_finds(large, model, tmp_path, monkeypatch):
    pytest.importorskip("faiss")
    folder = shutil.copytree(large, tmp_path / "i")
    monkeypatch.setattr(across, "FEWEST", 1000)
    index = UsageIndex(folder)
    asked = index.floats_at(np.arange(0, len(index), 60))
    searcher, hits = index.searcher, 0
    for vector in asked:
        best, similarities = across.exact(index, vector, searcher.mean(), 20)
        found = searcher.across(vector, 20)
        hits += len({*best} & {*found.numbers})
        both = np.isin(found.numbers, best)
        np.testing.assert_allclose(  # what was found has its exact cosine
            found.similarities[both],
            similarities[[list(best).index(n) for n in found.numbers[both]]],
            atol=1e-5,
        )
    assert hits >= 0.95 * 20 * len(asked)
    assert {path.name for path in (folder / "across").iterdir()} == {
        *("index.faiss", "mean.npy", "about.json")
    }
    before = (folder / "across" / "about.json").read_bytes()
    made = []
    plain = across._make
    monkeypatch.setattr(across, "_make", lambda *a: made.append(1) or plain(*a))
    again = UsageIndex(folder).searcher.across(asked[0], 20)
    assert again.numbers.tolist() == searcher.across(asked[0], 20).numbers.tolist() and not made
    # Damaged, or of other documents, it is made anew.
    (folder / "across" / "index.faiss").write_bytes(b"nothing")
    assert UsageIndex(folder).searcher.across(asked[0], 3).numbers[0] == 0 and len(made) == 1
    write_texts(tmp_path / "more", {"1950.txt": "the bank of gold\n"})
    build(model, tmp_path / "more", folder, add=True)
    assert UsageIndex(folder).searcher.across(asked[0], 3).numbers[0] == 0 and len(made) == 2
    assert (folder / "across" / "about.json").read_bytes() != before
    monkeypatch.setitem(sys.modules, "faiss", None)
    assert UsageIndex(folder).searcher.across(asked[0], 3).numbers[0] == 0 and len(made) == 2


def test_the_largest_come_first_and_of_equal_ones_the_earlier():
    draw = np.random.default_rng(0)
    for n, k in ((1, 3), (50, 7), (50, 50)):
        values = draw.integers(0, 9, n).astype(float)
        assert largest(values, k).tolist() == np.argsort(-values, kind="stable")[:k].tolist()


def test_the_command(built, model_folder):
    found = as_json("usages", "like", built, ASKED, "-n", 3)
    index = UsageIndex(built)
    assert [(use["tokens"], use["place"]) for use in found["uses"]] == [
        (use.tokens, use.place) for use in index.like(ASKED, k=3)
    ]
    assert (found["word"], found["place"], found["across"]) == ("bank", 1, False)
    text = invoke("usages", "like", built, ASKED, "-n", 2, "--width", 9, "--across").stdout
    first, *lines = text.splitlines()
    assert first == ASKED and len(lines) == 2 and all("] " in line for line in lines)
    assert float(lines[0].split()[0]) >= float(lines[1].split()[0])


def test_the_model_is_found_where_it_was_or_said(model, model_folder, texts, tmp_path):
    moved = shutil.copytree(model_folder, tmp_path / "model")
    build(moved, texts, tmp_path / "i", lowercase=True)
    before = as_json("usages", "like", tmp_path / "i", ASKED)
    shutil.move(moved, tmp_path / "elsewhere")
    said = refused("usages", "like", tmp_path / "i", ASKED)
    assert f"its model cannot be loaded from {moved}" in said and "(--model)" in said
    after = as_json("usages", "like", tmp_path / "i", ASKED, "--model", tmp_path / "elsewhere")
    assert after == before
    assert as_json("usages", "like", tmp_path / "i", ASKED.upper(), "--model", model_folder)
    other = random_model(tmp_path / "other", seed=1)
    said = refused("usages", "like", tmp_path / "i", ASKED, "--model", other)
    assert "was made by another model than" in said and str(moved) in said
    build(model, texts, tmp_path / "j")
    with pytest.raises(ValueError, match="which was in memory; give it"):
        UsageIndex(tmp_path / "j").like(ASKED)
    assert elmo.usages.open(tmp_path / "j", model).like(ASKED, k=1)


@pytest.mark.parametrize(
    "words, said",
    [
        (("the bank lends",), "no token is in brackets"),
        (("the [bank] [lends]",), "2 tokens are in brackets"),
        (("the [bnak] lends",), "word='bnak': does not occur in the texts; spelled like it: bank"),
        (("the [bank]", "--period", "1850"), "period='1850': must be one of 1840, 1900"),
        (("the [bank]", "--period", "1840", "--across"), "leave out across or period"),
    ],
)
def test_what_cannot_be_asked_is_told(built, words, said):
    assert said in refused("usages", "like", built, *words)
