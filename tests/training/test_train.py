"""Whole trainings: what is left of them, and how they go on after a stop."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

import elmo
from elmo.config import ConfigError
from elmo.training.checkpoint import CheckpointError, Checkpoints
from elmo.training.loop import NonFiniteLossError
from elmo.training.report import read_metrics

SETTINGS = {"dim": 6, "projection_dim": 4, "negatives": 10, "batch_size": 2, "window": 5}


def write_text(path, n=60, seed=0):
    rng = np.random.default_rng(seed)
    lines = [
        " ".join(f"w{min(int(k), 20)}" for k in rng.zipf(1.5, rng.integers(1, 12)))
        for _ in range(n)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def text(tmp_path):
    return write_text(tmp_path / "text.txt")


def test_a_run_leaves_a_model_and_its_story(text, tmp_path):
    valid = write_text(tmp_path / "valid.txt", 10, seed=1)
    folder = tmp_path / "model"
    model = elmo.train(
        text, valid=valid, test=valid, output=folder, epochs=3, progress=False, **SETTINGS
    )
    top = {p.name for p in folder.iterdir()}
    assert {"options.json", "weights.hdf5", "vocab.txt", "run"} <= top
    rows = read_metrics(folder / "run" / "metrics.csv")
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    n = sum(len(line.split()) + 1 for line in text.read_text().splitlines())
    assert [row["tokens"] for row in rows] == [n, 2 * n, 3 * n]
    assert all(row["valid_both"] == row["test_both"] for row in rows)
    assert rows[-1]["valid_both"] < rows[0]["valid_both"]
    assert (folder / "run" / "curve.png").read_bytes().startswith(b"\x89PNG")
    loaded = elmo.load(folder)
    one, other = (m.evaluate(valid, state="reset") for m in (model, loaded))
    assert one.both == other.both
    # In training the stream is evaluated in rows; one row differs by their cold starts alone.
    evaluation = loaded.evaluate(valid)
    assert evaluation.both == pytest.approx(rows[-1]["valid_both"], rel=0.05)
    assert loaded.evaluate(valid, valid).tokens == 2 * evaluation.tokens
    assert loaded.state == "carry"
    np.testing.assert_array_equal(model.embed(["w1 w2"])[0], loaded.embed(["w1 w2"])[0])


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        pytest.param(
            {"dim": 128, "projection_dim": 64, "batch_size": 8, "window": 20, "max_steps": 4},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["small", "large enough for products in several threads"],
)
def test_the_same_seed_gives_the_same_bytes(sizes, text, tmp_path):
    settings = {**SETTINGS, "dropout": 0.2, "word_dropout": 0.1, "recurrent_dropout": 0.1, **sizes}
    for name in "ab":
        elmo.train(text, output=tmp_path / name, epochs=1, progress=False, **settings)
    one, other = ((tmp_path / name / "weights.hdf5").read_bytes() for name in "ab")
    assert one == other


def test_the_best_by_validation_is_kept_and_patience_stops(text, tmp_path):
    """Validation on the rarest words: the better the training text is known, the worse it gets."""
    rare = text.read_text().split()
    rare = sorted(set(rare), key=rare.count)[:4]
    valid = tmp_path / "valid.txt"
    valid.write_text(f"{' '.join(rare)}\n" * 5, encoding="utf-8")
    weights = []

    class Seen(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            named = self.model.network.named_weights()
            weights.append({name: np.array(v) for name, v in named.items()})

    model = elmo.train(
        text, valid=valid, output=tmp_path / "m", epochs=20, patience=2, progress=False,
        learning_rate=0.5, callbacks=[Seen()], **SETTINGS,
    )  # fmt: skip
    rows = read_metrics(tmp_path / "m" / "run" / "metrics.csv")
    best = int(np.argmin([row["valid_both"] for row in rows]))
    assert len(weights) == len(rows) == best + 3 < 20
    for name, variable in model.network.named_weights().items():
        np.testing.assert_array_equal(np.array(variable), weights[best][name], err_msg=name)
    assert any((weights[best][name] != weights[-1][name]).any() for name in weights[best])


def test_a_loss_that_is_not_finite_stops_the_run(text, tmp_path, monkeypatch):
    from elmo.training.batches.batches import Batches

    honest = Batches.batch

    def poisoned(self, number):
        batch = honest(self, number)
        if number == 7:
            batch["target_log_expected"] = batch["target_log_expected"] + np.float32("nan")
        return batch

    monkeypatch.setattr(Batches, "batch", poisoned)
    with pytest.raises(NonFiniteLossError, match="lower learning_rate"):
        elmo.train(text, output=tmp_path / "m", epochs=1, progress=False, **SETTINGS)
    arrays, _ = Checkpoints(tmp_path / "m" / "run" / "checkpoints").latest()
    assert all(np.isfinite(a).all() for a in arrays.values() if a.dtype.kind == "f")


@pytest.mark.parametrize("way", ["a step a call", "three steps a call", "directions apart"])
def test_ctrl_c_saves_first_and_resume_ends_with_the_same_bytes(way, text, tmp_path, monkeypatch):
    if way == "directions apart":
        if keras.backend.backend() != "jax":
            pytest.skip("how JAX makes a step")
        monkeypatch.setattr("elmo.training.steps.jax_directions.FEWEST_CELLS", 1)

    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 11:
                os.kill(os.getpid(), signal.SIGINT)

    settings = {**SETTINGS, "epochs": 2, "progress": False, "dropout": 0.1}
    settings["steps_per_execution"] = 3 if way == "three steps a call" else 1
    elmo.train(text, output=tmp_path / "whole", **settings)
    with pytest.raises(KeyboardInterrupt, match="stopped at step"):
        elmo.train(text, output=tmp_path / "broken", callbacks=[Interrupt()], **settings)
    elmo.train(text, output=tmp_path / "broken", resume=True, progress=False)
    for name in ("weights.hdf5", "options.json", "vocab.txt"):
        one, other = ((tmp_path / run / name).read_bytes() for run in ("whole", "broken"))
        assert one == other, name


NURSERY = """
import os, sys
import elmo, elmo.runs.train, matplotlib.figure
import elmo.training.steps.jax_directions

