"""Several worker processes: the same bytes whatever their number, and no process left behind."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from keras.config import backend

from elmo.bilm.weights import get_weights
from elmo.bulk import workers as jobs
from elmo.bulk.workers import WorkerError
from elmo.embed.embedder import Embedder
from elmo.system.output import OutputError
from elmo.text.encoding import SentenceEncoder
from elmo.vectors.reading import read_vectors
from tests.embed.helpers import CONFIGS, NumpyEngine, embed_file, network
from tests.reference.bilm import ReferenceBiLM

CONFIG = CONFIGS["characters"]
# Of one length, and of few words: workers are processes of their own and compile anew.
SENTENCES = [[f"w{(7 * i + j) % 12}" for j in range(8)] for i in range(96)]
PARTS = {"part_tokens": 160}  # six of them


@pytest.fixture(scope="module")
def embedder():
    return Embedder(network(CONFIG), SentenceEncoder(characters=50))


def contents(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.mark.numerics
@pytest.mark.skipif(backend() == "tensorflow", reason="the same, and slow to start")
def test_the_number_of_jobs_shows_nowhere(embedder, tmp_path):
    """Two jobs, stopped after the first part that is done; one goes on."""
    one = embed_file(embedder, SENTENCES, tmp_path / "one.parquet", jobs=1, **PARTS)
    assert one.parts == 6 and one.encoding.tokens == one.tokens
    calls = []

    def stop(sentences, tokens):
        calls.append(sentences)
        if len(list((tmp_path / "two.parquet.unfinished" / "done").glob("part-*"))) >= 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"interrupted; \d of 6 parts are kept"):
        embed_file(embedder, SENTENCES, tmp_path / "two.parquet", jobs=2, progress=stop, **PARTS)
    assert calls
    report = embed_file(embedder, SENTENCES, tmp_path / "two.parquet", jobs=1, resume=True, **PARTS)
    assert report.resumed >= 1
    assert contents(tmp_path / "one.parquet") == contents(tmp_path / "two.parquet")
    assert not list(tmp_path.glob("*.unfinished"))


@pytest.mark.numerics
@pytest.mark.skipif(backend() == "tensorflow", reason="the same, and slow to start")
@pytest.mark.parametrize(
    ("number", "choices"),
    [
        (2, {"precision": "bfloat16"}),
        pytest.param(3, {"precision": "int8"}, marks=pytest.mark.slow),
        pytest.param(2, {"precision": "float32", "engine": "torch"}, marks=pytest.mark.slow),
    ],
)
def test_nor_does_it_with_pytorch(embedder, tmp_path, number, choices):
    """Its threads are those of a worker, on whatever backend Keras runs."""
    pytest.importorskip("torch")
    chosen = Embedder(embedder.encoder, embedder.sentence_encoder, **choices)
    for jobs_ in (1, number):
        embed_file(chosen, SENTENCES, tmp_path / f"{jobs_}.npy", jobs=jobs_, **PARTS)
    assert contents(tmp_path / "1.npy") == contents(tmp_path / f"{number}.npy")


def test_a_worker_that_dies(embedder, tmp_path, monkeypatch):
    seen = []
    start = jobs.Workers._start

    def starting(self, number):
        start(self, number)
        seen.extend(self._processes)
        seen[0].kill()

    monkeypatch.setattr(jobs.Workers, "_start", starting)
    with pytest.raises(WorkerError, match=r"a worker process died \(signal SIGKILL\)"):
        embed_file(embedder, SENTENCES, tmp_path / "v.npy", jobs=1, **PARTS)
    assert [process.poll() for process in seen] == [-9]
    assert not list(tmp_path.iterdir())


def test_failures_are_told_in_a_sentence():
    full = {"kind": "OutputError", "error": "cannot write x", "trace": ""}
    assert isinstance(jobs._failure(full, "part 1"), OutputError)
    strange = {"kind": "KeyError", "error": "'x'", "trace": "Traceback …"}
    error = jobs._failure(strange, "part 1")
    assert str(error) == "a worker process failed on part 1: KeyError: 'x'"
    assert error.__notes__ == ["Traceback …"]
    assert "memory" in str(jobs._failure({"ended": -9}, None))


def test_what_cannot_be_sent(embedder, tmp_path):
    other = Embedder(network(CONFIG), SentenceEncoder(characters=50), engine=NumpyEngine(CONFIG))
    with pytest.raises(ValueError, match="the engine NumpyEngine cannot be made anew"):
        embed_file(other, SENTENCES, tmp_path / "v.npy", jobs=1)
    for bad in ({"jobs": 0}, {"jobs": 1, "threads": 0}):
        with pytest.raises(ValueError, match="must be 1 or more"):
            embed_file(embedder, SENTENCES, tmp_path / "v.npy", **bad)
    assert not list(tmp_path.iterdir())


def test_a_worker_goes_with_its_parent():
    """Ctrl-C is not for it; when its input ends, because the parent is no more, it ends at once."""
    code = (
        "import time\nfrom elmo.bulk import worker\n"
        "worker._runner = lambda *words: print('begun') or time.sleep(60)\nworker.main()"
    )
    worker = subprocess.Popen(
        [sys.executable, "-u", "-c", code, "output", "packed", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    with worker:
        assert worker.stderr.readline() == b"begun\n"  # no answer, though it was printed
        worker.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            worker.wait(0.2)
        worker.stdin.close()
        assert worker.wait(20) == 0
        assert worker.stdout.read() == b""


def test_the_environment_of_a_worker(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    devices = [jobs.environment(number, 3)["CUDA_VISIBLE_DEVICES"] for number in range(3)]
    assert devices == ["4", "7", "4"]
    found = jobs.environment(0, 3)
    assert found["OMP_NUM_THREADS"] == found["PJRT_NPROC"] == "3"
    assert "deterministic" in found["XLA_FLAGS"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert jobs.environment(0, 1)["CUDA_VISIBLE_DEVICES"] == ""


@pytest.mark.slow
def test_a_job_at_its_real_shapes(embedder, tmp_path, real_windows):
    """Windows, rows and parts of their own sizes; sentences shorter and longer than a window."""
    lengths = [1, 3, 31, 32, 33, 64, 150, 0] * 12
    sentences = [[f"w{(5 * i + j) % 97}" for j in range(n)] for i, n in enumerate(lengths)]
    report = embed_file(embedder, sentences, tmp_path / "v.npy", dtype="float32")
    assert report.tokens == sum(lengths) and report.repeated == 12 - 1
    model = ReferenceBiLM(get_weights(embedder.encoder), CONFIG)
    vectors = read_vectors(tmp_path / "v.npy")
    for number in (0, 3, 5, 6, 94):
        ids = embedder.sentence_encoder.encode(sentences[number])
        wanted = model.layers(ids)[0][:, 1:-1]
        np.testing.assert_allclose(vectors[number], wanted, rtol=0, atol=1e-5)
