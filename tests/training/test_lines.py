"""Lines within an epoch, where they go, and what commands say of an unfinished run."""

import csv
import json
import os
import shutil
import signal

import keras
import numpy as np
import pytest

import elmo
from elmo.config import ConfigError
from elmo.integrations import trackers
from elmo.system.errors import FormatError
from elmo.training.curves import plot
from elmo.training.report import epochs, kept, read_metrics, read_steps
from tests.cli.conftest import as_json, invoke, refused
from tests.training.test_train import SETTINGS, write_text

TIMES = {"seconds", "tokens_per_second", "waiting_share"}


def metrics(folder):
    """The lines of epochs, and all lines in their order."""
    path = folder / "run" / "metrics.csv"
    rows = read_metrics(path) if path.is_file() else []
    return rows, sorted([*rows, *read_steps(path)], key=lambda row: row["step"])


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C that ends a training after so many steps of this start."""

    def __init__(self, number):
        super().__init__()
        self.number, self.made = number, 0

    def on_train_batch_end(self, batch, logs=None):
        self.made += 1
        if self.made == self.number - 1:  # it is noticed after the next
            os.kill(os.getpid(), signal.SIGINT)


class Seen(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.logs = []

    def on_train_batch_end(self, batch, logs=None):
        if logs and "step" in logs:
            self.logs.append(dict(logs))


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    return write_text(tmp_path_factory.mktemp("lines") / "text.txt", 40)


@pytest.fixture(scope="module")
def whole(text, tmp_path_factory):
    """A run with a line every seven steps, and what a callback has seen."""
    folder, seen = tmp_path_factory.mktemp("lines") / "whole", Seen()
    elmo.train(
        text, valid=text, output=folder, epochs=2, report_steps=7, dropout=0.1, progress=False,
        schedule="linear", callbacks=[seen], **SETTINGS,
    )  # fmt: skip
    return folder, seen.logs


def test_there_is_a_line_an_epoch_and_one_every_so_many_steps_between(whole, text):
    folder, seen = whole
    rows, lines = metrics(folder)
    last = int(rows[-1]["step"])
    per_epoch = last // 2
    within = [step for step in range(7, last, 7) if step % per_epoch]
    assert [row["step"] for row in lines] == sorted([*within, per_epoch, last])
    assert [row["step"] for row in seen] == within and seen[0]["train_both"] > 1
    assert [row["epoch"] for row in rows] == [1, 2]
    for row in lines:
        assert (row["valid_both"] is not None) == (row["step"] in (per_epoch, last))
        assert row["learning_rate"] == pytest.approx(0.2 * (1 - row["step"] / last), abs=1e-6)
    n = sum(len(line.split()) + 1 for line in text.read_text().splitlines())
    assert [row["tokens"] for row in rows] == [n, 2 * n]
    tokens = [row["tokens"] for row in lines]
    assert tokens == sorted(set(tokens))


def test_a_line_is_of_the_steps_since_the_one_before(whole):
    """Weighted by their targets they have the epoch's mean, with the last steps, which have no line."""
    _, lines = metrics(whole[0])
    first = [row for row in lines if row["epoch"] <= 1]
    targets = np.diff([0, *(row["tokens"] for row in first)])
    nats = np.log([row["train_both"] for row in first])
    mean = nats[-1] * first[-1]["tokens"]
    rest = (mean - nats[:-1] @ targets[:-1]) / targets[-1]
    assert 0 < rest < nats[:-1].max()
    norms = [row["gradient_norm"] for row in first]
    assert min(norms) < norms[-1] < max(norms), "the epoch's norm is a mean of theirs"


