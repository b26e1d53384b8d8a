"""Substitutes against sums by hand over what the NumPy reference predicts."""

import numpy as np
import pytest

from elmo.language import substitutes as module
from elmo.language.substitutes import Substituter
from elmo.text.vocabulary import Vocabulary
from tests.elsewhere import slow_elsewhere
from tests.language.conftest import nearly
from tests.reference.bilm import log_softmax

SENTENCE = ["the", "dog", "sang", "and", "the", "old", "cat"]
EVERY = {"top_k": 10**6, "exclude_target": False}


def unigram(vocabulary):
    """The add-one model, of counts that have `<UNK>` nowhere: half of each word that occurs once."""
    counts = vocabulary.counts.astype(float)
    counts[vocabulary.tokens.index("<S>")] = 0
    once = counts == 1
    assert counts[vocabulary.tokens.index("<UNK>")] == 0
    counts[once] = 0.5
    counts[vocabulary.tokens.index("<UNK>")] = 0.5 * once.sum()
    return np.log((counts + 1) / (counts + 1).sum())


def directions(tiny, tokens, position):
    """ln P of all types at a place: given what stands before it, and what stands behind it."""
    (found,) = tiny.log_probabilities([" ".join(tokens)])
    return found["forward"][position], found["backward"][len(tokens) - 1 - position]


def rewritten(tiny, tokens, position, conjunction):
    left = [*tokens[: position + 1], conjunction]
    right = [conjunction, *tokens[position:]]
    forward = tiny.log_probabilities([" ".join(left)])[0]["forward"][-1]
    backward = tiny.log_probabilities([" ".join(right)])[0]["backward"][-1]
    return forward, backward


def check(found, scores, vocabulary, allowed=None):
    """Every type that may be proposed, with its share among these."""
    words = [t for t in vocabulary.tokens if t not in ("<S>", "</S>", "<UNK>")]
    words = words if allowed is None else allowed
    kept = np.array([scores[vocabulary.tokens.index(word)] for word in words])
    wanted = dict(zip(words, log_softmax(kept[None])[0], strict=True))
    assert {one.word for one in found} == set(words)
    nearly([one.log_probability for one in found], [wanted[one.word] for one in found])
    values = [one.log_probability for one in found]
    assert values == sorted(values, reverse=True)
    assert np.exp(values).sum() == pytest.approx(1, abs=1e-6)


@pytest.mark.numerics
@pytest.mark.parametrize(
    ("kind", "combine"),
    [
        *(slow_elsewhere("word", combine) for combine in ("product", "forward", "backward")),
        ("word", "and"),
        slow_elsewhere("tied", "product"),
        ("characters", "product"),
        slow_elsewhere("characters", "and"),
    ],
)
def test_every_combination_at_every_place(tiny, kind, combine, monkeypatch):
    """The first and the last place too, which have a boundary at one side; a few scores at a time."""
    monkeypatch.setattr(module, "SCORES", 40)
    made = tiny(kind)
    found = made.model.substitutes(SENTENCE, combine=combine, **EVERY)
    assert len(found) == len(SENTENCE)
    for position, one in enumerate(found):
        if combine == "and":
            forward, backward = rewritten(made, SENTENCE, position, "and")
        else:
            forward, backward = directions(made, SENTENCE, position)
        product = forward + backward - unigram(made.vocabulary)
        scores = {"forward": forward, "backward": backward}.get(combine, product)
        check(one, scores, made.vocabulary)
        assert one == made.model.substitutes(SENTENCE, position, combine=combine, **EVERY)


@pytest.mark.numerics
@pytest.mark.parametrize("kind", [slow_elsewhere("word"), "tied"])
def test_the_target_is_made_likely_by_its_row_of_the_softmax(tiny, kind):
    made = tiny(kind)
    weights = made.reference.weights
    rows = weights["token_encoder/embedding" if kind == "tied" else "softmax/kernel"]
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = unit @ unit[made.vocabulary.id("dog")]
    forward, _ = directions(made, SENTENCE, 1)
    found = made.model.substitutes(SENTENCE, 1, combine="forward", similarity=4.0, **EVERY)
    check(found, forward + 4 * cosines, made.vocabulary)
    unknown = ["the", "zebra", "sang"]
    plain = made.model.substitutes(unknown, 1, **EVERY)
    assert made.model.substitutes(unknown, 1, similarity=4.0, **EVERY) == plain


@pytest.mark.numerics
def test_without_counts_the_prior_is_the_bias(tiny):
    made = tiny()
    made.model.sentence_encoder.vocabulary = Vocabulary(made.vocabulary.tokens)
    forward, backward = directions(made, SENTENCE, 2)
    bias = made.reference.weights["softmax/bias"]
    check(made.model.substitutes(SENTENCE, 2, **EVERY), forward + backward - bias, made.vocabulary)
    with pytest.raises(ValueError, match="min_count=2: the model's vocabulary has no counts"):
        made.model.substitutes(SENTENCE, 2, min_count=2)


