"""Senses, change, export and judge over an index, from Python and from the command line."""

import json
from itertools import pairwise

import numpy as np
import pyarrow.parquet
import pytest

import elmo.usages
from elmo.cli.commands import COMMANDS
from elmo.usages.change.comparison import Comparison, change_of
from elmo.usages.change.of_index import change_of_words, words_to_compare
from elmo.usages.change.resampling import Resampling
from elmo.usages.layouts.from_index import plane, wug_of
from elmo.usages.layouts.wug import read_wug
from elmo.usages.senses.clustering import Induced, contextual
from elmo.usages.senses.description import (
    context,
    log_likelihood_ratio,
    telling_substitutes,
    telling_words,
)
from elmo.usages.senses.inventory import Sense, SenseError, Senses, sense_file, split_sense, use_key
from elmo.usages.senses.of_word import open_senses
from tests.cli.conftest import as_json, invoke, refused

YEARS = [*range(1840, 1846), *range(1900, 1906)]
RIVER = "we sat on the bank of the river ."
MONEY = "a bank lends gold ."


@pytest.fixture(scope="module")
def corpus(model_folder, tmp_path_factory):
    """Twelve documents; `bank` is of the river first and lends later."""
    folder = tmp_path_factory.mktemp("corpus")
    texts = folder / "texts"
    texts.mkdir()
    rng = np.random.default_rng(0)
    fillers = ["old", "wet", "the town", "once", "here", "money", "closed"]
    for year in YEARS:
        lines = []
        for n in range(12):
            river = rng.random() < (0.9 if year < 1900 else 0.1)
            lines.append(f"{rng.choice(fillers)} {RIVER if river else MONEY}")
            lines.append(f"the {rng.choice(fillers)} town {n}")
        (texts / f"{year}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    elmo.usages.build(model_folder, texts, folder / "uses", periods=r"\d{4}", progress=False)
    return folder / "uses"


@pytest.fixture
def index(corpus, tmp_path):
    """The index with no senses kept: its files linked into a folder of the test's own."""
    folder = tmp_path / "uses"
    folder.mkdir()
    for path in corpus.iterdir():
        if path.name != "senses":
            (folder / path.name).symlink_to(path)
    return folder


def toy():
    keys = [f"k{n}" for n in range(6)]
    return Senses.of("bank", Induced(np.array([0, 0, 0, 1, 1, -1]), "kmeans"), keys), keys


def test_senses_are_merged_split_and_renamed():
    senses, keys = toy()
    assert [(one.number, one.uses) for one in senses.senses] == [
        (1, ("k0", "k1", "k2")),
        (2, ("k3", "k4")),
    ]
    named = senses.rename(2, " the  river ").rename(1, "money")
    assert [one.name for one in named.senses] == ["money", "the river"]
    parted = named.split("money", keys[:3], np.array([0, 1, 0]))
    assert [(one.number, one.name, one.uses) for one in parted.senses] == [
        (1, "money", ("k0", "k2")),
        (2, "the river", ("k3", "k4")),
        (3, "", ("k1",)),
    ]
    merged = parted.merge([3, "the river"], "both")
    assert [(one.number, one.uses) for one in merged.senses] == [
        (1, ("k0", "k2")),
        (3, ("k1", "k3", "k4")),
    ]
    assert len(merged.edits) == 5
    assert merged.labels(keys).tolist() == [0, 1, 0, 1, 1, -1]


def test_senses_survive_on_disk_whatever_the_word(tmp_path):
    for word in ("bank", "and/or", "..", "ørret", "a.b", "x" * 300):
        senses = Senses.of(word, Induced(np.array([0, 1]), "kmeans"), ["a", "b"]).rename(1, "é")
        path = senses.write(tmp_path)
        assert path.parent == tmp_path / "senses" and path == sense_file(tmp_path, word)
        assert Senses.read(tmp_path, word) == senses
    assert Senses.read(tmp_path, "other") is None


def test_uses_that_came_later_get_the_nearest_sense():
    senses, keys = toy()
    vectors = np.eye(2)[[0, 0, 0, 1, 1, 1, 0, 1]] + 0.01
    assert senses.labels([*keys, "new", "newer"], vectors).tolist() == [0, 0, 0, 1, 1, 1, 0, 1]
    assert senses.labels(["new"], vectors[:1]).tolist() == [-1]


def test_a_sense_without_uses_draws_no_new_ones():
    senses = Senses("bank", "by hand", (Sense(1, "", ("elsewhere",)), Sense(2, "", ("k0",))))
    vectors = np.array([[1.0, 0.0], [-1.0, 0.2]])  # opposite to the only centre
    assert senses.labels(["k0", "new"], vectors).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda s: s.rename(3, "x"), "sense 3 of 'bank': is no sense; there are 1, 2"),
        (lambda s: s.rename(1, "2"), "is another's, or a number"),
        (lambda s: s.rename(1, "a").rename(2, "a"), "is another's"),
        (lambda s: s.merge([1, 1]), "give two or more different ones"),
        (lambda s: s.split(1, ["k0"], np.array([0])), "does not fall into parts"),
        (lambda s: split_sense(s, 2, ["k3"], np.eye(1)), "has 1 uses, too few"),
    ],
)
def test_edits_that_there_are_not(edit, said):
    with pytest.raises(SenseError, match=said):
        edit(toy()[0])


