"""Minimal pairs against the NumPy reference."""

import json
import lzma

import numpy as np
import pytest

from elmo.language import model
from elmo.language import pairs as module
from elmo.text.files import CorpusError
from elmo.text.pairs import Pair, read_pairs
from elmo.training.unigram import unigram_perplexity
from tests.elsewhere import slow_elsewhere
from tests.language.conftest import nearly

PAIRS = [
    Pair(["the", "cat", "saw", "a", "dog"], ["the", "cat", "a", "saw", "dog"], "order", "syntax"),
    Pair(["a", "bird", "sang"], ["a", "bird", "the"], "verb", "syntax"),
    Pair(["the", "dog", "slept"], ["the", "dog", "zyzzyva"], "verb", "syntax"),
    Pair(["x", "sang"], ["y", "sang"], "unknown", "words"),
]


def reference_nats(made, sentence):
    """Summed −ln P of a sentence's targets, by direction."""
    words = made.encoder.word_ids(sentence)
    ids = made.encoder.encode(sentence)
    found, _ = made.reference.log_probabilities(ids, words)
    return {direction: -values.sum() for direction, values in found.items()}


@pytest.mark.numerics
@pytest.mark.parametrize("kind", [slow_elsewhere("word"), "characters", slow_elsewhere("backward")])
def test_nats_are_the_references(tiny, kind, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_TOKENS", 9)
    monkeypatch.setattr(model, "TYPES", 7)
    made = tiny(kind, directions="backward" if kind == "backward" else "both")
    scores = made.model.score_pairs(PAIRS)
    for number, pair in enumerate(PAIRS):
        for side, sentence in enumerate((pair.good, pair.bad)):
            wanted = reference_nats(made, sentence)
            for direction, value in wanted.items():
                nearly(scores.nats[direction][number, side], value)
            if len(wanted) == 2:
                nearly(scores.nats["both"][number, side], sum(wanted.values()))
            unigram = np.exp(scores.nats["unigram"][number, side] / (len(sentence) + 1))
            nearly(unigram, unigram_perplexity(made.vocabulary, [sentence]))
    assert scores.unknown.tolist() == [False, False, True, True]


def test_accuracies_ties_and_unknown_words(tiny):
    scores = tiny("word").model.score_pairs(PAIRS)
    assert scores.right("unigram")[0] == 0.5, "the same words in another order"
    assert scores.right("forward")[3] == scores.right("both")[3] == 0.5, "both are <UNK>"
    found = scores.to_dict()
    for name in ("forward", "backward", "both", "unigram"):
        right = scores.right(name)
        difference = scores.nats[name][:, 1] - scores.nats[name][:, 0]
        assert set(right) <= {0.0, 0.5, 1.0}
        clear = np.abs(difference) > 1e-3
        assert (right[clear] == (difference[clear] > 0)).all()
        assert found[name] == pytest.approx(right.mean())
        assert found["known"][name] == pytest.approx(right[:2].mean())
        assert found["paradigms"]["verb"][name] == pytest.approx(right[1:3].mean())
        assert found["fields"]["syntax"][name] == pytest.approx(right[:3].mean())
    assert (found["pairs"], found["unknown"], found["known"]["pairs"]) == (4, 2, 2)
    assert found["paradigms"]["unknown"]["known"] == {
        **dict.fromkeys(("forward", "backward", "both", "unigram")),
        "pairs": 0,
    }
    assert found["paradigms"]["order"]["field"] == "syntax"


def test_a_character_model_tells_unknown_words_apart(tiny):
    """It reads their spelling, so that the context of what follows differs, but not their own nats."""
    scores = tiny("characters").model.score_pairs(PAIRS)
    assert scores.unknown[3]
    assert scores.nats["forward"][3, 0] != scores.nats["forward"][3, 1]


def test_files_in_blimps_layout(tmp_path):
    rows = [
        {"sentence_good": "Who isn't here?", "sentence_bad": "Who here isn't?", "UID": "a/b"},
        {"sentence_good": "It is.", "sentence_bad": "Is it.", "field": "syntax"},
    ]
    path = tmp_path / "mine.jsonl.xz"
    path.write_bytes(lzma.compress("\n".join(map(json.dumps, rows)).encode()))
    first, second = read_pairs(path)
    assert first == Pair(
        ["Who", "is", "n't", "here", "?"], ["Who", "here", "is", "n't", "?"], "a_b", ""
    )
    assert second.paradigm == "mine" and second.field == "syntax"
    assert next(read_pairs(path, tokens="spaces")).good == ["Who", "isn't", "here?"]
    assert next(read_pairs(path, tokens=str.upper)).bad == list("WHO HERE ISN'T?")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 2: is no JSON"),
        ("[1]", "line 2: is list, must be an object"),
        ('{"sentence_good": "a"}', "line 2: sentence_bad=None: must be a sentence"),
        ('{"sentence_good": " ", "sentence_bad": "a"}', "sentence_good=' ': must be a sentence"),
    ],
)
def test_a_broken_line_is_named(tmp_path, line, message):
    path = tmp_path / "a.jsonl"
    path.write_text('{"sentence_good": "a", "sentence_bad": "b"}\n' + line)
    with pytest.raises(CorpusError, match="line 2") as error:
        list(read_pairs(path))
    assert message in str(error.value)


def test_what_cannot_be_scored(tiny, tmp_path):
    model = tiny().model
    with pytest.raises(ValueError, match="there is no pair of sentences to score"):
        model.score_pairs([])
    with pytest.raises(ValueError, match="tokens='words': must be 'raw', 'spaces' or a function"):
        model.score_pairs([("a", "b")], tokens="words")
    with pytest.raises(TypeError, match="pair 1 is 3: must be a pair of sentences, or a path"):
        model.score_pairs([("a", "b"), 3])
    model.has_softmax = False
    with pytest.raises(ValueError, match="score_pairs: this model has no softmax"):
        model.score_pairs([("a", "b")])
