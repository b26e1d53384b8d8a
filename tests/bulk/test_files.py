"""Embedding files: their layouts key for key, and outputs that cannot be written."""

import json
import resource
import signal

import h5py
import numpy as np
import pytest

from elmo.embed.embedder import Embedder
from elmo.system.output import OutputError
from elmo.text.corpus import Corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.fasta import Fasta
from tests.embed.helpers import CONFIGS, embed_file, network

CONFIG = CONFIGS["characters"]
LINES = ["the cat sat .", "", "naïve 🙂", "the cat sat .", "a.b c/d"]


@pytest.fixture(scope="module")
def embedder():
    return Embedder(network(CONFIG), SentenceEncoder(characters=50))


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "in.txt"
    path.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    return path


def assert_same(one, other, limit=1e-6):
    assert one.shape == other.shape
    np.testing.assert_allclose(one, other, rtol=0, atol=limit)


@pytest.mark.parametrize(
    "wrong", [{"state": "cary"}, {"batch_size": 0}, {"layers": "al"}, {"jobs": 0}, {"dtype": "f4"}]
)
def test_a_wrong_choice_is_refused_before_the_text_is_read(embedder, tmp_path, wrong):
    def text():
        pytest.fail("the text was read")
        yield

    (name,) = wrong
    with pytest.raises(ValueError, match=f"{name}="):
        embed_file(embedder, text(), tmp_path / "v.npy", **wrong)
    assert not list(tmp_path.iterdir())


def test_allennlp_layout(embedder, corpus, tmp_path):
    seen = []
    report = embed_file(
        embedder, corpus, tmp_path / "out.hdf5", progress=lambda *counts: seen.append(counts)
    )
    assert (report.sentences, report.tokens, report.empty, report.repeated) == (5, 12, 1, 1)
    assert seen[-1] == (5, 12)
    expected = embedder.embed(LINES)
    with h5py.File(report.paths[0]) as file:
        assert set(file) == {"0", "1", "2", "3", "4", "sentence_to_index"}
        for number, vectors in enumerate(expected):
            assert file[str(number)].dtype == np.float32
            assert_same(file[str(number)][()], vectors)
        assert file["1"].shape == (3, 0, 10)
        assert file["sentence_to_index"].shape == (1,)
        index = json.loads(file["sentence_to_index"][0])
        assert index == {LINES[0]: "3", "": "1", "naïve 🙂": "2", "a.b c/d": "4"}
    assert json.dumps(report.to_dict())
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_bilm_tf_layout_and_half_precision(embedder, corpus, tmp_path):
    output = tmp_path / "out.h5"
    embed_file(embedder, corpus, output, layout="bilm-tf", layers="top", dtype="float16")
    with h5py.File(output) as file:
        assert set(file) == {"0", "1", "2", "3", "4"}
        assert file["0"].dtype == np.float16
        assert_same(file["0"][()], embedder.embed(LINES[:1], layers="top")[0], 1e-3)


def test_npz(embedder, corpus, tmp_path):
    output = tmp_path / "out.npz"
    embed_file(embedder, corpus, output, layers="average", pool="mean")
    with np.load(output) as file:
        assert file.files == ["0", "1", "2", "3", "4"]
        assert_same(file["2"], embedder.embed(LINES[2:3], layers="average", pool="mean")[0])
        assert not file["1"].any()
    first = output.read_bytes()
    embed_file(embedder, corpus, output, layers="average", pool="mean", overwrite=True)
    assert output.read_bytes() == first


