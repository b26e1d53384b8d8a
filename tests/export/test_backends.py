"""SavedModel and StableHLO, run again without Keras, against the NumPy reference."""

import importlib.util
import json
import re
import sys

import numpy as np
import pytest

from elmo.export.exporter import export
from elmo.export.process import write_with
from elmo.text.vocabulary import Vocabulary
from tests.embed.helpers import CONFIGS
from tests.export.helpers import padded, pretrained, python, reference, sentences
from tests.export.test_export import snippets

needs_tensorflow = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="tensorflow is not installed"
)
LENGTHS = [21, 1, 8, 2]


def model_of(name):
    vocabulary = None
    if name == "words":
        vocabulary = Vocabulary(["<S>", "</S>", "<UNK>", *(f"w{i}" for i in range(27))])
    return pretrained(CONFIGS[name], vocabulary=vocabulary)


def check(name, folder, snippet, call, without):
    """The snippet of the document on a batch and on one sentence, in a process without us.

    (TensorFlow loads Keras by itself.)"""
    rows = sentences(CONFIGS[name], LENGTHS)
    np.savez(folder / "inputs.npz", padded(rows, extra=3), rows[2][None])
    load, run = re.split(r"^(?=found|with)", snippet, flags=re.MULTILINE)
    body = "".join(f"    {line}\n" for line in run.replace(call, "ids").splitlines())
    python(
        f"import numpy as np, sys\n{load}\nfound_all = {{}}\n"
        f"for name, ids in np.load('inputs.npz').items():\n{body}"
        "    found_all[name + 'l'], found_all[name + 'm'] = np.asarray(layers), np.asarray(mask)\n"
        "np.savez('outputs.npz', **found_all)\n"
        f"assert not {without} & {{name.split('.')[0] for name in sys.modules}}\n",
        cwd=folder,
    )
    model = reference(CONFIGS[name])
    with np.load(folder / "outputs.npz") as found:
        for number, ids in enumerate(rows):
            wanted, layers = model.layers(ids)[0], found["arr_0l"][number]
            np.testing.assert_allclose(layers[:, : len(ids)], wanted, rtol=0, atol=1e-5)
            assert not layers[:, len(ids) :].any()
            assert found["arr_0m"][number].sum() == len(ids)
        np.testing.assert_allclose(found["arr_1l"][0], model.layers(rows[2])[0], rtol=0, atol=1e-5)


@pytest.mark.numerics
@needs_tensorflow
def test_saved_model(tmp_path):
    report = export(model_of("words"), tmp_path / "my-graph", format="savedmodel")
    assert {"saved_model.pb", "encoding.json", "options.json", "vocab.txt"} < set(report.files)
    check("words", tmp_path, snippets()[3], "tf.constant([ids], tf.int32)", {"elmo"})
    graph = (tmp_path / "my-graph" / "saved_model.pb").read_bytes()
    assert b"While" in graph
    export(model_of("words"), tmp_path / "my-graph", format="onnx", overwrite=True)
    assert not (tmp_path / "my-graph" / "variables").exists()


def test_stablehlo(tmp_path):
    report = export(model_of("characters"), tmp_path / "my-graph", format="stablehlo")
    assert set(report.files) == {
        *("model.stablehlo", "weights.npz", "encoding.json", "options.json"),
    }
    how = json.loads((tmp_path / "my-graph" / "encoding.json").read_text("utf-8"))
    assert how["graph"] == "model.stablehlo"
    check("characters", tmp_path, snippets()[4], 'np.array([ids], "int32")', {"elmo", "keras"})


@pytest.mark.parametrize(
    ("format", "how"),
    [("savedmodel", r'pip install "elmo-keras\[tensorflow\]"'), ("stablehlo", "pip install jax")],
)
def test_a_missing_backend_names_what_to_install(tmp_path, monkeypatch, format, how):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=how):
        export(model_of("words"), tmp_path / "graph", format=format)
    assert not list(tmp_path.iterdir())


def test_a_process_that_fails_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    (tmp_path / "python").write_text("#!/bin/sh\necho 'No space left' >&2\nexit 3\n")
    (tmp_path / "python").chmod(0o755)
    with pytest.raises(OSError, match="model: jax could not write it: No space left"):
        write_with("jax", "elmo.none", model_of("words"), tmp_path / "model")
