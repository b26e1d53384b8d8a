"""WUG tables round trip, judged pairs against SciPy, SemEval's files, bad input."""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cosine
from scipy.stats import spearmanr

from elmo.system.errors import FormatError
from elmo.usages.change.measures import Thresholds, scores
from elmo.usages.change.resampling import observed
from elmo.usages.change.units import units_of
from elmo.usages.layouts.encoding import encode_spans
from elmo.usages.layouts.judged import judge
from elmo.usages.layouts.semeval import evaluate, read_scores, write_scores, write_sentences
from elmo.usages.layouts.spans import marked_span
from elmo.usages.layouts.tsv import read_tsv
from elmo.usages.layouts.wug import (
    Judgment,
    Wug,
    WugUse,
    read_clusters,
    read_judgments,
    read_uses,
    read_wug,
    write_clusters,
    write_judgments,
    write_uses,
    write_wug,
)


@pytest.fixture(scope="module")
def norwegian():
    if "ELMO_DATA" not in os.environ:
        pytest.skip("ELMO_DATA names no folder with nor-dia-change")
    return Path(os.environ["ELMO_DATA"]) / "nor-dia-change" / "subset1"


def toy(lemma="bank", texts=("the bank .", "a bank of sand", "bank loans")):
    uses = []
    for number, text in enumerate(texts):
        begin = text.index("bank")
        uses.append(WugUse(lemma, f"u{number}", text, begin, begin + 4, "1840-1869", "1850"))
    values = [("u0", "u2", 4), ("u2", "u0", 3), ("u0", "u1", 1), ("u1", "u2", 0), ("u2", "u1", 2)]
    judged = [Judgment(a, b, f"A{n}", v, lemma) for n, (a, b, v) in enumerate(values)]
    return Wug(lemma, uses, judged, {"u0": "0", "u1": "1", "u2": "0"})


def test_the_published_files_round_trip(norwegian, tmp_path):
    words = sorted((norwegian / "data").iterdir())
    assert len(words) == 40
    for folder in words:
        for name, read, write in (
            ("uses.tsv", read_uses, write_uses),
            ("judgments.tsv", read_judgments, write_judgments),
        ):
            write(tmp_path / name, read(folder / name))
            assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
        clusters = norwegian / "clusters" / "opt" / f"{folder.name}.tsv"
        write_clusters(tmp_path / "c.tsv", read_clusters(clusters))
        assert (tmp_path / "c.tsv").read_bytes() == clusters.read_bytes()


def test_published_scores_come_out_of_published_clusters(norwegian):
    """Graded and binary change as the data set gives them, by its own thresholds."""
    rows = read_tsv(norwegian / "stats" / "opt" / "stats_groupings.tsv", ("lemma", "change_graded"))
    words = {word.lemma: word for word in read_wug(norwegian)}
    assert len(words) == len(rows) == 40
    for row in rows:
        word = words[row["lemma"]]
        senses = np.array([int(word.clusters[use.identifier]) for use in word.uses])
        later = np.array([use.grouping == "1970-2015" for use in word.uses])
        units = units_of(np.ones((len(later), 1), np.float32), later, None, senses)
        limits = Thresholds(int(row["k1"]), int(row["n1"]))
        found = {k: float(v[0]) for k, v in scores(units, *observed(units), limits).items()}
        assert found["graded"] == pytest.approx(float(row["change_graded"]), abs=1e-6)
        assert found["binary"] == float(row["change_binary"]), row["lemma"]


def test_a_data_set_is_read_as_it_was_written(tmp_path):
    words = [toy(), toy("and/or")]
    written = write_wug(tmp_path, words)
    assert len(written) == 6 and (tmp_path / "data" / "and_or" / "uses.tsv").is_file()
    found = read_wug(tmp_path)
    assert [word.lemma for word in found] == ["and/or", "bank"]
    bank = found[1]
    assert [use.cells() for use in bank.uses] == [use.cells() for use in toy().uses]
    assert (bank.judgments, bank.clusters) == (toy().judgments, toy().clusters)
    assert [word.lemma for word in read_wug(tmp_path / "data" / "bank")] == ["bank"]


def test_medians_take_either_order_and_leave_out_who_could_not_say():
    assert toy().medians() == {("u0", "u2"): 3.5, ("u0", "u1"): 1, ("u1", "u2"): 2}


def test_judged_pairs_are_correlated_as_scipy_does():
    rng = np.random.default_rng(0)
    texts = [f"bank {n}" for n in range(12)]
    table = {text: rng.normal(size=5) for text in texts}
    uses = [WugUse("bank", str(n), text, 0, 4) for n, text in enumerate(texts)]
    pairs = [(i, j) for i in range(12) for j in range(i)]
    judged = [Judgment(str(i), str(j), "A", int(rng.integers(0, 5))) for i, j in pairs]
    found = judge([Wug("bank", uses, judged)], lambda t, _: np.array([table[x] for x in t]))
    kept = [(one, pair) for one, pair in zip(judged, pairs, strict=True) if one.value]
    cosines = [1 - cosine(table[texts[i]], table[texts[j]]) for _, (i, j) in kept]
    wanted = spearmanr(cosines, [one.value for one, _ in kept]).statistic
    assert found.together.pairs == len(kept) < len(pairs)
    assert found.together.spearman == found.words[0].spearman == pytest.approx(wanted)
    assert found.together.low < wanted < found.together.high


