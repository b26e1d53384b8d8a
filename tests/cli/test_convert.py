"""Models in other forms, the list of models, cached tokens, proteins."""

import io
import zipfile

import h5py
import keras
import numpy as np
import pytest

from elmo.api import load
from elmo.cli.commands import models
from elmo.cli.commands.convert import convert
from elmo.cli.commands.info import info
from elmo.formats.pretrained import FormatError, read, write_folder
from elmo.text.vocabulary import Vocabulary
from tests.cli.conftest import as_json, invoke, refused
from tests.formats.helpers import assert_same_weights, character_config, model, word_config

CONFIGS = {"words": word_config(), "characters": character_config(vocabulary_size=7)}


def arrays(path):
    with np.load(path) as file:
        return dict(file)


@pytest.fixture(params=CONFIGS)
def folder(request, tmp_path):
    return write_folder(model(CONFIGS[request.param]), tmp_path / "source")


@pytest.fixture
def characters(tmp_path):
    return write_folder(model(CONFIGS["characters"]), tmp_path / "source")


def test_round_trip_is_bit_identical(folder, tmp_path):
    first = as_json("convert", folder, tmp_path / "a")
    assert first["format"] == "elmo-keras" and first["notes"] == []
    assert set(first["files"]) >= {"options.json", "weights.hdf5", "vocab.txt"}
    as_json("convert", tmp_path / "a", tmp_path / "b", "--to", "safetensors")
    as_json("convert", tmp_path / "b", tmp_path / "c", "--to", "allennlp")
    original = read(folder)
    for name in "abc":
        found = read(tmp_path / name)
        assert found.config == original.config
        assert found.vocabulary == original.vocabulary
        assert_same_weights(found.weights, original.weights)
    for name in ("options.json", "weights.hdf5", "vocab.txt"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "c" / name).read_bytes()


def test_a_word_model_exports_its_embedding(tmp_path):
    folder = write_folder(model(CONFIGS["words"]), tmp_path / "source")
    convert(folder, tmp_path / "a")
    with h5py.File(tmp_path / "a" / "weights.hdf5") as file:
        np.testing.assert_array_equal(
            file["embedding"][()], read(folder).weights["token_encoder/embedding"]
        )


def test_what_has_no_softmax_gets_none(tmp_path):
    """The random softmax of a published word model is never written."""
    folder = write_folder(model(CONFIGS["words"], softmax=False), tmp_path / "source")
    loaded = load(folder)
    assert not loaded.has_softmax and loaded.network.head is not None
    with pytest.raises(ValueError, match="has no softmax"):
        loaded.evaluate(folder / "vocab.txt")
    loaded.save(tmp_path / "a")
    assert_same_weights(read(tmp_path / "a").weights, read(folder).weights)


def test_keras(folder, tmp_path):
    target = tmp_path / "new" / "model.keras"
    report = as_json("convert", folder, target, "--to", "keras")
    assert set(report["files"]) == {"model.keras", "model.vocab.txt"}
    network = keras.models.load_model(target)
    ids = load(folder).encode([["w1", "w2"], ["w0"]])
    wanted = load(folder).network(ids)
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(network(ids)), keras.ops.convert_to_numpy(wanted)
    )
    assert Vocabulary.load(target.with_suffix(".vocab.txt")) == load(folder).vocabulary


