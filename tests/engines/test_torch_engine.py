"""The PyTorch engine: exact in float32, near enough below, whatever Keras runs on."""

import doctest
import gc
import sys
import weakref

import numpy as np
import pytest
from keras.config import backend

from elmo.bulk.sending import pack
from elmo.embed.embedder import Embedder
from elmo.engines.choosing import new_engine
from elmo.engines.keras_engine import KerasEngine
from tests.embed.helpers import (
    CONFIGS,
    WIDER,
    RowEncoder,
    milder,
    network,
    random_sentences,
    reference,
)

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.numerics,
    pytest.mark.skipif(backend() == "tensorflow", reason="the same, and run on PyTorch's backend"),
]

LENGTHS = [3, 0, 1, 40, 6, 6, 17, 2]
COSINE = 0.9995


@pytest.fixture(scope="module")
def engine_class():
    from elmo.engines.torch_engine import TorchEngine

    return TorchEngine


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("layers", ["all", "average"])
def test_float32_agrees_with_the_reference(engine_class, name, layers):
    config = CONFIGS[name]
    rows, encoder = RowEncoder(config), network(config)
    embedder = Embedder(encoder, rows, engine=engine_class(encoder, "float32"))
    model, sentences = reference(config), random_sentences(LENGTHS)
    for vectors, tokens in zip(embedder.embed(sentences, layers), sentences, strict=True):
        wanted = model.layers(rows.encode(tokens))[0][:, 1:-1]
        wanted = wanted.mean(axis=0) if layers == "average" else wanted
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("block", [1, 1 << 20])
def test_carried_state_and_top_layer(engine_class, monkeypatch, block):
    from elmo.engines import torch_engine

    monkeypatch.setattr(torch_engine, "BLOCK_BYTES", block)
    config = CONFIGS["words"]
    rows, encoder, model = RowEncoder(config), network(config), reference(config)
    embedder = Embedder(encoder, rows, engine=engine_class(encoder, "float32"))
    states = {}
    for sentences in (random_sentences([4, 1, 9, 2, 0, 3, 5]), random_sentences([6, 40], seed=5)):
        found = embedder.embed(sentences, "top", state="carry", batch_size=3)
        for number, (vectors, tokens) in enumerate(zip(found, sentences, strict=True)):
            layers, states[number % 3] = model.layers(rows.encode(tokens), states.get(number % 3))
            np.testing.assert_allclose(vectors, layers[-1, 1:-1], rtol=0, atol=1e-5)


def test_what_was_let_go_is_freed_and_changes_nothing(engine_class, tmp_path):
    config = CONFIGS["words"]
    rows, sentences = RowEncoder(config), random_sentences(LENGTHS)
    encoder = network(config)
    embedder = Embedder(encoder, rows, engine="torch")
    wanted, digest = embedder.embed(sentences), embedder.weights_digest
    watched = weakref.ref(encoder)
    del encoder
    embedder.release()
    gc.collect()
    assert watched() is None and embedder.encoder is None
    for found, vectors in zip(embedder.embed(sentences), wanted, strict=True):
        np.testing.assert_array_equal(found, vectors)
    assert embedder.weights_digest == digest
    with pytest.raises(ValueError, match="refresh: this embedder has let go of its network"):
        embedder.refresh()
    with pytest.raises(
        ValueError, match=r"jobs: this embedder cannot be sent .*let go of its network"
    ):
        pack(embedder, tmp_path)


@pytest.mark.parametrize("holes", [False, True])
def test_any_mask_leaves_the_state_where_it_is(engine_class, holes):
    """As `KerasEngine`, for rows in any order, rows of padding and masks with holes."""
    config, rng = CONFIGS["words"], np.random.default_rng(3)
    encoder = network(config)
    vectors = rng.normal(size=(2, 5, 6, 5)).astype(np.float32)
    lengths = np.array([2, 6, 0, 4, 0])
    mask = np.broadcast_to(np.arange(6) < lengths[:, None], (2, 5, 6))
    if holes:
        mask = mask & (rng.random((2, 5, 6)) < 0.7)
    start = tuple(rng.normal(size=(2, 3, 5, n)).astype(np.float32) / 9 for n in (5, 9))
    engines = KerasEngine(encoder), engine_class(encoder, "float32")
    (wanted, ends), (found, others) = (e.read(vectors, mask, start, "all") for e in engines)
    real = mask[:, :, None, :, None]
    difference = np.where(real, found - KerasEngine.fetch(wanted), 0)
    assert np.abs(difference).max() < 1e-5
    for one, other in zip(ends, others, strict=True):
        np.testing.assert_allclose(KerasEngine.fetch(one), other, rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_lower_precisions_are_near(precision):
    encoder = milder(network(WIDER))
    rows = RowEncoder(WIDER)
    sentences = random_sentences(LENGTHS)
    exact = Embedder(encoder, rows).embed(sentences)
    near = Embedder(encoder, rows, precision=precision).embed(sentences)
    for one, other in zip(exact, near, strict=True):
        assert one.shape == other.shape
        norms = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
        cosines = (one * other).sum(-1) / norms
        assert (cosines > COSINE).all()
        assert not one.size or not np.allclose(one, other, atol=1e-5)


def test_weights_are_read_anew(engine_class):
    config = CONFIGS["characters"]
    encoder = network(config)
    engine = engine_class(encoder, "float32")
    ids = RowEncoder(config).rows[:7]
    before = engine.token_vectors(ids)
    encoder.token_encoder.projection_bias.assign_add(np.ones(5, "float32"))
    engine.refresh()
    np.testing.assert_allclose(engine.token_vectors(ids), before + 1, rtol=0, atol=1e-5)


def test_without_a_layout_of_onednn(engine_class, monkeypatch):
    def missing(*_):
        raise NotImplementedError

    config = CONFIGS["characters"]
    encoder, ids = network(config), RowEncoder(config).rows
    wanted = engine_class(encoder, "bfloat16").token_vectors(ids)
    monkeypatch.setattr(torch.ops.mkldnn, "_reorder_linear_weight", missing)
    found = engine_class(encoder, "bfloat16").token_vectors(ids)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=0.05)


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match=r'pip install "elmo-keras\[torch\]"'):
        new_engine(None, "int8")


def test_the_examples():
    from elmo.engines import torch_engine, torch_products

    for module in (torch_engine, torch_products):
        result = doctest.testmod(module)
        assert result.attempted and not result.failed
