"""`elmo export`."""

import sys

import numpy as np
import pytest

import elmo
from tests.cli.conftest import as_json, invoke, refused

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


def test_a_trained_model(model, tmp_path):
    result = as_json("export", model, "-o", tmp_path / "graph")
    assert (result["format"], result["quantize"], result["accuracy"]) == ("onnx", None, None)
    found = elmo.load(model)
    session = onnxruntime.InferenceSession(tmp_path / "graph" / "model.onnx")
    tokens = ["Return", "the", "value", "."]
    layers, _ = session.run(None, {"ids": found.encode([tokens])})
    np.testing.assert_allclose(layers[0, :, 1:-1], found.embed([tokens])[0], rtol=0, atol=1e-5)
    assert refused("export", model, "-o", tmp_path / "graph").endswith("name another folder")
    assert invoke("export", model, "-o", tmp_path / "graph", "--overwrite").exit_code == 0


def test_int8_says_how_good_it_is(model, texts, tmp_path):
    words = ["--quantize", "int8", "--sample", texts / "valid.txt"]
    shown = invoke("export", model, "-o", tmp_path / "graph", *words).output
    assert "cosine to float32 over" in shown and "tokens/s in ONNX Runtime" in shown


def test_without_the_extra(model, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    assert "elmo-keras[onnx]" in refused("export", model, "-o", tmp_path / "graph")


def test_no_model(tmp_path):
    assert "no such file" in refused("export", tmp_path / "none", "-o", tmp_path / "graph")


def test_a_sample_without_sentences(model, tmp_path):
    (tmp_path / "empty.txt").write_text("\n")
    words = ["--quantize", "int8", "--sample", tmp_path / "empty.txt"]
    assert "there is no sentence in it" in refused(
        "export", model, "-o", tmp_path / "graph", *words
    )
