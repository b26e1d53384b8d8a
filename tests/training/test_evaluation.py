"""Exact perplexity against the NumPy reference."""

import math

import numpy as np
import pytest

from elmo.bilm.language_model import BiLanguageModel
from elmo.bilm.weights import set_weights
from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.text.corpus import Corpus
from elmo.text.encoded_corpus import encode_corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.vocabulary import Vocabulary
from elmo.training import evaluation, reading
from elmo.training.batches.batches import Tokens
from elmo.training.evaluation import Evaluation, Evaluator, evaluate
from tests.elsewhere import slow_elsewhere
from tests.reference.bilm import ReferenceBiLM
from tests.reference.random_model import random_weights

SENTENCES = [
    "the cat saw a dog",
    "",
    "a bird",
    "the dog sang and the old cat slept in a garden",
    "x y z",
]


def make(directions="both", characters=False, tied=False):
    vocabulary = Vocabulary.from_corpus([s.split() for s in SENTENCES[:4]])
    char_cnn = None
    if characters:
        char_cnn = CharCNNConfig(embedding_dim=3, filters=[[1, 3], [2, 4]], n_highway=1)
    config = BiLMConfig(
        lstm=LSTMConfig(dim=6, projection_dim=4, cell_clip=0.8, proj_clip=0.6),
        char_cnn=char_cnn,
        vocabulary_size=len(vocabulary),
        directions=directions,
        weight_tying=tied,
    )
    weights = random_weights(config)
    network = BiLanguageModel(config)
    network.build()
    set_weights(network, weights)
    encoder = SentenceEncoder(vocabulary, 50 if characters else None)
    corpus = Corpus.from_sentences(SENTENCES, blank_lines="keep")
    pairs = [(encoder.encode(s.split()), encoder.word_ids(s.split())) for s in SENTENCES]
    return network, Tokens(encode_corpus(encoder, corpus)), ReferenceBiLM(weights, config), pairs


@pytest.mark.numerics
@pytest.mark.parametrize(
    ("kind", "state"),
    [
        slow_elsewhere("word", "reset"),
        ("word", "carry"),
        slow_elsewhere("tied", "carry"),
        ("characters", "reset"),
        slow_elsewhere("backward", "carry"),
    ],
)
def test_perplexity_is_the_reference(kind, state, monkeypatch):
    """Windows shorter than the sentences; chunks and blocks that divide neither targets nor types."""
    monkeypatch.setattr(reading, "WINDOW", 4)
    monkeypatch.setattr(reading, "CHUNK", 16)
    monkeypatch.setattr(evaluation, "BLOCK", 7)
    network, tokens, reference, pairs = make(
        directions="backward" if kind == "backward" else "both",
        characters=kind == "characters",
        tied=kind == "tied",
    )
    result = evaluate(network, {"a": tokens}, state=state)
    wanted = reference.perplexity(pairs, state=state)
    assert result.both == pytest.approx(wanted["both"], rel=1e-5)
    for direction in network.config.direction_names:
        assert getattr(result, direction) == pytest.approx(wanted[direction], rel=1e-5)
    assert (result.forward is None) == (kind == "backward")
    n_tokens = sum(len(s.split()) for s in SENTENCES)
    assert result.tokens == n_tokens + len(SENTENCES)
    assert result.unknown_share == pytest.approx(3 / result.tokens)


@pytest.mark.numerics
def test_rows_of_a_stream_count_every_token():
    """Two rows begin with a sentence each, from zero state: the cut nearest to the middle."""
    network, tokens, reference, pairs = make()
    nats = Evaluator(network, "carry", rows=2).nats(tokens)
    lengths = [len(words) - 1 for _, words in pairs]
    assert lengths == [6, 1, 3, 12, 4], "position 10 is nearer to the middle, 13, than 22 is"
    read = np.concatenate([ids[:-1] for ids, _ in pairs])
    targets = np.concatenate([words[1:] for _, words in pairs])
    wanted = 0.0
    for part in (slice(0, 10), slice(10, 26)):
        x = reference.token_vectors(read[part])
        h, c = reference.zero_state()
        outputs, _, _ = reference.run("forward", x, h[0], c[0])
        scores = outputs[-1] @ reference.weights["softmax/kernel"].T
        scores = scores + reference.weights["softmax/bias"]
        scores -= np.log(np.exp(scores).sum(-1, keepdims=True))
        wanted -= scores[np.arange(len(scores)), targets[part] - 1].sum()
    assert nats["forward"] == pytest.approx(wanted, rel=1e-5)


def test_files_and_their_sum():
    network, tokens, *_ = make()
    result = evaluate(network, {"a": tokens, "b": tokens})
    assert set(result.files) == {"a", "b"}
    assert result.tokens == 2 * result.files["a"].tokens
    assert result.both == pytest.approx(result.files["b"].both)
    plain = result.to_dict()
    numbers = {"forward", "backward", "both", "tokens", "unknown_share"}
    assert set(plain) == numbers | {"unigram", "per_character", "characters", "files"}
    assert set(plain["files"]["a"]) == set(plain) - {"files"}


def test_sums_are_weighted_by_tokens():
    one = Evaluation.from_sums({"forward": 10.0, "backward": 30.0}, tokens=10, unknown=1)
    assert one.forward == pytest.approx(math.e)
    assert one.backward == pytest.approx(math.e**3)
    assert one.both == pytest.approx(math.e**2)
    lone = Evaluation.from_sums({"backward": 30.0}, tokens=10, unknown=0)
    assert (lone.forward, lone.both) == (None, pytest.approx(math.e**3))


def test_an_unknown_state_is_refused():
    network, *_ = make()
    with pytest.raises(ValueError, match="state='keep'"):
        Evaluator(network, "keep")
