"""Saving: a crash at any moment leaves the old model whole or the new one."""

import os
from pathlib import Path

import pytest

from elmo.formats.pretrained import read, write_folder
from elmo.system import folders as folder_module
from elmo.system.folders import settled, write_together
from tests.formats.helpers import assert_same_weights, character_config, model, word_config


class Crash(BaseException):
    """Not an Exception, so that nothing handles it."""


@pytest.fixture
def crash_at(monkeypatch):
    """Makes the n-th step on the file system crash, and undoes that."""

    def arrange(number):
        steps = 0

        def counted(function):
            def call(*args, **more):
                nonlocal steps
                steps += 1
                if steps == number:
                    raise Crash
                return function(*args, **more)

            return call

        monkeypatch.setattr(folder_module.os, "replace", counted(os.replace))
        monkeypatch.setattr(folder_module.os, "fsync", counted(os.fsync))
        monkeypatch.setattr(folder_module.Path, "unlink", counted(Path.unlink))
        monkeypatch.setattr(folder_module.Path, "rmdir", counted(Path.rmdir))
        # A dead process tidies nothing up.
        monkeypatch.setattr(folder_module.shutil, "rmtree", lambda *args, **more: None)

    yield arrange
    monkeypatch.undo()


def test_new_folder_and_its_parents(tmp_path):
    pretrained = model(word_config())
    folder = write_folder(pretrained, tmp_path / "a" / "b", extra_files={"note.txt": "hello"})
    names = {path.name for path in folder.iterdir()}
    assert names == {"options.json", "weights.hdf5", "vocab.txt", "vocab.counts.txt", "note.txt"}
    assert [path.name for path in folder.parent.iterdir()] == ["b"]


def test_an_existing_folder_is_refused(tmp_path):
    pretrained = model(word_config())
    (tmp_path / "model").mkdir()
    folder = write_folder(pretrained, tmp_path / "model")
    before = (folder / "weights.hdf5").read_bytes()
    with pytest.raises(FileExistsError, match="overwrite it or give another"):
        write_folder(model(word_config(), seed=1), folder)
    assert (folder / "weights.hdf5").read_bytes() == before
    (tmp_path / "file").write_text("")
    with pytest.raises(FileExistsError, match="is a file"):
        write_folder(pretrained, tmp_path / "file")


def test_a_run_is_kept(tmp_path):
    run = tmp_path / "model" / "run"
    run.mkdir(parents=True)
    (run / "metrics.csv").write_text("1,2\n")
    with open(run / "metrics.csv", "a") as metrics:
        write_folder(model(word_config()), tmp_path / "model")
        new = model(character_config(), seed=1)
        write_folder(new, tmp_path / "model", overwrite=True)
        metrics.write("3,4\n")
    assert (run / "metrics.csv").read_text() == "1,2\n3,4\n"
    again = read(tmp_path / "model")
    assert_same_weights(again.weights, new.weights)
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert names == {"run", "options.json", "weights.hdf5"}, "the old vocabulary has to go"


def test_extra_files(tmp_path):
    source = tmp_path / "source"
    source.write_bytes(b"from a file")
    files = {"a": b"bytes", "b": "text", "c": source}
    folder = write_folder(model(word_config()), tmp_path / "model", extra_files=files)
    assert [(folder / name).read_text() for name in "abc"] == ["bytes", "text", "from a file"]
    for name in ("../x", "options.json", ""):
        with pytest.raises(ValueError, match="extra_files"):
            write_folder(model(word_config()), tmp_path / "other", extra_files={name: ""})
    assert not (tmp_path / "other").exists()


def test_a_crash_while_a_new_folder_is_written(tmp_path, crash_at):
    for number in range(1, 40):
        target = tmp_path / str(number)
        crash_at(number)
        try:
            write_folder(model(word_config()), target)
        except Crash:
            assert not target.exists() or len(read(target).weights) > 0
            continue
        break
    assert number > 4
    assert len(read(target).weights) > 0


def test_a_crash_while_a_folder_is_replaced(tmp_path, crash_at, monkeypatch):
    old, new = model(word_config()), model(character_config(), seed=1)
    outcomes = []
    for number in range(1, 40):
        target = tmp_path / str(number)
        write_folder(old, target)
        (target / "kept.txt").write_text("kept")
        crash_at(number)
        try:
            write_folder(new, target, overwrite=True)
            crashed = False
        except Crash:
            crashed = True
        monkeypatch.undo()
        again = read(target)
        which = new if again.config == new.config else old
        outcomes.append(which is new)
        assert_same_weights(again.weights, which.weights)
        assert again.vocabulary == which.vocabulary
        # The next write succeeds and leaves nothing behind.
        write_folder(old, target, overwrite=True)
        assert_same_weights(read(target).weights, old.weights)
        assert not [path for path in target.iterdir() if path.name.startswith(".")]
        assert (target / "kept.txt").read_text() == "kept"
        if not crashed:
            break
    assert not crashed and number > 8
    assert outcomes == sorted(outcomes), "from one moment on it is the new one"
    assert True in outcomes[:-1] and False in outcomes


def test_a_failing_write_leaves_nothing(tmp_path):
    def write(folder):
        (folder / "a").write_text("half")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError):
        write_together(tmp_path / "new", write)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a").write_text("whole")
    with pytest.raises(RuntimeError):
        write_together(tmp_path / "old", write, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert [path.read_text() for path in (tmp_path / "old").iterdir()] == ["whole"]


def test_settled_shows_removals(tmp_path):
    (tmp_path / "old.txt").write_text("")
    (tmp_path / ".complete").mkdir()
    (tmp_path / ".complete" / "new.txt").write_text("")
    (tmp_path / ".complete" / ".removed.json").write_text('["old.txt"]')
    with settled(tmp_path) as view:
        names = {path.name for path in view.iterdir() if not path.name.startswith(".")}
        assert names == {"new.txt"}
