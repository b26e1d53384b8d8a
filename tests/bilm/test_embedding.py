"""ElmoEmbedding: numbers, masks, freezing, and models that are saved with it inside."""

import keras
import numpy as np
import pytest

from elmo.bilm.embedding import ElmoEmbedding, find_encoder
from elmo.bilm.language_model import BiLanguageModel
from elmo.config import BiLMConfig, CharCNNConfig, DropoutConfig, LSTMConfig
from tests.embed.helpers import network, reference
from tests.layers.harness import to_numpy

# Keras reads its own variables, when it saves them, in a way that NumPy will drop one day.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy")

LSTM = LSTMConfig(dim=6, projection_dim=4, cell_clip=0.8, proj_clip=0.5)
WORDS = BiLMConfig(lstm=LSTM, vocabulary_size=12)
CHARACTERS = BiLMConfig(
    lstm=LSTM,
    char_cnn=CharCNNConfig(
        embedding_dim=3, filters=[[1, 4], [2, 4]], max_characters_per_token=6, n_highway=1
    ),
)
IDS = np.array([[1, 5, 6, 7, 2], [1, 8, 2, 0, 0]], "int32")


def character_ids():
    ids = np.random.default_rng(0).integers(1, 262, (2, 5, 6)).astype("int32")
    ids[1, 3:] = 0
    return ids


@pytest.mark.numerics
@pytest.mark.parametrize("config", [WORDS, CHARACTERS], ids=["words", "characters"])
def test_the_mix_of_the_reference(config):
    ids = IDS if config is WORDS else character_ids()
    layer = ElmoEmbedding(network(config), initial_weights=[0.5, -1.0, 2.0], initial_gamma=1.5)
    found = to_numpy(layer(ids))
    assert found.shape == (2, 3, 8)
    shares = np.exp([0.5, -1.0, 2.0])
    shares *= 1.5 / shares.sum()
    for row, sentence in zip(found, ids, strict=True):
        layers = reference(config).layers(sentence)[0][:, 1:-1]
        mixed = np.einsum("k,ktd->td", shares, layers)
        np.testing.assert_allclose(row[: len(mixed)], mixed, rtol=0, atol=1e-5)
        assert not row[len(mixed) :].any()
    mask = keras.ops.convert_to_numpy(layer.compute_mask(ids))
    assert mask.tolist() == [[True, True, True], [True, False, False]]


def functional(layer):
    ids = keras.Input((None,), dtype="int32")
    vectors = layer(ids)
    hidden = keras.layers.LSTM(3)(vectors)
    return keras.Model(ids, keras.layers.Dense(2, activation="softmax")(hidden))


@pytest.mark.parametrize("trainable", [False, True])
def test_training_and_saving_a_functional_model(tmp_path, trainable):
    source = network(WORDS)
    before = {name: to_numpy(v.value).copy() for name, v in source.named_weights().items()}
    layer = ElmoEmbedding(source, trainable=trainable, dropout=0.1, seed=1)
    model = functional(layer)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    mix = float(to_numpy(layer.mixes[0].gamma.value))
    model.fit(IDS, np.array([0, 1]), epochs=2, verbose=0)
    assert float(to_numpy(layer.mixes[0].gamma.value)) != mix
    moved = {
        name: not np.array_equal(to_numpy(variable.value), before[name])
        for name, variable in layer.encoder.named_weights().items()
    }
    assert any(moved.values()) is trainable
    for name, variable in source.named_weights().items():  # the model it came from stays
        np.testing.assert_array_equal(to_numpy(variable.value), before[name])

    expected = model.predict(IDS, verbose=0)
    model.save(tmp_path / "tagger.keras")
    again = keras.saving.load_model(tmp_path / "tagger.keras")
    np.testing.assert_allclose(again.predict(IDS, verbose=0), expected, rtol=0, atol=1e-6)
    (loaded,) = [part for part in again.layers if isinstance(part, ElmoEmbedding)]
    assert loaded.fine_tuned is trainable
    assert len(loaded.trainable_variables) == len(layer.trainable_variables)


