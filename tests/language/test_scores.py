"""Scores against the NumPy reference, and their sums against evaluation."""

import math

import numpy as np
import pytest

from elmo.language import model as language
from elmo.language import scores as module
from elmo.training import reading
from tests.elsewhere import slow_elsewhere
from tests.language.conftest import nearly

BITS = 1 / math.log(2)


def wanted_rows(tiny, sentences, state):
    """(sentence, position, direction, token, nats, rank, entropy, unknown), by the reference."""
    vocabulary = tiny.vocabulary
    rows = []
    for number, (sentence, found) in enumerate(
        zip(sentences, tiny.log_probabilities(sentences, state), strict=True)
    ):
        words = ["<S>", *sentence.split(), "</S>"]
        targets = {"forward": range(1, len(words)), "backward": range(len(words) - 2, -1, -1)}
        for direction, values in found.items():
            for position, row in zip(targets[direction], values, strict=True):
                word = words[position]
                target = vocabulary.id(word)
                rows.append(
                    (
                        *(number, position, direction != "forward", word),
                        *(-row[target], 1 + int((row > row[target]).sum())),
                        *(-(np.exp(row) @ row), target == vocabulary.unk_id),
                    )
                )
    return sorted(rows, key=lambda row: row[:3])


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
def test_scores_are_the_references(tiny, sentences, kind, state, monkeypatch):
    """Windows shorter than sentences, blocks of a few sentences, chunks that divide nothing."""
    monkeypatch.setattr(reading, "WINDOW", 4)
    monkeypatch.setattr(reading, "CHUNK", 16)
    monkeypatch.setattr(language, "TYPES", 7)
    monkeypatch.setattr(module, "BLOCK_TOKENS", 9)
    made = tiny(kind, directions="backward" if kind == "backward" else "both")
    scores = made.model.score(sentences, state=state)
    rows = wanted_rows(made, sentences, state)
    number, position, backward, token, nats, rank, entropy, unknown = zip(*rows, strict=True)
    assert scores.sentence.tolist() == list(number)
    assert scores.position.tolist() == list(position)
    assert (scores.direction == "backward").tolist() == list(backward)
    assert scores.token.tolist() == list(token)
    nearly(scores.nats, nats)
    assert scores.rank.tolist() == list(rank)
    nearly(scores.entropy, entropy)
    assert scores.unknown.tolist() == list(unknown) and sum(unknown) == 3 * (len(rows) // 26)


@pytest.mark.numerics
def test_summed_scores_are_the_perplexity(tiny, sentences):
    made = tiny("characters")
    scores = made.model.score(sentences)
    text = [s.split() for s in sentences if s]
    kept = np.isin(scores.sentence, [i for i, s in enumerate(sentences) if s])
    found = made.model.evaluate(text)
    for direction in ("forward", "backward"):
        mine = kept & (scores.direction == direction)
        mean = scores.nats[mine].astype(float).mean()
        assert math.exp(mean) == pytest.approx(getattr(found, direction), rel=1e-6)


def test_a_word_that_is_spelled_like_a_boundary_is_unknown(tiny):
    scores = tiny().model.score(["the </S> cat"])
    assert scores.unknown[scores.token == "</S>"].tolist() == [True, True, False]


def test_state_as_trained_and_sentences_in_any_order(tiny, sentences):
    carried = tiny(state="carry").model
    assert np.array_equal(
        carried.score(sentences).nats, carried.score(sentences, state="carry").nats
    )
    model = tiny().model
    whole, alone = model.score(sentences), model.score([sentences[3]])
    nearly(whole.nats[whole.sentence == 3], alone.nats)
    with pytest.raises(ValueError, match="state='keep': must be 'reset' or 'carry'"):
        model.score(sentences, state="keep")


def test_tables_for_people(tiny, sentences):
    scores = tiny().model.score(sentences)
    frame = scores.to_pandas()
    names = "sentence position token direction surprisal_bits rank entropy_bits unknown"
    assert list(frame.columns) == names.split() and len(frame) == len(scores) == 2 * 26
    nearly(frame.surprisal_bits, scores.nats * BITS)
    nearly(frame.entropy_bits, scores.entropy * BITS)
    sums = scores.by_sentence()
    forward = frame[frame.direction == "forward"].groupby("sentence").surprisal_bits
    nearly(sums["forward_bits"], forward.sum())
    nearly(sums["forward_mean_bits"], forward.mean())
    assert sums["tokens"].tolist() == [5, 0, 2, 11, 3]
    assert "Scores" in scores._repr_html_() and "bits" in scores._repr_html_()


def test_what_cannot_be_scored(tiny):
    made = tiny()
    with pytest.raises(ValueError, match="there is no sentence to score; give at least one"):
        made.model.score([])
    with pytest.raises(TypeError, match="must be a list of sentences, not one string"):
        made.model.score("the cat")
    made.model.has_softmax = False
    with pytest.raises(ValueError, match="score: this model has no softmax"):
        made.model.score(["the cat"])