def test_a_mean_over_words_is_of_their_own_correlations():
    def encode(texts, _):
        return np.random.default_rng(len(texts[0])).normal(size=(3, 4))

    found = judge([toy(), toy("x", ("my bank .", "our bank", "no bank at all"))], encode)
    assert found.mean == pytest.approx(np.mean([word.spearman for word in found.words]))
    assert [word.pairs for word in found.words] == [3, 3] and found.together.pairs == 6


def test_a_word_in_running_text_has_the_vector_of_its_token(model):
    text = "We sat on the bank, of the river."
    tokens = ["We", "sat", "on", "the", "bank", ",", "of", "the", "river", "."]
    for layer, number in (("top", 2), (1, 1), ("token", 0)):
        (found,) = encode_spans(model, [text], [(14, 18)], layer)
        wanted = model.embed([tokens])[0][number][4]
        assert len(found) == (8 if layer == "token" else 16)  # both halves of layer 0 are the same
        np.testing.assert_allclose(found, wanted[: len(found)], atol=1e-6)
    (two,) = encode_spans(model, [text], [(10, 18)])
    both = model.embed([tokens])[0][2][3:5]
    np.testing.assert_allclose(two, both.mean(axis=0), atol=1e-6)


def test_a_long_text_is_read_around_the_word(model):
    long = "wet " * 500 + "bank" + " gold" * 500
    short = "wet " * 60 + "bank" + " gold" * 60
    begin = long.index("bank"), short.index("bank")
    vectors = encode_spans(model, [long, short], [(b, b + 4) for b in begin])
    np.testing.assert_allclose(*vectors, atol=1e-6)


@pytest.mark.parametrize("span", [(0, 0), (3, 99), (-1, 2)])
def test_a_span_that_is_none(span):
    with pytest.raises(ValueError, match="must be a span of the text's 4 characters"):
        marked_span("bank", *span)


def test_scores_of_semeval_round_trip(tmp_path):
    path = tmp_path / "graded.txt"
    path.write_text("attack_nn\t0.143969\nbag_nn\t0.1003630\nplane_nn\t1\n")
    found = read_scores(path)
    assert found == {"attack_nn": 0.143969, "bag_nn": 0.100363, "plane_nn": 1}
    write_scores(tmp_path / "again.txt", found)
    assert (tmp_path / "again.txt").read_text().splitlines()[1:] == [
        "bag_nn\t0.100363",
        "plane_nn\t1",
    ]
    assert read_scores(tmp_path / "again.txt") == found
    write_sentences(tmp_path / "s.txt", [["a", "bank"], ["b"]])
    assert (tmp_path / "s.txt").read_text() == "a bank\nb\n"


def test_answers_are_judged_by_the_kind_of_gold():
    assert evaluate({"a": 1, "b": 1, "x": 0}, {"a": 1, "b": 0}) == {"words": 2, "accuracy": 0.5}
    gold = {"a": 0.5, "b": 0.1, "c": 0.9}
    assert evaluate({"a": 3, "b": 9, "c": 1}, gold) == {"words": 3, "spearman": -1}
    with pytest.raises(ValueError, match="'b': has no score"):
        evaluate({"a": 1, "c": 0}, gold)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a 0.5\n", "line 1: must be a word, a tab and a number"),
        ("a\tx\n", "line 1"),
        ("a\tnan\n", "line 1"),
        ("a\t1\na\t1\n", "line 2: 'a' stands there twice"),
    ],
)
def test_scores_that_are_none(tmp_path, text, said):
    (tmp_path / "s.txt").write_text(text)
    with pytest.raises(FormatError, match=said):
        read_scores(tmp_path / "s.txt")


USES = "lemma\tidentifier\tcontext\tindexes_target_token\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lemma\tcontext\n", "has no column identifier, indexes_target_token"),
        (USES + "bank\tu\n", "line 2: has 2 cells"),
        (USES + "bank\tu\ta bank\t2-6\n", "row 2: indexes_target_token='2-6' must be begin:end"),
        (USES + "bank\tu\ta bank\t2:60\n", "6 characters"),
    ],
)
def test_uses_that_are_none(tmp_path, text, said):
    (tmp_path / "uses.tsv").write_text(text)
    with pytest.raises(FormatError, match=said):
        read_wug(tmp_path)


def test_judgments_that_are_none(tmp_path):
    header = "identifier1\tidentifier2\tannotator\tjudgment\n"
    (tmp_path / "j.tsv").write_text(f"{header}a\tb\tX\tfour\n")
    with pytest.raises(FormatError, match="row 2: judgment='four' must be a number"):
        read_judgments(tmp_path / "j.tsv")
    with pytest.raises(FileNotFoundError, match=r"holds no uses\.tsv"):
        read_wug(tmp_path)
    with pytest.raises(ValueError, match="no pair of uses is judged"):
        judge([Wug("bank", [])], lambda t, s: np.empty((0, 3)))
