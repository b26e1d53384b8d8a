import keras
import numpy as np
import pytest
from keras import ops

from elmo.config import BiLMConfig, LSTMConfig
from elmo.layers.bidirectional_stack import BidirectionalStack
from elmo.layers.projected_lstm import ProjectedLSTM
from tests.layers.harness import assign, gradients, run_layer_test, to_numpy
from tests.reference.bilm import ReferenceBiLM as Reference
from tests.reference.random_model import random_weights

SIZES = {"dim": 7, "projection_dim": 4, "cell_clip": 0.6, "proj_clip": 0.4}


def inputs(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def mask_of(lengths, time):
    return np.arange(time)[None] < np.array(lengths)[:, None]


@pytest.mark.numerics
@pytest.mark.parametrize(
    "settings",
    [
        SIZES,
        {"dim": 5, "projection_dim": 5},
        {"dim": 5, "projection_dim": 5, "always_project": True, "proj_clip": 0.4},
        {**SIZES, "forget_bias": 0.0, "cell_clip": None},
    ],
    ids=["clips", "no projection", "a square projection", "no forget bias"],
)
def test_lstm_in_the_harness(settings):
    data = {"inputs": inputs(3, 5, 6), "mask": mask_of([5, 3, 1], 5)}
    run_layer_test(
        ProjectedLSTM,
        settings,
        data,
        (3, 5, settings["projection_dim"]),
        pad_axes={"inputs": 1, "mask": 1},
        output_time_axes=1,
    )


@pytest.mark.numerics
def test_dropout_in_the_recurrence():
    settings = {**SIZES, "recurrent_dropout": 0.5, "weight_dropout": 0.3, "seed": 3}
    run_layer_test(ProjectedLSTM, settings, inputs(3, 5, 6), (3, 5, 4), stochastic=True)


@pytest.mark.numerics
def test_stack_in_the_harness():
    data = {"inputs": inputs(2, 3, 5, 4), "mask": np.stack([mask_of([5, 2, 4], 5)] * 2)}
    shapes = ((2, 2, 3, 5, 4), ((2, 2, 3, 4), (2, 2, 3, 7)))
    settings = {**SIZES, "n_layers": 2}
    run_layer_test(
        BidirectionalStack,
        settings,
        data,
        shapes,
        batch_axes={"inputs": 1, "mask": 1},
        pad_axes={"inputs": 2, "mask": 2},
        output_time_axes=(3, (None, None)),
    )


def reference_for(settings, n_layers, directions="both", skip=True, seed=0):
    lstm = LSTMConfig(
        dim=settings["dim"],
        projection_dim=settings["projection_dim"],
        cell_clip=settings.get("cell_clip"),
        proj_clip=settings.get("proj_clip"),
        n_layers=n_layers,
        use_skip_connections=skip,
        forget_bias=settings.get("forget_bias", 1.0),
    )
    config = BiLMConfig(lstm=lstm, vocabulary_size=3, directions=directions)
    weights = random_weights(config, seed=seed, scale=1.5)
    return weights, Reference(weights, config)


@pytest.mark.numerics
@pytest.mark.parametrize("n_layers", [1, 3])
@pytest.mark.parametrize("skip", [True, False])
def test_stack_is_the_reference_with_state_and_padding(n_layers, skip):
    weights, reference = reference_for(SIZES, n_layers, skip=skip)
    stack = BidirectionalStack(**SIZES, n_layers=n_layers, use_skip_connections=skip)
    stack.build((2, None, None, 4))
    own = {n: a for n, a in weights.items() if n.startswith(("forward", "backward"))}
    assign(stack.named_weights(), own)
    x, lengths = inputs(2, 3, 6, 4, seed=1), [6, 4, 1]
    state = (0.3 * inputs(2, n_layers, 3, 4, seed=2), 0.5 * inputs(2, n_layers, 3, 7, seed=3))
    mask = np.stack([mask_of(lengths, 6)] * 2)
    outputs, last = stack(x, mask=mask, state=state)
    outputs, last = to_numpy(outputs), [to_numpy(s) for s in last]
    clipped = 0
    for d, direction in enumerate(("forward", "backward")):
        for row, length in enumerate(lengths):
            h, c = (s[d, :, row].astype("float64") for s in state)
            wanted, h, c = reference.run(direction, x[d, row, :length].astype("float64"), h, c)
            np.testing.assert_allclose(outputs[:, d, row, :length], np.stack(wanted), atol=1e-5)
            np.testing.assert_allclose(last[0][d, :, row], h, atol=1e-5)
            np.testing.assert_allclose(last[1][d, :, row], c, atol=1e-5)
            clipped += np.sum(np.abs(c) == SIZES["cell_clip"]) + np.sum(np.abs(h) == 0.4)
    assert clipped > 5, "the clips must bite for this test to say something"


@pytest.mark.numerics
@pytest.mark.parametrize("projection_dim", [3, 5])
def test_gradients_are_finite_differences(projection_dim):
    """Of all weights, inputs masked at the end, clips that bite, and a state that is carried in."""
    settings = {"dim": 5, "projection_dim": projection_dim, "cell_clip": 0.5, "proj_clip": 0.35}
    weights, reference = reference_for(settings, 2, seed=4)
    stack = BidirectionalStack(**settings, n_layers=2)
    stack.build((2, None, None, projection_dim))
    names = [n for n in weights if n.startswith(("forward", "backward"))]
    assign(stack.named_weights(), {n: weights[n] for n in names})
    x, lengths = inputs(2, 2, 4, projection_dim, seed=5), [4, 2]
    state = (
        0.3 * inputs(2, 2, 2, projection_dim, seed=6),
        0.3 * inputs(2, 2, 2, 5, seed=7),
    )
    probe = inputs(2, 2, 2, 4, projection_dim, seed=8)
    mask = np.stack([mask_of(lengths, 4)] * 2)
    probe = probe * mask[None, ..., None]
    x_tensor, probe_tensor = ops.convert_to_tensor(x), ops.convert_to_tensor(probe)

    def loss():
        outputs, (h, c) = stack(x_tensor, mask=mask, state=state)
        return ops.sum(outputs * probe_tensor) + ops.sum(h) + 0.5 * ops.sum(ops.square(c))

    by_id = {id(v): n for n, v in stack.named_weights().items()}
    order = [by_id[id(v)] for v in stack.trainable_variables]
    found = dict(zip(order, map(to_numpy, gradients(stack, loss)), strict=True))

    def reference_loss():
        total = 0.0
        for d, direction in enumerate(("forward", "backward")):
            for row, length in enumerate(lengths):
                h, c = (s[d, :, row].astype("float64") for s in state)
                outputs, h, c = reference.run(direction, x[d, row, :length].astype("float64"), h, c)
                total += np.sum(np.stack(outputs) * probe[:, d, row, :length])
                total += h.sum() + 0.5 * np.square(c).sum()
        return total

    rng, step = np.random.default_rng(9), 1e-6
    for name in names:
        array = reference.weights[name]
        for _ in range(4):
            place = tuple(rng.integers(0, n) for n in array.shape)
            before = array[place]
            array[place] = before + step
            above = reference_loss()
            array[place] = before - step
            below = reference_loss()
            array[place] = before
            wanted = (above - below) / (2 * step)
            assert found[name][place] == pytest.approx(wanted, rel=2e-4, abs=2e-4), (name, place)


@pytest.mark.numerics
def test_state_carries_a_row_over_windows():
    lstm = ProjectedLSTM(**SIZES)
    x = inputs(2, 9, 6)
    whole, whole_state = lstm(x, return_state=True)
    first, state = lstm(x[:, :4], return_state=True)
    second, state = lstm(x[:, 4:], initial_state=state, return_state=True)
    parts = np.concatenate([to_numpy(first), to_numpy(second)], axis=1)
    np.testing.assert_allclose(parts, to_numpy(whole), atol=1e-6)
    for one, other in zip(state, whole_state, strict=True):
        np.testing.assert_allclose(to_numpy(one), to_numpy(other), atol=1e-6)


def test_a_projection_larger_than_the_cells_is_refused():
    with pytest.raises(ValueError, match="projection_dim=8: must be at most dim=4"):
        ProjectedLSTM(dim=4, projection_dim=8)


def test_the_stack_names_the_size_it_reads():
    stack = BidirectionalStack(dim=8, projection_dim=4)
    with pytest.raises(ValueError, match="projection_dim=4"):
        stack.build((2, None, None, 5))


@pytest.mark.numerics
def test_mixed_precision_keeps_the_state_in_float32():
    lstm = ProjectedLSTM(**SIZES, dtype="mixed_bfloat16")
    outputs, (h, c) = lstm(inputs(2, 3, 6), return_state=True)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    assert {keras.backend.standardize_dtype(s.dtype) for s in (h, c)} == {"float32"}
