"""Every command does what its help says."""

import json
import math
import shutil
import signal
import time
from inspect import signature

import h5py
import numpy as np
import pytest

from elmo._version import __version__
from elmo.api import BiLM
from elmo.cli.commands import COMMANDS, embed, evaluate, train, vocab
from elmo.cli.options import toml_value
from elmo.settings.settings import recipes, setting_names
from elmo.text.corpus import Corpus
from elmo.text.vocabulary import Vocabulary
from elmo.vectors.reading import read_vectors
from tests.cli.conftest import TINY, as_json, invoke, refused, spawn


def test_help_lists_every_command():
    result = invoke("--help")
    assert result.exit_code == 0
    for name in ("demo", "vocab", "train", "evaluate", "embed", "info"):
        assert f"  {name} " in result.output


def test_version():
    assert invoke("--version").output == f"elmo, version {__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example(name):
    result = invoke(*name.split(), "--help")
    assert result.exit_code == 0
    assert f"Example:\n    elmo {name}" in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_options_are_arguments_of_the_function(name):
    parameters = signature(COMMANDS[name].function).parameters
    known = {*parameters, "as_json", "help"}
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        known |= {*setting_names(), *signature(Corpus).parameters}
    assert {option.name for option in COMMANDS[name].params} <= known


def test_help_lists_every_recipe():
    shown = "".join(invoke("train", "--help").output.split())  # lines break at hyphens too
    assert f"orarecipe:{','.join(recipes())}." in shown


def test_vocab(texts, tmp_path):
    target = tmp_path / "vocab.txt"
    report = as_json("vocab", texts / "train.txt", "-o", target, "--min-count", 2)
    vocabulary = Vocabulary.load(target)
    assert report["types"] == len(vocabulary)
    assert report["tokens"] == sum(
        len(line.split()) for line in (texts / "train.txt").read_text().splitlines()
    )
    assert 0 < report["unknown_share"] < 1
    shown = invoke("vocab", texts / "train.txt", "-o", target, "--overwrite", "--lowercase")
    assert shown.exit_code == 0 and "types of" in shown.output
    assert all(t == t.lower() for t in Vocabulary.load(target).tokens[3:])
    report = as_json("vocab", texts, "-o", tmp_path / "ids", "--layout", "token_id")
    assert Vocabulary.load(tmp_path / "ids").layout == "token_id"


def test_vocab_of_standard_input(tmp_path):
    target = tmp_path / "vocab.txt"
    assert invoke("vocab", "-", "-o", target, input="a b a\nc\n").exit_code == 0
    assert target.read_text().split()[3:] == ["a", "b", "c"]


