import pytest

from elmo.training.advice import after_epoch, before_training
from elmo.training.config import TrainingConfig

GOOD = {"types": 5000, "unseen": 0, "unknown": {"training": 0.1}, "characters": False}


def test_good_settings_are_not_talked_about():
    assert not list(before_training(TrainingConfig(), **GOOD))


@pytest.mark.parametrize(
    "config, facts, said",
    [
        ({}, {"unknown": {"training": 0.0, "valid": 0.3}}, "30% of the valid text's tokens"),
        ({"batch_size": 3}, {}, "batch_size=3 × window=35: a step of 105 positions"),
        ({"negatives": 5000}, {}, "negatives=5000: the vocabulary has 5,000 types"),
        ({"patience": 2}, {"validated": False}, "patience=2: without a validation text (--valid)"),
        ({}, {"unseen": 1001}, "1,001 of the vocabulary's 5,000 types never occur"),
    ],
)
def test_each_rule_has_its_sentence(config, facts, said):
    (text,) = before_training(TrainingConfig(**config), **{**GOOD, **facts})
    assert said in text and "\n" not in text


def test_a_reader_of_characters_is_not_told_to_read_characters():
    (text,) = before_training(
        TrainingConfig(), **{**GOOD, "unknown": {"training": 0.5}, "characters": True}
    )
    assert "char'" not in text


def rows(*pairs, waiting=0.0):
    return [{"train_both": t, "valid_both": v, "waiting_share": waiting} for t, v in pairs]


def told(lines):
    """What is said after each epoch."""
    return [list(after_epoch(lines[: n + 1], 2)) for n in range(len(lines))]


def test_drifting_apart_is_told_once():
    said = told(rows((90, 95), (80, 96), (70, 97), (60, 98), (50, 90), (40, 91), (30, 92)))
    assert [len(s) for s in said] == [0, 0, 1, 0, 0, 0, 0]
    assert "by heart" in said[2][0] and "patience=2" in said[2][0]


@pytest.mark.parametrize(
    "pairs",
    [
        [(90, 95), (91, 96), (92, 97)],  # training gets worse, too
        [(90, 95), (80, 96), (70, 95)],  # one epoch alone
        [(90, None), (80, None), (70, None)],
    ],
)
def test_what_is_no_drift(pairs):
    assert told(rows(*pairs)) == [[], [], []]


def test_waiting_is_told_once():
    said = told(rows((90, 95), (80, 90), waiting=0.25))
    assert [len(s) for s in said] == [1, 0] and "25% of the time" in said[0][0]
