"""Bad input gets one sentence and exit code 2, never a traceback, and nothing is lost."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from elmo.cli.errors import sentence_of
from elmo.settings.settings import recipes
from tests.cli.conftest import TINY, as_json, full_disk, invoke, refused


def train(*words):
    return ("train", *words, *TINY, "--max-steps", "1", "--quiet")


def written(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("command", ["train", "vocab", "evaluate", "embed"])
def test_a_missing_text(command, model, tmp_path):
    words = {
        "train": train("nothing.txt", "-o", tmp_path / "m"),
        "vocab": ("vocab", "nothing.txt", "-o", tmp_path / "v"),
        "evaluate": ("evaluate", model, "nothing.txt"),
        "embed": ("embed", model, "nothing.txt", "-o", tmp_path / "v.hdf5"),
    }[command]
    assert "nothing.txt" in refused(*words) and not (tmp_path / "m" / "run").exists()


@pytest.mark.parametrize("content", [b"", b"\n \n\t\n"], ids=["empty", "blank"])
def test_a_text_without_a_sentence(content, model, tmp_path):
    text = written(tmp_path / "a.txt", content)
    assert "no sentence" in refused(*train(text, "-o", tmp_path / "m"))
    assert "no sentence" in refused("evaluate", model, text)
    assert "no sentence" in refused("vocab", text, "-o", tmp_path / "v")
    assert not (tmp_path / "m" / "run").exists()


def test_an_empty_text_cannot_be_embedded(model, tmp_path):
    text = written(tmp_path / "a.txt", b"")
    assert "no sentence" in refused("embed", model, text, "-o", tmp_path / "v.hdf5")
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_an_empty_folder_and_an_empty_pattern(tmp_path):
    assert "no text file" in refused("vocab", tmp_path, "-o", tmp_path / "v")
    assert "matches no file" in refused("vocab", tmp_path / "*.txt", "-o", tmp_path / "v")


def test_invalid_utf8(model, tmp_path):
    text = written(tmp_path / "a.txt", b"fine .\nnot \xff fine .\n")
    for words in (
        train(text, "-o", tmp_path / "m"),
        ("vocab", text, "-o", tmp_path / "v"),
        ("evaluate", model, text),
        ("embed", model, text, "-o", tmp_path / "v.hdf5"),
    ):
        sentence = refused(*words)
        assert f"{text}, line 2" in sentence and "--encoding-errors replace" in sentence
        result = invoke(*words, "--encoding-errors", "replace")
        assert result.exit_code == 0, result.output


def test_invalid_utf8_in_the_validation_text_leaves_no_run(texts, tmp_path):
    text = written(tmp_path / "a.txt", b"\xff\n")
    words = train(texts / "valid.txt", "--valid", text, "-o", tmp_path / "m")
    assert "line 1" in refused(*words)
    assert "line 1" in refused(*words)  # and not that a run were there


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ("<S>\n</S>\na\n", "<UNK>"),
        ("<S>\n</S>\n<UNK>\na\nb\na\n", "second time"),
        ("<S>\n</S>\n<UNK>\n\na\n", "blank"),
        ("", "empty"),
        ("<pad> 0\n<unk> 1\n<bos> 2\n<eos> 3\na 7\n", "id 4"),
    ],
)
def test_a_vocabulary_that_is_none(lines, what, texts, tmp_path):
    file = tmp_path / "vocab.txt"
    file.write_text(lines)
    words = train(texts / "valid.txt", "-o", tmp_path / "m", "--vocabulary", file)
    sentence = refused(*words)
    assert str(file) in sentence and what in sentence


def test_unknown_settings(texts, tmp_path):
    words = train(texts / "valid.txt", "-o", tmp_path / "m")
    assert "'learning_rate'" in refused(*words, "--set", "learning_rat=1")
    assert "name=value" in refused(*words, "--set", "epochs")
    assert "optimizer" in refused(*words, "--optimizer", "magic")
    toml = tmp_path / "a.toml"
    toml.write_text("[training]\nepoch = 3\n")
    assert f"{toml}" in refused(*words, "--config", toml)
    toml.write_text("epochs = = 3\n")
    assert "not TOML" in refused(*words, "--config", toml)
    assert "nothing.toml" in refused(*words, "--config", tmp_path / "nothing.toml")
    assert invoke("train", "--no-such-option").exit_code == 2
    assert invoke("no-such-command").exit_code == 2


def test_sizes_that_do_not_fit(texts, tmp_path):
    words = train(texts / "valid.txt", "-o", tmp_path / "m")
    assert "projection_dim=9" in refused(*words, "--projection-dim", "9")
    assert "batch_size=0" in refused(*words, "--batch-size", "0")
    assert "token_encoding" in refused(*words, "--set", "filters=[[1, 2]]")
    wide = ("--token-encoding", "char", "--set", "filters=[[9, 2]]")
    assert "max_characters_per_token" in refused(
        *words, *wide, "--set", "max_characters_per_token=5"
    )
    assert "weight_tying" in refused(*words, "--token-encoding", "char", "--weight-tying")
    assert not (tmp_path / "m" / "run").exists()


NO_VOCABULARY = "this model reads whole words and has no vocabulary; put it beside the model"


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("options.json", "missing", "{folder}: no model here"),
        ("options.json", "cut", "{folder}/options.json: not JSON"),
        ("options.json", "foreign", "{folder}/options.json: not UTF-8 text"),
        ("weights.hdf5", "missing", "{folder}: the weights file missing"),
        ("weights.hdf5", "cut", "{folder}/weights.hdf5: not an HDF5 file, or a damaged one"),
        ("weights.hdf5", "foreign", "{folder}/weights.hdf5: not an HDF5 file, or a damaged one"),
        ("vocab.txt", "missing", NO_VOCABULARY),
        ("vocab.txt", "cut", "{folder}/vocab.counts.txt: does not belong to {folder}/vocab.txt"),
        ("vocab.txt", "foreign", "{folder}/vocab.txt, line 1: not UTF-8"),
    ],
)
def test_a_damaged_model(name, damage, said, broken, texts):
    file = broken / name
    if damage == "missing":
        file.unlink()
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    else:
        file.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    said = said.format(folder=broken)
    assert said in refused("evaluate", broken, texts / "valid.txt")
    if said != NO_VOCABULARY:  # which `info` can do without
        assert said in refused("info", broken)


def test_weights_of_another_size(broken):
    options = json.loads((broken / "options.json").read_text())
    options["lstm"]["projection_dim"] += 1
    (broken / "options.json").write_text(json.dumps(options))
    assert "shape" in refused("info", broken)


def test_no_model(tmp_path):
    assert "no such file" in refused("info", tmp_path / "nothing").lower()
    assert "no model" in refused("info", tmp_path)


def test_a_folder_is_never_overwritten_unasked(model, texts, tmp_path):
    before = {p.name: p.read_bytes() for p in model.iterdir() if p.is_file()}
    assert "--overwrite" in refused(*train(texts / "valid.txt", "-o", model))
    assert before == {p.name: p.read_bytes() for p in model.iterdir() if p.is_file()}
    file = written(tmp_path / "v.hdf5", b"mine")
    assert "exists" in refused("embed", model, texts / "valid.txt", "-o", file)
    assert "exists" in refused("vocab", texts / "valid.txt", "-o", file)
    assert file.read_bytes() == b"mine"


def test_outputs_that_cannot_be_written(model, texts, tmp_path):
    file = written(tmp_path / "file", b"")
    text = texts / "valid.txt"
    refused(*train(text, "-o", file))
    refused(*train(text, "-o", file / "m"))
    refused("vocab", text, "-o", file / "v")
    refused("vocab", text, "-o", tmp_path)
    assert "no such folder" in refused("embed", model, text, "-o", tmp_path / "no" / "v.hdf5")
    assert ".npz" in refused("embed", model, text, "-o", tmp_path / "v.txt")
    assert "resume" in refused("train", text, "-o", tmp_path / "m", "--resume")


@pytest.mark.parametrize("suffix", [".hdf5", ".npz"])
def test_a_full_disk_while_embedding(suffix, model, texts, tmp_path):
    target = tmp_path / f"v{suffix}"
    with full_disk():
        assert str(target) in refused("embed", model, texts / "train.txt", "-o", target)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_while_counting(texts, tmp_path):
    with full_disk(1000):
        assert "large" in refused("vocab", texts / "train.txt", "-o", tmp_path / "v.txt")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_while_training_keeps_the_old_model(model, texts, tmp_path):
    old = shutil.copytree(model, tmp_path / "model")
    before = {p.name: p.read_bytes() for p in old.iterdir() if p.is_file()}
    with full_disk():
        refused(*train(texts / "train.txt", "-o", old, "--overwrite"))
    assert before == {p.name: p.read_bytes() for p in old.iterdir() if p.is_file()}


def test_a_full_standard_output(model):
    with open("/dev/full", "w") as full:
        code = "from elmo.cli.main import main; main()"
        words = [sys.executable, "-c", code, "info", str(model), "--json"]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        ended = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, env=env)
    assert ended.returncode == 2
    assert (
        ended.stderr.strip() == "elmo: error: no space left on device; make room or write elsewhere"
    )


def test_hard_tokens_and_sentences(model, tmp_path):
    lines = [
        "a \x00 b\x01\x02 c\x1b[31m \x7f .",
        "w" * 10_000 + " is a long word .",
        "no\u00a0break \u2028 \u0085 .",
    ]
    text = tmp_path / "a.txt"
    text.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    report = as_json("vocab", text, "-o", tmp_path / "v.txt")
    assert report["sentences"] == 3
    assert as_json("evaluate", model, text)["files"][str(text)]["tokens"] == report["tokens"] + 3
    assert as_json("embed", model, text, "-o", tmp_path / "v.npz")["tokens"] == report["tokens"]
    like_allennlp = sum(len(line.split()) for line in lines)  # at white space of any kind
    assert as_json("embed", model, text, "-o", tmp_path / "v.hdf5")["tokens"] == like_allennlp
    assert invoke(*train(text, "-o", tmp_path / "m")).exit_code == 0


def test_counts_of_another_vocabulary_are_not_replaced(texts, tmp_path):
    (tmp_path / "v.counts.txt").write_text("mine")
    assert "v.counts.txt: exists" in refused("vocab", texts / "valid.txt", "-o", tmp_path / "v.txt")
    assert (tmp_path / "v.counts.txt").read_text() == "mine"


def test_the_first_token_that_is_cut_is_told(tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("a b .\nthe " + "w" * 60 + " .\n")
    settings = [
        "--set",
        "dim=4",
        "--set",
        "projection_dim=2",
        "--set",
        "filters=[[1,2]]",
        "--set",
        "n_highway=0",
    ]
    words = ("train", text, "-o", tmp_path / "m", "--token-encoding", "char", "--epochs", 1)
    ended = invoke(*words, *settings, "--set", "max_steps=1", "--set", "char_embedding_dim=2")
    assert ended.exit_code == 0, ended.output
    ended = invoke("embed", tmp_path / "m", text, "-o", tmp_path / "v.npz")
    assert "1 tokens, the first 'wwwwwwwwwwwwwwwwwwwwwwww…' on line 2\n" in ended.output


def test_a_sentence_of_100_000_tokens(model, tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("the file is " * 33_333 + "closed\n")
    assert as_json("evaluate", model, text)["tokens"] == 100_001
    target = tmp_path / "v.npz"
    words = ("embed", model, text, "-o", target, "--layers", "top", "--pool", "mean")
    assert as_json(*words)["tokens"] == 100_000
    assert np.isfinite(np.load(target)["0"]).all()
    assert invoke(*train(text, "-o", tmp_path / "m")).exit_code == 0


def test_sentences_are_one_line_and_obey_no_control_character():
    error = FileNotFoundError(2, "No such file or directory", "a\x1b[31m\nb")
    assert sentence_of(error) == "a\\x1b[31m b: no such file or directory"


def test_faults_of_ours_keep_their_traceback():
    assert sentence_of(KeyError("x")) is None
    assert sentence_of(ValueError("from elsewhere")) is None


def test_a_recipe_that_is_not_there(texts, tmp_path):
    words = train(texts / "valid.txt", "-o", tmp_path / "m", "--config", "small")
    sentence = refused(*words)
    assert "small: no such file, and no recipe of that name; recipes are" in sentence
    assert all(name in sentence for name in recipes())
