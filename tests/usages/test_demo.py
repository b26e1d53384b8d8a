"""The demo's parts: its baseline, its nearest uses, and the whole of it on a few steps."""

import io
import math

import numpy as np
import pytest

from elmo.cli.commands import demo as demo_module
from elmo.text.vocabulary import Vocabulary
from elmo.training.unigram import log_probabilities, unigram_perplexity
from elmo.usages.nearest import Use, Uses

TEXT = [["the", "cat", "sat"], ["the", "dog", "sat"], ["a", "cat", "ran"]]


def test_the_unigram_is_add_one_over_a_direction_s_targets():
    vocabulary = Vocabulary.from_corpus(TEXT, min_count=2)
    counts = {"</S>": 3, "<UNK>": 3, "the": 2, "cat": 2, "sat": 2}
    total = sum(counts.values()) + len(vocabulary)
    words = ["the", "<UNK>", "sat", "</S>"]
    nats = -sum(math.log((counts[word] + 1) / total) for word in words) / len(words)
    assert unigram_perplexity(vocabulary, [["the", "bird", "sat"]]) == pytest.approx(math.exp(nats))


def test_the_unigram_sums_to_one():
    for vocabulary in (Vocabulary.from_corpus(TEXT), Vocabulary.from_corpus(TEXT, min_count=2)):
        assert np.exp(log_probabilities(vocabulary)).sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="none"):
        unigram_perplexity(vocabulary, [])
    with pytest.raises(ValueError, match="with_counts"):
        unigram_perplexity(Vocabulary(vocabulary.tokens), TEXT)


def test_the_unigram_of_a_text_without_unknown_words_counts_half_its_singletons_for_them():
    vocabulary = Vocabulary.from_corpus(TEXT)  # dog, a and ran occur once
    counts = {"</S>": 3, "the": 2, "cat": 2, "sat": 2, "dog": 0.5, "<UNK>": 1.5}
    total = 9 + 3 + len(vocabulary)
    words = ["the", "<UNK>", "dog", "</S>"]
    nats = -sum(math.log((counts[word] + 1) / total) for word in words) / len(words)
    assert unigram_perplexity(vocabulary, [["the", "bird", "dog"]]) == pytest.approx(math.exp(nats))


def neighbours(sentences):
    """A token's vector: which letters begin the tokens before and behind it."""
    table = np.eye(26)
    letters = [[0, *(ord(t[0].lower()) - 97 for t in s), 0] for s in sentences]
    return [
        np.stack([np.append(table[n[i]], table[n[i + 2]]) for i in range(len(n) - 2)])
        for n in letters
    ]


def test_nearest_uses_come_in_order_and_each_phrase_once():
    text = [
        ["b", "x", "c"],
        ["b", "x", "c", "d"],
        ["b", "x", "e"],
        ["f", "x", "g"],
        ["h", "x", "k"],
    ]
    uses = Uses("x", text, neighbours)
    near = uses.nearest(["big", "x", "cold"], k=3)
    assert [use.tokens[:3] for use in near[:1]] == [["b", "x", "c"]]
    assert near[0].similarity == pytest.approx(1)
    assert [u.similarity for u in near] == sorted((u.similarity for u in near), reverse=True)
    assert len({tuple(use.tokens[:2]) for use in near}) == 3
    with pytest.raises(ValueError, match="does not hold"):
        uses.nearest(["no", "such"])
    with pytest.raises(ValueError, match="does not occur"):
        Uses("y", text, neighbours)


def test_a_use_shows_what_is_around_it():
    assert Use(["a", "b", "c", "d"], 2).around(1, 1) == ("b", "c", "d")


def test_the_demo_on_a_few_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_module, "WORDS", {"set": demo_module.WORDS["set"][:2]})
    from elmo.text import builtin

    whole = builtin.builtin_sentences
    monkeypatch.setattr(builtin, "builtin_sentences", lambda: whole(10_000))
    told = io.StringIO()
    report = demo_module.demo(
        tmp_path / "out",
        progress=False,
        file=told,
        **{"dim": 8, "projection_dim": 4, "max_steps": 2, "epochs": 1, "negatives": 16},
        mode="stream",  # one shape to compile
    )
    perplexity = report["perplexity"]
    assert perplexity["both"] > perplexity["unigram"] > 1
    assert len(report["words"]["set"]) == 2
    assert len(report["words"]["set"][0]["nearest"]) == 3
    for name in ("options.json", "weights.hdf5", "vocab.txt", "learning-curve.png"):
        assert (tmp_path / "out" / name).stat().st_size
    story = told.getvalue()
    assert "unigram" in story and "[set]" in story and "elmo embed" in story
    with pytest.raises(FileExistsError):
        demo_module.demo(tmp_path / "out", progress=False, file=told)
