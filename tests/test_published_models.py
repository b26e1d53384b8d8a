"""Published models through the front door: what their own code gave, met by `elmo.load`."""

import keras
import numpy as np
import pytest

from elmo.api import load
from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.formats import fetch as fetch_module
from elmo.formats.errors import FormatError
from elmo.formats.pretrained import write_folder
from elmo.formats.registry import MODELS, RemoteFile, RemoteModel
from tests.formats.helpers import character_config, model
from tests.formats.web import Site, serving
from tests.reference.bilm import ReferenceBiLM
from tests.reference.published import read_weights, sentence_ids

pytestmark = pytest.mark.numerics


@pytest.fixture(scope="module")
def checkpoint(data_folder):
    place = data_folder("bilm-tf-checkpoint")
    with np.load(place / "expected.npz") as file:
        expected = dict(file)
    lines = (place / "sentences.txt").read_text(encoding="utf-8").splitlines()
    return load(place / "model"), place, expected, [line.split() for line in lines]


def test_checkpoint_log_probabilities(checkpoint):
    bilm, _, expected, sentences = checkpoint
    for number, tokens in enumerate(sentences):
        rows = bilm.sentence_encoder.encode(tokens)  # (tokens + 2, M)
        n = len(tokens) + 1
        inputs = np.stack([np.arange(n), np.arange(n, 0, -1)])[:, None]
        h, _ = bilm.network.top(rows, inputs, np.ones(inputs.shape, bool))
        for direction, name in enumerate(("forward", "backward")):
            targets = expected[f"target/{name}/{number}"]
            ids = bilm.sentence_encoder.word_ids(tokens) - 1
            wanted = ids[1:] if name == "forward" else ids[-2::-1]
            np.testing.assert_array_equal(wanted, targets)
            nats = keras.ops.convert_to_numpy(bilm.network.nats(h[direction, 0], targets))
            np.testing.assert_allclose(
                -nats, expected[f"logprob/{name}/{number}"], rtol=0, atol=1e-4
            )


def test_checkpoint_perplexities(checkpoint):
    bilm, place, _, _ = checkpoint
    for state, perplexity in (("reset", 31.3229), ("carry", 29.1756)):
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
        assert len(site.requests) == 4  # the pair is downloaded once, the named model once
    np.testing.assert_array_equal(load("fixture").embed(["a sentence"])[0], wanted)


def test_names_that_are_none(tmp_path):
    with pytest.raises(FormatError, match="did you mean original"):
        load("orginal")
    folder = write_folder(model(character_config()), tmp_path / "model")
    assert load(str(folder)).vocabulary is None


@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("n_layers", [1, 3])
def test_what_we_write_is_read_apart(tmp_path, n_layers, skip):
    """Our folder, read and computed by the NumPy reference, which shares no code with the package."""
    cnn = CharCNNConfig(embedding_dim=3, filters=[[1, 4], [3, 6]], n_highway=2, activation="tanh")
    lstm = LSTMConfig(
        dim=9,
        projection_dim=4,
        n_layers=n_layers,
        cell_clip=0.5,
        proj_clip=0.3,
        use_skip_connections=skip,
    )
    config = BiLMConfig(char_cnn=cnn, lstm=lstm)
    load(write_folder(model(config), tmp_path / "a")).save(tmp_path / "b")
    reference = ReferenceBiLM(read_weights(tmp_path / "b" / "weights.hdf5"), config)
    sentences = ["The bank closed", "élan 漢字 " + "x" * 60]
    for text, vectors in zip(sentences, load(tmp_path / "b").embed(sentences), strict=True):
        wanted, _ = reference.layers(sentence_ids(text.split()))
        np.testing.assert_allclose(vectors, wanted[:, 1:-1], rtol=0, atol=1e-5)


@pytest.mark.numerics
def test_manylangs_ids_are_those_that_the_network_reads(data_folder):
    """`encode` makes a padded batch whose layers are what `embed` gives, boundaries apart."""
    found = load(data_folder("manylangs-fixture") / "model")
    assert found.vocabulary is None
    assert "vocabulary unknown" in repr(found)
    sentences = [["one", "two", "three"], ["four"]]
    layers = keras.ops.convert_to_numpy(found.network(found.encode(sentences)))
    for row, vectors in zip(layers, found.embed(sentences), strict=True):
        np.testing.assert_allclose(row[:, 1 : vectors.shape[1] + 1], vectors, atol=1e-5)
