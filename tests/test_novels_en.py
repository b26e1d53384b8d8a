"""The model of the package: small, offline, and right where random weights cannot tell.

Its figures are those of the model that is shipped: `python -m tests.fixtures.novels_en` writes them anew.
"""

import json
from pathlib import Path

import keras
import numpy as np
import pytest

import elmo
from elmo.hub.installed import installed
from tests.cli.conftest import as_json

HERE = Path(__file__).parent / "fixtures" / "novels_en"


@pytest.fixture(scope="module")
def model():
    return elmo.load("novels-en")


@pytest.fixture(scope="module")
def known():
    """What the model gave when it was shipped: perplexities of `sentences.txt`, vectors of its first."""
    return json.loads((HERE / "known.json").read_text())


def test_it_takes_at_most_eight_megabytes():
    files = [file for file in installed()["novels-en"].rglob("*") if file.is_file()]
    assert {file.name for file in files} >= {
        "options.json",
        "weights.hdf5",
        "vocab.txt",
        "README.md",
    }
    assert sum(file.stat().st_size for file in files) <= 8_000_000


def test_nothing_is_fetched(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a download")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    assert as_json("info", "novels-en")["softmax"]


@pytest.mark.numerics
def test_perplexities_to_four_digits(model, known):
    found = model.evaluate(HERE / "sentences.txt", state="reset")
    for direction in ("forward", "backward"):
        assert getattr(found, direction) == pytest.approx(known[direction], rel=1e-4)
    assert found.tokens == known["tokens"]


def test_the_sum_of_scores_is_the_perplexity(model, known):
    lines = (HERE / "sentences.txt").read_text(encoding="utf-8").splitlines()
    scores = model.score(lines, state="reset")
    for direction in ("forward", "backward"):
        mean = scores.nats[scores.direction == direction].astype(np.float64).mean()
        assert np.exp(mean) == pytest.approx(known[direction], rel=1e-4)


@pytest.mark.numerics
def test_vectors_are_those_of_every_engine(model, known):
    tokens = known["tokens_of_vectors"]
    vectors = model.embed([tokens])[0]  # (layers, tokens, dim)
    np.testing.assert_allclose(vectors[:, :, :4], known["vectors"], atol=2e-5)


@pytest.mark.parametrize(
    ("sentence", "place", "words"),
    [
        ("She sat down by the fire and began to read .", 5, {"window", "table", "sofa"}),
        ("The old man shook his head and said nothing .", 5, {"shoulders", "hand"}),
        ("It was a very cold morning in winter .", 4, {"early", "dreary", "pleasant"}),
        ("The horse was tied to a tree .", 1, {"man", "boy", "girl"}),
    ],
)
def test_substitutes_fit_the_place(model, sentence, place, words):
    found = {s.word for s in model.substitutes(sentence.split(), place, top_k=12)}
    assert words <= found


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("The ladies were in the garden .", "The ladies was in the garden ."),
        ("He had gone home .", "He had went home ."),
        ("They were very kind to her .", "Them were very kind to her ."),
    ],
)
def test_agreement_is_known(model, good, bad):
    nats = [model.score([s]).nats.sum() for s in (good, bad)]
    assert nats[0] < nats[1] - 1


def test_uses_of_a_word_lie_by_their_meaning(model):
    uses = {
        "He took her hand and kissed it .": "limb",
        "She laid her hand upon his arm .": "limb",
        "On the other hand , he was very rich .": "side",
        "But on the one hand he had no money at all .": "side",
    }
    vectors = np.stack(
        [
            layers.mean(axis=0)[sentence.split().index("hand")]
            for sentence, layers in zip(uses, model.embed(list(uses)), strict=True)
        ]
    )
    vectors -= vectors.mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    likeness = vectors @ vectors.T - 2 * np.eye(len(uses))
    meanings = list(uses.values())
    for place, nearest in enumerate(likeness.argmax(axis=1)):
        assert meanings[place] == meanings[nearest]


@pytest.mark.whole
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="the same on every backend")
def test_the_notebook_runs(tmp_path):
    import nbformat
    from nbclient import NotebookClient

    path = Path(__file__).parent.parent / "examples" / "novels.ipynb"
    book = nbformat.read(path, as_version=4)
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    printed = "".join(
        o["text"] for cell in book.cells for o in cell.get("outputs", []) if "text" in o
    )
    assert "carriage" in printed and "The old man" in printed
