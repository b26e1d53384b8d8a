"""Killed at any moment and resumed, an output has the bytes of an undisturbed run."""

import json
import os
import random
import resource
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
from keras.config import backend

from elmo.bulk import preparing
from elmo.embed.embedder import Embedder
from elmo.system.output import OutputError
from elmo.text.corpus import Corpus
from elmo.text.encoding import SentenceEncoder
from elmo.vectors.reading import read_vectors
from tests.embed.helpers import CONFIGS, NumpyEngine, embed_file, network

CONFIG = CONFIGS["characters"]
SENTENCES = [[f"w{(7 * i + j) % 23}" for j in range(i % 9)] for i in range(60)]
PARTS = {"part_tokens": 40}


def contents(folder):
    """Every file under a folder: its name and its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def embedder():
    engine = NumpyEngine(CONFIG)
    return Embedder(network(CONFIG), SentenceEncoder(characters=50), engine=engine)


@pytest.fixture(scope="module")
def killer():
    """A function that runs an embedding in a process, which it kills."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.bulk.killed"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )

    def run(output, after=None, call=None, **options):
        options |= {"output": str(output), "part_tokens": 120}
        process.stdin.write(json.dumps({"options": options, "after": after, "call": call}) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    with process:
        yield run
        process.stdin.close()


@pytest.mark.parametrize("name", ["v.hdf5", "v.parquet", "v.npy", "v.safetensors", "v.npz"])
def test_killed_and_resumed(killer, tmp_path, name):
    for folder in ("whole", "killed"):
        (tmp_path / folder).mkdir()
    whole = killer(tmp_path / "whole" / name)
    assert whole["status"] == 0
    expected = contents(tmp_path / "whole")
    assert sum(map(len, expected.values())) > 30_000
    target, draw = tmp_path / "killed", random.Random(name)
    often = name in ("v.hdf5", "v.parquet")
    for by_clock in (False,) * (3 if often else 2) + (True,) * (2 if often else 0):
        kills = 0
        for _ in range(2):  # the second one hits a run that goes on
            moment = {"after": draw.uniform(0, whole["seconds"])}
            if not by_clock:
                moment = {"call": draw.randrange(1, whole["calls"] + 1)}
            status = killer(target / name, resume=True, **moment)["status"]
            assert status in (0, -9)
            kills += status == -9
        assert kills or by_clock
        assert killer(target / name, resume=True)["status"] == 0
        assert contents(target) == expected
        shutil.rmtree(target)
        target.mkdir()


class Stop(Exception):
    """What a test stops an embedding with."""


def stop_after(sentences):
    def progress(done, tokens):
        if done >= sentences:
            raise Stop

    return progress


def stopped(embedder, output, sentences=SENTENCES, **options):
    with pytest.raises(Stop):
        embed_file(embedder, sentences, output, progress=stop_after(25), **PARTS, **options)
    return output.with_name(output.name + ".unfinished")


@pytest.mark.parametrize("name", ["v.hdf5", "v.parquet"])
def test_parts_that_are_done_are_not_done_again(embedder, tmp_path, name):
    embed_file(embedder, SENTENCES, tmp_path / f"whole.{name}", **PARTS)
    output = tmp_path / f"other.{name}"
    assert stopped(embedder, output).is_dir() and not output.exists()
    read = []
    embedder.embed_iter = lambda *a, **k: read.append(1) or Embedder.embed_iter(embedder, *a, **k)
    report = embed_file(embedder, SENTENCES, output, resume=True, **PARTS)
    assert 0 < report.resumed < report.parts and len(read) == report.parts - report.resumed
    assert (report.sentences, report.tokens) == (60, sum(map(len, SENTENCES)))
    assert report.encoding.tokens == report.tokens and report.encoding.sentences == 60
    first, second = tmp_path / f"whole.{name}", output
    if first.is_dir():
        assert contents(first) == contents(second)
    else:
        assert first.read_bytes() == second.read_bytes()
    # Once more: it is whole already.
    read.clear()
    again = embed_file(embedder, SENTENCES, output, resume=True, **PARTS)
    assert again.bytes == report.bytes and not read
    assert not list(tmp_path.glob("*.unfinished"))


def test_another_run_is_not_gone_on_with(embedder, tmp_path):
    output = tmp_path / "v.hdf5"
    place = stopped(embedder, output)
    kept = contents(place)
    for options, words in (
        ({"layers": "top"}, "layers='all', and this run has layers='top'"),
        ({"dtype": "float16"}, "dtype='float32', and this run has dtype='float16'"),
        ({"part_tokens": 41}, "part_tokens=40, and this run has part_tokens=41"),
        ({"jobs": 1}, "threads="),
    ):
        with pytest.raises(OutputError, match=words):
            embed_file(embedder, SENTENCES, output, resume=True, **{**PARTS, **options})
    with pytest.raises(OutputError, match="another text"):
        embed_file(embedder, SENTENCES[:-1], output, resume=True, **PARTS)
    other = Embedder(
        network(CONFIG, seed=1), SentenceEncoder(characters=50), engine=NumpyEngine(CONFIG)
    )
    with pytest.raises(OutputError, match="another model"):
        embed_file(other, SENTENCES, output, resume=True, **PARTS)
    assert contents(place) == kept
    with pytest.raises(FileExistsError, match="unfinished run; resume it"):
        embed_file(embedder, SENTENCES, output, **PARTS)
    assert embed_file(embedder, SENTENCES, output, overwrite=True, **PARTS).resumed == 0
    with pytest.raises(OutputError, match="layers='all', and this run has layers='top'"):
        embed_file(embedder, SENTENCES, output, resume=True, layers="top", **PARTS)
    with h5py.File(output, "a") as file:
        del file.attrs["elmo"]
    with pytest.raises(FileExistsError, match="does not say what it holds"):
        embed_file(embedder, SENTENCES, output, resume=True, **PARTS)


@pytest.mark.numerics
@pytest.mark.skipif(backend() == "tensorflow", reason="the same, and run on PyTorch's backend")
def test_one_engine_does_not_go_on_for_the_other(tmp_path):
    pytest.importorskip("torch")
    encoder, words = network(CONFIG), SentenceEncoder(characters=50)
    keras, torch = (Embedder(encoder, words, engine=engine) for engine in ("keras", "torch"))
    output = tmp_path / "v.npy"
    stopped(torch, output)
    with pytest.raises(OutputError, match="engine='torch', and this run has engine='keras'"):
        embed_file(keras, SENTENCES, output, resume=True, **PARTS)
    assert embed_file(torch, SENTENCES, output, resume=True, **PARTS).resumed
    embed_file(torch, SENTENCES, tmp_path / "whole.npy", **PARTS)
    assert contents(output) == contents(tmp_path / "whole.npy")


def test_carried_state_goes_on(tmp_path):
    embedder = Embedder(network(CONFIG), SentenceEncoder(characters=50))
    carried = {"state": "carry", "batch_size": 4, "layers": "top"}
    embedder.reset_state()
    embed_file(embedder, SENTENCES, tmp_path / "whole.hdf5", **PARTS, **carried)
    embedder.reset_state()
    expected = embedder.embed(SENTENCES, **carried)
    output = tmp_path / "v.hdf5"
    embedder.reset_state()
    stopped(embedder, output, **carried)
    embedder.reset_state()
    embed_file(embedder, SENTENCES, output, resume=True, **PARTS, **carried)
    assert output.read_bytes() == (tmp_path / "whole.hdf5").read_bytes()
    vectors = read_vectors(output)
    for number, wanted in enumerate(expected):
        np.testing.assert_allclose(vectors[number], wanted, rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="jobs with state='carry'"):
        embed_file(embedder, SENTENCES, output, jobs=2, **carried)


def test_a_full_disk_keeps_what_is_done(embedder, tmp_path, monkeypatch):
    """The disk is full from the fourth part on; afterwards there is room again."""
    output = tmp_path / "v.parquet"
    real, written = os.fsync, []

    def fsync(file):
        if "part-00003" in os.readlink(f"/proc/self/fd/{file}"):
            written.append(file)
            raise OSError(28, "No space left on device")
        real(file)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OutputError) as caught:
        embed_file(embedder, SENTENCES, output, **PARTS)
    parts = len(
        list((tmp_path / "v.parquet.unfinished" / "text-00000.jsonl").parent.glob("text-*"))
    )
    assert str(caught.value) == (
        f"cannot write {output}: No space left on device; 3 of {parts} parts are kept: make room and "
        "resume (--resume)"
    )
    assert written and not output.exists()
    monkeypatch.undo()
    report = embed_file(embedder, SENTENCES, output, resume=True, **PARTS)
    assert report.resumed == 3
    embed_file(embedder, SENTENCES, tmp_path / "whole.parquet", **PARTS)
    assert contents(output) == contents(tmp_path / "whole.parquet")


