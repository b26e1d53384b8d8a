import pytest

from elmo.config import ConfigError
from elmo.training.config import TrainingConfig
from elmo.training.settings import Settings, recipes, setting_names


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
        ({"learning_rate": -1}, "learning_rate=-1: must be a positive number"),
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
def test_recipes_are_found_by_name_and_say_all_they_should(name):
    settings = Settings.from_toml(name)
    training = settings.training
    assert (training.batch_size, training.window) == (32, 35)
    model = settings.model(vocabulary_size=1000)
    assert (model.char_cnn is not None) == ("characters" in name)
    assert model.lstm.n_layers == 2


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