elmo.training.steps.jax_directions.FEWEST_CELLS = 1  # as if the model were large

for line in sys.stdin:
    how, text, folder = line.split()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        settings = {} if how == "resume" else dict(
            epochs=3, dropout=0.1, dim=6, projection_dim=4, negatives=10, batch_size=2, window=5)
        elmo.train(text, valid=text, output=folder, resume=how == "resume", progress=False,
                   checkpoint_minutes=1e-6, **settings)
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""


class Nursery:
    """A process that has imported everything, and a child of it for each training."""

    def __init__(self, folder):
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(elmo.__file__).parent.parent),
            # All of them compile the same step: what one has compiled serves the next.
            "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
            "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        }
        self.errors = open(folder / "errors.txt", "w+")  # noqa: SIM115 - closed below
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", NURSERY],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def start(self, how, text, folder):
        """The process id of a new training."""
        print(how, text, folder, file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def status(self):
        """How the training has ended; waits for it."""
        return int(self.process.stdout.readline())

    def close(self):
        self.process.communicate(timeout=60)
        self.errors.close()


@pytest.fixture
def nursery(tmp_path):
    nursery = Nursery(tmp_path)
    yield nursery
    nursery.close()


def wait_for(condition, pid, seconds=240):
    until = time.monotonic() + seconds
    while not condition():
        assert Path(f"/proc/{pid}").exists() or not Path("/proc").exists(), "it has ended early"
        assert time.monotonic() < until, "the run does not get there"
        time.sleep(0.0005)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND", "jax") != "jax",
    reason="once, on the backend that is the default",
)
def test_kill_9_at_ten_moments_and_while_a_checkpoint_is_written(text, tmp_path, nursery):
    """However often it is killed, a run that is resumed ends with the bytes of one left alone."""
    whole, folder = tmp_path / "whole", tmp_path / "broken"
    nursery.start("new", text, whole)
    assert nursery.status() == 0, nursery.said()
    checkpoints = folder / "run" / "checkpoints"

    def numbers():
        return sorted(int(p.name[5:]) for p in checkpoints.glob("step-*"))

    def newest():
        return max(numbers(), default=0)

    def writing():
        return any(checkpoints.glob(".step-*.part"))

    rng = np.random.default_rng(0)
    in_all = json.loads((whole / "run" / "settings.json").read_text())
    in_all = int(read_metrics(whole / "run" / "metrics.csv")[-1]["step"])
    goals = np.sort(rng.choice(np.arange(1, in_all - 8), 10, replace=False)).tolist()
    while_writing = 0
    for number, goal in enumerate(goals):
        if number == 5:  # the newest is damaged: the one before it must do
            path = checkpoints / f"step-{newest():09d}" / "arrays.npz"
            path.write_bytes(path.read_bytes()[:-100])
        pid = nursery.start("resume" if number else "new", text, folder)
        wait_for(lambda goal=goal: newest() >= goal, pid)
        if number % 3 == 1:
            wait_for(writing, pid)
        else:
            time.sleep(rng.uniform(0, 0.05))
        os.kill(pid, signal.SIGKILL)
        assert nursery.status() == signal.SIGKILL, nursery.said()
        while_writing += writing()
    assert while_writing >= 1
    nursery.start("resume", text, folder)
    assert nursery.status() == 0, nursery.said()
    assert nursery.said().count("going back to the one before") == 1
    for name in ("weights.hdf5", "vocab.txt", "options.json"):
        one, other = ((run / name).read_bytes() for run in (whole, folder))
        assert one == other, name
    metrics = [read_metrics(run / "run" / "metrics.csv") for run in (whole, folder)]
    for one, other in zip(*metrics, strict=True):
        assert one["valid_both"] == other["valid_both"] and one["tokens"] == other["tokens"]
    best = min(metrics[0], key=lambda row: row["valid_both"])["step"]
    assert {int(best), in_all} <= set(numbers())


