"""What is written in each store, read back by its own readers and by those of others."""

import json
import os

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import load_file

import elmo
from elmo.embed.embedder import Embedder
from elmo.system.output import OutputError
from elmo.text.encoding import SentenceEncoder
from elmo.text.fasta import Fasta
from elmo.vectors.numbers import from_dtype, to_dtype
from elmo.vectors.reading import StoreError, read_vectors
from elmo.vectors.stores import parquet
from elmo.vectors.stores.choosing import choose
from tests.embed.helpers import CONFIGS, embed_file, network

CONFIG = CONFIGS["characters"]
SENTENCES = [s.split() for s in ("the cat sat .", "", "naïve 🙂 cat", "the cat sat .", "a.b c/d")]
COLUMNAR = ["v.parquet", "v.npy", "v.safetensors"]
PARTS = {"part_tokens": 7}  # three of them


@pytest.fixture(scope="module")
def embedder():
    return Embedder(network(CONFIG), SentenceEncoder(characters=50))


@pytest.fixture(scope="module")
def expected(embedder):
    return embedder.embed(SENTENCES)


@pytest.mark.parametrize("name", [*COLUMNAR, "v.hdf5", "v.npz"])
@pytest.mark.parametrize("layers", ["all", "top"])
def test_every_store_gives_back_what_was_embedded(embedder, tmp_path, name, layers):
    report = embed_file(
        embedder, SENTENCES, tmp_path / name, layers=layers, dtype="float32", **PARTS
    )
    assert report.parts == 3 and report.vectors == 13
    vectors = read_vectors(tmp_path / name)
    assert len(vectors) == 5
    for number, wanted in enumerate(embedder.embed(SENTENCES, layers=layers)):
        assert vectors[number].dtype == np.float32
        np.testing.assert_allclose(vectors[number], wanted, rtol=0, atol=1e-5)
    assert vectors[1].shape == ((3, 0, 10) if layers == "all" else (0, 10))
    np.testing.assert_array_equal(vectors[-1], vectors[4])
    assert [len(v) for v in vectors[3:]] == [len(vectors[3]), len(vectors[4])]
    with pytest.raises(IndexError):
        vectors[5]
    if name in COLUMNAR:
        assert [vectors.tokens(i) for i in range(5)] == SENTENCES
    else:
        with pytest.raises(StoreError, match="does not keep tokens"):
            vectors.tokens(0)
    with pytest.raises(StoreError, match="whole sentences"):
        _ = vectors.positions
    settings = vectors.label["fingerprint"]
    assert settings["layers"] == layers and vectors.label["tokens"] == 13


@pytest.mark.parametrize("name", [*COLUMNAR, "v.hdf5", "v.npz"])
def test_pooled(embedder, tmp_path, name):
    embed_file(embedder, SENTENCES, tmp_path / name, pool="mean", **PARTS)
    vectors = read_vectors(tmp_path / name)
    for number, wanted in enumerate(embedder.embed(SENTENCES, pool="mean")):
        np.testing.assert_allclose(vectors[number], wanted, rtol=1e-3, atol=1e-3)
    if name in COLUMNAR:
        assert vectors[0].dtype == np.float16 and vectors.tokens(2) == SENTENCES[2]


@pytest.mark.parametrize("name", COLUMNAR)
@pytest.mark.parametrize("layers", ["all", "average"])
def test_int8_gives_floats_back(embedder, tmp_path, name, layers):
    embed_file(embedder, SENTENCES, tmp_path / name, layers=layers, dtype="int8", **PARTS)
    vectors = read_vectors(tmp_path / name)
    for number, wanted in enumerate(embedder.embed(SENTENCES, layers=layers)):
        found = vectors[number]
        assert found.dtype == np.float32 and found.shape == wanted.shape
        # Half a step of the scale, and what embedding in other batches rounds.
        most = np.abs(wanted).max(axis=-1, keepdims=True, initial=0) / 254 + 1e-5
        assert (np.abs(found - wanted) <= most).all()
        lengths = np.linalg.norm(found, axis=-1) * np.linalg.norm(wanted, axis=-1)
        assert ((found * wanted).sum(axis=-1) / lengths > 0.9995).all()
    pooled = tmp_path / f"pooled-{name}"
    embed_file(embedder, SENTENCES, pooled, layers=layers, dtype="int8", pool="mean", **PARTS)
    wanted = embedder.embed(SENTENCES, layers=layers, pool="mean")
    np.testing.assert_allclose(read_vectors(pooled)[0], wanted[0], rtol=1e-2, atol=1e-2)
    assert not read_vectors(pooled)[1].any()


