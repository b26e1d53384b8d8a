"""What a perplexity is read beside: the unigram model's, one per character, unknown words."""

import dataclasses
import json
import math
from collections import Counter

import pytest

import elmo
from elmo.text.letters import Letters
from elmo.training.report import read_metrics
from elmo.training.unigram import unigram_perplexity
from tests.cli.conftest import as_json, invoke

SMALL = {"dim": 6, "projection_dim": 4, "batch_size": 2, "window": 5, "negatives": 0}
TRAINING = ["the cat sat", "the dog sat down", "a cat", "the bird"]
OTHER = ["the cat flew", "a Cat", "Zoë sat"]


def write(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def trained(tmp_path):
    text, other = write(tmp_path / "text", TRAINING), write(tmp_path / "other", OTHER)
    elmo.train(
        text,
        valid=other,
        output=tmp_path / "m",
        epochs=1,
        max_vocabulary=8,
        progress=False,
        **SMALL,
    )
    return tmp_path / "m", other


def spelling(types, words):
    """Nats of words in a unigram model of the types' letters, counted by hand."""
    letters = Counter("".join(types))
    total = letters.total() + len(types) + 2
    end = math.log(total / (len(types) + 1))
    other = math.log(total) + math.log(0x110000)
    return sum(
        end + sum(math.log(total / letters[c]) if letters[c] else other for c in word)
        for word in words
    )


def test_letters_agree_with_counting_by_hand():
    types, words = ["rose", "is", "ß\U0001f339"], ["rise", "", "ß", "\ud800x"]
    nats = Letters(types).nats(words)
    assert nats.sum() == pytest.approx(spelling(types, words), rel=1e-12)
    assert nats[1] == pytest.approx(spelling(types, [""]), rel=1e-12)


def test_spellings_are_a_distribution():
    """All words of up to n letters have together what a geometric series of lengths leaves them."""
    letters = Letters(["ab", "b"])
    end, new = 3 / 7, 1 / 7  # letters a b b, an end of each type, one end and one letter more
    words = ["", "a", "b", "aa", "ab", "ba", "bb"]
    found = sum(math.exp(-nats) for nats in letters.nats(words))
    known = 1 - end - new
    assert found == pytest.approx(end * (1 + known + known**2), rel=1e-12)


def test_an_evaluation_is_comparable(trained):
    folder, other = trained
    model = elmo.load(folder)
    found = model.evaluate(other)
    sentences = [line.split() for line in OTHER]
    assert found.unigram == pytest.approx(unigram_perplexity(model.vocabulary, sentences))
    assert found.characters == sum(len(line) + 1 for line in OTHER)
    types = model.vocabulary.tokens[3:]
    unknown = [word for words in sentences for word in words if word not in types]
    assert 0 < len(unknown) < 6
    assert found.unknown_share == len(unknown) / found.tokens
    nats = found.tokens * math.log(found.both) + spelling(types, unknown)
    assert found.per_character == pytest.approx(math.exp(nats / found.characters))


def test_files_and_their_sum_have_each_their_own(trained):
    folder, other = trained
    again = write(other.with_name("again"), ["sat down", "the"])
    model = elmo.load(folder)
    both = model.evaluate(other, again)
    alone = model.evaluate(again)
    assert both.files[str(again)] == dataclasses.replace(alone, files={})
    sentences = [line.split() for line in (*OTHER, "sat down", "the")]
    assert both.unigram == pytest.approx(unigram_perplexity(model.vocabulary, sentences))
    assert both.characters == alone.characters + both.files[str(other)].characters


@pytest.mark.parametrize("lines", [[], ["", " "]], ids=["none", "two"])
def test_blank_lines_that_are_kept_count_their_ends(lines, trained):
    folder, _ = trained
    text = write(folder / "blank", ["a cat", *lines])
    assert elmo.load(folder).evaluate(text, blank_lines="keep").characters == 6 + len(lines)


def test_sentences_that_are_split_have_as_many_characters(trained):
    folder, _ = trained
    from elmo.text.corpus import Corpus

    model = elmo.load(folder)
    cut = Corpus.from_sentences(["the cat sat down the bird"], max_sentence_tokens=2)
    assert model.encoded(cut).corpus.n_sentences == 3
    assert model.evaluate(cut).characters == len("the cat sat down the bird\n")


def test_train_evaluate_info_and_vocab_count_alike(trained, tmp_path):
    folder, other = trained
    report = as_json("evaluate", folder, other)
    (row,) = read_metrics(folder / "run" / "metrics.csv")
    assert row["valid_unknown_share"] == pytest.approx(report["unknown_share"], rel=1e-5)
    assert row["valid_unigram"] == pytest.approx(report["unigram"], rel=1e-5)
    information = as_json("info", folder)["run"]
    assert information == row
    for shown in (invoke("info", folder).output, invoke("evaluate", folder, other).output):
        assert f"{report['unigram']:,.2f}" in shown and "per character" in shown
    told = as_json("vocab", other, "-o", tmp_path / "v.txt", "--max-size", "5")
    vocabulary = elmo.text.vocabulary.Vocabulary.load(tmp_path / "v.txt")
    unknown = [w for line in OTHER for w in line.split() if w not in vocabulary.tokens]
    assert told["unknown_share"] == len(unknown) / report["tokens"]


def test_a_vocabulary_without_counts_has_no_unigram(trained):
    folder, other = trained
    (folder / "vocab.counts.txt").unlink()
    assert as_json("evaluate", folder, other)["unigram"] is None
    assert "unigram: not known" in invoke("evaluate", folder, other).output


def test_training_further_says_what_compares(trained, tmp_path):
    folder, other = trained
    words = ("train", other, "--valid", other, "--from", folder, "-o", tmp_path / "n")
    shown = invoke(*words, "--max-steps", "1").output
    assert "only perplexities per character compare" in shown
    report = json.loads((tmp_path / "n" / "run" / "fine-tuning.json").read_text())
    assert report["before"]["unknown_share"] > report["after"]["unknown_share"] == 0
    assert f"per character {report['after']['per_character']:.4g}" in shown
