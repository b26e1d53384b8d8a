"""The embedder against the NumPy reference, and what must not change its results."""

import numpy as np
import pytest

from elmo.bilm.weights import get_weights, set_weights
from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.embed import windows
from elmo.embed.embedder import Embedder
from elmo.text.encoding import SentenceEncoder
from elmo.text.vocabulary import Vocabulary
from tests.embed.helpers import CONFIGS, RowEncoder, network, random_sentences, reference

LENGTHS = [3, 0, 1, 40, 6, 6, 17, 2]


def expected(config, encoder, tokens, layers="all", pool=None):
    ids = encoder.encode(tokens)
    model = reference(config)
    if layers == "token":
        result = model.token_vectors(ids)[1:-1]
    else:
        result = model.layers(ids)[0][:, 1:-1]
        result = {
            "all": result,
            "top": result[-1],
            "average": result.mean(axis=0),
            "sum": result.sum(axis=0),
        }[layers]
    if pool:
        axis = result.ndim - 2
        return result.sum(axis=axis) / max(1, len(tokens))
    return result


def assert_close(actual, wanted, limit=1e-5):
    assert actual.dtype == np.float32
    assert actual.shape == wanted.shape
    np.testing.assert_allclose(actual, wanted, rtol=0, atol=limit)


@pytest.mark.numerics
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_all_layers_agree_with_the_reference(config, engine):
    encoder = RowEncoder(config)
    sentences = random_sentences(LENGTHS)
    found = Embedder(network(config), encoder, engine=engine).embed(sentences)
    assert len(found) == len(sentences)
    for vectors, tokens in zip(found, sentences, strict=True):
        assert_close(vectors, expected(config, encoder, tokens))


@pytest.mark.numerics
@pytest.mark.parametrize("pool", [None, "mean"])
def test_layers_and_pooling(pool, engine):
    config = CONFIGS["words"]
    encoder = RowEncoder(config)
    sentences = random_sentences(LENGTHS)
    embedder = Embedder(network(config), encoder, engine=engine)
    for layers in ("all", "top", "average", "sum", "token"):
        found = embedder.embed(sentences, layers=layers, pool=pool)
        for vectors, tokens in zip(found, sentences, strict=True):
            assert_close(vectors, expected(config, encoder, tokens, layers, pool))


@pytest.mark.numerics
def test_neither_batch_size_nor_order_nor_company_matter():
    config = CONFIGS["characters"]
    sentences = random_sentences([5, 9, 1, 0, 30, 12, 12, 3, 70, 2])
    embedder = Embedder(network(config), RowEncoder(config))
    whole = embedder.embed(sentences)
    for batch_size in (1, 3):
        for one, other in zip(embedder.embed(sentences, batch_size=batch_size), whole, strict=True):
            assert_close(one, other)
    order = np.random.default_rng(1).permutation(len(sentences))
    for i, vectors in zip(order, embedder.embed([sentences[i] for i in order]), strict=True):
        assert_close(vectors, whole[i])


@pytest.mark.numerics
def test_windows_of_any_shape_change_nothing(monkeypatch, real_windows):
    config = CONFIGS["characters"]
    sentences = random_sentences([37, 5, 64, 33, 2])
    embedder = Embedder(network(config), RowEncoder(config))
    whole = embedder.embed(sentences)
    monkeypatch.setattr(windows, "ROWS", (16,))
    monkeypatch.setattr(windows, "LONG", 4)
    for one, other in zip(embedder.embed(sentences), whole, strict=True):
        assert_close(one, other)


def test_chunks_come_in_order(monkeypatch):
    from elmo.embed import embedder as module

    config = CONFIGS["words"]
    sentences = random_sentences([4, 1, 7, 0, 2, 9, 3, 3, 1])
    embedder = Embedder(network(config), RowEncoder(config))
    whole = embedder.embed(sentences)
    monkeypatch.setattr(module, "CHUNK_BYTES", 1)
    monkeypatch.setattr(module, "CHUNK_POSITIONS", (8, 8))
    read = []

    def stream():
        for sentence in sentences:
            read.append(sentence)
            yield sentence

    results = embedder.embed_iter(stream())
    first = next(results)
    assert len(read) < len(sentences)  # only as far as the first chunk
    for one, other in zip([first, *results], whole, strict=True):
        assert_close(one, other)


