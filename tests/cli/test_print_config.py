"""`elmo train --print-config`, the page of settings, and the defaults that help shows."""

import json
import re
from pathlib import Path

import click
import pytest

from elmo.cli.commands import COMMANDS
from elmo.settings.described import as_page, as_toml, described
from elmo.settings.settings import Settings, recipes, setting_names
from tests.cli.conftest import invoke, refused

PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def printed(*words):
    result = invoke("train", "--print-config", *words)
    assert result.exit_code == 0, result.output
    return result.stdout


def read_back(text, folder):
    path = folder / "printed.toml"
    path.write_text(text, encoding="utf-8")
    return Settings.from_toml(path)


@pytest.mark.parametrize("words", [(), *(("--config", name) for name in recipes())])
def test_what_is_printed_reads_back_to_the_same_settings(words, tmp_path):
    text = printed(*words, "--set", "clip_norm=none", "--epochs", "3")
    config = Settings.from_toml(words[1]) if words else Settings({})
    wanted = config.merged({"clip_norm": None, "epochs": 3})
    read = read_back(text, tmp_path)
    assert read.resolved() == wanted.resolved()
    assert read.model(vocabulary_size=7) == wanted.model(vocabulary_size=7)
    assert read.training == wanted.training and read.vocabulary == wanted.vocabulary


def test_names_that_need_quotes_read_back(tmp_path):
    odd = {"vocabulary": 'a "b"\\ç\x7f\n.txt', "unk_token": "<未知>"}
    assert read_back(as_toml(Settings(odd)), tmp_path).values.items() >= odd.items()


def test_every_setting_has_a_line_that_says_what_it_means():
    lines = {name: text for names in described().values() for name, text in names.items()}
    assert sorted(lines) == setting_names()
    assert not [name for name, text in lines.items() if len(text) < 8]
    shown = re.findall(r"^(?:# )?(\w+) = .+ # .+$", as_toml(Settings({})), re.MULTILINE)
    assert sorted(shown) == setting_names()


def test_of_a_text_the_chosen_sizes_are_printed(texts, tmp_path):
    from elmo.settings.sizes import chosen_for

    text = printed(texts / "train.txt", "--valid", texts / "valid.txt")
    tokens = len((texts / "train.txt").read_text("utf-8").split())
    chosen = chosen_for(tokens, {}, validated=True)
    assert chosen and read_back(text, tmp_path).resolved() == Settings(chosen).resolved()
    assert "chosen for" in text.splitlines()[0]


def test_as_json_and_what_does_not_go_together(tmp_path):
    found = json.loads(printed("--json", "--dim", "32"))
    assert found["settings"] == Settings.from_values({"dim": 32}).resolved()
    assert read_back(found["toml"], tmp_path).resolved() == found["settings"]
    assert "leave out resume" in refused("train", "--print-config", "--resume")
    assert "unknown setting 'epoch'" in refused("train", "--print-config", "--set", "epoch=3")
    assert "Missing argument" in refused("train", "-o", tmp_path / "m")
    assert "'-o'" in refused("train", "a.txt")


def test_the_page_is_what_the_settings_are():
    assert PAGE.read_text("utf-8") == as_page(), (
        "python -m elmo.settings.described > docs/settings.md"
    )


def test_the_defaults_of_settings_in_help_are_true():
    defaults = {**Settings({}).resolved(), "dropout": 0.0}
    shown = {}
    for option in COMMANDS["train"].params:
        if option.name in defaults:
            found = re.search(r"\[default: (.*)\]$", option.help)
            shown[option.name] = found and found[1]
    assert len(shown) > 15
    for name, value in shown.items():
        wanted = defaults[name]
        if isinstance(wanted, bool):
            wanted = ("" if wanted else "no-") + name.replace("_", "-")
        assert value == (None if wanted is None else str(wanted)), name


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_shows_the_default_of_every_option_that_has_one(name):
    text = " ".join(invoke(*name.split(), "--help").stdout.split())
    for option in COMMANDS[name].params:
        default = option.default
        if isinstance(default, str | int | float) and not getattr(option, "is_flag", True):
            assert f"default: {default}" in text, option.name


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_an_output_that_must_be_named_is_asked_for(name):
    command = COMMANDS[name]
    output = next((option for option in command.params if option.name == "output"), None)
    if output is None or not output.required or "-o" not in output.opts:
        pytest.skip("nothing to name")
    words = ["x" for p in command.params if isinstance(p, click.Argument)]
    assert "Missing option '-o' / '--output'" in refused(*name.split(), *words)
