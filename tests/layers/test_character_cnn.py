import numpy as np
import pytest
from keras import ops

from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.layers.character_cnn import CharacterCNN
from tests.layers.harness import assign, gradients, run_layer_test, to_numpy
from tests.reference.bilm import ReferenceBiLM
from tests.reference.random_model import random_sentence, random_weights

SIZES = {
    "embedding_dim": 4,
    "filters": [[1, 3], [3, 5], [4, 6]],
    "n_highway": 2,
    "activation": "relu",
    "n_characters": 20,
}
CASES = {
    "relu": {},
    "tanh": {"activation": "tanh"},
    "no highway": {"n_highway": 0},
    "no projection": {"projection_dim": 14},
    "projection of the same size": {"projection_dim": 14, "always_project": True},
    "word vector": {"word_dim": 3, "n_words": 9, "always_project": True},
    "word vector, sizes that add up": {"word_dim": 3, "n_words": 9, "projection_dim": 17},
    "one filter": {"filters": [[2, 5]]},
}


def case(changes, width=9):
    """The layer with random weights, ids of a sentence, and the reference's vectors."""
    sizes = {**SIZES, "projection_dim": 6, **changes}
    settings = {name: value for name, value in sizes.items() if name != "projection_dim"}
    config = BiLMConfig(
        lstm=LSTMConfig(dim=20, projection_dim=sizes["projection_dim"]),
        char_cnn=CharCNNConfig(max_characters_per_token=width, **settings),
    )
    weights = random_weights(config, seed=1)
    prefix = "token_encoder/"
    layer = CharacterCNN(**sizes)
    layer.build()
    own = {name: value for name, value in weights.items() if name.startswith(prefix)}
    assign(layer.named_weights(), {name.removeprefix(prefix): own[name] for name in own})
    ids, _ = random_sentence(config, 7, np.random.default_rng(2), mean_characters=3)
    return sizes, layer, ids, ReferenceBiLM(weights, config)


@pytest.mark.numerics
@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_against_the_reference(changes):
    _, layer, ids, reference = case(changes)
    wanted = reference.token_vectors(ids)
    vectors = to_numpy(layer(np.stack([ids, ids[::-1]])))
    wanted = np.stack([wanted, wanted[::-1]])
    np.testing.assert_allclose(vectors, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.numerics
@pytest.mark.parametrize("changes", [{}, CASES["word vector"]], ids=["characters", "and words"])
def test_harness(changes):
    sizes, _, ids, _ = case(changes)
    ids = np.stack([ids, ids[::-1]])
    pads = {"pad_axes": {"ids": 1}, "output_time_axes": 1}
    run_layer_test(CharacterCNN, sizes, {"ids": ids}, (2, 7, 6), **pads)


@pytest.mark.numerics
def test_zeros_are_vectors_of_zeros():
    _, layer, ids, _ = case({"n_highway": 0, "projection_dim": 14})
    ids[0] = 0
    biases = [value for name, value in layer.named_weights().items() if name.endswith("bias")]
    wanted = np.maximum(np.concatenate([to_numpy(bias) for bias in biases]), 0)
    np.testing.assert_allclose(to_numpy(layer(ids))[0], wanted, atol=1e-6)


@pytest.mark.numerics
def test_columns_of_padding_may_be_left_out():
    """Behind the longest token one window of padding for the widest filter is enough."""
    _, layer, ids, _ = case({}, width=20)
    padding = SIZES["n_characters"]
    ids[:, 7:] = padding
    short = to_numpy(layer(ids[:, : 7 + 4]))
    np.testing.assert_allclose(short, to_numpy(layer(ids)), rtol=1e-6, atol=1e-6)


@pytest.mark.numerics
def test_gradients_against_finite_differences():
    _, layer, ids, reference = case({"activation": "tanh"})
    pull = np.random.default_rng(3).standard_normal((7, 6))
    weights = ops.convert_to_tensor(pull, "float32")
    found = gradients(layer, lambda: ops.sum(layer(ids) * weights))
    by_variable = {
        id(variable): to_numpy(gradient)
        for variable, gradient in zip(layer.trainable_variables, found, strict=True)
    }
    rng = np.random.default_rng(4)
    for name, variable in layer.named_weights().items():
        weight = reference.weights[f"token_encoder/{name}"]
        for _ in range(3):
            place = tuple(rng.integers(0, size) for size in weight.shape)
            value, ends = weight[place], []
            for step in (1e-6, -1e-6):
                weight[place] = value + step
                ends.append((reference.token_vectors(ids) * pull).sum())
            weight[place] = value
            slope = (ends[0] - ends[1]) / 2e-6
            gradient = by_variable[id(variable)][place]
            assert gradient == pytest.approx(slope, rel=1e-3, abs=1e-4), (name, place)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation": "gelu"}, "activation='gelu'"),
        ({"filters": []}, "filters"),
        ({"word_dim": 3}, "n_words=0"),
    ],
)
def test_arguments_that_make_no_sense_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        CharacterCNN(**{**SIZES, **change})