def test_g2_is_that_of_scipy():
    from scipy.stats import chi2_contingency

    found = log_likelihood_ratio(np.array([9.0, 2.0]), np.array([4.0, 30.0]), 40, 60)
    for value, (a, b) in zip(found, [(9, 4), (2, 30)], strict=True):
        wanted = chi2_contingency(
            [[a, b], [40 - a, 60 - b]], correction=False, lambda_="log-likelihood"
        ).statistic
        assert abs(value) == pytest.approx(wanted)
    assert found[0] > 0 > found[1]


def test_words_that_tell_senses_apart():
    contexts = [context(RIVER.split(), 4)] * 6 + [context(MONEY.split(), 1)] * 5
    labels = np.repeat([0, 1], [6, 5])
    river, money = telling_words(contexts, labels)
    assert {one.word for one in river} == {"we", "sat", "on", "the", "of", "river"}
    assert {one.word for one in money} == {"a", "lends", "gold"} and money[0].uses == 5
    shore = [[("shore", -0.1), ("house", -2.0)]] * 3 + [[("house", -0.5)]] * 3
    first, second = telling_substitutes(shore, np.repeat([0, 1], 3))
    assert (first[0].word, second[0].word) == ("shore", "house")


def test_a_use_is_known_by_its_sentence(index):
    found = open_senses(elmo.usages.open(index), "bank", k=2)
    assert not found.kept and len(found.keys) == len(found.uses) == 144
    row = 5
    assert found.keys[row] == use_key(found.tokens[row], int(found.uses.place[row]))
    same = [n for n, tokens in enumerate(found.tokens) if tokens == found.tokens[row]]
    assert len(same) > 1 and len(set(found.labels[same])) == 1


def test_senses_are_shown_edited_and_kept(index):
    assert "money" not in invoke("usages", "senses", index, "bank", "-k", 2).stdout.split("\n")[0]
    assert not sense_file(index, "bank").exists()
    first = as_json("usages", "senses", index, "bank", "-k", 2, "--no-substitutes")
    assert first["k"] == 2 and first["kept"] is None and first["uses"] == 144
    words = [{one["word"] for one in sense["words"]} for sense in first["senses"]]
    river = next(n for n, found in enumerate(words) if "river" in found)
    assert "lends" in words[1 - river]
    share = first["senses"][river]["periods"]
    assert min(share[str(y)] for y in YEARS[:6]) > 0.5 > max(share[str(y)] for y in YEARS[6:])
    names = [f"{river + 1}=river", f"{2 - river}=money"]
    edited = as_json(
        "usages", "senses", index, "bank", "-k", 2, *(x for n in names for x in ("--rename", n))
    )
    assert {sense["name"] for sense in edited["senses"]} == {"river", "money"}
    kept = as_json("usages", "senses", index, "bank", "--no-substitutes")
    assert kept["kept"] and kept["senses"] == [
        {**sense, "substitutes": []} for sense in edited["senses"]
    ]
    central = kept["senses"][0]["central"]
    assert len({" ".join(use["tokens"]) for use in central}) == len(central) == 3
    shown = invoke("usages", "senses", index, "bank").stdout
    assert "river: " in shown and "in its place" in shown and "kept in" in shown
    merged = as_json("usages", "senses", index, "bank", "--merge", "river,money")
    assert merged["k"] == 1 and merged["senses"][0]["uses"] == 144
    again = as_json("usages", "senses", index, "bank", "-k", 3, "--again", "--no-substitutes")
    assert again["k"] == 3 and again["edits"] == []


