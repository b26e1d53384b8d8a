"""Whole trainings: what is left of them, and how they go on after a stop."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

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
    assert loaded.evaluate(valid).both == pytest.approx(rows[-1]["valid_both"], rel=0.05)
    assert loaded.state == "carry"
    np.testing.assert_array_equal(model.embed(["w1 w2"])[0], loaded.embed(["w1 w2"])[0])


def test_the_same_seed_gives_the_same_bytes(text, tmp_path):
    dropout = {"dropout": 0.2, "word_dropout": 0.1, "recurrent_dropout": 0.1}
    for name in "ab":
        elmo.train(text, output=tmp_path / name, epochs=1, progress=False, **SETTINGS, **dropout)
    one, other = ((tmp_path / name / "weights.hdf5").read_bytes() for name in "ab")
    assert one == other


def test_the_best_by_validation_is_kept_and_patience_stops(text, tmp_path):
    """Validation on the rarest words: the better the training text is known, the worse it gets."""
    rare = text.read_text().split()
    rare = sorted(set(rare), key=rare.count)[:4]
    valid = tmp_path / "valid.txt"
    valid.write_text(f"{' '.join(rare)}\n" * 5, encoding="utf-8")
    model = elmo.train(
        text, valid=valid, output=tmp_path / "m", epochs=20, patience=2, progress=False,
        learning_rate=0.5, **SETTINGS,
    )  # fmt: skip
    rows = read_metrics(tmp_path / "m" / "run" / "metrics.csv")
    perplexities = [row["valid_both"] for row in rows]
    best = int(np.argmin(perplexities))
    assert len(rows) == best + 3 < 20
    found = model.evaluate(valid, state="carry").both
    distances = [abs(np.log(found / p)) for p in perplexities]
    assert int(np.argmin(distances)) == best


def test_a_loss_that_is_not_finite_stops_the_run(text, tmp_path, monkeypatch):
    from elmo.training.batches import Batches

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


def test_ctrl_c_saves_first_and_resume_ends_with_the_same_bytes(text, tmp_path):
    import keras

    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 11:
                os.kill(os.getpid(), signal.SIGINT)

    settings = {**SETTINGS, "epochs": 2, "progress": False, "dropout": 0.1}
    elmo.train(text, output=tmp_path / "whole", **settings)
    with pytest.raises(KeyboardInterrupt, match="stopped at step"):
        elmo.train(text, output=tmp_path / "broken", callbacks=[Interrupt()], **settings)
    elmo.train(text, output=tmp_path / "broken", resume=True, progress=False)
    for name in ("weights.hdf5", "options.json", "vocab.txt"):
        one, other = ((tmp_path / run / name).read_bytes() for run in ("whole", "broken"))
        assert one == other, name


CHILD = """
import sys, elmo
elmo.train(sys.argv[1], output=sys.argv[2], resume=sys.argv[3] == "resume", progress=False,
           checkpoint_minutes=1e-6, **({} if sys.argv[3] == "resume" else dict(
           epochs=3, dropout=0.1, dim=6, projection_dim=4, negatives=10, batch_size=2, window=5)))
"""


def start(text, folder, how):
    source = Path(elmo.__file__).parent.parent
    environment = {
        **os.environ,
        "PYTHONPATH": str(source),
        # All of them compile the same step: what one has compiled serves the next.
        "JAX_COMPILATION_CACHE_DIR": str(text.parent / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2",
    }
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(text), str(folder), how],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def finish(process):
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said.decode()


def wait_for(condition, process, seconds=240):
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < until, "the run does not get there"
        time.sleep(0.0005)


def test_kill_9_at_seeded_moments_and_while_a_checkpoint_is_written(text, tmp_path):
    """However often it is killed, a run that is resumed ends with the bytes of one left alone."""
    whole = start(text, tmp_path / "whole", "new")
    finish(whole)

    folder = tmp_path / "broken"
    checkpoints = folder / "run" / "checkpoints"

    def newest():
        steps = [int(p.name[5:]) for p in checkpoints.glob("step-*")]
        return max(steps, default=0)

    def writing():
        return any(checkpoints.glob(".step-*.part"))

    rng = np.random.default_rng(0)
    how, reached = "new", 0
    for kill in range(3):
        process = start(text, folder, how)
        target = reached + int(rng.integers(5, 40))
        wait_for(lambda goal=target: newest() >= goal, process)
        if kill == 1:
            wait_for(writing, process)
        process.kill()
        process.communicate()
        how, reached = "resume", newest()
    last = start(text, folder, "resume")
    finish(last)
    for name in ("weights.hdf5", "vocab.txt", "options.json"):
        one, other = ((tmp_path / run / name).read_bytes() for run in ("whole", "broken"))
        assert one == other, name
    assert len(read_metrics(folder / "run" / "metrics.csv")) == 3


def test_a_damaged_checkpoint_is_passed_over(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=3)
    for step in (1, 2, 3):
        checkpoints.save(step, {"a": np.full(1000, float(step))}, {"step": step})
    checkpoints.wait()
    path = tmp_path / "step-000000003" / "arrays.npz"
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2] ^= 255
    path.write_bytes(damaged)
    (tmp_path / "step-000000002" / "progress.json").write_text("{")
    with pytest.warns(UserWarning, match="going back to the one before"):
        arrays, progress = checkpoints.latest()
    assert progress == {"step": 1}
    assert (arrays["a"] == 1.0).all()
    (tmp_path / "step-000000001" / "arrays.npz").write_bytes(b"")
    with warnings.catch_warnings(), pytest.raises(CheckpointError, match="every checkpoint"):
        warnings.simplefilter("ignore")
        checkpoints.latest()


def test_only_the_last_checkpoints_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path, keep=2)
    for step in range(5):
        checkpoints.save(step, {"a": np.zeros(2)}, {})
    checkpoints.close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000000003", "step-000000004"]


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
    with pytest.raises(ValueError, match="another text"):
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
