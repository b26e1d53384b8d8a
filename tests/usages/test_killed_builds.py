"""Killed at any moment and resumed, an index has the bytes of an undisturbed build."""

import json
import os
import random
import shutil
import subprocess
import sys

import pytest

from elmo.usages import UsageIndex
from tests.usages.test_building import bytes_of


@pytest.fixture(scope="module")
def killer():
    """A function that builds in a process, which it kills."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.usages.killed"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )

    def run(output, text, call=None, **options):
        options |= {"output": str(output), "text": str(text), "part_tokens": 90}
        options |= {"periods": r"\d{4}"}
        process.stdin.write(json.dumps({"options": options, "call": call}) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    with process:
        yield run
        process.stdin.close()


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Two folders of texts."""
    draw, folder = random.Random(0), tmp_path_factory.mktemp("texts")
    words = [f"w{number}" for number in range(40)]
    for name in ("first/1840.txt", "first/1841.txt", "second/1900.txt"):
        lines = [" ".join(draw.choices(words, k=draw.randrange(1, 12))) for _ in range(50)]
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.parametrize("options", [{}, {"words": "w1,w2,w3"}, {"add": True}])
def test_killed_and_resumed(killer, texts, tmp_path, options):
    whole = tmp_path / "whole"
    text = texts / ("second" if "add" in options else "first")
    if "add" in options:
        assert killer(whole, texts / "first")["status"] == 0
        shutil.copytree(whole, tmp_path / "begun")
    calls = killer(whole, text, **options)
    assert calls["status"] == 0 and calls["calls"] > 100
    expected, index = bytes_of(whole), UsageIndex(whole)
    assert index.periods == (("1840", "1841", "1900") if "add" in options else ("1840", "1841"))
    draw, kills = random.Random(str(options)), 0
    # The last calls put the segment in its place and describe it.
    moments = [
        *draw.sample(range(1, calls["calls"]), 7),
        *range(calls["calls"] - 12, calls["calls"] + 1),
    ]
    target = tmp_path / "killed"
    for moment in moments:
        if "add" in options:
            shutil.copytree(tmp_path / "begun", target)
        status = killer(target, text, call=moment, **options)["status"]
        again = killer(target, text, resume=True, call=draw.randrange(1, 200), **options)["status"]
        assert status in (0, -9) and again in (0, -9), moment
        kills += (status == -9) + (again == -9)
        if "add" in options:  # what was there can be read meanwhile
            assert UsageIndex(target).uses("w1").sentence.max() < index.sentences
        assert killer(target, text, resume=True, **options)["status"] == 0
        assert bytes_of(target) == expected, moment
        shutil.rmtree(target)
    assert kills > 20