def test_a_damaged_checkpoint_is_passed_over(tmp_path, caplog):
    checkpoints = Checkpoints(tmp_path, keep=3)
    for step in (1, 2, 3):
        checkpoints.save(step, {"a": np.full(1000, float(step))}, {"step": step})
    checkpoints.wait()
    path = tmp_path / "step-000000003" / "arrays.npz"
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 255
    path.write_bytes(damaged)
    (tmp_path / "step-000000002" / "progress.json").write_text("{")
    arrays, progress = checkpoints.latest()
    assert [f"step-00000000{k}" in m for k, m in zip((3, 2), caplog.messages, strict=True)]
    assert all("going back to the one before" in message for message in caplog.messages)
    assert progress == {"step": 1}
    assert (arrays["a"] == 1.0).all()
    (tmp_path / "step-000000001" / "arrays.npz").write_bytes(b"")
    with pytest.raises(CheckpointError, match="every checkpoint"):
        checkpoints.latest()


def test_only_the_last_checkpoints_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step in range(5):
        checkpoints.save(step, {"a": np.zeros(2)}, {})
    checkpoints.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000000003", "step-000000004"]


def test_the_best_is_kept_besides_the_last(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=1)
    for step, best in enumerate([None, 1, 1, 1, 4, 4]):
        checkpoints.save(step, {"a": np.zeros(2)}, {}, best=best)
        checkpoints.wait()
        kept = sorted(int(p.name[5:]) for p in tmp_path.iterdir())
        assert kept == sorted({step} | ({best} - {None}))
    checkpoints.close()


def test_a_disk_that_is_full_for_a_while_does_not_stop_a_training(
    text, tmp_path, monkeypatch, caplog
):
    """Neither a checkpoint nor the curve nor the best model that cannot be written stops it."""
    import elmo.training.loop as loop

    honest, tries = {"savez": np.savez, "plot": loop.plot_curve}, []

    def full(name):
        def write(*args, **kwargs):
            tries.append(name)
            if tries.count(name) == 1:
                raise OSError(28, "No space left on device")
            return honest[name](*args, **kwargs)

        return write

    settings = {**SETTINGS, "epochs": 2, "progress": False}
    elmo.train(text, output=tmp_path / "whole", **settings)
    monkeypatch.setattr(np, "savez", full("savez"))
    monkeypatch.setattr(loop, "plot_curve", full("plot"))
    honest_save = elmo.BiLM.save
    honest["save"] = honest_save
    monkeypatch.setattr(elmo.BiLM, "save", full("save"))
    elmo.train(text, output=tmp_path / "full", **settings)
    one, other = ((tmp_path / run / "weights.hdf5").read_bytes() for run in ("whole", "full"))
    assert one == other
    told = [message for message in caplog.messages if "could not be written" in message]
    said = "\n".join(told)
    assert len(told) == 3 and said.count("training goes on") == 3
    for what in ("curve.png", "the best model so far", "checkpoint of step"):
        assert what in said
    # At the end there is nothing left that could be better: the model must be there.
    tries.clear()
    with pytest.raises(OSError, match="No space left"):
        elmo.train(text, output=tmp_path / "lost", **{**settings, "max_steps": 2})
    assert not (tmp_path / "lost" / "weights.hdf5").exists()