def test_after_a_stop_the_lines_are_those_of_a_run_left_alone(whole, text, tmp_path):
    folder = tmp_path / "broken"
    settings = {"epochs": 2, "report_steps": 7, "dropout": 0.1, "schedule": "linear", **SETTINGS}
    stop = [Interrupt(11)]
    with pytest.raises(KeyboardInterrupt, match="stopped at step 11"):
        elmo.train(text, valid=text, output=folder, progress=False, callbacks=stop, **settings)
    with pytest.raises(KeyboardInterrupt):
        again = [Interrupt(30)]
        elmo.train(text, valid=text, output=folder, resume=True, progress=False, callbacks=again)
    elmo.train(text, valid=text, output=folder, resume=True, progress=False)
    one, other = (metrics(run)[1] for run in (whole[0], folder))
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        for name in set(a) - TIMES:
            assert a[name] == (None if b[name] is None else pytest.approx(b[name], rel=1e-5)), name
    assert (whole[0] / "weights.hdf5").read_bytes() == (folder / "weights.hdf5").read_bytes()


def test_how_often_may_change_and_does_not_change_the_model(whole, text, tmp_path):
    folder = tmp_path / "m"
    elmo.train(text, valid=text, output=folder, epochs=1, progress=False, dropout=0.1, **SETTINGS)
    elmo.train(text, valid=text, output=folder, resume=True, report_steps=5, progress=False)
    with pytest.raises(ConfigError, match="report_steps=0: must be 1 or more"):
        elmo.train(text, output=tmp_path / "n", report_steps=0)


def test_a_checkpoint_from_before_there_were_such_lines_is_resumed(text, tmp_path):
    folder = tmp_path / "m"
    elmo.train(text, valid=text, output=folder, epochs=1, progress=False, **SETTINGS)
    (path,) = (folder / "run" / "checkpoints").glob("*/progress.json")
    state = json.loads(path.read_text())
    for name in ("told", "closed", "finished", "total"):
        del state[name]
    for row in state["metrics"]:
        del row["kept"]
    path.write_text(json.dumps(state))
    elmo.train(
        text, valid=text, output=folder, resume=True, epochs=2, report_steps=7, progress=False
    )
    rows, lines = metrics(folder)
    assert [row["epoch"] for row in rows] == [1, 2] and len(lines) > 3
    assert rows[1]["tokens"] == 2 * rows[0]["tokens"]


def test_readers_of_files_without_such_lines_see_epochs(tmp_path):
    rows = [{"step": 5, "valid_both": v, "train_both": 1.0} for v in (9.0, 5.0, 7.0)]
    assert epochs(rows) == rows and kept(rows) is rows[1]
    folder = tmp_path / "run"
    folder.mkdir()
    assert not read_steps(folder / "metrics.csv")
    unvalidated = [{"step": 5}, {"step": 10}]
    assert kept(unvalidated) is unvalidated[1] and kept([]) is None


def test_without_validation_the_kept_line_is_the_last_epoch(text, tmp_path):
    stop = Interrupt(45)
    with pytest.raises(KeyboardInterrupt):
        elmo.train(
            text, output=tmp_path / "m", epochs=3, report_steps=3, progress=False,
            callbacks=[stop], **SETTINGS,
        )  # fmt: skip
    _, lines = metrics(tmp_path / "m")
    report = as_json("info", tmp_path / "m")
    assert lines[-1]["kept"] is None and report["last"] == lines[-1]
    assert report["run"]["epoch"] == 1 and report["run"]["kept"] == 1


def test_a_picture_shows_the_lines(whole, tmp_path):
    folder = whole[0]
    drawn = plot(folder, tmp_path / "a.png", column="train_both")
    between = read_steps(folder / "run" / "metrics.csv")
    assert drawn["runs"][0]["best"] == min(row["train_both"] for row in between)
    by_character = plot(folder, tmp_path / "b.png", column="valid_per_character")
    assert 1 < by_character["runs"][0]["best"] < 60
    assert not drawn["notes"] and not by_character["notes"]


def test_runs_with_other_vocabularies_are_not_compared_silently(whole, text, tmp_path):
    few = tmp_path / "few"
    elmo.train(text, valid=text, output=few, epochs=1, max_vocabulary=9, progress=False, **SETTINGS)
    shown = invoke("plot", whole[0], few, "-o", tmp_path / "a.png").output
    assert "the runs' vocabularies or texts differ" in shown
    assert "--column valid_per_character" in shown
    command = ("plot", whole[0], few, "-o", tmp_path / "b.png", "--column", "valid_per_character")
    assert "differ" not in invoke(*command).output


