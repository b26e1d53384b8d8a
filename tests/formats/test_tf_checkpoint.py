"""Training checkpoints of bilm-tf, read without TensorFlow."""

import json
import shutil

import h5py
import numpy as np
import pytest

from elmo.config import LSTMConfig
from elmo.formats.bilm_tf import SLOT, checkpoint_table
from elmo.formats.containers.tensor_bundle import read_bundle
from elmo.formats.options import options_from_config
from elmo.formats.pretrained import read, write_folder
from elmo.formats.weight_map import write_table
from elmo.system.errors import FormatError
from tests.formats.bundle_writer import write_bundle
from tests.formats.helpers import assert_same_weights, character_config, model, word_config
from tests.reference.bilm import ReferenceBiLM
from tests.reference.published import read_weights, sentence_ids


@pytest.fixture(scope="module")
def fixture(data_folder):
    return data_folder("bilm-tf-checkpoint")


@pytest.fixture(scope="module")
def trained(fixture):
    return read(fixture / "model")


@pytest.fixture
def copy(fixture, tmp_path):
    """The fixture's save folder without its vocabulary, to be damaged."""
    folder = tmp_path / "save"
    folder.mkdir()
    for path in (fixture / "model").iterdir():
        shutil.copyfile(path, folder / path.name)
    return folder


def write_checkpoint(folder, pretrained, slots=True, step=7, **more):
    """A checkpoint of any model."""
    table = checkpoint_table(pretrained.config)
    arrays = write_table(table, pretrained.weights)
    if slots:
        arrays |= {f"{name}{SLOT}": np.full_like(a, 1.5) for name, a in arrays.items()}
    arrays |= {"global_step": np.float32(step), "train_perplexity": np.float32(0)}
    folder.mkdir(exist_ok=True)
    write_bundle(folder / f"model.ckpt-{step}", arrays, **more)
    options = options_from_config(pretrained.config)
    del options["elmo_keras"]
    (folder / "options.json").write_text(json.dumps(options))
    return arrays


def test_weights_are_those_of_dump_weights(fixture, trained):
    softmax = {"softmax/kernel", "softmax/bias"}
    encoder = {name: a for name, a in trained.weights.items() if name not in softmax}
    assert_same_weights(encoder, read_weights(fixture / "weights.hdf5"))
    assert trained.weights["softmax/kernel"].shape == (703, 24)
    assert trained.step == 200
    assert trained.extra["options"]["n_negative_samples_batch"] == 96
    assert trained.vocabulary.tokens[:4] == ["<S>", "</S>", "<UNK>", "the"]


def test_slots(trained):
    assert set(trained.optimizer_slots) == set(trained.weights)
    for name, slot in trained.optimizer_slots.items():
        assert slot.shape == trained.weights[name].shape and slot.dtype == np.float32
        assert slot.min() >= 1
    never_seen = trained.optimizer_slots["token_encoder/char_embed"][0x01]
    np.testing.assert_array_equal(never_seen, np.ones(8, np.float32))


def test_what_it_computes(fixture, trained):
    reference = ReferenceBiLM(trained.weights, trained.config)
    expected = np.load(fixture / "expected.npz")
    lines = (fixture / "sentences.txt").read_text(encoding="utf-8").splitlines()
    for i, line in enumerate(lines):
        tokens = line.split()
        ids = sentence_ids(tokens)
        words = np.array(trained.vocabulary.ids(["<S>", *tokens, "</S>"])) + 1
        values, _ = reference.log_probabilities(ids, words)
        scores, _ = reference.scores(ids)
        layers, _ = reference.layers(ids)
        np.testing.assert_allclose(layers[:, 1:-1], expected[f"embeddings/{i}"], atol=5e-6)
        for direction in ("forward", "backward"):
            wanted = expected[f"logprob/{direction}/{i}"]
            np.testing.assert_allclose(values[direction], wanted, atol=1e-5)
            if i == 0:
                wanted = expected[f"logits/{direction}/0"]
                np.testing.assert_allclose(scores[direction], wanted, atol=1e-5)


def test_saved_as_a_folder_it_is_what_dump_weights_writes(fixture, trained, tmp_path):
    folder = write_folder(trained, tmp_path / "model")
    with h5py.File(fixture / "weights.hdf5") as old, h5py.File(folder / "weights.hdf5") as new:
        names = []
        old.visititems(lambda name, item: names.append(name) if hasattr(item, "shape") else None)
        for name in names:
            np.testing.assert_array_equal(new[name][()], old[name][()])
    assert_same_weights(read(folder).weights, trained.weights)
    options = json.loads((folder / "options.json").read_text())
    assert options["char_cnn"]["n_characters"] == 262 and options["unroll_steps"] == 20


@pytest.mark.parametrize(
    "config",
    [
        word_config(),
        word_config(weight_tying=True),
        word_config(directions="forward"),
        word_config(lstm=LSTMConfig(dim=3, projection_dim=3, n_layers=1)),
        word_config(lstm=LSTMConfig(dim=3, projection_dim=2, n_layers=1), directions="forward"),
        character_config(vocabulary_size=6, lstm=LSTMConfig(dim=6, projection_dim=6, n_layers=3)),
    ],
    ids=["words", "tied", "forward", "one layer", "one layer forward", "no projections"],
)
def test_other_models(tmp_path, config):
    pretrained = model(config)
    arrays = write_checkpoint(tmp_path / "save", pretrained)
    again = read(tmp_path / "save")
    assert again.config == config
    assert_same_weights(again.weights, pretrained.weights)
    assert set(again.optimizer_slots) == set(pretrained.weights)
    assert again.step == 7 and again.vocabulary is None
    if config.weight_tying:
        assert "lm/softmax/W" not in arrays and "lm/embedding" in arrays