@pytest.mark.numerics
@pytest.mark.parametrize("name", ["words", "characters and words"])
def test_carried_state(name, engine):
    config = CONFIGS[name]
    encoder = RowEncoder(config)
    model = reference(config)
    embedder = Embedder(network(config), encoder, engine=engine)
    # batches of 3, 3 and 1; then, in another call, 2 rows that go on where rows 0 and 1 ended
    calls = [random_sentences([4, 1, 9, 2, 0, 3, 5]), random_sentences([6, 40], seed=5)]
    states = {}
    for sentences in calls:
        found = embedder.embed(sentences, state="carry", batch_size=3)
        for number, (vectors, tokens) in enumerate(zip(found, sentences, strict=True)):
            row = number % 3
            layers, states[row] = model.layers(encoder.encode(tokens), states.get(row))
            assert_close(vectors, layers[:, 1:-1])
    assert embedder.state.rows == 3
    embedder.reset_state()
    again = embedder.embed(calls[0][:1], state="carry")
    assert_close(again[0], model.layers(encoder.encode(calls[0][0]))[0][:, 1:-1])


def test_text_in_any_script():
    characters = CharCNNConfig(embedding_dim=3, filters=[[1, 4], [3, 4]])
    config = BiLMConfig(lstm=LSTMConfig(dim=6, projection_dim=4), char_cnn=characters)
    embedder = Embedder(network(config), SentenceEncoder(characters=50))
    texts = ["naïve 🙂 今天", "a\x00b e\u0301 é", "", "\u00a0 x" + "y" * 10_000]
    found = embedder.embed(texts)
    assert [v.shape for v in found] == [(3, n, 8) for n in (3, 3, 0, 2)]
    assert all(np.isfinite(v).all() for v in found)
    assert not np.allclose(found[1][0, 1], found[1][0, 2])  # composed and decomposed


def test_each_distinct_token_is_encoded_once():
    config = CONFIGS["characters"]
    embedder = Embedder(network(config), RowEncoder(config))
    embedder.embed([["2", "3"] * 20, ["4", "2"]])
    assert embedder.word_cache.computed == 5  # three words and the boundaries
    embedder.embed([["2", "5"]])
    assert embedder.word_cache.computed == 6


def test_a_small_cache_changes_nothing():
    config = CONFIGS["characters"]
    sentences = random_sentences([20, 30, 25])
    small = Embedder(network(config), RowEncoder(config), cache_size=3)
    large = Embedder(network(config), RowEncoder(config))
    for _ in range(2):
        for one, other in zip(small.embed(sentences), large.embed(sentences), strict=True):
            assert_close(one, other)
    assert len(small.word_cache) == 3


@pytest.mark.numerics
def test_refresh_takes_new_weights(engine):
    """As if it had been made of the network as it is now; of what is trained on, all is another."""
    config = CONFIGS["characters"]
    encoder, rows = network(config), RowEncoder(config)
    sentences = random_sentences([3, 0, 1, 6])  # short: rounding grows with these weights
    embedder = Embedder(encoder, rows, engine=engine)
    embedder.embed(sentences)
    set_weights(encoder, get_weights(network(config, seed=1)))
    embedder.refresh()
    model = reference(config, seed=1)
    for vectors, tokens in zip(embedder.embed(sentences), sentences, strict=True):
        assert_close(vectors, model.layers(rows.encode(tokens))[0][:, 1:-1])


def test_a_long_sentence(engine):
    config = CONFIGS["words, backward, D = P, no skip"]
    encoder = RowEncoder(config)
    tokens = random_sentences([3000])[0]
    embedder = Embedder(network(config), encoder, engine=engine)
    (vectors,) = embedder.embed([tokens], layers="top")
    assert vectors.shape == (3000, 6)
    (mean,) = embedder.embed([tokens], layers="top", pool="mean")
    np.testing.assert_allclose(mean, vectors.mean(axis=0), atol=1e-6)
    assert_close(vectors, expected(config, encoder, tokens, "top"))


def test_no_sentences():
    assert Embedder(network(CONFIGS["words"]), RowEncoder(CONFIGS["words"])).embed([]) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": "bottom"}, "layers='bottom': must be"),
        ({"pool": "max"}, "pool='max': must be"),
        ({"state": "kept"}, "state='kept': must be"),
        ({"batch_size": 0}, "batch_size=0: must be"),
    ],
)
def test_bad_arguments(arguments, message):
    embedder = Embedder(network(CONFIGS["words"]), RowEncoder(CONFIGS["words"]))
    with pytest.raises(ValueError, match=message):
        embedder.embed([["2"]], **arguments)


def test_bad_sentences():
    config = CONFIGS["words"]
    words = Vocabulary(["<S>", "</S>", "<UNK>", *map(str, range(27))])
    embedder = Embedder(network(config), SentenceEncoder(words))
    with pytest.raises(TypeError, match="a list of sentences, not one"):
        embedder.embed("one two")
    with pytest.raises(TypeError, match="must be a str"):
        embedder.embed([[1, 2]])
    with pytest.raises(TypeError, match="must be a BiLanguageModel"):
        Embedder(object(), SentenceEncoder(words))
    with pytest.raises(ValueError, match="the network reads one"):
        Embedder(network(config), SentenceEncoder(characters=50)).embed([["a"]])
