"""Files of token vectors: both layouts, and an embedder that reads them."""

import gzip

import h5py
import numpy as np
import pytest

from elmo.embed.embedder import Embedder
from elmo.embed.token_cache import TokenCache, TokenCacheError, write_token_cache
from elmo.text.encoding import SentenceEncoder
from tests.embed.helpers import CONFIGS, RowEncoder, network

CONFIG = CONFIGS["characters"]
WORDS = ["<S>", "</S>", "<UNK>", "cat", "naïve", "sat"]
TEXT = [["the", "cat", "sat"], ["naïve", "🙂"]]


@pytest.fixture(scope="module")
def encoder():
    return network(CONFIG)


def make(encoder, **arguments):
    return Embedder(encoder, SentenceEncoder(characters=50), **arguments)


@pytest.mark.parametrize("name", ["tokens.hdf5", "tokens.txt", "tokens.txt.gz"])
def test_a_cache_gives_the_same_vectors(encoder, tmp_path, name):
    plain = make(encoder)
    path, words = write_token_cache(plain, WORDS, tmp_path / name)
    assert words.name == "tokens.vocab.txt"
    cache = TokenCache.load(path)
    assert sorted(cache.tokens) == sorted(WORDS)
    assert words.read_text(encoding="utf-8").split() == cache.tokens
    cached = make(encoder, token_cache=path)
    for one, other in zip(cached.embed(TEXT), plain.embed(TEXT), strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_the_layouts(encoder, tmp_path):
    plain = make(encoder)
    path, words = write_token_cache(plain, WORDS[3:], tmp_path / "tokens.hdf5")
    (vectors,) = plain.embed([["naïve"]], layers="token")
    with h5py.File(path) as file:
        assert set(file) == {"embedding"}
        assert file["embedding"].shape == (6, 5)
        np.testing.assert_allclose(file["embedding"][4], vectors[0], atol=1e-6)
    assert words.read_text(encoding="utf-8").split() == WORDS
    path, words = write_token_cache(plain, WORDS, tmp_path / "elmo.txt.gz")
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    assert [line.split(" ")[0] for line in lines] == ["<UNK>", "<S>", "</S>", *WORDS[3:]]
    assert words.read_text(encoding="utf-8").split()[:3] == ["<UNK>", "<S>", "</S>"]


def test_rows_keep_the_order_of_the_words(encoder, tmp_path):
    words = ["sat", "</S>", "cat", "<S>", "naïve"]
    path, names = write_token_cache(make(encoder), words, tmp_path / "tokens.hdf5")
    assert names.read_text(encoding="utf-8").split() == words
    (vectors,) = make(encoder).embed([["sat", "cat", "naïve"]], layers="token")
    with h5py.File(path) as file:
        np.testing.assert_allclose(file["embedding"][[0, 2, 4]], vectors, atol=1e-6)


def test_words_of_the_cache_skip_the_network(encoder, tmp_path):
    rows = np.arange(30, dtype="float32").reshape(6, 5)
    embedder = make(encoder, token_cache=TokenCache(WORDS, rows))
    found = embedder.embed([["sat", "dog", "cat"]], layers="token")[0]
    assert found[0].tolist() == rows[5].tolist()
    assert found[2].tolist() == rows[3].tolist()
    np.testing.assert_allclose(
        found[1], make(encoder).embed([["dog"]], layers="token")[0][0], atol=1e-6
    )


def test_the_published_cache(data_folder):
    from elmo.formats.pretrained import read

    folder = data_folder("allennlp-elmo-fixture")
    cache = TokenCache.load(folder / "elmo_token_embeddings.hdf5")
    prepared = cache.prepared(read(folder).config, SentenceEncoder(characters=50))
    assert (len(prepared), prepared.dim) == (458, 16)


def test_what_does_not_fit(encoder, tmp_path):
    rows = np.zeros((6, 4), "float32")
    with pytest.raises(TokenCacheError, match="size 4 do not fit"):
        make(encoder, token_cache=TokenCache(WORDS, rows))
    with pytest.raises(TokenCacheError, match="one vector a word"):
        TokenCache(WORDS, rows[:3])
    word_model = CONFIGS["words"]
    with pytest.raises(TokenCacheError, match="reads whole words"):
        Embedder(network(word_model), RowEncoder(word_model), token_cache=TokenCache(WORDS, rows))
    with pytest.raises(TokenCacheError, match="no such file"):
        TokenCache.load(tmp_path / "none.hdf5")
    (tmp_path / "bad.txt").write_text("<UNK> 1 2\n<S> 1 two\n")
    with pytest.raises(TokenCacheError, match=r"bad\.txt, line 2"):
        TokenCache.load(tmp_path / "bad.txt")
    (tmp_path / "bad.hdf5").write_text("no")
    with pytest.raises(TokenCacheError, match="no HDF5 file"):
        TokenCache.load(tmp_path / "bad.hdf5")
    with h5py.File(tmp_path / "lone.hdf5", "w") as file:
        file["embedding"] = rows
    with pytest.raises(TokenCacheError, match="stands in a vocabulary file"):
        TokenCache.load(tmp_path / "lone.hdf5")
    (tmp_path / "vocab.txt").write_text("<S>\n</S>\n")
    with pytest.raises(TokenCacheError, match="does not fit the 2 words"):
        TokenCache.load(tmp_path / "lone.hdf5")


def test_bad_outputs(encoder, tmp_path):
    embedder = make(encoder)
    with pytest.raises(ValueError, match="must end in"):
        write_token_cache(embedder, WORDS, tmp_path / "tokens.bin")
    with pytest.raises(ValueError, match="cannot stand on a line"):
        write_token_cache(embedder, ["new york"], tmp_path / "tokens.txt")
    (tmp_path / "tokens.vocab.txt").write_text("precious")
    with pytest.raises(FileExistsError, match="overwrite"):
        write_token_cache(embedder, WORDS, tmp_path / "tokens.hdf5")
    assert [path.name for path in tmp_path.iterdir()] == ["tokens.vocab.txt"]


def test_text_that_is_not_utf8(tmp_path):
    path = tmp_path / "tokens.txt"
    path.write_bytes(b"a 1 2\nna\xefve 1 2\n")
    with pytest.raises(TokenCacheError, match=r"tokens\.txt, line 2: not UTF-8"):
        TokenCache.load(path)
