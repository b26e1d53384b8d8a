import dataclasses

import pytest

import elmo
from elmo.bilm.initialization import new_network
from elmo.config import ConfigError
from elmo.formats.options import config_from_options
from elmo.settings.settings import RECIPES, Settings, published_settings, recipes, setting_names
from elmo.settings.training import TrainingConfig


def test_settings_find_their_places():
    settings = Settings.from_values(
        {
            "dim": 32,
            "projection_dim": 16,
            "token_encoding": "char",
            "filters": [[1, 4]],
            "char_embedding_dim": 7,
            "dropout": 0.2,
            "recurrent_dropout": 0.3,
            "output_dropout": 0.4,
            "epochs": 3,
            "min_count": 2,
        }
    )
    model = settings.model(vocabulary_size=50, lowercase=True)
    assert (model.lstm.dim, model.lstm.projection_dim) == (32, 16)
    assert (model.char_cnn.embedding_dim, model.char_cnn.filters) == (7, ((1, 4),))
    assert (model.dropout.input, model.dropout.recurrent, model.dropout.output) == (0.2, 0.3, 0.4)
    assert model.lowercase
    assert settings.training == TrainingConfig(epochs=3)
    assert settings.vocabulary.min_count == 2


@pytest.mark.parametrize(
    "values, message",
    [
        ({"epoch": 3}, "unknown setting 'epoch'; did you mean 'epochs'?"),
        ({"epochs": 0}, "epochs=0: must be a whole number, 1 or more"),
        ({"learning_rate": -1}, "learning_rate=-1: must be a positive, finite number"),
        ({"projection_dim": 900}, "projection_dim=900: must be at most dim=400"),
        ({"token_encoding": "bpe"}, "token_encoding='bpe': must be word or char"),
        ({"filters": [[1, 2]]}, "filters: only with token_encoding='char'"),
        ({"optimizer": "lion"}, "optimizer='lion': must be one of"),
        ({"dropout": 1.0}, "dropout.input=1.0: must be 0 or more and below 1"),
        ({"token_encoding": "char", "weight_tying": True}, "weight_tying=True"),
    ],
)
def test_what_does_not_fit_is_named(values, message):
    with pytest.raises(ConfigError) as error:
        Settings.from_values(values)
    assert message in str(error.value)


