"""The published layout: read, written, and every difference named."""

import json
import shutil

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from elmo.config import DropoutConfig, LSTMConfig
from elmo.formats.options import config_from_options, options_from_config
from elmo.formats.pretrained import read, write_folder
from elmo.formats.published import encoder_table, read_pair, write_pair
from elmo.formats.weight_map import encoder_shapes
from elmo.system.errors import FormatError
from tests.formats.helpers import (
    assert_same_weights,
    character_config,
    configs,
    model,
    vocabulary,
    word_config,
)
from tests.reference.published import read_weights
from tests.reference.random_model import weight_shapes


def arrays_of(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]}) if hasattr(item, "shape") else None
        )
    return found


@pytest.fixture
def saved(tmp_path):
    """A saved character model: its folder and itself."""
    pretrained = model(character_config(vocabulary_size=6))
    return write_folder(pretrained, tmp_path / "model"), pretrained


def edit(folder, change):
    path = folder / "options.json"
    options = json.loads(path.read_text())
    change(options)
    path.write_text(json.dumps(options))


def test_fixture_is_read_as_the_reference_reads_it(data_folder):
    folder = data_folder("allennlp-elmo-fixture")
    pretrained = read(folder)
    assert_same_weights(pretrained.weights, read_weights(folder / "lm_weights.hdf5"))
    assert pretrained.dictionaries is None
    assert pretrained.vocabulary is None and not pretrained.has_softmax
    assert pretrained.config.lstm == LSTMConfig(dim=64, projection_dim=16)
    assert pretrained.config.char_cnn.n_characters == 261


def test_fixture_is_written_back_to_the_last_bit(data_folder, tmp_path):
    folder = data_folder("allennlp-elmo-fixture")
    pretrained = read(folder)
    again = write_folder(pretrained, tmp_path / "again")
    expected, actual = arrays_of(folder / "lm_weights.hdf5"), arrays_of(again / "weights.hdf5")
    assert set(actual) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(actual[name], array, strict=True)
    old, new = (json.loads((f / "options.json").read_text()) for f in (folder, again))
    assert {key: new[key] for key in old} == old
    assert read(again).config == pretrained.config


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(config=configs())
def test_any_model_of_ours_comes_back(config, tmp_path):
    pretrained = model(config, softmax=config.vocabulary_size is not None)
    assert encoder_shapes(config).items() <= weight_shapes(config).items()
    pretrained.extra["settings"] = {"state": "carry"}
    folder = write_folder(pretrained, tmp_path / "model", overwrite=True)
    again = read(folder)
    assert again.config == config
    assert_same_weights(again.weights, pretrained.weights)
    assert again.vocabulary == pretrained.vocabulary
    assert again.extra["settings"] == {"state": "carry"}
    assert [path for path in folder.iterdir() if path.name.startswith(".")] == []


@settings(max_examples=40, deadline=None)
@given(config=configs())
def test_options_come_back_through_json(config):
    options = json.loads(json.dumps(options_from_config(config, {"batch_size": 8})))
    assert options["batch_size"] == 8
    assert config_from_options(options, "options.json") == config


def test_layout_that_others_read(saved):
    folder, pretrained = saved
    arrays = arrays_of(folder / "weights.hdf5")
    weights = pretrained.weights
    cell = "RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell"
    np.testing.assert_array_equal(
        arrays[f"{cell}/W_0"],
        np.concatenate(
            [weights["backward/layer_1/kernel"], weights["backward/layer_1/recurrent_kernel"]]
        ),
    )
    assert arrays["CNN/W_cnn_1"].shape == (1, 3, 2, 4)
    assert arrays["char_embed"].shape == (261, 2)
    ours = sorted(name for name in arrays if name.startswith("elmo_keras/"))
    assert ours == ["elmo_keras/softmax/bias", "elmo_keras/softmax/kernel"]
    options = json.loads((folder / "options.json").read_text())
    assert options["char_cnn"]["n_characters"] == 262
    assert options["bidirectional"] is True
    assert (folder / "vocab.txt").read_text().split()[:4] == ["<S>", "</S>", "<UNK>", "w0"]


def test_one_direction_has_one_rnn(tmp_path):
    for direction, rnn in (("forward", "RNN_0"), ("backward", "RNN_1")):
        folder = write_folder(model(word_config(directions=direction)), tmp_path / direction)
        names = {name.split("/")[0] for name in arrays_of(folder / "weights.hdf5")}
        assert names == {"embedding", "elmo_keras", rnn}
    options = json.loads((tmp_path / "forward" / "options.json").read_text())
    del options["elmo_keras"]
    assert config_from_options(options, "x").directions == "forward"


def test_another_forget_bias_is_told_to_others(tmp_path):
    config = word_config(lstm=LSTMConfig(dim=3, projection_dim=2, n_layers=1, forget_bias=0.25))
    pretrained = model(config)
    folder = write_folder(pretrained, tmp_path / "model")
    written = arrays_of(folder / "weights.hdf5")["RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell/B"]
    difference = written - pretrained.weights["forward/layer_0/bias"]
    np.testing.assert_allclose(difference, np.repeat([0, 0, -0.75, 0], 3), atol=1e-6)


