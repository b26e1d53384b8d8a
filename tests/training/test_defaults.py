import json

import pytest

import elmo
from elmo.settings.settings import Settings
from elmo.settings.sizes import TABLE, chosen_for
from elmo.system.progress import NoProgress

SIZES = [10, 999_999, 1_000_000, 50_000_000, 200_000_000, 10**10]


@pytest.mark.parametrize("encoding", ["word", "char"])
@pytest.mark.parametrize("tokens", SIZES)
def test_every_choice_is_a_model(tokens, encoding):
    given = {"token_encoding": encoding}
    settings = Settings.from_values({**given, **chosen_for(tokens, given, validated=True)})
    assert settings.training.patience == 3
    assert settings.model(100).lstm.projection_dim <= settings.model(100).lstm.dim
    if encoding == "char":
        assert (settings.model(100).char_cnn.n_filters == 2048) == (tokens >= 100_000_000)


def test_more_text_more_cells_less_dropout_fewer_passes():
    for name, falls in (
        ("dim", 1),
        ("projection_dim", 1),
        ("batch_size", 1),
        ("dropout", -1),
        ("epochs", -1),
    ):
        values = [falls * choice.settings[name] for choice in TABLE]
        if name == "projection_dim":  # the published small one has less than ELMo-keras
            values.remove(128)
        assert values == sorted(values), name


@pytest.mark.parametrize(
    "given", [{"epochs": 1}, {"dropout": 0.0}, {"recurrent_dropout": 0.1}, {"batch_size": 4}]
)
def test_what_is_given_wins(given):
    choice = chosen_for(10, given, validated=False)
    assert not set(given) & set(choice)
    assert ("dropout" in choice) == (not any("dropout" in name for name in given))
    assert "patience" not in choice


@pytest.mark.parametrize("tokens, optimizer", [(10**5, "adamw"), (10**6, "adamw"), (10**8, None)])
def test_little_text_is_read_by_adam_all_or_nothing(tokens, optimizer):
    """A rate of one's own belongs to an optimizer of one's own."""
    choice = chosen_for(tokens, {}, validated=False)
    assert choice.get("optimizer") == optimizer
    assert ("learning_rate" in choice) == ("weight_tying" in choice) == (optimizer is not None)
    for given in ({"learning_rate": 0.1}, {"optimizer": "sgd"}):
        assert not {"optimizer", "learning_rate"} & set(chosen_for(tokens, given, validated=False))


@pytest.mark.parametrize("tokens, optimizer", [(10**5, "adamw"), (10**6, None), (10**8, None)])
def test_characters_of_a_small_text_are_read_by_adam_too(tokens, optimizer):
    choice = chosen_for(tokens, {"token_encoding": "char"}, validated=False)
    assert choice.get("optimizer") == optimizer
    assert "weight_tying" not in choice  # characters have no table of words to share
    given = {"token_encoding": "char", "optimizer": "sgd"}
    assert "learning_rate" not in chosen_for(tokens, given, validated=False)


@pytest.mark.parametrize("name", ["dim", "projection_dim"])
def test_with_a_size_nothing_is_chosen(name):
    assert chosen_for(10, {name: 4}, validated=True) == {}


def test_a_training_says_and_keeps_what_was_chosen(tmp_path, monkeypatch):
    import elmo.settings.sizes as defaults

    small = {"dim": 6, "projection_dim": 4, "dropout": 0.3, "epochs": 7, "batch_size": 4}
    monkeypatch.setattr(defaults, "TABLE", (defaults.Choice(1e9, small, "to be quick"),))
    text = tmp_path / "t.txt"
    text.write_text("a rose is a rose\n" * 30)
    said = []
    progress = NoProgress()
    progress.message = said.append
    given = {"epochs": 1, "negatives": 2, "window": 5}
    elmo.train(text, output=tmp_path / "m", progress=progress, **given)
    assert said[0] == (
        "chosen for 150 tokens: dim=6, projection_dim=4, dropout=0.3, batch_size=4 (to be quick); "
        "override any of them"
    )
    kept = json.loads((tmp_path / "m" / "run" / "settings.json").read_text())["settings"]
    assert kept == {**given, **{name: small[name] for name in small if name != "epochs"}}
    monkeypatch.setattr(defaults, "TABLE", ())  # a run that is resumed chooses nothing
    elmo.train(text, output=tmp_path / "m", resume=True, epochs=2, progress=False)


def test_with_a_recipe_nothing_is_chosen(tmp_path):
    text = tmp_path / "t.txt"
    text.write_text("a rose is a rose\n" * 30)
    config = tmp_path / "c.toml"
    config.write_text("dim = 6\nprojection_dim = 4\nnegatives = 2\nbatch_size = 2\nwindow = 5\n")
    elmo.train(text, output=tmp_path / "m", config=config, max_steps=1, progress=False)
    kept = json.loads((tmp_path / "m" / "run" / "settings.json").read_text())["settings"]
    assert "dropout" not in kept and "epochs" not in kept