DEPTHS = ["layer_1/", "layer_0/", "token_encoder/"]  # from the top


@pytest.mark.numerics
@pytest.mark.parametrize(
    ("config", "count"), [(WORDS, 0), (WORDS, 1), (WORDS, 2), (CHARACTERS, 2), (CHARACTERS, 3)]
)
def test_unfreezing_trains_the_top_layers_alone(tmp_path, config, count):
    source = network(config)
    before = {name: to_numpy(v.value).copy() for name, v in source.named_weights().items()}
    layer = ElmoEmbedding(source, trainable=True)
    layer.trainable = False
    layer.unfreeze(count)
    ids = keras.Input((None,) if config is WORDS else (None, 6), dtype="int32")
    model = keras.Model(ids, keras.layers.GlobalAveragePooling1D()(layer(ids)))
    model.compile(optimizer="sgd", loss="mse")
    rows = IDS if config is WORDS else character_ids()
    gamma = float(to_numpy(layer.mixes[0].gamma.value))
    model.fit(rows, np.ones((2, 8)), verbose=0)
    assert float(to_numpy(layer.mixes[0].gamma.value)) != gamma
    for depth, part in enumerate(DEPTHS):
        moved = [
            not np.array_equal(to_numpy(variable.value), before[name])
            for name, variable in layer.encoder.named_weights().items()
            if part in name
        ]
        assert moved and any(moved) is (depth < count)

    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    (loaded,) = [part for part in again.layers if isinstance(part, ElmoEmbedding)]
    assert layer.unfrozen == loaded.unfrozen == count
    assert len(loaded.trainable_variables) == len(layer.trainable_variables)
    assert len(again.optimizer.variables) == len(model.optimizer.variables)


def test_unfreezing_more_layers_than_there_are():
    layer = ElmoEmbedding(WORDS)
    with pytest.raises(ValueError, match=r"layers=4: must be 0 to 3, where the last is the token"):
        layer.unfreeze(4)
    layer.unfreeze()
    assert layer.unfrozen == 3 and layer.fine_tuned


def test_the_mask_goes_on(tmp_path):
    model = functional(ElmoEmbedding(network(WORDS)))
    padded = np.pad(IDS, ((0, 0), (0, 3)))
    np.testing.assert_allclose(
        model.predict(IDS, verbose=0), model.predict(padded, verbose=0), rtol=0, atol=1e-6
    )


def test_a_sequential_model(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((None, 6), dtype="int32"),
            ElmoEmbedding(BiLanguageModel(CHARACTERS), do_layer_norm="allennlp"),
            keras.layers.Dense(3),
        ]
    )
    ids = character_ids()
    expected = model.predict(ids, verbose=0)
    assert expected.shape == (2, 3, 3)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(ids, verbose=0), expected, rtol=0, atol=1e-6)


def test_several_mixes():
    layer = ElmoEmbedding(WORDS, n_mixes=2)
    first, second = layer(IDS)
    assert tuple(first.shape) == tuple(second.shape) == (2, 3, 8)
    assert len(layer.compute_mask(IDS)) == 2
    symbolic = layer(keras.Input((None,), dtype="int32"))
    assert [part.shape for part in symbolic] == [(None, None, 8)] * 2
    assert len(layer.trainable_variables) == 4


def test_dropout_of_the_encoder_only_when_fine_tuned():
    config = BiLMConfig(lstm=LSTM, vocabulary_size=12, dropout=DropoutConfig(input=0.5))
    for trainable in (False, True):
        layer = ElmoEmbedding(config, trainable=trainable, seed=3)
        quiet, noisy = to_numpy(layer(IDS)), to_numpy(layer(IDS, training=True))
        assert np.allclose(quiet, noisy) is not trainable


