"""How trainings begin and end where something is odd: a model is left, and it is told what and why."""

import csv
import json
import math

import numpy as np
import pytest

import elmo
from elmo.config import BiLMConfig, CharCNNConfig, ConfigError, LSTMConfig
from elmo.settings.training import TrainingConfig
from elmo.training.report import read_metrics
from tests.cli.conftest import as_json, invoke, refused
from tests.formats.helpers import model, word_config
from tests.formats.test_tf_checkpoint import write_checkpoint

SMALL = {"dim": 6, "projection_dim": 4, "batch_size": 2, "window": 5, "negatives": 4}


@pytest.fixture
def text(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "text.txt"
    path.write_text(
        "".join(" ".join(f"w{k}" for k in rng.integers(0, 9, 6)) + "\n" for _ in range(30))
    )
    return path


class Told:
    """Progress that is kept."""

    def __init__(self):
        self.lines = []

    def start(self, total, done):
        pass

    def update(self, done, **values):
        pass

    def message(self, text):
        self.lines.append(text)

    def stop(self):
        pass


NUMBERS = {
    "learning_rate": [math.inf, math.nan, -1.0, 0.0, True],
    "loss_scale": [math.inf, math.nan],
    "clip_norm": [math.inf, math.nan],
    "clip_value": [math.inf],
    "weight_decay": [math.inf, math.nan, -0.1],
    "initial_accumulator": [math.inf, math.nan],
    "state_resets": [math.nan, 2],
    "unknown_singletons": [math.nan, -0.1, 1.5],
    "checkpoint_minutes": [math.inf, math.nan],
}


@pytest.mark.parametrize(
    "name, value", [(name, value) for name, values in NUMBERS.items() for value in values]
)
def test_numbers_that_are_none_are_refused_by_name(name, value):
    with pytest.raises(ConfigError, match=f"{name}="):
        TrainingConfig(**{name: value})


def test_the_command_refuses_an_infinite_rate_before_it_reads_a_text(tmp_path):
    words = ("train", tmp_path / "none.txt", "-o", tmp_path / "m", "--learning-rate", "inf")
    assert "learning_rate=inf: must be a positive, finite number" in refused(*words)
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    "make",
    [
        lambda: LSTMConfig(cell_clip=math.inf),
        lambda: LSTMConfig(forget_bias=math.nan),
        lambda: LSTMConfig(dim=1 << 30),
        lambda: CharCNNConfig(max_characters_per_token=100_000_000),
        lambda: CharCNNConfig(embedding_dim=1 << 40),
        lambda: BiLMConfig(vocabulary_size=1 << 40),
    ],
)
def test_sizes_that_no_model_has_are_refused(make):
    with pytest.raises(ConfigError, match="must be"):
        make()


def test_a_validation_that_is_not_finite_leaves_a_model_and_says_so(text, tmp_path):
    """After a step this large the text has no probability that a float holds."""
    told, output = Told(), tmp_path / "m"
    rate = {"optimizer": "sgd", "learning_rate": 1e7, "clip_norm": None, "loss_scale": 1e4}
    elmo.train(text, valid=text, output=output, max_steps=1, progress=told, **rate, **SMALL)
    (row,) = read_metrics(output / "run" / "metrics.csv")
    assert not math.isfinite(row["valid_both"])
    assert any("validation perplexity is not finite" in line for line in told.lines)
    assert elmo.load(output).config.lstm.dim == 6


def test_info_tells_of_the_epoch_whose_weights_are_kept(text, tmp_path):
    output = tmp_path / "m"
    elmo.train(text, valid=text, output=output, epochs=3, progress=False, **SMALL)
    path = output / "run" / "metrics.csv"
    with path.open() as file:
        rows = list(csv.DictReader(file))
    for row, valid, kept in zip(rows, (9.0, 5.25, 7.0), (1, 1, 0), strict=True):
        row.update(valid_both=valid, kept=kept)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    report = as_json("info", output)
    assert (report["run"]["epoch"], report["run"]["valid_both"]) == (2, 5.25)
    assert (report["last"]["epoch"], report["last"]["valid_both"]) == (3, 7.0)
    assert "epoch 2, validation 5.25, the best of 3" in invoke("info", output).output


def test_a_run_that_is_resumed_says_from_where(text, tmp_path):
    output, told = tmp_path / "m", Told()
    elmo.train(text, output=output, epochs=1, progress=False, **SMALL)
    steps = int(read_metrics(output / "run" / "metrics.csv")[-1]["step"])
    elmo.train(text, output=output, resume=True, epochs=2, progress=told)
    assert f"resumed after step {steps:,} of {2 * steps:,} (epoch 1)" in told.lines


def test_a_word_checkpoint_is_trained_further_with_a_vocabulary_that_is_given(text, tmp_path):
    pretrained = model(word_config(vocabulary_size=12))
    write_checkpoint(tmp_path / "save", pretrained)
    vocabulary = tmp_path / "elsewhere" / "words.txt"
    vocabulary.parent.mkdir()
    vocabulary.write_text("".join(f"{token}\n" for token in pretrained.vocabulary.tokens))
    words = ("train", text, "--from", tmp_path / "save", "-o", tmp_path / "m", "--max-steps", "1")
    assert "no vocabulary" in refused(*words, "--quiet")
    invoke(*words, "--vocabulary", vocabulary, "--batch-size", "2", "--quiet")
    tuned = elmo.load(tmp_path / "m")
    assert tuned.vocabulary.tokens[:12] == list(pretrained.vocabulary.tokens)
    again = elmo.train(
        text,
        output=tmp_path / "n",
        start_from=tmp_path / "save",
        vocabulary=str(vocabulary),
        keep_vocabulary=True,
        max_steps=1,
        batch_size=2,
        progress=False,
    )
    assert again.vocabulary.tokens == list(pretrained.vocabulary.tokens)
    settings = json.loads((tmp_path / "n" / "run" / "settings.json").read_text())["settings"]
    assert "vocabulary" not in settings
