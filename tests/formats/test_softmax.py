"""The published softmax, a file beside the weights: what bilm-tf's own code gave is met with it."""

import dataclasses
import json
import shutil
from functools import partial

import h5py
import numpy as np
import pytest

import elmo
from elmo.formats.pretrained import read, write_folder
from elmo.hub.models import MODELS, RemoteFile, RemoteModel
from elmo.hub.softmax import resolve_softmax
from elmo.system.errors import FormatError
from tests.cli.conftest import as_json, refused
from tests.formats.helpers import assert_same_weights, character_config, model, word_config
from tests.formats.test_fuzz import check_survives, damaged
from tests.formats.web import Site, serving
from tests.reference.bilm import ReferenceBiLM
from tests.reference.published import sentence_ids


def write_softmax(path, kernel, bias, **options):
    """A file as it was published."""
    with h5py.File(path, "w") as file:
        if kernel is not None:
            file.create_dataset("softmax/W", data=kernel, **options)
        if bias is not None:
            file.create_dataset("softmax/b", data=bias)
    return path


@pytest.fixture(scope="module")
def fixture(data_folder):
    return data_folder("bilm-tf-checkpoint")


@pytest.fixture
def published(fixture, tmp_path):
    """The fixture as published models are: options, weights, softmax and vocabulary, four files."""
    folder = tmp_path / "published"
    folder.mkdir()
    names = {
        "weights.hdf5": "elmo_weights.hdf5",
        "model/options.json": "elmo_options.json",
        "vocab.txt": "vocab-2016.txt",
    }
    for old, new in names.items():
        shutil.copyfile(fixture / old, folder / new)
    weights = read(fixture / "model").weights
    write_softmax(
        folder / "elmo_softmax_weights.hdf5", weights["softmax/kernel"], weights["softmax/bias"]
    )
    return folder


@pytest.fixture
def files(published):
    return {
        "softmax": published / "elmo_softmax_weights.hdf5",
        "vocabulary": published / "vocab-2016.txt",
    }


def test_log_probabilities_are_those_of_bilm_tf(fixture, published, files):
    found = read(published, **files)
    reference = ReferenceBiLM(found.weights, found.config)
    expected = np.load(fixture / "expected.npz")
    lines = (fixture / "sentences.txt").read_text(encoding="utf-8").splitlines()
    scores = elmo.load(published, **files).score(lines)
    for i, line in enumerate(lines):
        tokens = line.split()
        words = np.array(found.vocabulary.ids(["<S>", *tokens, "</S>"])) + 1
        values, _ = reference.log_probabilities(sentence_ids(tokens), words)
        for direction in ("forward", "backward"):
            wanted = expected[f"logprob/{direction}/{i}"]
            np.testing.assert_allclose(values[direction], wanted, rtol=0, atol=1e-5)
            mine = (scores.sentence == i) & (scores.direction == direction)
            order = np.argsort(scores.position[mine])  # the backward direction reads from the end
            order = order if direction == "forward" else order[::-1]
            nats = scores.nats[mine][order]
            np.testing.assert_allclose(nats, -wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("state", "perplexity"), [("reset", 31.3229), ("carry", 29.1756)])
def test_perplexity_is_that_of_bilm_tf(fixture, published, files, state, perplexity):
    result = elmo.load(published, **files).evaluate(fixture / "heldout.txt", state=state)
    assert result.both == pytest.approx(perplexity, abs=1e-4)
    assert result.tokens == 4139


def test_without_it_the_message_names_the_option(fixture, published):
    with pytest.raises(
        ValueError, match=r"no softmax; published weights leave it out\. Give its file"
    ):
        elmo.load(published).evaluate(fixture / "heldout.txt")
    assert "--softmax" in refused("evaluate", published, fixture / "heldout.txt")


def test_commands_take_it(fixture, published, files, tmp_path):
    options = [word for name, path in files.items() for word in (f"--{name}", path)]
    found = as_json("evaluate", published, fixture / "heldout.txt", "--state", "reset", *options)
    assert found["both"] == pytest.approx(31.3229, abs=1e-4)
    sentence = fixture / "sentences.txt"
    assert as_json("score", published, sentence, *options)
    as_json("convert", published, tmp_path / "whole", *options)
    assert_same_weights(read(tmp_path / "whole").weights, read(fixture / "model").weights)
    assert len(read(tmp_path / "whole").vocabulary) == 703


def test_a_word_model(tmp_path):
    whole = model(word_config())
    folder = write_folder(model(word_config(), softmax=False), tmp_path / "model")
    path = write_softmax(
        tmp_path / "s.hdf5", whole.weights["softmax/kernel"], whole.weights["softmax/bias"]
    )
    found = read(folder, softmax=path)  # the vocabulary is the model's own
    assert found.config == whole.config
    assert_same_weights(found.weights, whole.weights)


