"""Published models through the front door: what their own code gave, met by `elmo.load`."""

import keras
import numpy as np
import pytest

from elmo.api import load
from elmo.formats.pretrained import write_folder
from elmo.hub.models import MODELS, RemoteFile, RemoteModel
from elmo.system import fetch as fetch_module
from elmo.system.errors import FormatError
from tests.formats.helpers import character_config, model
from tests.formats.web import Site, serving

pytestmark = [pytest.mark.numerics, pytest.mark.usefixtures("real_windows")]


@pytest.fixture(scope="module")
def checkpoint(data_folder):
    place = data_folder("bilm-tf-checkpoint")
    with np.load(place / "expected.npz") as file:
        expected = dict(file)
    lines = (place / "sentences.txt").read_text(encoding="utf-8").splitlines()
    return load(place / "model"), place, expected, [line.split() for line in lines]


def test_checkpoint_log_probabilities(checkpoint):
    bilm, _, expected, sentences = checkpoint
    rows = [bilm.sentence_encoder.encode(tokens) for tokens in sentences]  # (tokens + 2, M)
    longest = max(map(len, rows)) - 1
    inputs = np.zeros((2, len(rows), longest), np.int32)
    mask = np.zeros(inputs.shape, bool)
    first = 0
    for number, row in enumerate(rows):
        n = len(row) - 1  # <S> is read first, or </S>; what is predicted last is not read
        inputs[0, number, :n] = first + np.arange(n)
        inputs[1, number, :n] = first + np.arange(n, 0, -1)
        mask[:, number, :n] = True
        first += len(row)
    h, _ = bilm.network.top(np.concatenate(rows), inputs, mask)
    h = keras.ops.convert_to_numpy(h)[mask]
    names = [(d, k) for d in ("forward", "backward") for k in range(len(rows))]
    targets = np.concatenate([expected[f"target/{d}/{k}"] for d, k in names])
    words = [bilm.sentence_encoder.word_ids(tokens) - 1 for tokens in sentences]
    ours = [*(ids[1:] for ids in words), *(ids[-2::-1] for ids in words)]
    np.testing.assert_array_equal(np.concatenate(ours), targets)
    nats = keras.ops.convert_to_numpy(bilm.network.nats(h, targets))
    wanted = np.concatenate([expected[f"logprob/{d}/{k}"] for d, k in names])
    np.testing.assert_allclose(-nats, wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("state", "perplexity"), [("reset", 31.3229), ("carry", 29.1756)])
def test_checkpoint_perplexities(checkpoint, state, perplexity):
    if state == "carry" and keras.backend.backend() == "torch":
        pytest.skip("one row of 4,139 positions, one after the other, takes a minute uncompiled")
    bilm, place, _, _ = checkpoint
    result = bilm.evaluate(place / "heldout.txt", state=state)
    assert result.both == pytest.approx(perplexity, abs=1e-3)
    assert result.tokens == 4139


def test_checkpoint_embeddings(checkpoint):
    bilm, _, expected, sentences = checkpoint
    for number, vectors in enumerate(bilm.embed(sentences)):
        np.testing.assert_allclose(vectors, expected[f"embeddings/{number}"], rtol=0, atol=1e-5)


def test_checkpoint_keeps_its_training(checkpoint):
    bilm, *_ = checkpoint
    assert bilm.step == 200
    weights = bilm.network.named_weights()
    assert set(bilm.optimizer_slots) == set(weights)
    for name, slot in bilm.optimizer_slots.items():
        assert slot.shape == tuple(weights[name].shape)
        assert slot.min() >= 1
    again = bilm.to_pretrained()
    assert again.step == 200 and again.optimizer_slots is bilm.optimizer_slots


def test_dumped_weights_embed_alike(checkpoint, data_folder):
    bilm, place, _, sentences = checkpoint
    pair = load((place / "model" / "options.json", place / "weights.hdf5"))
    assert not pair.has_softmax and pair.optimizer_slots is None and pair.step is None
    for one, other in zip(bilm.embed(sentences), pair.embed(sentences), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("container", ["model", "model-zip"])
def test_manylangs(data_folder, tmp_path, container):
    place = data_folder("manylangs-fixture")
    for name in ("model", "model-zip"):  # the second holds the weights alone
        if name in ("model", container):
            for path in (place / name).iterdir():
                (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (place / "sentences.txt").read_text(encoding="utf-8")
    sentences = [line.split(" ") for line in text.rstrip("\n").split("\n")]
    with np.load(place / "expected.npz") as file:
        expected = dict(file)
    bilm = load(tmp_path)
    for number, every in enumerate(bilm.embed(sentences)):
        for layer in range(3):
            wanted = expected[f"stateless/{number}/{layer}"]
            np.testing.assert_allclose(every[layer], wanted, rtol=0, atol=1e-5)
    for number, average in enumerate(bilm.embed(sentences, layers="average")):
        wanted = expected[f"stateless/{number}/average"]
        np.testing.assert_allclose(average, wanted, rtol=0, atol=1e-5)
    for number, every in enumerate(bilm.embed(sentences, state="carry", batch_size=1)):
        wanted = expected[f"carry/{number}/all"]
        np.testing.assert_allclose(every, wanted, rtol=0, atol=1e-5)


def test_allennlp_fixture_from_an_address(data_folder, tmp_path, monkeypatch):
    """Options and weights of an address, by either of the two, and by a name."""
    monkeypatch.setenv("ELMO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fetch_module, "PAUSE", 0.0)
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    place = data_folder("allennlp-elmo-fixture")
    site = Site(
        {
            "/x_options.json": (place / "options.json").read_bytes(),
            "/x_weights.hdf5": (place / "lm_weights.hdf5").read_bytes(),
        }
    )
    wanted = load((place / "options.json", place / "lm_weights.hdf5")).embed(["a sentence"])[0]
    with serving(site) as address:
        files = (
            RemoteFile(f"{address}/x_options.json", "options.json"),
            RemoteFile(f"{address}/x_weights.hdf5", "weights.hdf5"),
        )
        named = RemoteModel("fixture", "a fixture", "en", files, None, "")
        monkeypatch.setitem(MODELS, "fixture", named)
        for source in (
            f"{address}/x_weights.hdf5",
            (f"{address}/x_options.json", f"{address}/x_weights.hdf5"),
            "fixture",
        ):
            np.testing.assert_array_equal(load(source).embed(["a sentence"])[0], wanted)
        assert len(site.requests) == 2  # downloaded once, whatever names them
    np.testing.assert_array_equal(load("fixture").embed(["a sentence"])[0], wanted)


def test_names_that_are_none(tmp_path):
    with pytest.raises(FormatError, match="did you mean original"):
        load("orginal")
    folder = write_folder(model(character_config()), tmp_path / "model")
    assert load(str(folder)).vocabulary is None


def test_manylangs_ids_are_those_that_the_network_reads(data_folder):
    """`encode` makes a padded batch whose layers are what `embed` gives, boundaries apart."""
    found = load(data_folder("manylangs-fixture") / "model")
    assert found.vocabulary is None
    assert "vocabulary unknown" in repr(found)
    sentences = [["one", "two", "three"], ["four"]]
    layers = keras.ops.convert_to_numpy(found.network(found.encode(sentences)))
    for row, vectors in zip(layers, found.embed(sentences), strict=True):
        np.testing.assert_allclose(row[:, 1 : vectors.shape[1] + 1], vectors, atol=1e-5)