def test_int8_of_hard_numbers():
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(50, 512)).astype("float32") * 10.0 ** draw.integers(
        -30, 30, (50, 1)
    )
    vectors = np.concatenate([vectors, np.zeros((1, 512)), np.eye(1, 512)]).astype("float32")
    values, scales = to_dtype(vectors, "int8")
    assert values.dtype == np.int8 and np.abs(values.astype(int)).max() == 127
    limit = np.abs(vectors).max(axis=1, keepdims=True) / 254 * (1 + 1e-5)
    assert (np.abs(from_dtype(values, scales) - vectors) <= limit).all()
    assert np.isfinite(from_dtype(*to_dtype(np.full((1, 4), 1e-45, "float32"), "int8"))).all()


@pytest.mark.parametrize("name", [*COLUMNAR, "v.hdf5"])
@pytest.mark.parametrize("dtype", [None, "int8"])
def test_listed_words_alone(embedder, expected, tmp_path, name, dtype):
    if dtype == "int8" and name == "v.hdf5":
        dtype = "float32"
    words = tmp_path / "words.txt"
    words.write_text("cat\n\n.\nabsent\n")
    report = embed_file(
        embedder, SENTENCES, tmp_path / name, only=words, dtype=dtype, part_tokens=1
    )
    uses = [(s, p) for s, t in enumerate(SENTENCES) for p, w in enumerate(t) if w in ("cat", ".")]
    assert report.vectors == len(uses) == 5 and report.sentences == 5
    vectors = read_vectors(tmp_path / name)
    assert len(vectors) == 5
    assert list(zip(vectors.sentences, vectors.positions, strict=True)) == uses
    for number, (sentence, position) in enumerate(uses):
        assert vectors.tokens(number) == [SENTENCES[sentence][position]]
        wanted = expected[sentence][:, position]
        np.testing.assert_allclose(vectors[number], wanted, rtol=0, atol=3e-2)


def test_words_that_do_not_occur(embedder, tmp_path):
    with pytest.raises(ValueError, match="none of the words absent, missing is in the text"):
        embed_file(embedder, SENTENCES, tmp_path / "v.npy", only="absent,missing")
    with pytest.raises(ValueError, match="no word in it"):
        embed_file(embedder, SENTENCES, tmp_path / "v.npy", only=" , ")
    assert not list(tmp_path.iterdir())


def test_words_of_a_long_list_and_of_a_file(embedder, tmp_path):
    many = ",".join(["the", *(f"absent{number}" for number in range(60))])
    embed_file(embedder, SENTENCES, tmp_path / "many.npy", only=many)
    words = tmp_path / "words.txt"
    words.write_bytes("\ufeffthe\r\n".encode())
    embed_file(embedder, SENTENCES, tmp_path / "file.npy", only=words)
    one, other = (read_vectors(tmp_path / name) for name in ("many.npy", "file.npy"))
    assert len(one) == len(other) > 0
    words.write_bytes(b"the\n\xff\n")
    with pytest.raises(ValueError, match=r"words\.txt, line 2: not UTF-8"):
        embed_file(embedder, SENTENCES, tmp_path / "v.npy", only=words)


@pytest.mark.parametrize("name", [*COLUMNAR, "v.hdf5", "v.npz"])
def test_named_sentences(embedder, tmp_path, name):
    fasta = tmp_path / "in.fasta"
    fasta.write_text(">z/1\nMKV\n>b\nMA\n")
    embed_file(embedder, Fasta(fasta), tmp_path / name, part_tokens=1)
    vectors = read_vectors(tmp_path / name)
    assert vectors.names == ["z_1", "b"]  # as they came
    assert [vectors[i].shape[1] for i in range(2)] == [3, 2]
    assert vectors["z_1"].shape == (3, 3, 10) and vectors["b"].shape == (3, 2, 10)
    with pytest.raises(KeyError, match="'c'"):
        vectors["c"]


@pytest.mark.parametrize("name", [*COLUMNAR, "v.hdf5", "v.npz"])
def test_names_that_are_numbers(embedder, tmp_path, name):
    fasta = tmp_path / "in.fasta"
    fasta.write_text(">1\nMKV\n>2\nM\n>0\nMA\n")
    embed_file(embedder, Fasta(fasta), tmp_path / name)
    vectors = read_vectors(tmp_path / name)
    assert vectors.names == ["1", "2", "0"]
    assert [one.shape[1] for one in vectors] == [3, 1, 2]
    assert vectors["0"].shape == (3, 2, 10)


def test_sentences_of_manylangs_come_in_their_order(embedder, tmp_path):
    sentences = [["z"], [], ["0", "b"], ["1"], ["z"], ["0"]]
    report = embed_file(embedder, sentences, tmp_path / "v", layout="manylangs", **PARTS)
    vectors = read_vectors(report.paths[0])
    assert vectors.names == ["z", "0\tb", "1", "0"]
    assert [len(one) for one in vectors] == [1, 2, 1, 1]