def test_manylangs_layout(embedder, corpus, tmp_path):
    report = embed_file(embedder, corpus, tmp_path / "out", layout="manylangs")
    names = [path.name for path in report.paths]
    assert names == ["out.ly0.hdf5", "out.ly1.hdf5", "out.ly2.hdf5"]
    vectors = embedder.embed(LINES[4:])[0]
    for number, path in enumerate(report.paths):
        with h5py.File(path) as file:
            assert set(file) == {
                "the\tcat\tsat\t$period$",
                "naïve\t🙂",
                "a$period$b\tc$backslash$d",
            }
            assert_same(file["a$period$b\tc$backslash$d"][()], vectors[number])
    report = embed_file(embedder, corpus, tmp_path / "mean", layout="manylangs", layers="average")
    assert [path.name for path in report.paths] == ["mean.ly-1.hdf5"]
    with pytest.raises(ValueError, match="layers='token'"):
        embed_file(embedder, corpus, tmp_path / "x", layout="manylangs", layers="token")
    nul = Corpus.from_sentences([["a\0b"], ["a\0c"]])
    with pytest.raises(ValueError, match="has a NUL"):
        embed_file(embedder, nul, tmp_path / "y", layout="manylangs", layers="top")
    long = Corpus.from_sentences([["word"] * 20_000])
    with pytest.raises(ValueError, match="too long to be the key"):
        embed_file(embedder, long, tmp_path / "y", layout="manylangs", layers="top")
    assert not list(tmp_path.glob("*y.*"))


def test_named_sequences(embedder, tmp_path):
    path = tmp_path / "in.fasta"
    path.write_text(">a/1\nMKV\n>b\nMA\n")
    output = tmp_path / "out.npz"
    embed_file(embedder, Fasta(path), output, pool="mean")
    with np.load(output) as file:
        assert file.files == ["a_1", "b"]
        assert_same(file["b"], embedder.embed(["M A"], pool="mean")[0])
    path.write_text(">a/1\nMKV\n>a_1\nMA\n")
    with pytest.raises(ValueError, match="would be one key"):
        embed_file(embedder, Fasta(path), tmp_path / "other.npz")


def test_carried_state_in_a_file(embedder, corpus, tmp_path):
    embedder.reset_state()
    output = tmp_path / "out.hdf5"
    embed_file(embedder, corpus, output, state="carry", batch_size=2)
    embedder.reset_state()
    expected = embedder.embed(LINES, state="carry", batch_size=2)
    with h5py.File(output) as file:
        for number, vectors in enumerate(expected):
            assert_same(file[str(number)][()], vectors)


def test_an_output_that_exists_is_kept(embedder, corpus, tmp_path):
    output = tmp_path / "out.hdf5"
    output.write_text("precious")
    with pytest.raises(FileExistsError, match="overwrite"):
        embed_file(embedder, corpus, output)
    assert output.read_text() == "precious"
    embed_file(embedder, corpus, output, overwrite=True)
    assert h5py.is_hdf5(output)


@pytest.mark.parametrize("name", ["out.hdf5", "out.npz"])
def test_a_full_disk_leaves_nothing(embedder, corpus, tmp_path, name):
    output = tmp_path / name
    output.write_text("precious")
    many = Corpus.from_sentences([["word"] * 50] * 40)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"cannot write .*out\..*: File too large"):
            embed_file(embedder, many, output, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert output.read_text() == "precious"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", name]


def test_bad_outputs(embedder, corpus, tmp_path):
    with pytest.raises(OutputError, match="No such file or directory"):
        embed_file(embedder, corpus, tmp_path / "none" / "out.hdf5")
    with pytest.raises(OutputError, match="it is a folder"):
        (tmp_path / "folder.hdf5").mkdir()
        embed_file(embedder, corpus, tmp_path / "folder.hdf5")
    with pytest.raises(ValueError, match=r"must end in \.hdf5"):
        embed_file(embedder, corpus, tmp_path / "out.txt")
    with pytest.raises(ValueError, match="layout='odd'"):
        embed_file(embedder, corpus, tmp_path / "out.hdf5", layout="odd")
    with pytest.raises(ValueError, match="dtype='int1'"):
        embed_file(embedder, corpus, tmp_path / "out.hdf5", dtype="int1")


def test_a_text_that_breaks_off_leaves_nothing(embedder, tmp_path):
    path = tmp_path / "in.txt"
    path.write_bytes(b"fine\nnot \xff fine\n")
    with pytest.raises(ValueError, match="line 2: not UTF-8"):
        embed_file(embedder, path, tmp_path / "out.hdf5")
    assert [p.name for p in tmp_path.iterdir()] == ["in.txt"]
