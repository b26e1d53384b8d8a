"""Which engine is chosen."""

import sys

import keras
import pytest

from elmo.bilm.encoder import BiLMEncoder
from elmo.config import BiLMConfig, LSTMConfig
from elmo.embed.precision import CELLS, new_engine

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
    with pytest.raises(ValueError, match="engine='keras' computes in float32, not in 'int8'"):
        new_engine(None, "int8", "keras")
