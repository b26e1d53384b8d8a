import dataclasses
import os

import pytest

from elmo.settings.training import TrainingConfig
from elmo.training.advice import Facts, after_epoch, before_training

GOOD = Facts(
    types=5000,
    unseen=0,
    unknown={"training": 0.1},
    positions=100_000,
    characters=False,
)


def advice(config=None, **facts):
    return list(
        before_training(TrainingConfig(**(config or {})), dataclasses.replace(GOOD, **facts))
    )


def test_good_settings_are_not_talked_about():
    assert not advice()


@pytest.mark.parametrize(
    "config, facts, said",
    [
        ({}, {"unknown": {"training": 0.0, "valid": 0.3}}, "30% of the valid text's targets"),
        ({"batch_size": 3}, {}, "batch_size=3 × window=35: a step of 105 positions"),
        ({"negatives": 5000}, {"given": {"negatives"}}, "negatives=5000: the vocabulary has 5,000"),
        ({"patience": 2}, {"validated": False}, "goes on to epoch 10"),
        ({"patience": 2, "max_steps": 99}, {"validated": False}, "goes on to step 99"),
        (
            {},
            {"unseen": 1001, "vocabulary": "v.txt"},
            "1,001 of the vocabulary's 5,000 types never",
        ),
    ],
)
def test_each_rule_has_its_sentence(config, facts, said):
    (text,) = advice(config, **facts)
    assert said in text and "\n" not in text


@pytest.mark.parametrize(
    "config, facts",
    [
        ({"negatives": 5000}, {}),  # our own choice
        ({"batch_size": 3}, {"positions": 90}),  # the text has no more
        ({}, {"unseen": 1001}),  # nothing was given that could be left out
    ],
)
def test_what_nobody_can_follow_is_not_advised(config, facts):
    assert not advice(config, **facts)


MUCH = {"training": 0.5}


@pytest.mark.parametrize(
    "facts, named, others",
    [
        ({"min_count": 3}, ["lower min_count (it is 3)"], ["max_vocabulary", "--vocabulary"]),
        ({"max_vocabulary": 900}, ["higher max_vocabulary (it is 900)"], ["min_count"]),
        ({"vocabulary": "v"}, ["without --vocabulary"], ["min_count"]),
        ({"further": True, "keep_vocabulary": True}, ["--keep-vocabulary"], ["char", "min_count"]),
        ({"characters": True, "min_count": 2}, ["min_count"], ["char'", "read and"]),
        ({"unknown": {"valid": 0.5}}, ["more training text", "char"], ["min_count", "learns"]),
        ({"unk_token": "<unk>"}, ["are '<unk>'"], ["min_count", "max_vocabulary", "char"]),
    ],
)
def test_unknown_words_are_met_by_settings_that_the_run_has(facts, named, others):
    (text,) = advice(**{"unknown": MUCH, **facts})
    assert "50% of the" in text
    assert all(word in text for word in named), text
    assert not any(word in text for word in others), text


def rows(*pairs, waiting=0.0):
    return [{"train_both": t, "valid_both": v, "waiting_share": waiting} for t, v in pairs]


def told(lines, left=1, further=False, **settings):
    """What is said after each epoch."""
    config = TrainingConfig(**settings)
    return [
        list(after_epoch(lines[: n + 1], config, steps_left=left, further=further))
        for n in range(len(lines))
    ]


def test_drifting_apart_is_told_once():
    said = told(rows((90, 95), (80, 96), (70, 97), (60, 98), (50, 90), (40, 91), (30, 92)))
    assert [len(s) for s in said] == [0, 0, 1, 0, 0, 0, 0]
    assert "by heart" in said[2][0] and "--resume --patience 2" in said[2][0]


DRIFT = ((90, 95), (80, 96), (70, 97))


def test_what_helps_where_training_goes_on_and_where_it_does_not():
    (stops,) = told(rows(*DRIFT), patience=3)[2]
    assert "once 3 epochs bring no better model" in stops and "--resume" not in stops
    for over in (told(rows(*DRIFT), left=0), told(rows(*DRIFT), left=0, patience=2)):
        assert "this one" not in over[2][0]
    assert "a smaller model" in stops
    assert "smaller" not in told(rows(*DRIFT), further=True)[2][0]


@pytest.mark.parametrize("cores, said", [(2, False), (64, True)])
def test_more_workers_are_advised_where_there_are_cores_for_them(cores, said, monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    ((text,),) = told(rows((90, 95), waiting=0.25), workers=2)
    assert ("raise workers" in text) == said and "free processor cores" in text


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