def test_a_parquet_folder_is_what_tables_are(embedder, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "GROUP_BYTES", 1)
    path = tmp_path / "v.parquet"
    embed_file(embedder, SENTENCES, path, **PARTS)
    files = sorted(os.listdir(path))
    assert files == ["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]
    first = pq.ParquetFile(path / files[0])
    names = ["sentence", "tokens", "layer_0", "layer_1", "layer_2"]
    assert first.schema_arrow.names == names
    assert str(first.schema_arrow.field("layer_1").type) == (
        "list<element: fixed_size_list<element: halffloat>[10]>"
    )
    assert first.metadata.num_row_groups == 2  # one and an empty sentence, and another
    assert first.metadata.row_group(0).column(2).compression == "ZSTD"
    frame = pytest.importorskip("pandas").read_parquet(path)
    assert frame["sentence"].tolist() == [0, 1, 2, 3, 4]
    assert [list(tokens) for tokens in frame["tokens"]] == SENTENCES
    for number in (0, 2, 4):
        layer = np.stack(frame["layer_2"][number])
        np.testing.assert_allclose(layer, expected[number][2], rtol=1e-3, atol=1e-3)
    polars = pytest.importorskip("polars")
    frame = polars.read_parquet(path / "*.parquet")
    np.testing.assert_allclose(
        np.stack(frame["layer_1"][3].to_numpy()), expected[3][1], rtol=1e-3, atol=1e-3
    )


def test_arrays_are_read_without_us(embedder, expected, tmp_path):
    for name in ("v.npy", "v.safetensors"):
        embed_file(embedder, SENTENCES, tmp_path / name, **PARTS)
    folder = tmp_path / "v.npy"
    mapped = np.load(folder / "vectors.npy", mmap_mode="r")
    offsets = np.load(folder / "offsets.npy")
    assert offsets.tolist() == [0, 4, 4, 7, 11, 13]
    wanted = expected[2].swapaxes(0, 1)
    np.testing.assert_allclose(mapped[offsets[2] : offsets[3]], wanted, rtol=1e-3, atol=1e-3)
    assert json.loads((folder / "meta.json").read_text())["sentences"] == 5
    text, ends = np.load(folder / "text.npy").tobytes(), np.load(folder / "text_offsets.npy")
    assert text[ends[4] : ends[5]].decode() == "naïve"
    tensors = load_file(tmp_path / "v.safetensors")
    assert set(tensors) == {path.stem for path in folder.glob("*.npy")}
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(tensor, np.load(folder / f"{name}.npy"))


def test_readers_of_other_files(tmp_path):
    with h5py.File(tmp_path / "published.hdf5", "w") as file:
        file["0"] = np.ones((3, 2, 8), "float32")
        file["sentence_to_index"] = ['{"a b": "0"}']
    vectors = read_vectors(tmp_path / "published.hdf5")
    assert len(vectors) == 1 and vectors[0].shape == (3, 2, 8) and vectors.label == {}
    (tmp_path / "x.txt").write_text("nothing of the sort")
    with pytest.raises(StoreError, match="neither"):
        read_vectors(tmp_path / "x.txt")
    with pytest.raises(StoreError, match="no such file"):
        read_vectors(tmp_path / "y")
    with pytest.raises(StoreError, match=r"no \.parquet file"):
        read_vectors(tmp_path)
    assert elmo.read_vectors is read_vectors


def test_what_does_not_go_together(tmp_path):
    for name, options, words in (
        ("v.hdf5", {"dtype": "int8"}, "no place for the scales"),
        ("v.npz", {"only": "a"}, "no place for positions"),
        ("v.npy", {"only": "a", "pool": "mean"}, "leave out pool or only"),
        ("v.odd", {}, "or the format be said"),
        ("v.npy", {"format": "zip"}, "format='zip': must be 'hdf5', 'npz'"),
        ("v.npy", {"part_tokens": 0}, "part_tokens=0"),
    ):
        with pytest.raises(ValueError, match=words):
            choose(tmp_path / name, **options)
    assert choose("folder", format="npy").dtype == "float16"
    assert choose("v.hdf5", dtype="float16").layout == "allennlp"


def test_parquet_without_pyarrow(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ImportError, match=r"elmo-keras\[stores\]"):
        choose("v.parquet")


def test_a_folder_of_something_else_is_never_replaced(embedder, tmp_path):
    folder = tmp_path / "v.npy"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    with pytest.raises(OutputError, match="no folder of vectors"):
        embed_file(embedder, SENTENCES, folder, overwrite=True)
    assert (folder / "thesis.txt").exists()
    for layers in ("all", "top"):
        embed_file(embedder, SENTENCES, tmp_path / "w.npy", layers=layers, overwrite=True)
    assert read_vectors(tmp_path / "w.npy")[0].shape == (4, 10)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["v.npy", "w.npy"]
