"""A model trained further: what is kept of it, what is added, and what it was worth before."""

import json
import os
import shutil
import signal

import keras
import numpy as np
import pytest

import elmo
from elmo.api import BiLM
from elmo.bilm.initialization import new_network
from elmo.bilm.weights import get_weights, set_weights
from elmo.config import ConfigError
from elmo.formats.pretrained import write_folder
from elmo.runs import further as fine_tuning
from elmo.settings.settings import Settings
from elmo.system.progress import NoProgress
from elmo.text.corpus import Corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.vocabulary import Vocabulary

ARCHITECTURE = {"dim": 6, "projection_dim": 4}
FURTHER = {"negatives": 10, "batch_size": 2, "window": 5, "learning_rate": 0.5, "progress": False}
ROWS = ("token_encoder/embedding", "softmax/kernel", "softmax/bias")


def write_text(path, words, n=60, seed=0):
    rng = np.random.default_rng(seed)
    drawn = [rng.zipf(1.5, rng.integers(2, 9)) for _ in range(n)]
    lines = [" ".join(words[min(int(k), len(words)) - 1] for k in line) for line in drawn]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


OLD = [f"w{k}" for k in range(12)]
NEW = ["new1", "w0", "new2", *OLD[:4]]


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    return {
        "old": write_text(folder / "old.txt", OLD),
        "new": write_text(folder / "new.txt", NEW, seed=1),
        "valid": write_text(folder / "valid.txt", NEW, n=15, seed=2),
    }


KINDS = {
    "untied": {},
    "tied": {"weight_tying": True},
    "char": {
        "token_encoding": "char",
        "filters": [[1, 4], [2, 3]],
        "char_embedding_dim": 3,
        "n_highway": 1,
        "max_characters_per_token": 8,
    },
}


def new_model(text, kind, seed=3):
    """A model that knows the words of a text and has random weights."""
    settings = Settings.from_values({**ARCHITECTURE, **KINDS[kind]})
    vocabulary = Vocabulary.from_corpus(Corpus(text))
    network = new_network(settings.model(len(vocabulary)), seed)
    rng = np.random.default_rng(seed)
    set_weights(network, {n: rng.normal(0, 0.3, a.shape) for n, a in get_weights(network).items()})
    width = 8 if kind == "char" else None
    return BiLM(network, SentenceEncoder(vocabulary, width), state="carry")


@pytest.fixture(scope="module")
def base(texts, tmp_path_factory):
    """The folder of a word model."""
    return new_model(texts["old"], "untied").save(tmp_path_factory.mktemp("base") / "model")


def start_of(base, text, settings=(), keep=False):
    settings = fine_tuning.with_its_settings(base, Settings.from_values(dict(settings)))
    vocabulary = fine_tuning.vocabulary_for(base, settings, Corpus(text), keep)
    return fine_tuning.starting_model(base, settings, vocabulary)


def without_softmax(base, tmp_path):
    """As published files are: of a model that reads characters the words are not known either."""
    pretrained = base.to_pretrained()
    weights = pretrained.weights
    pretrained.weights = {n: a for n, a in weights.items() if not n.startswith("softmax/")}
    if pretrained.config.char_cnn is not None:
        pretrained.vocabulary = None
    return write_folder(pretrained, tmp_path / "published")


