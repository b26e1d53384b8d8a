"""A small text, a model trained on it once, and ways to run commands."""

import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from elmo.cli.main import cli
from elmo.text.builtin import builtin_sentences, split

TINY = ["--epochs", "1", "--dim", "8", "--projection-dim", "4", "--negatives", "16"]


def invoke(*words, input=None):
    """Run a command in this process."""
    return CliRunner().invoke(cli, [str(word) for word in words], input=input)


def refused(*words, input=None):
    """Run a command that must fail as users' mistakes do; gives its sentence."""
    result = invoke(*words, input=input)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    assert not result.stdout
    lines = result.stderr.strip().splitlines()
    sentence = lines[-1]
    assert sentence.startswith(("elmo: error: ", "Error: ")), result.stderr
    return sentence


def spawn(*words):
    """Start a command as a process of its own, which Ctrl-C reaches."""
    # Where a shell has started the tests in the background they ignore it, and so would the command.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(
        [sys.executable, "-m", "elmo", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )


@contextlib.contextmanager
def full_disk(largest=20_000):
    """Within it no file grows beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def as_json(*words):
    """What a command prints with `--json`: one object and nothing else."""
    result = invoke(*words, "--json")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


@pytest.fixture(scope="session")
def texts(tmp_path_factory):
    """A folder with `train.txt` and `valid.txt`."""
    folder = tmp_path_factory.mktemp("texts")
    for name, part in zip(("train", "valid"), split(builtin_sentences(6000)), strict=True):
        lines = "".join(f"{' '.join(tokens)}\n" for tokens in part)
        (folder / f"{name}.txt").write_text(lines, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def trained(texts, tmp_path_factory):
    """The folder of a tiny model, and what its training printed."""
    folder = tmp_path_factory.mktemp("trained") / "model"
    result = invoke(
        *("train", texts / "train.txt", "--valid", texts / "valid.txt", "-o", folder, *TINY),
        *("--quiet", "--json"),
    )
    assert result.exit_code == 0, result.output
    return folder, result.stdout


@pytest.fixture
def model(trained):
    """A tiny model that must stay as it is."""
    return trained[0]


@pytest.fixture
def broken(trained, tmp_path):
    """A copy of the tiny model that a test may damage."""
    return Path(shutil.copytree(trained[0], tmp_path / "model"))