def test_tensorboard_gets_the_lines(text, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    callback = trackers.tensorboard(tmp_path / "events")
    elmo.train(
        text, output=tmp_path / "m", epochs=1, report_steps=7, progress=False,
        callbacks=[callback], **SETTINGS,
    )  # fmt: skip
    events = accumulator.EventAccumulator(str(tmp_path / "events")).Reload()
    tensors = events.Tags()["tensors"]
    found = events.Tensors("train_both") if tensors else events.Scalars("train_both")
    assert [event.step for event in found] == [row["step"] for row in metrics(tmp_path / "m")[1]]


@pytest.fixture
def begun(text, tmp_path):
    """A run that was stopped in its first epoch."""
    with pytest.raises(KeyboardInterrupt):
        elmo.train(
            text, output=tmp_path / "begun", epochs=2, progress=False, callbacks=[Interrupt(5)],
            **SETTINGS,
        )  # fmt: skip
    return tmp_path / "begun"


def test_commands_say_that_a_run_has_no_model_yet(begun, text, tmp_path):
    for words in (
        ("info", begun),
        ("evaluate", begun, text),
        ("embed", begun, text, "-o", tmp_path / "v.hdf5"),
        ("convert", begun, tmp_path / "c", "--to", "allennlp"),
        ("train", text, "--from", begun, "-o", tmp_path / "n"),
    ):
        said = refused(*words)
        assert "no model yet, the first is kept after an epoch" in said, words
        assert "come to step 5 of" in said and f"-o {begun} and --resume goes on" in said
    with pytest.raises(FormatError, match="name its folder"):
        elmo.load(begun / "run")
    shutil.rmtree(begun / "run" / "checkpoints")
    assert "no checkpoint yet" in refused("info", begun)


def test_a_model_to_begin_from_is_not_taken_for_the_run_s(whole, text, tmp_path):
    """Until there is a checkpoint `run/start` is the only folder with weights."""
    stop = Interrupt(5)
    with pytest.raises(KeyboardInterrupt):
        elmo.train(
            text, output=tmp_path / "m", start_from=whole[0], progress=False, callbacks=[stop],
            batch_size=2, window=5,
        )  # fmt: skip
    shutil.rmtree(tmp_path / "m" / "run" / "checkpoints")
    assert "no model yet" in refused("info", tmp_path / "m")
    assert elmo.load(tmp_path / "m" / "run" / "start").config.lstm.dim == SETTINGS["dim"]


def test_a_model_of_an_unfinished_run_is_told_of(whole, text, tmp_path, caplog):
    folder = tmp_path / "m"
    elmo.train(text, output=folder, epochs=1, progress=False, **SETTINGS)
    steps = int(read_metrics(folder / "run" / "metrics.csv")[-1]["step"])
    assert as_json("info", folder)["unfinished"] is None
    caplog.clear()
    elmo.load(folder)
    assert not caplog.messages
    with pytest.raises(KeyboardInterrupt):
        elmo.train(
            text, output=folder, resume=True, epochs=3, progress=False, callbacks=[Interrupt(4)]
        )
    elmo.load(folder)
    (said,) = caplog.messages
    assert f"come to step {steps + 4:,} of {3 * steps:,}" in said and "--resume goes on" in said
    report = as_json("info", folder)
    wanted = {"folder": str(folder), "step": steps + 4, "total": 3 * steps}
    assert report["unfinished"] == wanted
    assert f"step {steps + 4:,}" in invoke("info", folder).output
    shutil.rmtree(folder / "run" / "checkpoints")
    assert as_json("info", folder)["unfinished"] is None


def test_the_files_open_in_any_reader_of_csv(whole):
    for name in ("metrics.csv", "steps.csv"):
        with (whole[0] / "run" / name).open(newline="") as file:
            head, *lines = csv.reader(file)
        assert head[:9] == [
            "epoch", "step", "tokens", "seconds", "train_forward", "train_backward", "train_both",
            "valid_forward", "valid_backward",
        ]  # fmt: skip
        assert all(len(line) == len(head) for line in lines)