def test_senses_are_compared_with_gold(index, tmp_path):
    found = open_senses(elmo.usages.open(index), "bank", k=2)
    invoke("usages", "senses", index, "bank", "-k", 2, "--rename", "1=x")
    wug = wug_of(elmo.usages.open(index), "bank")
    lines = [f"{use.identifier}\t{'r' if 'river' in use.context else 'm'}" for use in wug.uses]
    gold = tmp_path / "gold.tsv"
    gold.write_text("identifier\tcluster\n" + "\n".join(lines) + "\n")
    agreed = as_json("usages", "senses", index, "bank", "--gold", gold)["agreement"]
    truth = np.array(["river" in tokens for tokens in found.tokens])
    from sklearn.metrics import adjusted_rand_score

    assert agreed["uses"] == 144
    assert agreed["ari"] == pytest.approx(adjusted_rand_score(truth, found.labels))
    gold.write_text("identifier\tcluster\nnone\t1\n")
    assert "none of its identifiers" in refused("usages", "senses", index, "bank", "--gold", gold)


PERIODS = ("--from", "1840-1869", "--to", "1890-1920")
FEW = ("--bootstrap", 50, "--permutations", 99)


def test_change_of_one_word_and_the_uses_that_carry_it(index):
    found = as_json("usages", "change", index, *PERIODS, "bank", *FEW, "--control", 8)
    (bank,) = found["words"]
    assert bank["unit"] == "document" and bank["uses"] == [72, 72]
    assert bank["scores"]["graded"]["p"] <= 0.05 and bank["scores"]["graded"]["value"] > 0.4
    assert set(bank["controlled"]) == set(bank["scores"])
    for period, word in (("1840-1869", "river"), ("1890-1920", "lends")):
        uses = found["carrying"][period]
        assert uses and all(word in use["tokens"] for use in uses)
    uses = elmo.usages.open(index).uses("bank")
    comparison = Comparison("1840-1869", "1890-1920", resampling=Resampling(50, 99), control=8)
    direct = change_of(uses, comparison)
    for name, score in direct.scores.items():
        assert bank["scores"][name]["value"] == pytest.approx(score.value)
        assert bank["scores"][name]["low"] == pytest.approx(score.low)
    shown = invoke("usages", "change", index, *PERIODS, "bank", *FEW).stdout
    assert "carry the score in 1890-1920" in shown and "whole documents" in shown


def test_change_of_all_words_and_their_frequency(index, tmp_path):
    table = tmp_path / "change.csv"
    found = as_json("usages", "change", index, *PERIODS, *FEW, "-o", table)
    opened = elmo.usages.open(index)
    asked = words_to_compare(opened, 10)
    assert found["asked"] == len(asked) > 8 and "." not in asked
    values = [one["scores"]["apd_excess"]["value"] for one in found["words"]]
    assert values == sorted(values, reverse=True)
    the = next(one for one in found["words"] if one["word"] == "the")
    sizes = opened.tokens_by_period()
    early = sum(n for year, n in sizes.items() if int(year) < 1870)
    assert the["per_million"][0] == pytest.approx(the["uses"][0] / early * 1e6)
    assert the["uses"][0] == sum(n for y, n in opened.counts("the").items() if int(y) < 1870)
    rows = table.read_text().splitlines()
    assert len(rows) == found["compared"] + 1 and rows[0].startswith("word,unit,uses_from")
    comparison = Comparison("1840-1869", "1890-1920", senses=0, resampling=Resampling(20, 20))
    one, two = (change_of_words(opened, comparison, asked, jobs=n) for n in (1, 3))
    assert one == two


def test_kept_senses_are_those_that_are_compared(index):
    invoke("usages", "senses", index, "bank", "-k", 2, "--rename", "1=a")
    wanted = open_senses(elmo.usages.open(index), "bank")
    change = change_of(
        wanted.uses,
        Comparison("1840-1869", "1890-1920", resampling=Resampling(0, 0)),
        wanted.labels,
    )
    found = as_json("usages", "change", index, *PERIODS, "bank", "--senses", 7, *FEW)
    value = found["words"][0]["scores"]["graded"]["value"]
    assert value == pytest.approx(change.scores["graded"].value)


