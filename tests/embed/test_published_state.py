"""Carried state as the published programs had it."""

import json

import h5py
import numpy as np
import pytest

from elmo.bilm.encoder import BiLMEncoder
from elmo.bilm.weights import set_weights
from elmo.embed.embedder import Embedder
from elmo.embed.token_cache import encoded_tokens
from elmo.formats.pretrained import read


def embedder_of(path):
    model = read(path)
    encoder = BiLMEncoder(model.config)
    encoder.build()
    weights = {n: w for n, w in model.weights.items() if not n.startswith("softmax/")}
    set_weights(encoder, weights)
    return Embedder(encoder, model.sentence_encoder)


def assert_close(actual, wanted, limit=1e-5):
    assert actual.shape == wanted.shape
    np.testing.assert_allclose(actual, wanted, rtol=0, atol=limit)


@pytest.mark.numerics
def test_allennlp_documents(data_folder):
    folder = data_folder("allennlp-elmo-fixture")
    documents = json.loads((folder / "sentences.json").read_text(encoding="utf-8"))
    embedder = embedder_of(folder)
    # ten batches of three: sentence k of each document
    in_order = [documents[d][k].split() for k in range(10) for d in range(3)]
    found = embedder.embed(in_order, layers="top", state="carry", batch_size=3)
    for d in range(3):
        with h5py.File(folder / f"lm_embeddings_{d}.hdf5") as file:
            for k in range(10):
                halves = np.stack(np.split(found[3 * k + d], 2, axis=-1))
                assert_close(halves, file[str(k)][()])


@pytest.mark.numerics
def test_allennlp_token_embeddings(data_folder):
    folder = data_folder("allennlp-elmo-fixture")
    embedder = embedder_of(folder)
    tokens = (folder / "vocab_test.txt").read_text(encoding="utf-8").split()
    ((_, ids),) = encoded_tokens(tokens, embedder.sentence_encoder)
    with h5py.File(folder / "elmo_token_embeddings.hdf5") as file:
        assert_close(embedder.engine.token_vectors(ids), file["embedding"][()])


@pytest.mark.numerics
def test_manylangs(data_folder):
    folder = data_folder("manylangs-fixture")
    text = (folder / "sentences.txt").read_text(encoding="utf-8")
    sentences = [line.split(" ") for line in text.rstrip("\n").split("\n")]
    expected = np.load(folder / "expected.npz")
    embedder = embedder_of(folder / "model")

    def check(name, found, kind="all"):
        for number, vectors in enumerate(found):
            assert_close(vectors, expected[f"{name}/{number}/{kind}"])

    check("stateless", embedder.embed(sentences))
    check("stateless", embedder.embed(sentences, layers="average"), "average")
    check("stateless", embedder.embed(sentences, layers="top"), "2")
    check("carry", embedder.embed(sentences, state="carry", batch_size=1))
    embedder.reset_state()
    check("batch", embedder.embed(sentences, state="carry", batch_size=64))
    check("batch_again", embedder.embed(sentences, state="carry", batch_size=64))


@pytest.mark.numerics
def test_bilm_tf(data_folder):
    folder = data_folder("bilm-tf-checkpoint")
    embedder = embedder_of(folder / "model")
    lines = (folder / "sentences.txt").read_text(encoding="utf-8").splitlines()
    expected = np.load(folder / "expected.npz")
    for number, vectors in enumerate(embedder.embed(lines)):
        assert_close(vectors, expected[f"embeddings/{number}"])
