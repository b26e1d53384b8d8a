"""What is said while a corpus is embedded."""

import itertools
import re
from types import SimpleNamespace

import pytest

from elmo.bulk import meter as meters
from elmo.embed.embedder import Embedder
from elmo.system import progress as report
from elmo.text.encoding import SentenceEncoder
from tests.embed.helpers import CONFIGS, NumpyEngine, embed_file, network

SENTENCES = [["a", "b", "c"]] * 20


@pytest.fixture
def embedder():
    config = CONFIGS["characters"]
    engine = NumpyEngine(config)
    return Embedder(network(config), SentenceEncoder(characters=50), engine=engine)


def test_lines(embedder, tmp_path, monkeypatch, capsys):
    seconds = itertools.count(0, 20)
    clock = SimpleNamespace(monotonic=lambda: next(seconds))
    monkeypatch.setattr(report, "time", clock)
    monkeypatch.setattr(meters, "time", clock)
    embed_file(embedder, SENTENCES, tmp_path / "v.npy", part_tokens=20, progress=True)
    out, err = capsys.readouterr()
    lines = err.splitlines()
    assert not out
    assert re.fullmatch(
        r"20 sentences, 60 tokens: [\d.]+ kB as float16 in v.npy; .* are free", lines[0]
    )
    shown = [line for line in lines if line.startswith("token 33/60")]
    assert re.fullmatch(r"token 33/60  [\d.]+ tokens/s  MB [\d.]+  \d+:\d\d left", shown[0])


def test_a_bar(embedder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    embed_file(embedder, SENTENCES, tmp_path / "v.parquet", part_tokens=20, progress=True)
    err = capsys.readouterr().err
    assert "at most" in err and "embedding" in err and "60/60" in err and "tokens/s" in err


def test_nothing(embedder, tmp_path, capsys):
    embed_file(embedder, SENTENCES, tmp_path / "v.npy")
    assert capsys.readouterr() == ("", "")
