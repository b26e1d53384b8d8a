"""`elmo usages show`: the lines of a concordance, in each order."""

import numpy as np
import pytest

from elmo.usages import UsageIndex
from elmo.usages.concordance import by_sense, concordance
from elmo.usages.senses.inventory import Sense, Senses, use_keys
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


@pytest.fixture
def with_senses(built, tmp_path):
    """The index with three senses of `bank`, one of which no use of these texts has."""
    folder = tmp_path / "uses"
    folder.mkdir()
    for path in built.iterdir():
        (folder / path.name).symlink_to(path)
    keys = use_keys([sentence for _, sentence, _ in ALL], [place for _, _, place in ALL])
    senses = (
        Sense(1, "river", (keys[3], keys[0], keys[1])),
        Sense(2, "nowhere", ("0" * 16,)),
        Sense(3, "", (keys[2], *keys[4:])),
    )
    Senses("bank", "by hand", senses).write(folder)
    return folder


LABELS = [0, 0, 2, 0, 2, 2, 2]


def test_lines_by_sense_have_the_most_central_first(with_senses):
    index = UsageIndex(with_senses)
    vectors = index.uses("bank").vectors.astype(float)
    vectors -= vectors.mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    def nearness(row):
        return vectors[row] @ np.mean(
            [vectors[n] for n in range(7) if LABELS[n] == LABELS[row]], axis=0
        )

    wanted = []
    for label in (0, 2):
        wanted += sorted((n for n in range(7) if LABELS[n] == label), key=lambda n: -nearness(n))
    names = {0: "river", 2: "3"}
    found = [(name, use.tokens, use.place) for name, use in by_sense(index, "bank")]
    assert found == [(names[LABELS[n]], *ALL[n][1:]) for n in wanted]
    shown = [(use.tokens, use.place) for use in concordance(index, "bank", "sense")]
    assert shown == [ALL[n][1:] for n in wanted]
    of_period = [(use.tokens, use.place) for _, use in by_sense(index, "bank", period="1900")]
    assert of_period == [ALL[n][1:] for n in wanted if n >= 4]
    few = [(use.tokens, use.place) for _, use in by_sense(index, "bank", most=3)]
    assert few == [ALL[n][1:] for n in wanted if n in (0, 3, 6)]


def test_the_command_has_a_heading_for_each_sense(with_senses):
    asked = ("usages", "show", with_senses, "bank", "--sort", "sense")
    found = [line["sense"] for line in as_json(*asked)["lines"]]
    assert found == ["river"] * 3 + ["3"] * 4
    lines = invoke(*asked, "--width", 9).stdout.splitlines()
    assert [(n, line) for n, line in enumerate(lines) if line.endswith(":")] == [
        (1, "sense river:"),
        (5, "sense 3:"),
    ]
    assert "period='1850': must be one of" in refused(*asked, "--period", "1850")


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