def test_projections_that_sizes_do_not_ask_for(tmp_path):
    config = character_config(lstm=LSTMConfig(dim=6, projection_dim=6, n_layers=1))
    names = [entry.name for entry in encoder_table(config)]
    assert not any("W_P_0" in name or "CNN_proj" in name for name in names)
    folder = write_folder(model(config, softmax=False), tmp_path / "model")
    edit(folder, lambda options: options.pop("elmo_keras"))
    assert not read(folder).config.char_cnn.always_project
    with h5py.File(folder / "weights.hdf5", "a") as file:
        file["CNN_proj/W_proj"], file["CNN_proj/b_proj"] = np.eye(6), np.zeros(6)
    assert read(folder).config.char_cnn.always_project
    assert not read(folder).config.lstm.projects
    with h5py.File(folder / "weights.hdf5", "a") as file:
        for rnn in ("RNN_0", "RNN_1"):
            file[f"{rnn}/RNN/MultiRNNCell/Cell0/LSTMCell/W_P_0"] = np.eye(6)
    assert read(folder).config.lstm.projects


def test_one_layer_as_dump_weights_writes_it(tmp_path):
    config = word_config(lstm=LSTMConfig(dim=3, projection_dim=2, n_layers=1))
    pretrained = model(config)
    folder = write_folder(pretrained, tmp_path / "model")
    with h5py.File(folder / "weights.hdf5", "a") as file:
        for rnn in ("RNN_0", "RNN_1"):
            file.move(f"{rnn}/RNN/MultiRNNCell/Cell0/LSTMCell", f"{rnn}/RNN/LSTMCell")
            del file[f"{rnn}/RNN/MultiRNNCell"]
    assert_same_weights(read(folder).weights, pretrained.weights)


@pytest.mark.parametrize("n_characters", [261, 262, None])
def test_numbers_of_characters(saved, n_characters):
    folder, pretrained = saved
    edit(folder, lambda options: options["char_cnn"].update(n_characters=n_characters))
    assert read(folder).config == pretrained.config


def test_foreign_options():
    lstm = {"dim": 4, "projection_dim": 2, "n_layers": 1, "cell_clip": 0, "proj_clip": None}
    options = {"lstm": lstm, "dropout": 0.1, "share_embedding_softmax": True, "n_tokens_vocab": 9}
    config = config_from_options(options, "options.json")
    assert config.lstm.cell_clip is None and config.lstm.proj_clip is None
    assert not config.lstm.use_skip_connections and config.weight_tying
    assert config.dropout == DropoutConfig(input=0.1, output=0.1)
    del options["n_tokens_vocab"]
    assert config_from_options(options, "x", vocabulary_size=5).vocabulary_size == 5


def test_foreign_word_model_takes_its_size_from_the_embedding(tmp_path):
    pretrained = model(word_config(), softmax=False)
    folder = write_folder(pretrained, tmp_path / "model")
    edit(folder, lambda options: (options.pop("elmo_keras"), options.pop("n_tokens_vocab")))
    assert read(folder).config == pretrained.config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o.pop("lstm"), "lstm is missing"),
        (lambda o: o["lstm"].pop("dim"), "lstm.dim is missing"),
        (lambda o: o["lstm"].update(dim="5"), "lstm.dim='5': must be a whole number"),
        (lambda o: o["lstm"].update(dim=-5), "dim=-5: must be a whole number from 1"),
        (lambda o: o["lstm"].update(n_layers=10**9), "more than 1000"),
        (lambda o: o["lstm"].update(cell_clip=-1), "cell_clip=-1"),
        (lambda o: o["lstm"].update(use_skip_connections="no"), "must be true or false"),
        (lambda o: o.update(char_cnn=[]), "char_cnn=[]: must be a JSON object"),
        (lambda o: o["char_cnn"].update(n_characters=300), "must be 261 or 262"),
        (lambda o: o["char_cnn"].update(filters=[[1]]), "filters="),
        (lambda o: o["char_cnn"].update(activation="gelu"), "must be relu or tanh"),
        (lambda o: o["char_cnn"].pop("embedding"), "char_cnn.embedding is missing"),
        (lambda o: o["elmo_keras"].update(dropout={"x": 1}), "dropout="),
        (lambda o: o["elmo_keras"].update(directions="up"), "directions='up'"),
        (lambda o: o["elmo_keras"].update(version=99), "newer version"),
        (lambda o: o.pop("n_tokens_vocab"), "n_tokens_vocab is missing, but there is a softmax"),
    ],
)
def test_options_that_make_no_sense(saved, change, message):
    folder, _ = saved
    edit(folder, change)
    with pytest.raises(FormatError) as error:
        read(folder)
    assert message in str(error.value) and "options.json" in str(error.value)


