"""What is read is never written over, and two processes never work in one folder."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import elmo
from elmo.formats.pretrained import write_folder
from elmo.runs.folder import LOCK, RunningError, locked
from elmo.system.files import keep_apart
from elmo.system.locks import file_lock
from tests.cli.conftest import TINY, invoke, refused
from tests.formats.helpers import character_config, model

TEXT = "w1 w2 w3\nw2 w1\n" * 20


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


@pytest.fixture
def folder(tmp_path):
    return write_folder(model(character_config(vocabulary_size=7)), tmp_path / "model")


def other_names(path, tmp_path):
    """The same file by a link, by a hard link, and by a way round."""
    os.symlink(path, tmp_path / "link")
    os.link(path, tmp_path / "hard")
    return [path, tmp_path / "link", tmp_path / "hard", path.parent / "." / path.name]


def test_an_output_that_is_the_text(text, folder, tmp_path):
    for name in other_names(text, tmp_path):
        assert "is read" in refused("vocab", text, "-o", name, "--overwrite")
        words = ("embed", folder, text, "-o", name, "--format", "npz", "--overwrite")
        assert "is read" in refused(*words)
    assert text.read_text() == TEXT


def test_counts_beside_a_vocabulary_are_an_output_too(tmp_path):
    text = tmp_path / "v.counts.txt"
    text.write_text(TEXT)
    assert "v.counts.txt, which is read" in refused(
        "vocab", text, "-o", tmp_path / "v.txt", "--overwrite"
    )
    assert text.read_text() == TEXT


def test_an_output_that_is_the_model(folder, text, tmp_path):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    weights = folder / "weights.hdf5"
    for words in (
        ("convert", folder, folder, "--overwrite"),
        ("convert", folder, tmp_path, "--overwrite"),
        ("export", folder, "-o", folder, "--overwrite"),
        ("embed", folder, text, "-o", weights, "--overwrite"),
        ("cache-tokens", folder, folder / "vocab.txt", "-o", folder / "vocab.txt", "--overwrite"),
        ("train", text, "--from", folder, "-o", folder, "--overwrite", "--quiet"),
    ):
        advice = "train further" if words[0] == "train" else "read; write elsewhere"
        assert advice in refused(*words)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_text_in_the_folder_of_a_run(text, tmp_path):
    output = tmp_path / "m"
    invoke("train", text, "-o", output, *TINY, "--max-steps", "1", "--quiet")
    kept = output / "run" / "kept.txt"
    kept.write_text(TEXT)
    words = ("train", kept, "-o", output, *TINY, "--overwrite", "--quiet")
    assert "holds" in refused(*words) and kept.read_text() == TEXT


def test_what_is_not_there_is_in_nobody_s_way(tmp_path):
    keep_apart([tmp_path / "a"], [tmp_path / "a", tmp_path / "b"])
    (tmp_path / "a").touch()
    with pytest.raises(FileExistsError, match=r"a: is .*a, which is read"):
        keep_apart([tmp_path / "a"], [tmp_path / "a", tmp_path / "b"])


def test_a_folder_is_trained_in_by_one_process(text, tmp_path):
    output = tmp_path / "m"
    with locked(output), pytest.raises(RunningError, match="another process trains"):
        elmo.train(text, output=output, overwrite=True, dim=4, projection_dim=2, progress=False)
    assert not output.exists()  # nothing was left in it
    script = (
        "import pathlib, sys\nfrom elmo.runs.folder import locked\n"
        f"with locked(pathlib.Path({str(output)!r})):\n  print('in', flush=True)\n  sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"in\n"
        for more in ((), ("--resume",), ("--overwrite",)):
            words = ("train", text, "-o", output, *TINY, "--quiet", *more)
            assert "another process trains" in refused(*words)
    finally:
        holder.kill()
        holder.communicate()
    words = ("train", text, "-o", output, *TINY, "--max-steps", "1", "--quiet")
    invoke(*words)  # the lock went with the process
    assert not (output / LOCK).exists()
    refused(*words)


def test_a_training_that_fails_leaves_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        elmo.train(tmp_path / "none.txt", output=tmp_path / "deep" / "m", progress=False)
    assert not (tmp_path / "deep" / "m").exists()


def test_a_lock_that_is_removed_and_made_anew_is_held_once(tmp_path):
    path = Path(tmp_path / "lock")
    inside, most, lock = [0], [0], threading.Lock()

    def work():
        for _ in range(200):
            with file_lock(path) as mine:
                if mine:
                    with lock:
                        inside[0] += 1
                        most[0] = max(most[0], inside[0])
                    with lock:
                        inside[0] -= 1
                    path.unlink()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]