@pytest.mark.parametrize(
    ("kernel", "bias", "said"),
    [
        ((7, 3), None, "no softmax; softmax/b missing (found softmax/W)"),
        (None, (7,), "no softmax; softmax/W missing"),
        (None, None, "no softmax; softmax/W and softmax/b missing (found nothing)"),
        ((7, 4), (7,), "softmax/W is (7, 4), wanted (7, 3)"),
        ((6, 3), (7,), "softmax/W is (6, 3), wanted (7, 3)"),
        ((7, 3), (7, 1), "softmax/b is (7, 1), wanted (V,)"),
        ((8, 3), (8,), "has 7 types, but the weights are for 8"),
        ((6, 3), (6,), "does not fit its vocabulary"),
    ],
)
def test_a_file_that_does_not_fit(tmp_path, kernel, bias, said):
    words = model(character_config(vocabulary_size=7)).vocabulary
    folder = write_folder(model(character_config(), softmax=False), tmp_path / "model")
    arrays = [None if shape is None else np.ones(shape, np.float32) for shape in (kernel, bias)]
    path = write_softmax(tmp_path / "s.hdf5", *arrays)
    with pytest.raises(FormatError) as error:
        read(folder, words, path)
    assert str(path) in str(error.value) and said in str(error.value)


def test_what_cannot_have_one(tmp_path):
    path = write_softmax(tmp_path / "s.hdf5", np.ones((7, 3)), np.ones(7))
    whole = write_folder(model(word_config()), tmp_path / "whole")
    with pytest.raises(FormatError, match="the model has a softmax of its own; leave this one out"):
        read(whole, softmax=path)
    bare = write_folder(model(character_config(), softmax=False), tmp_path / "bare")
    with pytest.raises(FormatError, match=r"vocabulary of the softmax is not known; give its file"):
        read(bare, softmax=path)
    with pytest.raises(FormatError, match=r"none\.hdf5: no such file"):
        elmo.load(bare, model(word_config()).vocabulary, softmax=tmp_path / "none.hdf5")


def test_a_small_file_that_claims_much(tmp_path):
    folder = write_folder(model(character_config(), softmax=False), tmp_path / "model")
    path = tmp_path / "s.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("softmax/W", shape=(1 << 40, 3), dtype="f4", chunks=(1 << 16, 3))
        file.create_dataset("softmax/b", shape=(1 << 40,), dtype="f4", chunks=(1 << 16,))
    with pytest.raises(FormatError, match="has 7 types, but the weights are for 1,099,511,627,776"):
        read(folder, model(word_config()).vocabulary, path)
    with h5py.File(path, "w") as file:
        file.create_dataset("softmax/W", shape=(7, 3), dtype="f4", chunks=(7, 3))
        file.create_dataset("softmax/b", shape=(7,), dtype="f4", chunks=(7,))
    with pytest.raises(FormatError, match="is cut"):
        read(folder, model(word_config()).vocabulary, path)


def test_a_damaged_file(tmp_path):
    whole = model(character_config(vocabulary_size=7))
    folder = write_folder(model(character_config(), softmax=False), tmp_path / "model")
    path = write_softmax(
        tmp_path / "s.hdf5", whole.weights["softmax/kernel"], whole.weights["softmax/bias"]
    )
    content = path.read_bytes()
    survived = []
    for seed in range(120):
        path.write_bytes(damaged(content, seed))
        call = partial(read, folder, whole.vocabulary, path)
        survived.append(check_survives(call, named=str(path)))
    assert 0 < sum(survived) < 120


def test_a_named_model_downloads_its_own(fixture, published, files, tmp_path, monkeypatch):
    monkeypatch.setenv("ELMO_CACHE", str(tmp_path / "cache"))
    site = Site({f"/{path.name}": path.read_bytes() for path in published.iterdir()})
    with serving(site) as address:
        tiny = RemoteModel(
            *("tiny", "for a test", "en"),
            (
                RemoteFile(f"{address}/elmo_options.json", "options.json"),
                RemoteFile(f"{address}/elmo_weights.hdf5", "weights.hdf5"),
            ),
            *(None, ""),
            softmax=(
                RemoteFile(f"{address}/elmo_softmax_weights.hdf5", "softmax_weights.hdf5"),
                RemoteFile(f"{address}/vocab-2016.txt", "vocab.txt"),
            ),
        )
        monkeypatch.setitem(MODELS, "tiny", tiny)
        found = elmo.load("tiny", softmax="published", progress=False)
        assert found.evaluate(fixture / "heldout.txt").both == pytest.approx(31.3229, abs=1e-4)
        asked = len(site.requests)
        again = elmo.load(
            f"{address}/elmo_weights.hdf5", softmax="published", progress=False
        )  # by its address, and downloaded once
        assert again.has_softmax and len(site.requests) == asked
        path, types = resolve_softmax(
            "tiny", f"{address}/elmo_softmax_weights.hdf5", files["vocabulary"]
        )
        assert path.read_bytes() == files["softmax"].read_bytes() and types == files["vocabulary"]
        assert elmo.load("tiny", progress=False).vocabulary is None  # it is not the model's list
    monkeypatch.setitem(MODELS, "tiny", dataclasses.replace(tiny, softmax=None))
    with pytest.raises(
        FormatError, match=r"tiny: no softmax was published.* original and original-5"
    ):
        elmo.load("tiny", softmax="published", progress=False)
    assert json.loads((published / "elmo_options.json").read_text())["char_cnn"]