def test_trainable_is_obeyed_whenever_it_is_set(tmp_path):
    layer = ElmoEmbedding(network(WORDS), seed=1)
    model = functional(layer)

    def moves():
        before = {n: to_numpy(v.value).copy() for n, v in layer.encoder.named_weights().items()}
        gamma = float(to_numpy(layer.mixes[0].gamma.value))
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
        model.fit(IDS, np.array([0, 1]), epochs=2, verbose=0)
        after = layer.encoder.named_weights()
        moved = any((to_numpy(after[n].value) != v).any() for n, v in before.items())
        return moved, float(to_numpy(layer.mixes[0].gamma.value)) != gamma

    assert moves() == (False, True)
    for trainable in (True, False):
        layer.trainable = trainable
        assert moves() == (trainable, trainable)
        model.save(tmp_path / "tagger.keras")
        again = keras.saving.load_model(tmp_path / "tagger.keras")
        (loaded,) = [part for part in again.layers if isinstance(part, ElmoEmbedding)]
        assert loaded.fine_tuned is loaded.trainable is trainable
        assert len(loaded.trainable_variables) == len(layer.trainable_variables)


def test_configuration():
    layer = ElmoEmbedding(WORDS, trainable=True, n_mixes=2, dropout=0.2, l2_coef=0.1, seed=4)
    again = ElmoEmbedding.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.config == WORDS


def test_what_is_no_model():
    class Holder:
        network = BiLanguageModel(WORDS)

    assert find_encoder(Holder()) is Holder.network.encoder
    with pytest.raises(TypeError, match="must be a BiLanguageModel"):
        ElmoEmbedding("a path")
    with pytest.raises(ValueError, match="n_mixes=0"):
        ElmoEmbedding(WORDS, n_mixes=0)
    with pytest.raises(ValueError, match="dropout=1"):
        ElmoEmbedding(WORDS, dropout=1)


@pytest.mark.parametrize(
    ("config", "shape", "reads"),
    [
        (WORDS, (None, 50), "reads words; must be .batch, time., as keras.Input..None,."),
        (WORDS, (), "reads words"),
        (
            CHARACTERS,
            (None,),
            "reads characters; must be .batch, time, 6., as keras.Input..None, 6.",
        ),
        (CHARACTERS, (None, 50), "reads characters"),
    ],
)
def test_inputs_of_another_shape_are_refused_when_the_model_is_made(config, shape, reads):
    layer = ElmoEmbedding(config)
    with pytest.raises(ValueError, match=reads):
        layer(keras.Input(shape, dtype="int32"))
    with pytest.raises(ValueError, match=reads):
        layer(np.ones([3 if n is None else n for n in (2, *shape)], "int32"))
    with pytest.raises(ValueError, match=reads):
        layer.encoder(np.ones([3 if n is None else n for n in (2, *shape)], "int32"))


@pytest.mark.parametrize("wrong", [13, -1])
def test_ids_beyond_the_table_are_named(wrong):
    layer = ElmoEmbedding(WORDS)
    assert not np.isnan(to_numpy(layer(np.array([[1, 12, 2]], "int32")))).any()
    with pytest.raises(
        ValueError, match=rf"ids: {wrong} at \(0, 1\): must be 1 to 12, the words of"
    ):
        layer(np.array([[1, wrong, 2]], "int32"))


@pytest.mark.parametrize("wrong", [262, -1])
def test_character_ids_beyond_the_table_are_named(wrong):
    ids = character_ids()
    layer = ElmoEmbedding(CHARACTERS)
    ids[1, 2, 3] = 261
    layer(ids)
    ids[1, 2, 3] = wrong
    with pytest.raises(
        ValueError, match=rf"ids: {wrong} at \(1, 2, 3\): must be 1 to 261, the charac"
    ):
        layer(ids)


def test_strings_are_no_ids():
    with pytest.raises(ValueError, match="ids are strings: must be integers"):
        ElmoEmbedding(WORDS)(keras.Input((None,), dtype="string"))