def test_a_full_disk_leaves_the_checkpoints_before_it(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(1, {"a": np.zeros(2)}, {})
    checkpoints.wait()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    checkpoints.save(2, {"a": np.zeros(2)}, {})
    with pytest.raises(OSError, match=r"step 2 .*No space left.*whole"):
        checkpoints.wait()
    assert [p.name for p in tmp_path.iterdir()] == ["step-000000001"]


def test_what_is_there_is_not_overwritten(text, tmp_path):
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="--overwrite"):
        elmo.train(text, output=tmp_path / "m", progress=False, **SETTINGS)
    assert (tmp_path / "m" / "thesis.txt").read_text() == "years of work"


def test_a_run_of_another_text_is_not_resumed(text, tmp_path):
    elmo.train(text, output=tmp_path / "m", max_steps=2, progress=False, **SETTINGS)
    other = write_text(tmp_path / "other.txt", seed=9)
    with pytest.raises(ValueError, match="trained on a different text"):
        elmo.train(other, output=tmp_path / "m", resume=True, progress=False)
    with pytest.raises(FileNotFoundError, match="no run to resume"):
        elmo.train(text, output=tmp_path / "nothing", resume=True, progress=False)


def test_a_file_of_settings_must_agree_with_the_run_that_is_resumed(text, tmp_path):
    config = tmp_path / "a.toml"
    config.write_text("dim = 6\nprojection_dim = 4\nepochs = 2\nclip_norm = 10.0\n")
    rest = {"negatives": 10, "batch_size": 2, "window": 5, "progress": False}
    elmo.train(text, output=tmp_path / "m", config=config, max_steps=2, **rest)
    elmo.train(text, output=tmp_path / "m", config=config, resume=True, max_steps=4, progress=False)
    config.write_text("dim = 7\nprojection_dim = 4\nepochs = 3\nseed = 1\n")
    with pytest.raises(ConfigError, match=r"dim=7 \(the run has 6\), seed=1 \(the run has 0\)"):
        elmo.train(text, output=tmp_path / "m", config=config, resume=True, epochs=3)


def test_a_learning_rate_given_on_resume_takes_effect(text, tmp_path):
    run = tmp_path / "m"
    options = {"output": run, "progress": False}
    elmo.train(text, max_steps=2, **options, **SETTINGS)
    elmo.train(text, resume=True, max_steps=4, learning_rate=0.01, **options)
    arrays, state = Checkpoints(run / "run" / "checkpoints").latest()
    assert state["metrics"][-1]["learning_rate"] == pytest.approx(0.01)
    assert sum(np.isclose(a, 0.01).all() for n, a in arrays.items() if n.startswith("optim")) == 1


@pytest.mark.parametrize("schedule", ["linear", pytest.param("cosine", marks=pytest.mark.slow)])
def test_a_peak_given_on_resume_takes_effect_where_the_schedule_is(schedule, text, tmp_path):
    settings = {**SETTINGS, "schedule": schedule, "warmup_steps": 2, "progress": False}
    rates = []
    elmo.train(text, output=tmp_path / "begun", max_steps=3, **settings)
    for name, peak in (("same", 0.2), ("half", 0.1)):
        run = shutil.copytree(tmp_path / "begun", tmp_path / name)
        elmo.train(text, output=run, resume=True, max_steps=6, learning_rate=peak, progress=False)
        # At the end the schedule is at zero; what a step moved shows in the sums of the way there.
        state = Checkpoints(run / "run" / "checkpoints").latest()[0]
        rates.append(state["weights/token_encoder/embedding"])
    assert (rates[0] != rates[1]).any()


