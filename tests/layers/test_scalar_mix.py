import numpy as np
import pytest

from elmo.layers.scalar_mix import ScalarMix
from tests.layers.harness import run_layer_test, to_numpy

RNG = np.random.default_rng(0)
LAYERS = (RNG.standard_normal((3, 4, 6, 5)) * 2 + 0.5).astype("float32")
REAL = np.array([6, 3, 4])
MASK = np.arange(6) < REAL[:, None]
WEIGHTS = [0.3, -1.0, 2.0, 0.0]


def mixed(layers, weights, gamma):
    shares = np.exp(weights) / np.exp(weights).sum()
    return gamma * sum(share * layers[:, k] for k, share in enumerate(shares))


@pytest.mark.numerics
@pytest.mark.parametrize("norm", [False, "allennlp", "bilm-tf"])
def test_harness(norm):
    run_layer_test(
        ScalarMix,
        {"n_layers": 4, "do_layer_norm": norm, "initial_weights": WEIGHTS, "l2_coef": 0.1},
        {"inputs": LAYERS, "mask": MASK},
        (3, 6, 5),
        pad_axes={"inputs": 2, "mask": 1},
        output_time_axes=1,
        tolerance=1e-5,
    )
    run_layer_test(ScalarMix, {"n_layers": 4, "do_layer_norm": norm}, LAYERS, (3, 6, 5))


@pytest.mark.numerics
def test_the_mix():
    mix = ScalarMix(n_layers=4, initial_weights=WEIGHTS, initial_gamma=1.7)
    np.testing.assert_allclose(to_numpy(mix(LAYERS)), mixed(LAYERS, WEIGHTS, 1.7), atol=1e-5)
    average = to_numpy(ScalarMix(n_layers=4)(LAYERS))
    np.testing.assert_allclose(average, LAYERS.mean(axis=1), atol=1e-5)


@pytest.mark.numerics
@pytest.mark.parametrize("norm", ["allennlp", "bilm-tf"])
def test_layer_norm_counts_the_tokens_it_should(norm):
    counted = MASK.copy()
    if norm == "bilm-tf":
        counted[:, 0] = False
        counted[np.arange(3), REAL - 1] = False
    normed = np.empty_like(LAYERS, dtype="float64")
    for k in range(4):
        values = LAYERS[:, k].astype("float64")
        normed[:, k] = (values - values[counted].mean()) / values[counted].std()
    mix = ScalarMix(n_layers=4, do_layer_norm=norm, initial_weights=WEIGHTS)
    np.testing.assert_allclose(
        to_numpy(mix(LAYERS, mask=MASK)), mixed(normed, WEIGHTS, 1), atol=1e-5
    )


@pytest.mark.numerics
def test_trimmed_inputs_normed_over_all_tokens_are_bilm_tf():
    whole = ScalarMix(n_layers=4, do_layer_norm="bilm-tf")(LAYERS)
    trimmed = ScalarMix(n_layers=4, do_layer_norm="allennlp")(LAYERS[:, :, 1:-1])
    np.testing.assert_allclose(to_numpy(whole)[:, 1:-1], to_numpy(trimmed), atol=1e-5)


def test_one_layer_can_be_picked_and_frozen():
    mix = ScalarMix(n_layers=4, initial_weights=[-9e10, 1, -9e10, -9e10], trainable=False)
    np.testing.assert_allclose(to_numpy(mix(LAYERS)), LAYERS[:, 1], atol=1e-6)
    assert mix.trainable_variables == []


@pytest.mark.numerics
def test_the_penalty():
    mix = ScalarMix(n_layers=4, initial_weights=WEIGHTS, l2_coef=0.1)
    mix(LAYERS)
    assert len(mix.losses) == 1
    assert float(to_numpy(mix.losses[0])) == pytest.approx(0.1 * np.square(WEIGHTS).sum(), rel=1e-5)
    assert ScalarMix(n_layers=4).losses == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"do_layer_norm": "batch"}, "do_layer_norm='batch'"),
        ({"initial_weights": [1.0]}, "4 numbers"),
        ({"l2_coef": -1.0}, "l2_coef"),
    ],
)
def test_arguments_that_make_no_sense_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        ScalarMix(n_layers=4, **change)


def test_another_number_of_layers_is_refused():
    with pytest.raises(ValueError, match="n_layers=3"):
        ScalarMix(n_layers=3)(LAYERS)


def test_the_top_layer_alone():
    """γ times the last layer, and γ is all that is learned."""
    options = {"n_layers": 4, "use_top_only": True, "initial_gamma": 2.0}
    run_layer_test(ScalarMix, options, LAYERS, (3, 6, 5))
    mix = ScalarMix(**options)
    np.testing.assert_allclose(to_numpy(mix(LAYERS)), 2 * LAYERS[:, -1], atol=1e-6)
    assert [v.name for v in mix.trainable_variables] == ["gamma"]
    for other in ({"do_layer_norm": "bilm-tf"}, {"initial_weights": WEIGHTS}, {"l2_coef": 0.1}):
        with pytest.raises(ValueError, match="use_top_only=True"):
            ScalarMix(**options, **other)
