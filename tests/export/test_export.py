"""Exported folders: all that is in them, and how they are written."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from elmo.api import from_pretrained
from elmo.export.encoding import _dictionaries
from elmo.export.exporter import export
from elmo.formats.contents import Pretrained
from elmo.formats.options import config_from_options
from elmo.text.manylangs import ManyLangsCharacters
from elmo.text.vocabulary import Vocabulary
from tests.embed.helpers import CONFIGS
from tests.export.helpers import pretrained, python, reference
from tests.reference.random_model import random_weights

pytest.importorskip("onnx")
DOCUMENT = Path(__file__).parents[2] / "docs" / "export.md"
TOKENS = ["The", "bank", "closed", "."]


def words_model():
    config = CONFIGS["words"]
    tokens = ["<S>", "</S>", "<UNK>", ".", "bank", *(f"w{i}" for i in range(25))]
    return pretrained(config, vocabulary=Vocabulary(tokens))


def manylangs_model():
    config = CONFIGS["characters and words"]
    special = ["<bos>", "<eos>", "<oov>", "<pad>", "<bow>", "<eow>"]
    characters = {entry: i for i, entry in enumerate([*"abcdeklnos.", *special])}
    words = {entry: i for i, entry in enumerate(["bank", *special[:4], "."])}
    found = ManyLangsCharacters(characters, words, config.char_cnn.max_characters_per_token)
    return pretrained(config, dictionaries=found)


def snippets():
    return re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), flags=re.DOTALL)


SAVE = """
import sys
np.savez("found.npz", layers=layers, mask=mask)
assert not {"keras", "elmo"} & {name.split(".")[0] for name in sys.modules}
"""


def test_the_documents_example_reads_bytes(tmp_path):
    model = pretrained(CONFIGS["characters"])
    export(model, tmp_path / "my-graph")
    printed = python(snippets()[0] + SAVE, cwd=tmp_path)
    assert printed == "(3, 4, 10)\n"
    with np.load(tmp_path / "found.npz") as found:
        (wanted,) = from_pretrained(model).embed([TOKENS])
        np.testing.assert_allclose(found["layers"][0, :, 1:-1], wanted, rtol=0, atol=1e-5)


def test_the_documents_example_reads_words(tmp_path):
    model = words_model()
    export(model, tmp_path / "my-graph")
    first, lookup, *_ = snippets()
    head, _ = first.split("def spell")
    tokens = [*TOKENS, "</S>", "w3"]
    run = re.search(r"^layers.*$", first, flags=re.MULTILINE).group()
    python(f"{head}\ntokens = {tokens}\n{lookup}{run}\n{SAVE}", cwd=tmp_path)
    ids = model.sentence_encoder.encode(tokens)
    assert ids.tolist() == [1, 3, 5, 3, 4, 3, 9, 2]
    with np.load(tmp_path / "found.npz") as found:
        wanted = reference(model.config).layers(ids)[0]
        np.testing.assert_allclose(found["layers"][0], wanted, rtol=0, atol=1e-5)


@pytest.mark.parametrize("with_words", [True, False])
def test_the_documents_example_reads_dictionaries(tmp_path, with_words):
    found = manylangs_model().dictionaries
    entries = {**found.characters, "\u3000": len(found.characters)}
    words = found.words if with_words else None
    characters = ManyLangsCharacters(entries, words, found.max_characters_per_token)
    characters.save(tmp_path)
    how = _dictionaries(characters)
    names = {"folder": tmp_path, "how": how}
    exec(snippets()[2], names)
    tokens = ["bank", "xa", "\u3000", ".", "bank" * 30]
    ids = [how["begin_sentence"], *map(names["spell"], tokens), how["end_sentence"]]
    assert ids == characters.encode(tokens).tolist()


def test_a_folder_tells_all(tmp_path):
    model = words_model()
    report = export(model, tmp_path / "graph")
    names = {"model.onnx", "encoding.json", "options.json", "vocab.txt"}
    assert set(report.files) == names == {path.name for path in (tmp_path / "graph").iterdir()}
    assert json.dumps(report.to_dict()) and report.accuracy is None
    how = json.loads((tmp_path / "graph" / "encoding.json").read_text("utf-8"))
    assert (how["reads"], how["begin_sentence"], how["unknown"]) == ("words", 1, 3)
    assert how["layers"] == ["batch", 4, "time", 10] and how["lowercase"] is False
    options = json.loads((tmp_path / "graph" / "options.json").read_text("utf-8"))
    assert config_from_options(options, "options.json") == model.config


def test_dictionaries_of_characters_and_words(tmp_path):
    model = manylangs_model()
    export(model, tmp_path / "graph")
    how = json.loads((tmp_path / "graph" / "encoding.json").read_text("utf-8"))
    wanted = model.dictionaries.encode(["bank", "xa"]).tolist()
    characters = ManyLangsCharacters.load(tmp_path / "graph", how["length"])
    assert characters == model.dictionaries

    def spell(token):
        ids = [characters.characters.get(c) for c in token]
        inside = [how["unknown_character"] if i is None else i + 1 for i in ids]
        row = [how["begin_word"], *inside, how["end_word"]]
        row += [how["padding_character"]] * (how["length"] - len(row))
        word = characters.words.get(token)
        return [how["unknown_word"] if word is None else word + 1, *row]

    found = [how["begin_sentence"], spell("bank"), spell("xa"), how["end_sentence"]]
    assert found == wanted


def test_int8_is_measured(tmp_path):
    report = export(
        pretrained(CONFIGS["characters"]),
        tmp_path / "g",
        quantize="int8",
        sample=[TOKENS, [], ["a"]],
    )
    assert report.accuracy["tokens"] == 5
    assert 0.98 < report.accuracy["least_cosine"] < report.accuracy["mean_cosine"] < 1
    assert set(report.accuracy["tokens_per_second"]) == {"float32", "int8"}


def test_what_is_there_stays_unless_it_is_an_export(tmp_path):
    model, folder = words_model(), tmp_path / "graph"
    export(model, folder)
    before = (folder / "model.onnx").read_bytes()
    with pytest.raises(FileExistsError, match="exists; replace it"):
        export(model, folder)
    (folder / "old").write_text("left over")
    changed = Pretrained(
        model.config, random_weights(model.config, seed=1), vocabulary=model.vocabulary
    )
    export(changed, folder, overwrite=True)
    assert (folder / "model.onnx").read_bytes() != before
    assert not (folder / "old").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds something that is no export"):
        export(model, other, overwrite=True)
    with pytest.raises(FileExistsError, match="is a file"):
        export(model, other / "thesis.txt", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph", "other"]


def test_a_failure_leaves_what_was_there(tmp_path, monkeypatch):
    from elmo.export import onnx_model

    model, folder = words_model(), tmp_path / "graph"
    export(model, folder)
    before = (folder / "model.onnx").read_bytes()

    def broken(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(onnx_model, "save_model", broken)
    with pytest.raises(OSError, match="No space"):
        export(model, folder, overwrite=True)
    assert (folder / "model.onnx").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["graph"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "torch"}, "format='torch': must be"),
        ({"quantize": "int4"}, "quantize='int4'"),
        ({"quantize": "int8", "format": "stablehlo"}, "only format='onnx' has it"),
    ],
)
def test_no_such_choice(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        export(words_model(), tmp_path / "graph", **options)


def test_words_without_a_vocabulary(tmp_path):
    with pytest.raises(ValueError, match="its vocabulary is not known"):
        export(pretrained(CONFIGS["words"]), tmp_path / "graph")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_names_the_extra(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=r'pip install "elmo-keras\[onnx\]"'):
        export(words_model(), tmp_path / "graph", quantize="int8")
    assert not list(tmp_path.iterdir())