def test_train_reports(trained):
    folder, printed = trained
    report = json.loads(printed)
    assert report["output"] == str(folder)
    assert report["metrics"]["epoch"] == 1
    assert report["best"]["valid_both"] > 1
    assert (folder / "run" / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_train_with_settings_from_everywhere(texts, tmp_path):
    toml = tmp_path / "settings.toml"
    toml.write_text("[model]\ndim = 8\nprojection_dim = 4\n[training]\nepochs = 3\nmax_steps = 2\n")
    output = tmp_path / "model"
    words = ("train", texts / "train.txt", "-o", output, "--config", toml, "--epochs", 1)
    words += ("--set", "negatives=16", "--set", "clip_norm=none", "--directions", "forward")
    result = invoke(*words, "--weight-tying", "--set", "weight_tying=true")
    assert result.exit_code == 2 and "weight_tying is set twice" in result.stderr
    result = invoke(*words, "--tensorboard", "--weight-tying")
    assert result.exit_code == 0, result.output
    assert "parameters" in result.stdout
    assert list((output / "run" / "tensorboard").glob("events.*"))
    saved = json.loads((output / "run" / "settings.json").read_text())["settings"]
    assert saved["clip_norm"] is None and saved["epochs"] == 1 and saved["weight_tying"] is True
    report = as_json("evaluate", output, texts / "valid.txt")
    assert report["backward"] is None
    assert report["both"] == report["forward"]
    result = invoke(*words)
    assert result.exit_code == 2 and "--resume" in result.stderr and "--overwrite" in result.stderr
    assert invoke(*words, "--resume", "--quiet").exit_code == 0


def test_train_a_model_further(model, texts, tmp_path):
    text = tmp_path / "new.txt"
    text.write_text("A neologism is a word .\n" * 40)
    words = (
        "train",
        text,
        "--valid",
        text,
        "--from",
        model,
        "-o",
        tmp_path / "m",
        "--max-steps",
        2,
    )
    result = invoke(*words, "--dim", 9)
    assert (
        result.exit_code == 2 and "dim=9: the model that is trained further has 8" in result.stderr
    )
    result = as_json(*words, "--keep-vocabulary", "--quiet", "--set", "learning_rate=1.0")
    report = result["fine_tuning"]
    assert report["added_words"] == 0 and report["start_from"] == str(model)
    assert report["before"] == report["start"]
    assert report["after"]["both"] < report["before"]["both"]
    assert "trained further: validation perplexity before" in train.show(result)


def test_a_character_model(texts, tmp_path):
    output = tmp_path / "model"
    small = ("--set", "filters=[[1, 4], [2, 4]]", "--set", "char_embedding_dim=2", *TINY)
    result = invoke(
        *("train", texts / "valid.txt", "-o", output, "--token-encoding", "char", *small),
        *("--set", "max_characters_per_token=10", "--max-steps", 1, "--quiet"),
    )
    assert result.exit_code == 0, result.output
    assert "8 filters" in invoke("info", output).output


def test_evaluate(model, texts):
    report = as_json("evaluate", model, texts / "valid.txt", texts / "train.txt")
    columns = ["forward", "backward", "both", "tokens", "unknown_share"]
    columns += ["unigram", "per_character", "characters"]
    assert list(report) == [*columns, "files"]
    assert set(report["files"]) == {str(texts / "valid.txt"), str(texts / "train.txt")}
    part = report["files"][str(texts / "valid.txt")]
    assert list(part) == columns
    lines = (texts / "valid.txt").read_text().splitlines()
    assert part["tokens"] == sum(len(line.split()) for line in lines) + len(lines)
    assert part["both"] == pytest.approx(math.sqrt(part["forward"] * part["backward"]))
    assert report["tokens"] == sum(p["tokens"] for p in report["files"].values())
    shown = invoke("evaluate", model, texts / "valid.txt", "--state", "reset")
    assert shown.exit_code == 0 and "forward" in shown.output


def test_a_vocabulary_from_elsewhere(model, texts, tmp_path):
    bare = shutil.copytree(model, tmp_path / "bare")
    for name in ("vocab.txt", "vocab.counts.txt"):
        (bare / name).rename(tmp_path / name)
    text = tmp_path / "a.txt"
    text.write_text("The file is closed .\n")
    given = ("--vocabulary", tmp_path / "vocab.txt")
    assert "--vocabulary" in refused("evaluate", bare, text)
    assert as_json("evaluate", bare, text, *given) == as_json("evaluate", model, text)
    for name, words in (("a", (model,)), ("b", (bare, *given))):
        as_json("embed", *words, text, "-o", tmp_path / f"{name}.npz")
    ours, wanted = np.load(tmp_path / "b.npz")["0"], np.load(tmp_path / "a.npz")["0"]
    np.testing.assert_array_equal(ours, wanted)


def test_evaluate_counts_blank_lines_that_are_kept(model, tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("The file .\n\nA set .\n")
    assert as_json("evaluate", model, text)["tokens"] == 8
    assert as_json("evaluate", model, text, "--blank-lines", "keep")["tokens"] == 9


def test_embed(model, tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("The file is closed .\n\nIt is .\n")
    report = as_json("embed", model, text, "-o", tmp_path / "a.hdf5")
    assert report["sentences"] == 3 and report["tokens"] == 8
    with h5py.File(tmp_path / "a.hdf5") as file:
        assert file["0"].shape == (3, 5, 8) and file["2"].shape == (3, 3, 8)
        first = file["0"][()]
    words = ("embed", model, text, "-o", tmp_path / "a.npz", "--layers", "average")
    assert invoke(*words, "--pool", "mean", "--batch-size", 1).exit_code == 0
    pooled = np.load(tmp_path / "a.npz")["0"]
    np.testing.assert_allclose(pooled, first.mean(axis=(0, 1)), atol=1e-5)
    assert invoke(*words, "--state", "carry", "--overwrite").exit_code == 0


def test_info(model):
    report = as_json("info", model)
    assert report["architecture"]["lstm"]["dim"] == 8
    assert report["softmax"] is True
    assert "weights.hdf5" in report["files"]
    assert report["run"]["epoch"] == 1
    shown = invoke("info", model)
    assert "2 LSTM layers of 8 cells" in shown.output


def test_commands_are_functions(model, texts, tmp_path):
    by_hand = evaluate.evaluate(model, [texts / "valid.txt"])
    assert by_hand == as_json("evaluate", model, texts / "valid.txt")
    assert vocab.vocab(texts / "train.txt", tmp_path / "v.txt")["types"] > 100


def test_values_of_set():
    assert toml_value("3") == 3
    assert toml_value("true") is True
    assert toml_value("'quoted'") == "quoted"
    assert toml_value("1 \nb = 2") != 1


def test_interrupted_training_says_how_to_go_on(texts, tmp_path):
    output = tmp_path / "model"
    words = ["train", texts / "train.txt", "-o", output, *TINY, "--epochs", "1000"]
    process = spawn(*words)
    deadline = time.monotonic() + 120
    while not (output / "run" / "metrics.csv").exists() and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err and not out
    assert "saved" in err and "--resume" in err.splitlines()[-1]
    words[-1] = json.loads((output / "run" / "settings.json").read_text())["settings"]["epochs"]
    assert words[-1] == 1000
    assert list((output / "run" / "checkpoints").iterdir())


def test_interrupted_embedding_says_how_to_go_on(model, texts, tmp_path, real_windows):
    output, whole = tmp_path / "v.hdf5", tmp_path / "whole.hdf5"
    # So many parts that the signal finds some of them still to be done.
    text = tmp_path / "long.txt"
    text.write_text((texts / "train.txt").read_text() * 3)
    words = ("embed", model, text, "--part-tokens", 200, "--layers", "top", "-o")
    process = spawn(*words, output)
    done = tmp_path / "v.hdf5.unfinished" / "done"
    deadline = time.monotonic() + 120
    while not list(done.glob("part-*")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err and not out and not output.exists()
    assert "parts are kept" in err and "--resume" in err.splitlines()[-1]
    assert "unfinished run" in refused(*words, output)
    assert "layers='top', and this run has layers='all'" in refused(
        *words[:-2], "all", "-o", output, "--resume"
    )
    report = as_json(*words, output, "--resume")
    assert 1 <= report["resumed"] < report["parts"]
    assert as_json(*words, whole)["resumed"] == 0
    assert output.read_bytes() == whole.read_bytes()


def test_embed_file_takes_what_the_command_takes():
    takes = set(signature(BiLM.embed_file).parameters)
    options = {option.name for option in embed.COMMAND.params} - {"as_json"}
    assert options - takes == {"model", "vocabulary"}
    assert takes - options == {"self"}


@pytest.mark.parametrize("name", ["v.parquet", "v.npy", "v.safetensors"])
def test_embed_into_stores(model, tmp_path, name):
    text = tmp_path / "a.txt"
    text.write_text("The file is closed .\n\nIt is .\n")
    report = as_json("embed", model, text, "-o", tmp_path / name, "--quiet")
    assert report["dtype"] == "float16" and report["format"] == name[2:]
    vectors = read_vectors(tmp_path / name)
    assert vectors[0].shape == (3, 5, 8) and vectors.tokens(2) == ["It", "is", "."]
    words = ("embed", model, text, "-o", tmp_path / "is", "--format", name[2:], "--dtype", "int8")
    shown = invoke(*words, "--only", "is,absent", "--layers", "average")
    assert "2 vectors" in shown.stdout and "2 of them listed" in shown.stderr
    assert list(read_vectors(tmp_path / "is").sentences) == [0, 2]


def test_a_closed_pipe_is_quiet(model):
    process = spawn("info", model)
    process.stdout.close()
    err = process.stderr.read()
    process.wait(60)
    process.stderr.close()
    assert "Traceback" not in err and "BrokenPipe" not in err and not err.strip()
