"""Folders of ELMoForManyLangs: weights, dictionaries, ids, and the vectors that come of them."""

import json
import shutil

import numpy as np
import pytest

import elmo
from elmo.config import PUBLISHED_FILTERS
from elmo.formats.containers.torch_pickle import read_state_dict
from elmo.formats.manylangs import (
    DEFAULT,
    config_from_settings,
    find_settings,
    layer_table,
    token_table,
)
from elmo.formats.pretrained import read, write_folder
from elmo.formats.weight_map import write_table
from elmo.system.errors import FormatError
from elmo.text.manylangs import read_dictionary
from tests.formats.helpers import assert_same_weights
from tests.formats.torch_writer import state_dict, write_zip
from tests.reference.bilm import ReferenceBiLM
from tests.reference.random_model import random_weights

SETTINGS = "cnn_10_14_24_40_sample.json"


@pytest.fixture(scope="module")
def fixture(data_folder):
    return data_folder("manylangs-fixture")


@pytest.fixture
def copy(fixture, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for path in (fixture / "model").iterdir():
        shutil.copyfile(path, folder / path.name)
    return folder


def edit(path, change):
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def dictionaries(folder):
    return [read_dictionary(folder / name) for name in ("char.dic", "word.dic")]


def sentences_of(fixture):
    text = (fixture / "sentences.txt").read_text(encoding="utf-8")
    return [line.split(" ") for line in text.split("\n") if line]


@pytest.mark.parametrize("container", ["model", "model-zip"])
def test_vectors(fixture, copy, container):
    for name in ("token_embedder.pkl", "encoder.pkl"):
        shutil.copyfile(fixture / container / name, copy / name)
    pretrained = read(copy)
    reference = ReferenceBiLM(pretrained.weights, pretrained.config)
    expected, state = np.load(fixture / "expected.npz"), None
    for i, tokens in enumerate(sentences_of(fixture)):
        ids = pretrained.dictionaries.encode(tokens)
        layers, _ = reference.layers(ids)
        wanted = expected[f"stateless/{i}/all"]
        np.testing.assert_allclose(layers[:, 1:-1], wanted, rtol=0, atol=5e-6)
        if container == "model":
            layers, state = reference.layers(ids, state)
            wanted = expected[f"carry/{i}/all"]
            np.testing.assert_allclose(layers[:, 1:-1], wanted, rtol=0, atol=5e-6)


def test_what_it_is(copy):
    pretrained = read(copy)
    config, cnn = pretrained.config, pretrained.config.char_cnn
    assert (config.lstm.dim, config.lstm.projection_dim, config.lstm.forget_bias) == (40, 24, 0)
    assert (config.lstm.cell_clip, config.lstm.proj_clip) == (1.4, 1.2)
    assert cnn.always_project and (cnn.word_dim, cnn.embedding_dim) == (14, 10)
    characters = pretrained.dictionaries
    assert (cnn.n_words, cnn.n_characters) == (len(characters.words), len(characters.characters))
    assert pretrained.vocabulary is None and config.vocabulary_size is None
    assert characters.width == 51
    ids = characters.encode(["the"])
    assert ids.dtype == np.int32 and ids.shape == (3, 51) and ids.min() > 0


def test_every_tensor_comes_back_to_the_last_bit(copy):
    pretrained = read(copy)
    for name, table in (("token_embedder.pkl", token_table), ("encoder.pkl", layer_table)):
        written = write_table(table(pretrained.config), pretrained.weights)
        stored = read_state_dict(copy / name)
        assert set(written) == set(stored)
        for key, array in written.items():
            np.testing.assert_array_equal(array, stored[key].load(), err_msg=key, strict=True)


def test_saved_as_a_folder_of_ours(fixture, copy, tmp_path):
    pretrained = read(copy)
    again = read(write_folder(pretrained, tmp_path / "ours"))
    assert again.config == pretrained.config
    assert again.dictionaries == pretrained.dictionaries
    assert_same_weights(again.weights, pretrained.weights)
    (tmp_path / "ours" / "vocab.txt").write_text("<S>\n</S>\n<UNK>\nof another model\n")
    assert read(tmp_path / "ours").vocabulary is None
    for tokens in sentences_of(fixture):
        np.testing.assert_array_equal(
            again.dictionaries.encode(tokens), pretrained.dictionaries.encode(tokens)
        )
    (tmp_path / "ours" / "word.dic").unlink()
    with pytest.raises(FormatError, match=r"word.dic: cannot be read"):
        read(tmp_path / "ours")


def test_where_the_settings_are(copy, tmp_path):
    assert find_settings(copy)[1] == copy / SETTINGS
    elsewhere = tmp_path / "elsewhere.json"
    shutil.move(copy / SETTINGS, elsewhere)
    with pytest.raises(FormatError, match="the file with the model's settings, is missing"):
        read(copy)
    edit(copy / "config.json", lambda v: v.update(config_path=str(elsewhere)))
    with pytest.raises(FormatError, match="the file with the model's settings, is missing"):
        find_settings(copy)  # no file outside of the folder is opened
    (copy / "sub").mkdir()
    shutil.move(elsewhere, copy / "sub" / "x.json")
    edit(copy / "config.json", lambda v: v.update(config_path="sub/x.json"))
    assert find_settings(copy)[1] == copy / "sub" / "x.json"
    default = "/users4/conll18st/configs/cnn_50_100_512_4096_sample.json"
    edit(copy / "config.json", lambda v: v.update(config_path=default))
    assert find_settings(copy) == (DEFAULT, None)
    with pytest.raises(
        FormatError, match=r"char_emb_layer.embedding.weight is .* wanted \(166, 50\)"
    ):
        read(copy)
    edit(copy / "config.json", lambda v: v.update(config_path=3))
    with pytest.raises(FormatError, match=r"config.json: config_path=3"):
        read(copy)


def test_the_default(fixture):
    config = config_from_settings(DEFAULT, "default", 5000, 100_000)
    assert (config.lstm.projection_dim, config.lstm.dim, config.lstm.n_layers) == (512, 4096, 2)
    assert config.char_cnn.filters == PUBLISHED_FILTERS
    assert (config.lstm.cell_clip, config.lstm.proj_clip) == (3, 3)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("encoder", {"name": "lstm"}, "only 'elmo' is supported"),
        ("token_embedder", {"name": "lstm"}, "only 'cnn' is supported"),
        ("token_embedder", {"char_dim": 0}, "without characters"),
        ("token_embedder", {"word_dim": "x"}, "must be a whole number"),
        ("token_embedder", {"filters": [[0, 1]]}, "filters="),
        ("token_embedder", {"n_highway": 10**9}, "n_highway"),
        ("encoder", {"n_layers": 10**9}, "n_layers"),
        ("encoder", {"dim": 24}, r"\(160, 24\), wanted \(96, 24\)"),
        ("encoder", {"dim": 23}, "projection_dim=24: must be at most dim=23"),
        ("encoder", {"dim": None}, "dim=None"),
        ("encoder", {"cell_clip": "x"}, "cell_clip"),
        ("encoder", {"dim": 41}, r"\(160, 24\), wanted \(164, 24\)"),
        ("token_embedder", {"n_highway": 3}, "2 missing: highways._layers.2.weight"),
        ("token_embedder", {"n_highway": 1}, "2 left over: highways._layers.1.bias"),
        ("token_embedder", {"word_dim": 0}, "1 left over: word_emb_layer.embedding.weight"),
    ],
)
def test_settings_that_do_not_fit(copy, part, change, message):
    edit(copy / SETTINGS, lambda values: values[part].update(change))
    with pytest.raises(FormatError, match=message):
        read(copy)