def report_of(output):
    return json.loads((output / "run" / "fine-tuning.json").read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_new_words_get_mean_rows_and_all_else_stays(kind, texts):
    base = new_model(texts["old"], kind)
    before = get_weights(base.network)
    start = start_of(base, texts["new"])
    assert start.vocabulary.tokens == [*base.vocabulary.tokens, "new1", "new2"]
    assert start.vocabulary.counts[-2] == texts["new"].read_text().split().count("new1")
    after = get_weights(start.network)
    assert set(after) == set(before)
    for name, array in before.items():
        np.testing.assert_array_equal(after[name][: len(array)], array, err_msg=name)
        if name in ROWS:
            assert len(after[name]) == len(array) + 2
            mean = np.broadcast_to(array.mean(axis=0), after[name][-2:].shape)
            np.testing.assert_allclose(after[name][-2:], mean, atol=1e-6)
        else:
            assert after[name].shape == array.shape, name
    kept = start_of(base, texts["new"], keep=True)
    assert kept.vocabulary.tokens == base.vocabulary.tokens
    for name, array in get_weights(kept.network).items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("kind", ["untied", "char"])
def test_a_model_without_softmax_gets_one(kind, texts, tmp_path):
    published = elmo.load(without_softmax(new_model(texts["old"], kind), tmp_path))
    start = start_of(published, texts["new"])
    assert {*NEW, *([] if kind == "char" else OLD)} == set(start.vocabulary.tokens[3:])
    weights = get_weights(start.network)
    for name, array in get_weights(published.network).items():
        if not name.startswith("softmax/"):
            np.testing.assert_array_equal(weights[name][: len(array)], array, err_msg=name)
    assert weights["softmax/kernel"].shape[0] == len(start.vocabulary)
    assert np.unique(weights["softmax/kernel"], axis=0).shape == weights["softmax/kernel"].shape
    if kind == "char":
        given = tmp_path / "words.txt"
        given.write_text("<S>\n</S>\n<UNK>\nw0\n")
        small = start_of(published, texts["new"], {"vocabulary": str(given)})
        assert small.vocabulary.tokens[3:] == ["w0"] and small.vocabulary.counts[3] > 0
        with pytest.raises(ConfigError, match="no vocabulary to keep"):
            start_of(published, texts["new"], keep=True)


def test_the_perplexity_before_and_after_is_told(base, texts, tmp_path):
    model = elmo.load(base)
    seen = model.evaluate(texts["valid"])
    said = []
    tuned = elmo.train(
        texts["new"], valid=texts["valid"], start_from=base, output=tmp_path / "m", epochs=3,
        **{**FURTHER, "progress": Said(said)},
    )  # fmt: skip
    report = report_of(tmp_path / "m")
    assert report["start_from"] == str(base)
    assert report["added_words"] == 2 and not report["fresh_softmax"]
    # The model as it was, with its own words; then with rows for the new ones, before and after.
    assert report["before"]["both"] == pytest.approx(seen.both, rel=1e-6)
    assert report["before"]["unknown_share"] == seen.unknown_share > 0.3
    began = elmo.load(tmp_path / "m" / "run" / "start").evaluate(texts["valid"])
    assert report["start"]["both"] == pytest.approx(began.both, rel=1e-6)
    assert report["start"]["unknown_share"] == 0
    assert report["after"]["both"] == pytest.approx(tuned.evaluate(texts["valid"]).both, rel=1e-6)
    assert report["after"]["both"] < 0.8 * report["start"]["both"]
    assert said[0].startswith("training further: 2 new words; validation perplexity before ")
    after = f"after {report['after']['both']:,.2f} (unigram {report['after']['unigram']:,.2f}, "
    assert after in said[-1] and "0.0% unknown)" in said[-1]


class Said(NoProgress):
    def __init__(self, lines):
        self.message = lines.append


def test_a_model_that_is_given_stays_and_so_do_rows_that_nothing_touches(base, texts, tmp_path):
    model = elmo.load(base)
    before = get_weights(model.network)
    tuned = elmo.train(
        texts["new"], start_from=model, keep_vocabulary=True, output=tmp_path / "m", epochs=1,
        **FURTHER,
    )  # fmt: skip
    for name, array in get_weights(model.network).items():
        np.testing.assert_array_equal(array, before[name])
    after = get_weights(tuned.network)
    present = set(model.vocabulary.ids(texts["new"].read_text().split()).tolist())
    present |= {model.vocabulary.bos_id, model.vocabulary.eos_id}
    name = "token_encoder/embedding"
    for row in range(len(model.vocabulary)):
        same = np.array_equal(after[name][row], before[name][row])
        assert same == (row not in present), model.vocabulary.tokens[row]
    assert report_of(tmp_path / "m")["after"] is None


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"dim": 64}, "dim=64: the model that is trained further has 6"),
        ({"token_encoding": "char"}, "token_encoding='char'.*has 'word'"),
        ({"directions": "forward"}, "directions='forward'.*has 'both'"),
        ({"vocabulary": "words.txt"}, "has its own"),
        ({"keep_vocabulary": True, "vocabulary": "words.txt"}, "has its own"),
    ],
)
def test_what_contradicts_the_model_is_named(base, texts, tmp_path, monkeypatch, settings, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.txt").write_text("<S>\n</S>\n<UNK>\nother\n")
    with pytest.raises(ConfigError, match=message):
        elmo.train(
            texts["new"], start_from=base, output=tmp_path / "m", progress=False, **settings
        )  # fmt: skip
    assert not (tmp_path / "m").exists()
    with pytest.raises(ConfigError, match="only with start_from"):
        elmo.train(texts["new"], output=tmp_path / "m", keep_vocabulary=True)


def test_the_models_own_vocabulary_may_be_named(base, texts, tmp_path):
    """As bilm-tf's commands have it."""
    tuned = elmo.train(
        texts["new"], start_from=base, output=tmp_path / "m", progress=False, max_steps=1,
        vocabulary=str(base / "vocab.txt"), keep_vocabulary=True,
    )  # fmt: skip
    assert tuned.vocabulary.tokens == elmo.load(base).vocabulary.tokens


def test_settings_that_agree_and_rates_of_dropout_may_be_given(base, texts, tmp_path):
    base = elmo.load(base)
    tuned = elmo.train(
        texts["new"], start_from=base, output=tmp_path / "m", progress=False, max_steps=1,
        dropout=0.3, min_count=2, max_vocabulary=len(base.vocabulary) + 1, **ARCHITECTURE,
    )  # fmt: skip
    assert tuned.config.dropout.input == tuned.config.dropout.output == 0.3
    assert len(tuned.vocabulary) == len(base.vocabulary) + 1


def test_a_stopped_further_training_goes_on_without_the_model_it_began_from(base, texts, tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 9:
                os.kill(os.getpid(), signal.SIGINT)

    gone = tmp_path / "b"
    shutil.copytree(base, gone)
    common = {"start_from": gone, "epochs": 1, "dropout": 0.1, **FURTHER}
    elmo.train(texts["new"], output=tmp_path / "whole", **common)
    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt, match="stopped at step"):
        elmo.train(texts["new"], output=broken, callbacks=[Interrupt()], **common)
    with pytest.raises(ConfigError, match="began from"):
        elmo.train(texts["new"], output=broken, resume=True, start_from="another")
    shutil.rmtree(gone)
    (broken / "run" / "vocab.txt").unlink()  # as if it had been killed just before it was written
    elmo.train(texts["new"], output=broken, resume=True, progress=False)
    for name in ("weights.hdf5", "options.json", "vocab.txt", "run/fine-tuning.json"):
        one, other = ((tmp_path / run / name).read_bytes() for run in ("whole", "broken"))
        assert one == other, name


def test_a_training_checkpoint_whose_vocabulary_is_given(data_folder, tmp_path):
    folder, save = data_folder("bilm-tf-checkpoint"), tmp_path / "save"
    shutil.copytree(folder / "model", save)
    common = {"start_from": save, "output": tmp_path / "m", "progress": False}
    with pytest.raises(ValueError, match=r"vocabulary is not known; name its file"):
        elmo.train(folder / "heldout.txt", **common)
    vocabulary = folder / "vocab.txt"
    tuned = elmo.train(
        folder / "heldout.txt",
        vocabulary=str(vocabulary),
        keep_vocabulary=True,
        max_steps=1,
        **common,
    )
    assert tuned.vocabulary.tokens == elmo.load(save, vocabulary).vocabulary.tokens
    kept = json.loads((tmp_path / "m" / "run" / "settings.json").read_text())["settings"]
    assert kept["negatives"] == 96 and kept["loss_scale"] == 20 and "vocabulary" not in kept
    assert (tmp_path / "m" / "run" / fine_tuning.SLOTS).is_file()


def test_a_training_checkpoint_goes_on_from_its_slots_with_its_settings(
    data_folder, texts, tmp_path
):
    """Rows of new words begin with fresh slots; a run that is resumed finds them in its folder."""
    folder = data_folder("bilm-tf-checkpoint")
    base = elmo.load(folder / "model", folder / "vocab.txt")
    settings = fine_tuning.with_its_settings(base, Settings.from_values({"batch_size": 3}))
    assert settings.training.negatives_mode == "per_direction"
    assert (settings.training.mode, settings.training.batch_size) == ("stream", 3)
    start = start_of(base, texts["new"])
    new = len(start.vocabulary) - len(base.vocabulary)
    slots = fine_tuning.starting_slots(base, start, settings, tmp_path)
    assert new > 0 and len(slots) == len(base.optimizer_slots)
    for name, array in base.optimizer_slots.items():
        np.testing.assert_array_equal(slots[name][: len(array)], array, err_msg=name)
    assert (slots["softmax/kernel"][-new:] == settings.training.initial_accumulator).all()
    again = fine_tuning.starting_slots(start, start, settings, tmp_path)
    for name, array in slots.items():
        np.testing.assert_array_equal(again[name], array)
    other = tmp_path / "adam"
    adam = settings.merged({"optimizer": "adam"})
    assert fine_tuning.starting_slots(base, start, adam, other) is None
