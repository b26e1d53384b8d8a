"""Our weights in one `.safetensors` file."""

import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from elmo.formats.pretrained import read as read_any
from elmo.formats.safetensors import read, write
from elmo.system.errors import FormatError
from tests.formats.helpers import assert_same_weights, configs, model, word_config

library = pytest.importorskip("safetensors.numpy")


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(config=configs())
def test_any_model_comes_back(config, tmp_path):
    pretrained = model(config, softmax=config.vocabulary_size is not None)
    pretrained.extra |= {"settings": {"a": [1]}, "options": {"batch_size": 3}}
    path = tmp_path / "model.safetensors"
    write(pretrained, path)
    again = read(path)
    assert again.config == config and again.dictionaries == pretrained.dictionaries
    assert again.extra["settings"] == {"a": [1]} and again.extra["options"] == {"batch_size": 3}
    assert_same_weights(again.weights, pretrained.weights)


def test_by_path_with_its_vocabulary(tmp_path):
    pretrained = model(word_config())
    write(pretrained, tmp_path / "new" / "model.safetensors")
    for source in (tmp_path / "new", tmp_path / "new" / "model.safetensors"):
        again = read_any(source)
        assert again.vocabulary == pretrained.vocabulary
        assert_same_weights(again.weights, pretrained.weights)
    names = {path.name for path in (tmp_path / "new").iterdir()}
    assert names == {"model.safetensors", "vocab.txt", "vocab.counts.txt"}


def test_manylangs(data_folder, tmp_path):
    pretrained = read_any(data_folder("manylangs-fixture/model"))
    write(pretrained, tmp_path / "model.safetensors")
    again = read_any(tmp_path)
    assert again.dictionaries == pretrained.dictionaries and again.config == pretrained.config
    assert_same_weights(again.weights, pretrained.weights)


def test_files_that_are_not_ours(tmp_path):
    path = tmp_path / "model.safetensors"
    library.save_file({"a": np.zeros(3, np.float32)}, path)
    with pytest.raises(FormatError, match="only our files"):
        read(path)
    library.save_file({"a": np.zeros(3, np.float32)}, path, {"elmo_keras": "{"})
    with pytest.raises(FormatError, match="not JSON"):
        read(path)
    pretrained = model(word_config())
    write(pretrained, path)
    content = path.read_bytes()
    for damaged in (b"", content[:5], content[:-1], b"\xff" * 8 + content[8:]):
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match=r"model.safetensors"):
            read(path)
    with pytest.raises(FormatError, match="cannot be read"):
        read(tmp_path / "gone.safetensors")


def test_weights_that_do_not_fit(tmp_path):
    pretrained = model(word_config())
    pretrained.weights.pop("softmax/bias")
    with pytest.raises(FormatError, match="1 missing: softmax/bias"):
        write(pretrained, tmp_path / "model.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_without_the_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"elmo-keras\[safetensors\]"):
        read(tmp_path / "x.safetensors")