def test_what_may_not_change_on_resume_is_named_and_harms_nothing(text, tmp_path):
    options = {"output": tmp_path / "m", "progress": False}
    elmo.train(text, max_steps=2, **options, **SETTINGS)
    kept = (tmp_path / "m" / "run" / "settings.json").read_bytes()
    for wrong, said in (
        ({"batch_size": 4}, r"batch_size=4 \(the run has 2\)"),
        ({"dim": 8, "epochs": 3}, r"dim=8 \(the run has 6\): stays .* may change are epochs"),
        ({"optimizer": "adam"}, "optimizer='adam'"),
        ({"seed": 3}, "seed=3"),
    ):
        with pytest.raises(ConfigError, match=said):
            elmo.train(text, resume=True, **wrong, **options)
        assert (tmp_path / "m" / "run" / "settings.json").read_bytes() == kept
    elmo.train(text, resume=True, max_steps=4, batch_size=2, **options)


def test_settings_are_kept_only_when_the_checkpoint_has_taken_them(text, tmp_path, monkeypatch):
    options = {"output": tmp_path / "m", "progress": False}
    elmo.train(text, max_steps=2, **options, **SETTINGS)
    with monkeypatch.context() as patch:

        def refuse(*args):
            raise CheckpointError("of another model")

        patch.setattr("elmo.training.loop.restore", refuse)
        with pytest.raises(CheckpointError):
            elmo.train(text, resume=True, max_steps=9, **options)
    kept = json.loads((tmp_path / "m" / "run" / "settings.json").read_text())
    assert kept["settings"]["max_steps"] == 2


def test_overwrite_loses_nothing_where_the_new_text_is_bad(text, tmp_path):
    folder = tmp_path / "m"
    options = {"output": folder, "progress": False, **SETTINGS}
    elmo.train(text, max_steps=2, **options)

    def files():
        return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}

    before = files()
    (tmp_path / "bad.txt").write_bytes(b"a b\n\xff\n")
    for bad, valid in (("none.txt", None), ("bad.txt", None), ("text.txt", tmp_path / "bad.txt")):
        with pytest.raises((OSError, ValueError)):
            elmo.train(tmp_path / bad, valid=valid, overwrite=True, **options)
        assert files() == before
    elmo.train(text, overwrite=True, max_steps=3, **options)
    kept = json.loads((folder / "run" / "settings.json").read_text())
    assert kept["settings"]["max_steps"] == 3 and not (folder / ".run.old").exists()


@pytest.mark.parametrize("content", ["", '{"settings": {"dim"', "[]"])
def test_damaged_settings_of_a_run_are_told(content, text, tmp_path):
    (tmp_path / "m" / "run").mkdir(parents=True)
    (tmp_path / "m" / "run" / "settings.json").write_text(content)
    with pytest.raises(ValueError, match=r"settings\.json: damaged.*--overwrite"):
        elmo.train(text, output=tmp_path / "m", resume=True, progress=False)


def test_a_lower_cased_vocabulary_of_ids_is_resumed_as_it_was(tmp_path):
    """Such a vocabulary says by its words alone that it is lower-cased."""
    text = tmp_path / "t.txt"
    text.write_text("The Cat saw a DOG\n" * 30, encoding="utf-8")
    words = ["<pad>", "<unk>", "<bos>", "<eos>", "the", "cat", "saw", "a"]
    vocabulary = tmp_path / "v.vocab"
    vocabulary.write_text("".join(f"{w} {i}\n" for i, w in enumerate(words)), encoding="utf-8")
    settings = {**SETTINGS, "negatives": 4, "vocabulary": str(vocabulary), "progress": False}
    elmo.train(text, output=tmp_path / "m", max_steps=2, **settings)
    model = elmo.train(text, output=tmp_path / "m", resume=True, max_steps=4, progress=False)
    assert model.vocabulary.lowercase
    assert model.evaluate(text).unknown_share == pytest.approx(1 / 6)
    kept = json.loads((tmp_path / "m" / "run" / "settings.json").read_text())
    assert kept["lowercase"] is True


def test_an_unknown_setting_is_named(text, tmp_path):
    with pytest.raises(ConfigError, match="did you mean 'epochs'"):
        elmo.train(text, output=tmp_path / "m", epoch=3)
    assert not (tmp_path / "m").exists()