def test_a_restricted_vocabulary(tiny, tmp_path):
    made = tiny()
    forward, backward = directions(made, SENTENCE, 1)
    scores = forward + backward - unigram(made.vocabulary)
    words = ["cat", "bird", "garden"]
    listed = made.model.substitutes(SENTENCE, 1, vocabulary=[*words, "zebra"], **EVERY)
    check(listed, scores, made.vocabulary, words)
    file = tmp_path / "words.txt"
    file.write_text("cat\nbird\n\ngarden\ncat\n")
    assert made.model.substitutes(SENTENCE, 1, vocabulary=file, **EVERY) == listed
    counts = dict(zip(made.vocabulary.tokens, made.vocabulary.counts.tolist(), strict=True))
    often = [w for w, n in counts.items() if n >= 2 and not w.startswith("<") and w != "</S>"]
    assert 1 < len(often) < len(counts) - 3
    check(made.model.substitutes(SENTENCE, 1, min_count=2, **EVERY), scores, made.vocabulary, often)
    named = made.model.substitutes(SENTENCE, 1, vocabulary=["cat", "<UNK>"], **EVERY)
    assert {one.word for one in named} == {"cat", "<UNK>"}


def test_the_target_and_its_case_variants_are_left_out(tiny):
    made = tiny()
    whole = {one.word: one.log_probability for one in made.model.substitutes(SENTENCE, 1, **EVERY)}
    for spelling in ("dog", "DOG"):
        tokens = ["the", spelling, *SENTENCE[2:]]
        found = made.model.substitutes(tokens, 1, top_k=10**6)
        assert "dog" not in {one.word for one in found} and len(found) == len(whole) - 1
        share = 1 - np.exp(whole["dog"])
        nearly(
            [np.exp(one.log_probability) * share for one in found],
            [np.exp(whole[one.word]) for one in found],
        )
    assert made.model.substitutes(SENTENCE, 1, vocabulary=["dog"]) == []
    assert len(made.model.substitutes(SENTENCE, 1, top_k=3)) == 3


def test_many_sentences_are_what_each_is_alone(tiny, sentences, monkeypatch):
    """Blocks end amid sentences; one direction alone; a conjunction of several words."""
    monkeypatch.setattr(module, "BLOCK_TOKENS", 7)
    made = tiny()
    texts = [s.split() for s in sentences if s]
    for options in ({}, {"combine": "and", "conjunction": "and a"}, {"combine": "backward"}):
        options = {**EVERY, **options}
        substituter = Substituter(made.model.language_model(), **options)
        found = substituter.substitutes(texts, [None, 0, None, 2])
        assert [len(one) for one in found] == [5, 1, 11, 1]
        for text, position, one in zip(texts, (None, 0, None, 2), found, strict=True):
            places = range(len(text)) if position is None else [position]
            for place, best in zip(places, one, strict=True):
                alone = made.model.substitutes(" ".join(text), place, **options)
                wanted = dict(alone)
                nearly([b.log_probability for b in best], [wanted[b.word] for b in best])
    lone = tiny(directions="backward").model
    assert lone.substitutes("a bird", 0, combine="backward")


def test_refusals(tiny):
    made = tiny()
    ask = made.model.substitutes
    for options, message in (
        ({"position": 2}, "position=2: the sentence has 2 tokens, so it must be 0 to 1"),
        ({"position": -1}, "position=-1: the sentence has 2 tokens"),
        ({"top_k": 0}, "top_k=0: must be 1 or more"),
        ({"combine": "sum"}, "combine='sum': must be 'product', 'and', 'forward', 'backward'"),
        ({"similarity": -1.0}, "similarity=-1.0: must be 0 or more"),
        ({"vocabulary": ["zebra"]}, "no word of the list is in the model's vocabulary"),
        ({"vocabulary": []}, "the list of words is empty"),
        ({"min_count": 99}, "min_count=99: no type occurs that often"),
        ({"combine": "and", "conjunction": "und"}, "conjunction='und': 'und' is not in the model"),
        ({"combine": "and", "conjunction": " "}, "conjunction: is empty"),
    ):
        with pytest.raises(ValueError, match=message):
            ask("a bird", **options)
    with pytest.raises(ValueError, match="is empty; give a token or more"):
        ask("")
    with pytest.raises(ValueError, match="combine='product': the model reads backward alone"):
        tiny(directions="backward").model.substitutes("a bird")
    made.model.has_softmax = False
    with pytest.raises(ValueError, match="substitutes: this model has no softmax"):
        ask("a bird")