def test_a_series_as_table_and_picture(index, tmp_path):
    over = ("--over", "1840-1842,1843-1845,1900-1902,1903-1905", "--sort", "prt")
    for name in ("s.svg", "s.csv"):
        found = as_json("usages", "change", index, "bank", *over, *FEW, "-o", tmp_path / name)
    values = [step["change"]["scores"]["prt"]["value"] for step in found["series"]]
    assert len(values) == 3 and values[1] > 3 * max(values[0], values[2])
    assert (tmp_path / "s.svg").read_text().startswith("<?xml")
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 4
    assert "→" in invoke("usages", "change", index, "bank", *over, *FEW).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bank",), "give both periods, --from and --to"),
        (("--over", "1840,1900"), "--over is of one word, and 0 are given"),
        (("bank", "--over", "1840,1900", "--from", "1840"), "leave --from and --to out"),
        (("bank", "--from", "1700", "--to", "1900"), "period '1700': no document is of it"),
        (("bnak", *PERIODS), "word='bnak': does not occur"),
        (("bank", *PERIODS, "--thresholds", "5"), "must be two numbers with a comma"),
        (("bank", *PERIODS, "--thresholds", "5,2"), "below the second"),
        (("bank", *PERIODS, "-o", "x.xlsx"), "its ending must be one of"),
    ],
)
def test_changes_that_there_are_not(index, words, said):
    assert said in refused("usages", "change", index, *words)


def test_uses_for_annotators_can_be_read_again(index, tmp_path):
    folder = tmp_path / "wug"
    periods = ("--periods", "1840-1869,1890-1920", "--most", 5)
    invoke("usages", "senses", index, "bank", "-k", 2, "--rename", "1=a")
    found = as_json("usages", "export", index, "bank", "town", "-o", folder, *periods)
    assert len(found["files"]) == 5
    bank, town = read_wug(folder)
    assert [len(bank.uses), len(town.uses)] == [10, 10] and not bank.judgments
    for use in bank.uses:
        assert use.context[use.begin : use.end] == "bank"
        assert use.grouping == ("1840-1869" if int(use.date) < 1900 else "1890-1920")
    assert set(bank.clusters) == {use.identifier for use in bank.uses} and not town.clusters
    assert "exists" in refused("usages", "export", index, "bank", "-o", folder)


def test_sentence_files_of_two_periods(index, tmp_path):
    folder = tmp_path / "semeval"
    invoke(
        *("usages", "export", index, "bank", "-o", folder, "--layout", "semeval"),
        *("--periods", "1840-1869,1890-1920"),
    )
    early = (folder / "corpus1" / "token" / "1840-1869.txt").read_text().splitlines()
    assert len(early) == 72 and all("bank" in line.split() for line in early)
    assert (folder / "targets.txt").read_text() == "bank\n"
    said = refused("usages", "export", index, "bank", "-o", tmp_path / "x", "--layout", "semeval")
    assert "needs two periods" in said


def test_a_map_has_vectors_and_two_components(index, tmp_path):
    path = tmp_path / "bank.parquet"
    invoke("usages", "export", index, "bank", "-o", path, "--layout", "map")
    table = pyarrow.parquet.read_table(path).to_pandas()
    uses = elmo.usages.open(index).uses("bank")
    np.testing.assert_allclose(np.stack(table["vector"]), uses.vectors)
    centred = contextual(uses.vectors).astype(float)
    centred -= centred.mean(axis=0)
    singular = np.linalg.svd(centred, compute_uv=False)
    np.testing.assert_allclose(np.linalg.norm(table[["x", "y"]], axis=0), singular[:2], rtol=1e-4)
    assert "[bank]" in table["text"][0] and table["period"][0] == "1840"
    text = tmp_path / "bank.csv"
    invoke("usages", "export", index, "bank", "-o", text, "--layout", "table", "--most", 7)
    assert len(text.read_text().splitlines()) == 8


def test_components_of_one_use():
    assert plane(np.ones((1, 4))).tolist() == [[0.0, 0.0]]


def test_judged_pairs_from_the_command_line(index, model_folder, tmp_path):
    folder = tmp_path / "wug"
    invoke("usages", "export", index, "bank", "-o", folder, "--most", 1)
    names = [use.identifier for use in read_wug(folder)[0].uses]
    header = "identifier1\tidentifier2\tannotator\tjudgment\n"
    rows = [f"{a}\t{b}\tA\t{n % 4 + 1}\n" for n, (a, b) in enumerate(pairwise(names))]
    (folder / "data" / "bank" / "judgments.tsv").write_text(header + "".join(rows))
    found = as_json("usages", "judge", model_folder, folder, "--layer", 1)
    assert found["together"]["pairs"] == len(rows) == 11
    assert -1 <= found["together"]["low"] <= found["mean"] <= found["together"]["high"] <= 1
    assert "mean over words" in invoke("usages", "judge", model_folder, folder).stdout
    assert "holds no uses.tsv" in refused("usages", "judge", model_folder, tmp_path)


def test_every_command_has_an_example():
    for name in ("senses", "change", "export", "judge"):
        assert f"elmo usages {name} " in COMMANDS[f"usages {name}"].epilog
    assert json.dumps({})  # results are plain values; `as_json` has read them