def test_toml(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("epochs = 4\n[model]\ndim = 8\nprojection_dim = 4\n[anything]\nseed = 9\n")
    settings = Settings.from_toml(path)
    assert settings.values == {"epochs": 4, "dim": 8, "projection_dim": 4, "seed": 9}
    assert settings.merged({"epochs": 5}).training.epochs == 5


@pytest.mark.parametrize(
    "text, message", [("a = ", "not TOML"), ("[m]\ndim = 8\n[n]\ndim = 9\n", "dim is set twice")]
)
def test_toml_errors_name_the_file(tmp_path, text, message):
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as error:
        Settings.from_toml(path)
    assert str(path) in str(error.value)


def test_none_as_toml_can_write_it(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text("clip_norm = 'none'\npatience = 'None'\ncell_clip = 'none'\n")
    settings = Settings.from_toml(path)
    assert settings.values == {"clip_norm": None, "patience": None, "cell_clip": None}
    with pytest.raises(ConfigError, match="epochs='none'"):
        Settings.from_values({"epochs": "none"})


def test_the_projection_is_never_larger_than_the_cells_by_default():
    assert Settings.from_values({"dim": 64}).model(10).lstm.projection_dim == 64


def test_no_name_is_used_twice():
    names = setting_names()
    assert len(names) == len(set(names))
    assert {"dim", "epochs", "filters", "word_dropout", "vocabulary", "dropout"} <= set(names)


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_is_explained_and_builds(name):
    """At a size that is quick; what remains is that every setting of it has its place."""
    assert (RECIPES / f"{name}.toml").read_text().startswith("# ")
    settings = Settings.from_toml(name)
    assert settings.model(vocabulary_size=1000).lstm.n_layers == 2
    small = scaled_down(settings)
    network = new_network(small.model(vocabulary_size=11), 0, small.training.precision)
    assert network.compute_dtype == ("bfloat16" if name == "large" else "float32")


def scaled_down(settings):
    small = {"dim": 6, "projection_dim": 4, "batch_size": 2, "negatives": 3}
    if settings.model(10).char_cnn is not None:
        small.update(filters=[[1, 2], [2, 3]], char_embedding_dim=2, max_characters_per_token=8)
    return settings.merged(small)


@pytest.mark.slow
def test_the_large_recipe_trains_in_bfloat16_and_gives_a_float32_model(tmp_path, monkeypatch):
    from elmo.training.steps.step import Step

    seen = []
    honest = Step.__init__

    def spy(self, network, *args):
        seen.append(network.compute_dtype)
        honest(self, network, *args)

    monkeypatch.setattr(Step, "__init__", spy)
    text = tmp_path / "t.txt"
    text.write_text("a rose is a rose .\n" * 20)
    settings = scaled_down(Settings.from_toml("large"))
    model = elmo.train(
        text, valid=text, output=tmp_path / "m", config=settings, max_steps=2, progress=False
    )
    assert seen == ["bfloat16"]
    assert model.network.compute_dtype == "float32"
    assert {str(v.dtype) for v in model.network.variables} <= {"float32", "uint32", "int32"}
    loaded = elmo.load(tmp_path / "m")
    assert model.evaluate(text).both == loaded.evaluate(text).both < 12


# The options.json of the original model, and those of bilm-tf's own training script.
ORIGINAL = {
    "lstm": {
        "use_skip_connections": True,
        "projection_dim": 512,
        "cell_clip": 3,
        "proj_clip": 3,
        "dim": 4096,
        "n_layers": 2,
    },
    "char_cnn": {
        "activation": "relu",
        "filters": [[1, 32], [2, 32], [3, 64], [4, 128], [5, 256], [6, 512], [7, 1024]],
        "n_highway": 2,
        "embedding": {"dim": 16},
        "n_characters": 262,
        "max_characters_per_token": 50,
    },
}
TRAINING = {
    "bidirectional": True,
    "dropout": 0.1,
    "all_clip_norm_val": 10.0,
    "n_epochs": 10,
    "batch_size": 128,
    "unroll_steps": 20,
    "n_negative_samples_batch": 8192,
    "learning_rate": 0.2,
}


@pytest.mark.parametrize("name", ["published", "large"])
def test_recipes_of_the_original_size_have_its_architecture(name):
    ours = Settings.from_toml(name).model(vocabulary_size=793_471)
    theirs = config_from_options(ORIGINAL, "options.json")
    assert (ours.lstm, ours.char_cnn) == (theirs.lstm, theirs.char_cnn)
    assert ours.dropout.input == ours.dropout.output == 0.1
    assert not ours.weight_tying and ours.directions == "both"


def test_the_published_recipe_trains_as_bilm_tf():
    recipe = Settings.from_toml("published")
    wanted = {**published_settings(TRAINING), "epochs": 10, "initial_accumulator": 1.0}
    assert recipe.training == TrainingConfig(**wanted)


def test_the_large_recipe_differs_where_it_says():
    published = dataclasses.asdict(Settings.from_toml("published").training)
    large = dataclasses.asdict(Settings.from_toml("large").training)
    assert {name for name in large if large[name] != published[name]} == {
        "state_resets",
        "precision",
        "batch_size",
        "negatives_mode",
        "checkpoint_minutes",
        "workers",
    }


def test_the_recipe_of_elmo_keras_has_its_settings():
    model = Settings.from_toml("elmo-keras").model(vocabulary_size=28_914)
    assert (model.lstm.dim, model.lstm.projection_dim) == (400, 200)
    assert (model.lstm.cell_clip, model.lstm.proj_clip) == (5, 5)
    assert model.weight_tying
    assert (model.dropout.input, model.dropout.word) == (0.1, 0.05)
    assert Settings.from_toml("elmo-keras").training.negatives == 1000


def test_a_name_that_is_no_recipe_is_a_missing_file():
    with pytest.raises(FileNotFoundError, match="no-such-recipe"):
        Settings.from_toml("no-such-recipe")