def test_a_disk_that_is_too_small_is_known_before(embedder, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(preparing.shutil, "disk_usage", lambda path: usage._replace(free=9_000))
    with pytest.raises(OutputError, match=r"it will have .* kB, and the disk has 9 kB free"):
        embed_file(embedder, SENTENCES, tmp_path / "v.hdf5")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["v.hdf5", "v.npz", "v.npy", "v.safetensors", "v.parquet"])
def test_the_size_is_known_before(embedder, tmp_path, name, monkeypatch):
    seen, real = [], preparing._check_disk

    def check(*arguments):
        seen.append(real(*arguments))
        return seen[-1]

    monkeypatch.setattr(preparing, "_check_disk", check)
    report = embed_file(embedder, SENTENCES, tmp_path / name)
    if name == "v.parquet":
        assert report.bytes < seen[0] + 8_000  # packed, but a file has a foot
    else:
        assert seen[0] == pytest.approx(report.bytes, rel=0.05, abs=3_000)


def test_two_processes_do_not_write_one_output(embedder, tmp_path):
    output = tmp_path / "v.hdf5"

    def meanwhile(sentences, tokens):
        with pytest.raises(OutputError, match="another process is writing"):
            embed_file(embedder, SENTENCES, output, overwrite=True)
        raise Stop

    with pytest.raises(Stop):
        embed_file(embedder, Corpus.from_sentences(SENTENCES), output, progress=meanwhile)


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        *((name, False) for name in ("v.hdf5", "v.npz", "v.npy", "v.safetensors", "v.parquet")),
        *((name, True) for name in ("v.hdf5", "v.npy", "v.safetensors", "v.parquet")),
    ],
)
def test_a_limit_on_files_leaves_nothing(embedder, tmp_path, name, listed):
    """Whatever is written first fails; HDF5 is asked for much afterwards, and must be in order."""
    many = [[f"w{60 * i + j}" for j in range(60)] for i in range(60)]
    only = [word for words in many for word in words] if listed else None
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OutputError) as caught:
            embed_file(embedder, many, tmp_path / name, only=only, dtype="float32")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(caught.value) == (
        f"cannot write {tmp_path / name}: File too large; nothing of it was kept"
    )
    assert not list(tmp_path.iterdir())
    assert not h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE)