def test_a_keras_file_opens_with_its_vocabulary_inside(folder, tmp_path):
    target = tmp_path / "model.keras"
    assert invoke("convert", folder, target, "--to", "keras").exit_code == 0
    target.with_suffix(".vocab.txt").unlink()
    source, again = read(folder), read(target)
    assert_same_weights(again.weights, source.weights)
    assert (again.config, again.vocabulary) == (source.config, source.vocabulary)
    assert again.extra["settings"] == (source.extra.get("settings") or {"state": "reset"})
    sentences = [["w1", "w2"], ["w0"]]
    for one, other in zip(
        load(target).embed(sentences), load(folder).embed(sentences), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert as_json("info", target)["format"] == "keras"


def test_a_keras_file_of_a_model_without_softmax_has_none(tmp_path):
    source = write_folder(model(CONFIGS["words"], softmax=False), tmp_path / "source")
    loaded = load(source)
    loaded.state = "carry"
    loaded.save(tmp_path / "a.keras")
    again = load(tmp_path / "a.keras")
    assert not again.has_softmax and again.state == "carry"
    assert_same_weights(again.to_pretrained().weights, read(source).weights)


def test_keras_files_keep_the_dictionaries_of_elmoformanylangs(data_folder, tmp_path):
    source = load(data_folder("manylangs-fixture/model"))
    source.save(tmp_path / "a.keras")
    again = load(tmp_path / "a.keras")
    sentences = [["The", "bänk", "未知"], ["."]]
    for one, other in zip(again.embed(sentences), source.embed(sentences), strict=True):
        np.testing.assert_array_equal(one, other)


def test_keras_files_that_do_not_fit_are_refused(folder, tmp_path):
    target = tmp_path / "a.keras"
    load(folder).save(target)
    content = target.read_bytes()
    target.write_bytes(content[: len(content) // 2])
    assert "a.keras: " in refused("info", target)
    options = "elmo_keras/options.json"
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == options:
                data = data.replace(b'"dim": ', b'"dim": 99999')
                assert data != old.read(name)
            new.writestr(name, data)
    assert "a.keras: " in refused("info", target)
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "b.keras")
    assert "keras.saving.load_model reads" in refused("info", tmp_path / "b.keras")


def test_what_is_there_stays(folder, tmp_path):
    for to, name in (("allennlp", "a"), ("keras", "a.keras"), ("safetensors", "b")):
        target = tmp_path / name
        assert invoke("convert", folder, target, "--to", to).exit_code == 0
        assert "exists" in refused("convert", folder, target, "--to", to)
        assert invoke("convert", folder, target, "--to", to, "--overwrite").exit_code == 0
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "vocab.txt").write_text("mine")
    words = ("convert", folder, tmp_path / "c" / "x.safetensors", "--to", "safetensors")
    assert "vocab.txt: exists" in refused(*words)
    assert (tmp_path / "c" / "vocab.txt").read_text() == "mine"


def test_refusals(folder, tmp_path):
    assert "must end in .keras" in refused("convert", folder, tmp_path / "a", "--to", "keras")
    assert "no such file" in refused("convert", tmp_path / "none", tmp_path / "a")
    with pytest.raises(ValueError, match="to='onnx'"):
        convert(folder, tmp_path / "a", to="onnx")


def test_notes(tmp_path):
    forward = write_folder(model(word_config(directions="forward")), tmp_path / "forward")
    assert convert(forward, tmp_path / "a")["notes"] == ["one direction: elmo-keras alone reads it"]


def test_a_checkpoint_with_its_vocabulary(data_folder, tmp_path):
    place = data_folder("bilm-tf-checkpoint")
    words = ("convert", place / "model", tmp_path / "a", "--vocabulary", place / "vocab.txt")
    report = as_json(*words)
    assert report["format"] == "bilm-tf checkpoint"
    assert report["notes"] == ["the optimizer's state stays in the training checkpoint"]
    found, source = read(tmp_path / "a"), read(place / "model")
    assert_same_weights(found.weights, source.weights)
    with h5py.File(tmp_path / "a" / "weights.hdf5") as ours, h5py.File(place / "weights.hdf5") as w:
        names = []
        w.visititems(lambda n, o: names.append(n) if isinstance(o, h5py.Dataset) else None)
        for name in names:  # what bilm-tf's own dump_weights wrote
            np.testing.assert_array_equal(ours[name][()], w[name][()], err_msg=name)


def test_models():
    report = as_json("models")["models"]
    by_name = {model["name"]: model for model in report}
    assert {"original", "small", "medium", "original-5.5b", "seqvec"} <= set(by_name)
    assert by_name["small"]["parameters"] == 13_600_000
    assert by_name["original"]["files"][0]["url"].endswith("options.json")
    shown = invoke("models").output
    assert "original-5.5b" in shown
    lines = shown.splitlines()
    sources = sum(len(model["files"]) + len(model["softmax"]) for model in report)
    here = as_json("models")["installed"]
    assert [line.split()[0] for line in lines[: len(here)]] == [model["name"] for model in here]
    assert len(lines) == len(here) + 1 + 1 + len(report) + sources  # a blank line, a head
    place = next(i for i, line in enumerate(lines) if line.startswith("seqvec "))
    url = by_name["seqvec"]["files"][0]["url"]
    assert lines[place + 1].split(" · ") == [f"    {url}", "MIT", "no checksum published"]
    known = {"url": "http://x/y.zip", "size": 1, "sha256": "ab12"}
    shown = models.show(
        {"installed": [], "models": [by_name["seqvec"] | {"files": [known], "licence": None}]}
    )
    assert shown.splitlines()[2].strip() == "http://x/y.zip · SHA-256 ab12 · no licence named"


@pytest.mark.parametrize("name", ["tokens.hdf5", "tokens.txt.gz"])
def test_cached_tokens_serve_the_embedder(characters, tmp_path, name):
    words, text, cache = tmp_path / "words.txt", tmp_path / "text.txt", tmp_path / name
    words.write_text("<S>\n</S>\n<UNK>\nbank\nclosed\n")
    text.write_text("the bank closed\n")
    report = as_json("cache-tokens", characters, words, "-o", cache)
    assert report["words"] == 5 and report["dim"] == 3
    assert (
        "5 words of 3 numbers"
        in invoke("cache-tokens", characters, words, "-o", cache, "--overwrite").output
    )
    assert "exists" in refused("cache-tokens", characters, words, "-o", cache)
    for target, extra in (("a.npz", ()), ("b.npz", ("--token-cache", cache))):
        assert invoke("embed", characters, text, "-o", tmp_path / target, *extra).exit_code == 0
    plain, cached = arrays(tmp_path / "a.npz"), arrays(tmp_path / "b.npz")
    np.testing.assert_allclose(plain["0"], cached["0"], atol=1e-6)


def test_models_are_found_by_their_language():
    greek = [model["name"] for model in as_json("models", "greek")["models"]]
    assert greek == ["manylangs-el", "manylangs-grc"]
    named = as_json("models", "--language", "Ancient Greek")["models"]
    assert named == as_json("models", "--language", "grc")["models"]
    assert [model["name"] for model in named] == ["manylangs-grc"]


def test_tokens_of_the_models_own_vocabulary(characters, tmp_path):
    report = as_json("cache-tokens", characters, "-o", tmp_path / "a.hdf5")
    assert report["words"] == len(load(characters).vocabulary)
    bare = write_folder(model(character_config()), tmp_path / "bare")
    assert "no vocabulary" in refused("cache-tokens", bare, "-o", tmp_path / "b.hdf5")
    words = write_folder(model(CONFIGS["words"]), tmp_path / "words")
    assert "whole words" in refused("cache-tokens", words, "-o", tmp_path / "b.hdf5")


def test_proteins(characters, tmp_path):
    fasta, target = tmp_path / "two.fasta", tmp_path / "two.npz"
    fasta.write_text(">P1 first\nMKV\nLU\n>P2\nMA\n")
    words = ("embed", characters, fasta, "-o", target, "--fasta", "--overwrite")
    assert invoke(*words).exit_code == 0
    residues = arrays(target)
    assert {name: array.shape for name, array in residues.items()} == {
        "P1": (3, 5, 6),
        "P2": (3, 2, 6),
    }
    assert invoke(*words, "--pool", "mean", "--layers", "average").exit_code == 0
    for name, array in arrays(target).items():
        np.testing.assert_allclose(array, residues[name].mean(axis=(0, 1)), atol=1e-6)
    assert invoke(*words, "--residues", "x").exit_code == 0
    assert np.abs(arrays(target)["P1"] - residues["P1"]).max() > 1e-4


def test_a_pair_of_files(characters, tmp_path):
    files = characters / "options.json", characters / "weights.hdf5"
    pair = ",".join(map(str, files))
    found = as_json("info", pair)
    assert found["parameters"] == info(files)["parameters"]
    assert found["source"] == pair
    assert set(found["files"]) == {"options.json", "weights.hdf5"}
    assert as_json("convert", pair, tmp_path / "a")["source"] == pair
    assert convert(files, tmp_path / "b")["source"] == pair
    assert_same_weights(read(tmp_path / "a").weights, read(tmp_path / "b").weights)
    assert "nothing.hdf5" in refused("info", f"{files[0]},nothing.hdf5")


def test_words_of_only_that_are_not_in_the_text_are_named(folder, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("w1 w2\nw0 w1\n")
    words = ("embed", folder, text, "-o", tmp_path / "a.npy", "--only", "w1,shore,w0,bank")
    assert as_json(*words)["unfound"] == ["bank", "shore"]
    assert "not in the text: bank, shore" in invoke(*words, "--overwrite").stdout
    again = as_json("embed", folder, text, "-o", tmp_path / "b.npy")
    assert again["unfound"] == []


@pytest.mark.filterwarnings("ignore:Skipping nested container")  # all that Keras says
def test_a_keras_file_that_lacks_a_layer_is_refused(folder, tmp_path):
    target = tmp_path / "a.keras"
    load(folder).save(target)
    with zipfile.ZipFile(target) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with h5py.File(io.BytesIO(members["model.weights.h5"])) as weights:
        groups = []
        weights.visit(lambda name: groups.append(name) if "/lstms/" in name else None)
    for group in (groups[0], groups[0].split("/lstms/")[0] + "/lstms"):
        content = io.BytesIO(members["model.weights.h5"])
        with h5py.File(content, "r+") as weights:
            del weights[group]
        with zipfile.ZipFile(target, "w") as new:
            for name, data in members.items():
                new.writestr(name, content.getvalue() if name == "model.weights.h5" else data)
        with pytest.raises(FormatError, match=r"a\.keras: its weights"):
            read(target)
