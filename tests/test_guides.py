"""The guides do what they say, with a tiny model in the folder that they name."""

import numpy as np
import pytest

from elmo.formats.pretrained import write_folder
from tests.formats.helpers import character_config, model
from tests.guides import run_guide


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of one's own with `my-elmo`."""
    monkeypatch.chdir(tmp_path)
    write_folder(model(character_config()), tmp_path / "my-elmo")
    return tmp_path


def test_scikit_learn(here):
    names, _ = run_guide("scikit-learn.md")
    search, vectors = names["search"], names["vectors"]
    assert len(search.cv_results_["params"]) == 12 and (here / "cache").is_dir()
    assert set(search.predict(names["documents"])) <= {"money", "river"}
    alone = names["ElmoVectorizer"]("my-elmo").transform(names["documents"])
    np.testing.assert_allclose(vectors, alone, atol=1e-5)
    table = names["features"].transform(names["sentences"])
    assert [len(one) for one in names["dictionaries"]] == [len(one) for one in table]
    assert len(names["tagger"].predict([["The", "boat", "left"]])) == 3


@pytest.mark.whole
def test_keras(here):
    names, printed = run_guide("keras.md")
    for line in printed:
        backend, difference = line.split()
        assert backend in ("torch", "tensorflow") and float(difference) < 1e-5
    losses = [history.history["loss"][-1] for history in (names["frozen"], *names["stages"])]
    assert np.isfinite(losses).all()
    assert names["embedding"].unfrozen == 3
    original = names["model"].network.encoder.named_weights()
    tuned = names["embedding"].encoder.named_weights()
    moved = [not np.array_equal(tuned[name], original[name]) for name in original]
    assert sum(moved) > len(moved) / 2  # fine-tuned, and the model itself is another object
    same = names["elmo"].load("my-elmo").network.encoder.named_weights()
    for name, variable in original.items():
        np.testing.assert_array_equal(variable, same[name])
    assert [len(row) for row in names["tagged"]] == [3, 4, 5]
    assert {tag for row in names["tagged"] for tag in row} <= set(names["names"])


def test_the_batches_of_the_keras_guide(here):
    """Padding has no weight, and each label stays with its text."""
    names, _ = run_guide("keras.md", stop="## A classifier")
    data = names["Texts"]([["w1"], ["w2", "w3", "w1"]], [[4], [5, 6, 7]], batch_size=2)
    ids, tags, weights = data[0]
    assert ids.shape[:2] == (2, 16) and tags.shape == weights.shape == (2, 14)
    assert tags[weights == 1].tolist() == [4, 5, 6, 7] and weights.sum() == 4
    before = {tuple(row.ravel()): tuple(tag) for row, tag in zip(ids, tags, strict=True)}
    for _ in range(5):
        data.on_epoch_end()
        ids, tags, weights = data[0]
        after = {tuple(row.ravel()): tuple(tag) for row, tag in zip(ids, tags, strict=True)}
        assert after == before and weights.sum() == 4
    assert sorted(data.order) == [0, 1] and len(names["Texts"](["a"] * 5, [0] * 5, 2)) == 3


def test_language_model(here):
    config = character_config(vocabulary_size=30)
    write_folder(model(config), here / "my-elmo", overwrite=True)
    names, _ = run_guide("language-model.md")
    assert len(names["best"]) == 5 and len(names["alike"]) == 10 and len(names["places"]) == 8
    assert len(names["table"]) == 2 * (9 + 4) and len(names["sums"]) == 2
    assert names["found_pairs"].nats["forward"].shape == (2, 2)
    words = [word for word, _ in names["best"]]
    assert [word for word, _ in names["places"][4][:5]] == words
    assert [word for word, _ in names["alike"][:5]] != words
    assert [len(places) for places in names["found"]] == [1, 2]
    assert len(names["types"]) == 5
    assert {word for word, _ in names["here"]} == {"shore", "lender", "boat"}