def test_a_checkpoint_without_slots(tmp_path):
    write_checkpoint(tmp_path / "save", model(word_config()), slots=False)
    assert read(tmp_path / "save").optimizer_slots is None


def test_which_checkpoint(tmp_path):
    folder = tmp_path / "save"
    for step in (9, 10):
        write_checkpoint(folder, model(word_config()), step=step)
    assert read(folder).step == 10
    state = folder / "checkpoint"
    state.write_text('model_checkpoint_path: "/gone/to\\\\x/model.ckpt-9"\n')
    assert read(folder).step == read(state).step == 9
    for end in (".index", ".data-00000-of-00001"):
        assert read(folder / f"model.ckpt-10{end}").step == 10
    assert read(folder / "model.ckpt-10").step == 10
    state.write_text('all_model_checkpoint_paths: "model.ckpt-9"\n')
    with pytest.raises(FormatError, match="names no checkpoint"):
        read(folder)
    state.write_text('model_checkpoint_path: "model.ckpt-11"\n')
    with pytest.raises(FormatError, match=r"names 'model.ckpt-11', but"):
        read(folder)


def test_beside_dumped_weights_the_checkpoint_counts(fixture, copy):
    shutil.copyfile(fixture / "weights.hdf5", copy / "weights.hdf5")
    assert read(copy).has_softmax
    assert not read(copy / "weights.hdf5").has_softmax
    (copy / "model.ckpt-200.index").unlink()
    assert not read(copy).has_softmax


def test_vocabulary(fixture, copy):
    assert read(copy).vocabulary is None
    given = read(copy, fixture / "vocab.txt").vocabulary
    assert len(given.tokens) == 703
    assert read(copy, given).vocabulary is given
    shutil.copyfile(fixture / "vocab.txt", copy.parent / "vocab-news.txt")
    assert read(copy).vocabulary.tokens == given.tokens
    (copy / "short.txt").write_text("<S>\n</S>\n<UNK>\n")
    with pytest.raises(FormatError, match=r"short.txt: has 3 types, but the weights are for 703"):
        read(copy, copy / "short.txt")


def test_all_differences_are_in_one_error(tmp_path):
    folder, pretrained = tmp_path / "save", model(word_config())
    arrays = write_checkpoint(folder, pretrained, slots=False)
    arrays["lm/new"] = np.zeros(1, np.float32)
    arrays["lm/embedding"] = np.zeros((2, 2), np.float32)
    del arrays["lm/softmax/b"]
    write_bundle(folder / "model.ckpt-7", arrays)
    with pytest.raises(FormatError) as error:
        read(folder)
    text = str(error.value)
    assert "1 missing: lm/softmax/b" in text and "1 left over: lm/new" in text
    assert "lm/embedding is (2, 2), wanted (7, 3)" in text


@pytest.mark.parametrize(
    ("changes", "header", "message"),
    [
        ({"a": {6: 1}}, {}, "checksum of a does not agree"),
        ({"a": {1: 14}}, {}, "data type 14"),
        ({"a": {1: b"x"}}, {}, "in another way than a tensor"),
        ({"a": {2: b""}}, {}, r"shape \(\), but 24 bytes"),
        ({"a": {3: 1}}, {}, "lies in file 1 of 1"),
        ({"a": {4: 1 << 40}}, {}, "lies beyond its end"),
        ({"a": {2: b"\x12\x0b\x08" + b"\xff" * 9 + b"\x01", 5: 1 << 50}}, {}, "but"),
        ({"a": {7: b"\x08\x01"}}, {}, "cut into slices"),
        ({}, {2: 1}, "big-endian"),
        ({}, {1: 1 << 40}, "files of data"),
    ],
)
def test_entries_that_make_no_sense(tmp_path, changes, header, message):
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    write_bundle(tmp_path / "x", {"a": array}, changes, header)
    with pytest.raises(FormatError, match=message):
        read_bundle(tmp_path / "x")["a"].load()


def test_bundles(tmp_path):
    arrays = {f"v/{i:03d}": np.full((i % 3, 2), i, np.float32) for i in range(50)}
    arrays |= {"scalar": np.int64(5), "double": np.arange(3.0)}
    write_bundle(tmp_path / "x", arrays)
    stored = read_bundle(tmp_path / "x")
    assert set(stored) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(stored[name].load(), array, strict=True)
    write_bundle(tmp_path / "x", arrays, kind=1)
    with pytest.raises(FormatError, match="compressed"):
        read_bundle(tmp_path / "x")


def test_damaged_files(copy):
    data = copy / "model.ckpt-200.data-00000-of-00001"
    content = data.read_bytes()
    data.write_bytes(content[:-100_000])
    with pytest.raises(FormatError, match=r"data-00000-of-00001: cut"):
        read(copy)
    data.write_bytes(content[:5000] + b"\xff" + content[5001:])
    with pytest.raises(FormatError, match=r"damaged; the checksum of lm/.* does not agree"):
        read(copy)
    data.unlink()
    with pytest.raises(FormatError, match=r"data-00000-of-00001: cannot be read"):
        read(copy)
    (copy / "options.json").unlink()
    with pytest.raises(FormatError, match="the options file missing"):
        read(copy)
