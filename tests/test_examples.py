"""The examples run, and their own parts are right: the random field by enumeration, the intervals."""

import importlib.util
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import logsumexp

EXAMPLES = Path(__file__).parent.parent / "examples"


def example(name):
    """The module of an example, which is no package."""
    sys.path.insert(0, str(EXAMPLES))
    try:
        spec = importlib.util.spec_from_file_location(f"examples_{name}", EXAMPLES / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    finally:
        sys.path.remove(str(EXAMPLES))


def run(name, *words):
    """What an example prints with `--json`."""
    script = [sys.executable, str(EXAMPLES / f"{name}.py"), *map(str, words), "--json"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(script, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_random_field_is_that_of_all_sequences():
    import keras

    entities = example("entities")
    rng = np.random.default_rng(0)
    emissions = rng.standard_normal((2, 4, 3)).astype("float32")
    tags = np.array([[0, 2, 1, 1], [1, 0, -1, -1]], "int32")
    field = entities.Transitions(3)
    transitions = rng.standard_normal((3, 3)).astype("float32")
    field.scores.assign(transitions)
    wanted = 0.0
    for scores, row in zip(emissions, tags, strict=True):
        n = int((row >= 0).sum())
        paths = list(itertools.product(range(3), repeat=n))
        total = np.array(
            [
                sum(scores[k, tag] for k, tag in enumerate(path))
                + sum(transitions[a, b] for a, b in itertools.pairwise(path))
                for path in paths
            ]
        )
        true = total[paths.index(tuple(row[:n].tolist()))]
        wanted += logsumexp(total) - true
        assert tuple(entities.best_path(scores[:n], transitions)) == paths[int(total.argmax())]
    found = keras.ops.convert_to_numpy(field.nats(emissions, tags))
    assert float(found) == pytest.approx(wanted, rel=1e-5)


def test_spans_of_entities():
    spans = example("entities").spans
    tags = ["B-a", "I-a", "B-a", "O", "I-b", "I-a", "B-b"]
    assert spans(tags) == {(0, 2, "a"), (2, 3, "a"), (4, 5, "b"), (5, 6, "a"), (6, 7, "b")}


def test_the_nearest_senses_vote_and_the_nearest_decides_a_tie():
    nearest = example("senses").nearest_senses
    train = np.array([[1.0, 0.0], [0.9, 0.1], [0.8, 0.2], [0.0, 1.0]])
    senses = np.array([2, 0, 0, 1])
    test = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert nearest(train, senses, test, 1).tolist() == [2, 1]
    assert nearest(train, senses, test, 2).tolist() == [2, 1]
    assert nearest(train, senses, test, 3).tolist() == [0, 0]


def test_intervals_are_those_of_the_binomial():
    """For a share p of n the standard error is √(p (1 − p) / n)."""
    intervals = example("intervals")
    found = intervals.interval(np.repeat([1.0, 0.0], [300, 100]))
    error = (0.75 * 0.25 / 400) ** 0.5
    assert found["value"] == 0.75
    assert found["low"] == pytest.approx(0.75 - 1.96 * error, abs=0.008)
    assert found["high"] == pytest.approx(0.75 + 1.96 * error, abs=0.008)
    same = np.tile([1.0, 0.0], 50)
    assert intervals.difference(same, same) == {"value": 0.0, "low": 0.0, "high": 0.0}


@pytest.mark.whole
@pytest.mark.parametrize(
    ("name", "data", "words", "key"),
    [
        ("tagger", "ud-english-ewt", ["--sentences", 60, "--epochs", 2], "accuracy"),
        ("entities", "wnut17", ["--sentences", 64, "--epochs", 1], "f1"),
        ("senses", "coarse-wsd-20", ["--uses", 10], "accuracy"),
    ],
)
def test_an_example_runs(name, data, words, key, peer_model):
    if not os.environ.get("ELMO_DATA"):
        pytest.skip(f"{data}: set ELMO_DATA to the folder that holds it")
    found = run(name, peer_model, *words)[key]
    assert (
        found if key == "f1" else all(map(_within, [found] if "low" in found else found.values()))
    )


def _within(found):
    return 0 < found["low"] <= found["value"] <= found["high"] < 1


class CountedModel:
    """Numbers of characters as vectors, `(2 layers, tokens, 3)`, and how many sentences were read."""

    def __init__(self):
        self.read = 0

    def embed(self, sentences):
        self.read += len(sentences)
        counts = [np.array([len(token) for token in tokens], "float32") for tokens in sentences]
        return [np.broadcast_to(n[:, None], (2, len(n), 3)) * [[[1]], [[2]]] for n in counts]


def test_kept_vectors_are_computed_once_and_known_by_text_places_and_model(tmp_path):
    kept, model = example("frozen").kept, CountedModel()
    text = [["a", "bcd"], ["ef"]]
    found = kept(tmp_path, model, text)
    assert found.dtype == np.float16
    assert found[:, :, 0].tolist() == [[1, 2], [3, 6], [2, 4]]
    model.read = 0
    assert np.array_equal(kept(tmp_path, model, text), found)
    assert model.read == 1  # only the sentence by which the model is known
    chosen = kept(tmp_path, model, text, [1, 0].__getitem__)
    assert chosen[:, :, 0].tolist() == [[3, 6], [2, 4]]
    assert kept(tmp_path, model, [["ab"]])[:, 0, 0].tolist() == [2]
    assert np.array_equal(kept(None, model, text), found)


def test_sentences_of_a_second_block_keep_their_places(tmp_path, monkeypatch):
    frozen = example("frozen")
    monkeypatch.setattr(frozen, "BLOCK", 2)
    text = [["a", "bb"], ["ccc", "dddd"], ["eeeee", "f"]]
    found = frozen.kept(None, CountedModel(), text, [0, 1, 0].__getitem__)
    assert found[:, 0, 0].tolist() == [1, 4, 5]


def test_the_table_is_made_of_the_results_that_are_there(tmp_path):
    table = example("table")
    one = {"value": 0.5, "low": 0.4, "high": 0.6}
    names = "accuracy", "accuracy_layer_0", "accuracy_commonest_tag", "over_layer_0"
    (tmp_path / "mine").mkdir()
    result = {**dict.fromkeys(names, one), "mix": [0.2, 0.8]}
    (tmp_path / "mine" / "tagger.json").write_text(json.dumps(result))
    table.write(tmp_path, table.collect(tmp_path))
    *_, row = (tmp_path / "table.md").read_text().partition("\n\n")[0].splitlines()
    assert row == "| parts of speech, accuracy | mine |" + " 50.0% [40.0%, 60.0%] |" * 4
    assert (tmp_path / "layers.png").stat().st_size > 1000
