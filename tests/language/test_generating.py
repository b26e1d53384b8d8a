"""Generated texts against the NumPy reference, which reads each of them from its beginning."""

import numpy as np
import pytest
from scipy.stats import chisquare

from elmo.language import generating
from tests.elsewhere import slow_elsewhere
from tests.language.conftest import nearly

PROMPTS = ["", "the cat", "zebra", "in a garden the old dog", "a"]
# What is read and what predicts, each in a direction; which direction does not ask which of these.
KINDS = pytest.mark.parametrize(
    ("kind", "direction"),
    [("word", "forward"), slow_elsewhere("tied", "backward"), ("characters", "backward")],
)


def next_log_p(made, words, direction):
    """ln P of every type behind words that were read, in the order of the text, by the reference."""
    found = made.log_probabilities([" ".join(words)])[0]
    # The last one forward has read all words, and so has the last one backward.
    return found[direction][-1]


def stop_of(made, direction):
    return made.vocabulary.eos_id if direction == "forward" else made.vocabulary.bos_id


def barred(made, direction, unknown=False):
    v = made.vocabulary
    return [v.bos_id if direction == "forward" else v.eos_id, *([] if unknown else [v.unk_id])]


def greedy(made, prompt, direction, most):
    """Tokens, nats and whether it ended, a step at a time."""
    words, nats = prompt.split(), 0.0
    for step in range(most + 1):
        if step == most:
            return words, nats, False
        values = next_log_p(made, words, direction)
        allowed = values.copy()
        allowed[barred(made, direction)] = -np.inf
        best = int(allowed.argmax())
        nats -= values[best]
        if best == stop_of(made, direction):
            return words, nats, True
        token = made.vocabulary.tokens[best]
        words = [*words, token] if direction == "forward" else [token, *words]
    raise AssertionError


@pytest.mark.numerics
@KINDS
def test_greedy_text_is_the_references(tiny, kind, direction):
    made = tiny(kind)
    samples = made.model.generate(PROMPTS, direction=direction, temperature=0, max_tokens=7)
    for number, (prompt, sample) in enumerate(zip(PROMPTS, samples, strict=True)):
        words, nats, ended = greedy(made, prompt, direction, 7)
        assert sample.text == " ".join(words) and sample.ended is ended
        assert sample.prompt == number
        generated = len(words) - len(prompt.split())
        own = words[-generated:] if direction == "forward" else words[:generated]
        assert list(sample.tokens) == (own if generated else [])
        nearly(sample.nats, nats)


@pytest.mark.numerics
@KINDS
def test_nats_are_those_of_the_untempered_model(tiny, kind, direction):
    made = tiny(kind)
    samples = made.model.generate(
        PROMPTS, direction=direction, n=5, temperature=1.5, top_k=14, max_tokens=9, seed=3
    )
    assert {sample.ended for sample in samples} == {True, False}
    for sample in samples:
        prompt = len(PROMPTS[sample.prompt].split())
        ids = made.encoder.word_ids(sample.text.split()) - 1
        values = made.log_probabilities([sample.text])[0][direction]
        targets = ids[1:] if direction == "forward" else ids[-2::-1]
        end = None if sample.ended else -1
        chosen = values[np.arange(len(targets)), targets][prompt:end]
        nearly(sample.nats, -chosen.sum())


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("unknown", [False, True])
def test_first_tokens_are_as_frequent_as_they_are_probable(tiny, direction, unknown):
    made = tiny()
    n = 3000
    samples = made.model.generate(
        "the old", direction=direction, n=n, max_tokens=1, unknown=unknown, seed=1, batch_size=1000
    )
    drawn = [
        made.vocabulary.tokens.index(sample.tokens[0])
        if sample.tokens
        else stop_of(made, direction)
        for sample in samples
    ]
    wanted = np.exp(next_log_p(made, ["the", "old"], direction))
    wanted[barred(made, direction, unknown)] = 0
    wanted /= wanted.sum()
    counts = np.bincount(drawn, minlength=len(wanted))
    assert not counts[wanted == 0].any()
    assert bool(counts[made.vocabulary.unk_id]) is unknown
    kept = wanted > 0
    assert chisquare(counts[kept], n * wanted[kept]).pvalue > 0.01


@pytest.mark.numerics
@KINDS
def test_the_same_text_at_any_batch_size_and_in_any_order(tiny, kind, direction, monkeypatch):
    monkeypatch.setattr(generating, "ROWS", 8)
    model = tiny(kind).model
    choices = {"direction": direction, "n": 4, "max_tokens": 12, "seed": 7}
    whole = model.generate(PROMPTS, **choices, batch_size=8)
    texts = [(s.text, s.ended) for s in whole]
    assert len(set(texts)) > 12
    for batch_size in (1, 3, 100):
        found = model.generate(PROMPTS, **choices, batch_size=batch_size)
        assert [(s.text, s.ended) for s in found] == texts
        nearly([s.nats for s in found], [s.nats for s in whole])
    turned = model.generate(PROMPTS[::-1], **choices)
    turned.sort(key=lambda sample: -sample.prompt)
    assert [(s.text, s.ended) for s in turned] == texts
    alone = model.generate(PROMPTS[1], **choices)
    assert [s.text for s in alone] == [text for text, _ in texts[4:8]]
    fewer = model.generate(PROMPTS, **{**choices, "n": 2})
    assert [s.text for s in fewer[:2]] == [text for text, _ in texts[:2]]
    assert [s.text for s in model.generate(PROMPTS, **{**choices, "seed": 8})] != [
        text for text, _ in texts
    ]


def test_a_prompt_that_is_given_twice_has_other_samples(tiny):
    first, second = tiny().model.generate(["the", "the"], max_tokens=20)
    assert first.text != second.text


def test_prompts_are_strings_or_lists_of_tokens(tiny):
    model = tiny().model
    one, two = model.generate(["the cat", ["the", "cat"]], temperature=0)
    assert one.tokens == two.tokens and one.text == two.text
    assert model.generate("the cat", temperature=0) == [one]
    assert model.generate([]) == []
    with pytest.raises(TypeError, match="sentence 1 is 3"):
        model.generate(["the cat", 3])


def test_a_model_of_one_direction(tiny):
    made = tiny(directions="backward")
    (sample,) = made.model.generate("a dog", direction="backward", temperature=0, max_tokens=5)
    assert sample.text == " ".join(greedy(made, "a dog", "backward", 5)[0])
    with pytest.raises(
        ValueError, match="direction='forward': this model has one direction, 'back"
    ):
        made.model.generate("a dog")


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"n": 0}, "n=0: must be 1 or more"),
        ({"max_tokens": 0}, "max_tokens=0: must be 1 or more"),
        ({"batch_size": 1.5}, "batch_size=1.5: must be 1 or more"),
        ({"seed": -1}, "seed=-1: must be 0 or more"),
        ({"direction": "up"}, "direction='up': must be 'forward' or 'backward'"),
        ({"top_p": 2}, "top_p=2: must be above 0 and at most 1"),
        ({"temperature": -1}, "temperature=-1: must be 0"),
    ],
)
def test_choices_that_cannot_be(tiny, choices, sentence):
    with pytest.raises(ValueError, match=sentence):
        tiny().model.generate("the", **choices)


def test_a_model_without_a_softmax(tiny):
    model = tiny().model
    model.has_softmax = False
    with pytest.raises(ValueError, match="generate: this model has no softmax"):
        model.generate("the")