def test_as_many_cells_as_outputs_are_projected_all_the_same(fixture, copy):
    edit(copy / SETTINGS, lambda values: values["encoder"].update(dim=24))
    config = config_from_settings(
        json.loads((copy / SETTINGS).read_text()), "settings", *(len(d) for d in dictionaries(copy))
    )
    weights = random_weights(config, seed=2)
    for name, table in (("token_embedder.pkl", token_table), ("encoder.pkl", layer_table)):
        write_zip(copy / name, *state_dict(write_table(table(config), weights)))
    found = elmo.load(copy)
    assert_same_weights(found.to_pretrained().weights, weights)
    saved = elmo.load(found.save(copy.parent / "ours"))
    assert saved.config == found.config
    reference = ReferenceBiLM(weights, config)
    sentences = sentences_of(fixture)[:3]
    for tokens, vectors in zip(sentences, saved.embed(sentences), strict=True):
        wanted, _ = reference.layers(saved.sentence_encoder.encode(tokens))
        np.testing.assert_allclose(vectors, wanted[:, 1:-1], rtol=0, atol=1e-5)


def test_clips_of_zero_and_null_are_none(copy):
    edit(copy / SETTINGS, lambda v: v["encoder"].update(cell_clip=0, proj_clip=None))
    lstm = read(copy).config.lstm
    assert lstm.cell_clip is None and lstm.proj_clip is None


def test_missing_and_damaged_files(copy):
    with open(copy / "word.dic", "a", encoding="utf-8") as file:
        file.write("beyond\t999\n")
    with pytest.raises(FormatError, match=r"word.dic: holds the id 999, but the weights have"):
        read(copy)
    (copy / "word.dic").write_bytes(b"\xff\t1\n")
    with pytest.raises(FormatError, match=r"word.dic: not UTF-8"):
        read(copy)
    (copy / "encoder.pkl").unlink()
    with pytest.raises(FormatError, match=r"without encoder.pkl"):
        read(copy)


@pytest.mark.parametrize("named", ["/etc/passwd", "../outside.json", "a/../../outside.json", ".."])
def test_no_file_outside_of_the_folder_is_opened(named, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "outside.json").write_text("{}")
    (folder / "config.json").write_text(json.dumps({"config_path": named}))
    with pytest.raises(FormatError, match=r"model.*(is missing|must be the name of a file)"):
        find_settings(folder)