def test_all_differences_are_in_one_error(saved):
    folder, _ = saved
    with h5py.File(folder / "weights.hdf5", "a") as file:
        del file["CNN/b_cnn_0"], file["RNN_0/RNN/MultiRNNCell/Cell1/LSTMCell/B"], file["char_embed"]
        file["char_embed"] = np.zeros((262, 2))
        file["CNN/W_cnn_2"] = np.zeros((1, 2, 2, 2))
    with pytest.raises(FormatError) as error:
        read(folder)
    text = str(error.value)
    assert "2 missing: CNN/b_cnn_0, RNN_0/RNN/MultiRNNCell/Cell1/LSTMCell/B" in text
    assert "1 left over: CNN/W_cnn_2" in text
    assert "1 of another shape: char_embed is (262, 2), wanted (261, 2)" in text
    assert "weights.hdf5" in text


def test_a_model_that_does_not_fit_itself_is_not_written(tmp_path):
    pretrained = model(word_config())
    pretrained.weights["softmax/bias"] = np.zeros(3, np.float32)
    pretrained.weights.pop("forward/layer_0/bias")
    pretrained.weights["new"] = np.zeros(1, np.float32)
    with pytest.raises(FormatError, match=r"1 missing: .*1 left over: new; 1 of another shape"):
        write_folder(pretrained, tmp_path / "model")
    pretrained = model(word_config())
    pretrained.vocabulary = vocabulary(9)
    with pytest.raises(FormatError, match="9 types, but the weights are for 7"):
        write_folder(pretrained, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_names_of_files(saved, tmp_path):
    folder, pretrained = saved
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(folder / "options.json", other / "my_options.json")
    shutil.copy(folder / "weights.hdf5", other / "my_weights_2.hdf5")
    (other / "embeddings.hdf5").write_bytes(b"something else")
    sources = (
        other,
        other / "my_options.json",
        other / "my_weights_2.hdf5",
        (other / "my_options.json", str(other / "my_weights_2.hdf5")),
    )
    for source in sources:
        assert_same_weights(read(source).weights, pretrained.weights)
    assert read(other).vocabulary is None
    assert read(other, folder / "vocab.txt").vocabulary == pretrained.vocabulary
    shutil.copy(folder / "weights.hdf5", other / "old_weights.hdf5")
    with pytest.raises(FormatError, match=r"my_weights_2.hdf5, old_weights.hdf5\? Give both files"):
        read(other)


def test_a_vocabulary_of_another_size_is_refused(saved):
    folder, _ = saved
    (folder / "vocab.counts.txt").unlink()
    with open(folder / "vocab.txt", "a") as file:
        file.write("one-more\n")
    with pytest.raises(FormatError, match=r"vocab.txt: has 7 types, but the weights are for 6"):
        read(folder)


def test_any_list_may_lie_beside_a_published_character_model(tmp_path):
    pretrained = model(character_config())
    folder = write_folder(pretrained, tmp_path / "model")
    edit(folder, lambda options: options.pop("elmo_keras"))
    (folder / "vocab.txt").write_text("no\nspecial\nwords\n")
    again = read(folder)
    assert again.vocabulary is None
    assert "vocab.txt" in again.extra["vocabulary_refused"]


def test_numbers_of_other_widths_become_float32(saved):
    folder, pretrained = saved
    with h5py.File(folder / "weights.hdf5", "a") as file:
        bias = file["CNN_proj/b_proj"][()]
        del file["CNN_proj/b_proj"]
        file["CNN_proj/b_proj"] = bias.astype(np.float64)
    assert_same_weights(read(folder).weights, pretrained.weights)


def test_missing_files(tmp_path, saved):
    folder, _ = saved
    with pytest.raises(FormatError, match="no such file or folder"):
        read(tmp_path / "nothing")
    with pytest.raises(FormatError, match=r"nothing.json: cannot be read"):
        read_pair(tmp_path / "nothing.json", folder / "weights.hdf5")
    (folder / "weights.hdf5").unlink()
    with pytest.raises(FormatError, match="the weights file missing"):
        read(folder)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(FormatError, match=r"no model here \(found no files\)"):
        read(empty)


def test_settings_that_json_cannot_hold(tmp_path):
    pretrained = model(word_config())
    pretrained.extra["settings"] = {"x": float("nan")}
    with pytest.raises(FormatError, match="JSON cannot hold"):
        write_pair(pretrained, tmp_path / "options.json", tmp_path / "weights.hdf5")


def test_a_folder_with_several_pairs(tmp_path):
    expected = {}
    for seed, name in enumerate("ab"):
        expected[name] = model(character_config(), seed=seed)
        write_pair(
            expected[name], tmp_path / f"{name}_options.json", tmp_path / f"{name}_weights.hdf5"
        )
    for name, pretrained in expected.items():
        for file in ("weights.hdf5", "options.json"):
            found = read(tmp_path / f"{name}_{file}")
            assert_same_weights(found.weights, pretrained.weights)
    with pytest.raises(FormatError, match="OPTIONS,WEIGHTS"):
        read(tmp_path)


def test_a_keras_file_is_no_folder_of_a_model(tmp_path):
    (tmp_path / "x.keras").write_bytes(b"PK")
    with pytest.raises(FormatError, match=r"x\.keras: .*load_model.*folder"):
        read(tmp_path / "x.keras")
