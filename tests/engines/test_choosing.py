"""Which engine is chosen."""

import sys

import keras
import numpy as np
import pytest

from elmo.bilm.encoder import BiLMEncoder
from elmo.config import BiLMConfig, LSTMConfig
from elmo.embed.embedder import Embedder
from elmo.engines import choosing as precision
from elmo.engines.choosing import CELLS, new_engine
from tests.embed.helpers import WIDER, RowEncoder, milder, network, random_sentences

pytestmark = pytest.mark.numerics
BACKEND = keras.backend.backend()


def encoder(dim=CELLS, dtype="float32"):
    lstm = LSTMConfig(dim=dim, projection_dim=2, n_layers=1)
    found = BiLMEncoder(BiLMConfig(lstm=lstm, vocabulary_size=3), dtype=dtype)
    found.build()
    return found


def test_pytorch_computes_where_it_is_faster():
    pytest.importorskip("torch")
    faster = "keras" if BACKEND == "tensorflow" else "torch"
    assert new_engine(encoder()).name == faster
    assert new_engine(encoder(CELLS - 1)).name == "keras"
    assert new_engine(encoder(dtype="mixed_bfloat16")).name == "keras"
    assert new_engine(encoder(), engine="keras").name == "keras"
    assert new_engine(encoder(8), engine="torch").name == "torch"
    assert new_engine(encoder(8), "int8").name == "torch"


@pytest.mark.parametrize("device", ["gpu", "cuda"])
def test_a_gpu_computes_what_it_can(monkeypatch, device):
    pytest.importorskip("torch")
    assert precision._device(encoder(8)) == "cpu"
    assert new_engine(encoder(8), "bfloat16").name == "torch"
    monkeypatch.setattr(precision, "_device", lambda _: device)
    assert new_engine(encoder()).name == "keras"
    assert new_engine(encoder(8), "bfloat16").name == "keras"
    assert new_engine(encoder(8), "int8").name == "torch"


def test_bfloat16_of_the_backend_is_near():
    rows, reads = RowEncoder(WIDER), milder(network(WIDER))
    sentences = random_sentences([3, 0, 1, 40, 6, 6, 17, 2])
    exact = Embedder(reads, rows, engine="keras").embed(sentences)
    near = Embedder(reads, rows, precision="bfloat16", engine="keras").embed(sentences)
    for one, other in zip(exact, near, strict=True):
        assert one.shape == other.shape and other.dtype == np.float32
        norms = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
        assert ((one * other).sum(-1) / norms > 0.9995).all()
        np.testing.assert_array_equal(one[:1], other[:1])  # the token encoder stays in float32
        assert not one.size or not np.allclose(one, other, rtol=0, atol=1e-5)


def test_without_pytorch(monkeypatch):
    if BACKEND == "torch":
        pytest.skip("Keras itself runs on it")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert new_engine(encoder()).name == "keras"
    with pytest.raises(ImportError, match=r"^engine='torch' is computed by PyTorch: pip install"):
        new_engine(encoder(), engine="torch")


def test_what_is_no_choice():
    with pytest.raises(ValueError, match="engine='jax': must be 'keras', 'torch', or None"):
        new_engine(None, engine="jax")
    with pytest.raises(ValueError, match="engine='keras' computes in float32 or bfloat16, not in"):
        new_engine(None, "int8", "keras")
