"""`elmo usages show`: the lines of a concordance, in each order."""

import numpy as np
import pytest

from elmo.usages import UsageIndex
from elmo.usages.concordance import concordance
from tests.cli.conftest import as_json, invoke, refused
from tests.usages.conftest import SENTENCES

ALL = [
    (name, sentence, place)
    for name, sentences in SENTENCES.items()
    for sentence in sentences
    for place, token in enumerate(sentence)
    if token == "bank"
]


def test_lines_in_the_order_of_the_text(built):
    lines = concordance(UsageIndex(built), "bank")
    found = [(use.document.rpartition("/")[2], use.tokens, use.place) for use in lines]
    assert found == ALL and [use.period for use in lines] == [name[:4] for name, _, _ in ALL]


def test_lines_by_neighbours_and_period(built):
    index = UsageIndex(built)
    every = [(sentence, place) for _, sentence, place in ALL]

    def shown(sort, **options):
        return [(use.tokens, use.place) for use in concordance(index, "bank", sort, **options)]

    assert shown("left") == sorted(every, key=lambda u: [t.lower() for t in u[0][: u[1]][:-4:-1]])
    assert shown("right") == sorted(every, key=lambda u: [t.lower() for t in u[0][u[1] + 1 :][:3]])
    assert shown("period") == every
    assert shown("text", period="1900") == every[4:]
    assert shown("text", most=3) == [every[0], every[3], every[6]]


def test_like_vectors_stand_together(built):
    index = UsageIndex(built)
    vectors = index.uses("bank").vectors
    centred = vectors - vectors.mean(axis=0)
    first = np.linalg.svd(centred)[2][0]
    order = np.argsort(centred @ first)
    lines = concordance(index, "bank", "context")
    found = [(use.tokens, use.place) for use in lines]
    wanted = [ALL[n][1:] for n in order]
    assert found in (wanted, wanted[::-1])


def test_the_command(built):
    found = as_json("usages", "show", built, "bank", "-n", 2, "--sort", "right", "--width", 9)
    assert (found["uses"], found["periods"]) == (7, {"1840": 4, "1900": 3})
    assert [set(line) for line in found["lines"]] == [
        {"tokens", "place", "sentence", "document", "period"}
    ] * 2
    text = invoke("usages", "show", built, "bank", "--width", 9, "--period", "1840").stdout
    assert text.splitlines() == [
        "bank: 4 uses",
        "  1840  1840-a    the old [bank] closed .",
        "  1840  1840-a  …t on the [bank] of the r…",
        "  1840  1840-b          a [bank] lends mo…",
        "  1840  1840-b  the river [bank] was wet .",
    ]
    assert "7 uses, 1 shown" in invoke("usages", "show", built, "bank", "-n", 1).stdout


@pytest.mark.parametrize(
    "words, said",
    [
        (("bank", "--period", "1850"), "period='1850': must be one of 1840, 1900"),
        (("bank", "--sort", "best"), "'best' is not one of"),
        (("bnak",), "word='bnak': does not occur in the texts; spelled like it: bank"),
    ],
)
def test_what_cannot_be_shown_is_told(built, words, said):
    assert said in refused("usages", "show", built, *words)
