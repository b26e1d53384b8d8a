"""The training step: what it changes, by how much, and what it leaves alone."""

import keras
import numpy as np
import pytest

from elmo.bilm.weights import get_weights
from tests.elsewhere import slow_elsewhere
from tests.reference.bilm import ReferenceBiLM
from tests.training.helpers import make, run

SLOW = pytest.mark.slow


@pytest.mark.numerics
@pytest.mark.parametrize("tied", [False, True])
def test_rows_that_are_not_named_do_not_move(tied):
    step, batches, vocabulary = make(tied=tied)
    before = get_weights(step.network)
    batch = batches.batch(0)
    run(step)
    after = get_weights(step.network)
    named = {"softmax/bias": batch["rows"][batch["row_mask"] > 0]}
    if tied:
        named["token_encoder/embedding"] = named["softmax/bias"]
    else:
        named["softmax/kernel"] = named["softmax/bias"]
        named["token_encoder/embedding"] = batch["tokens"][batch["tokens"] > 0] - 1
    for name, rows in named.items():
        moved = np.flatnonzero((before[name] != after[name]).reshape(len(vocabulary), -1).any(1))
        assert set(moved) <= set(rows.tolist())
        assert len(moved) > 0


@pytest.mark.numerics
@pytest.mark.parametrize(
    ("optimizer", "tied"),
    [
        ("adagrad", True),
        pytest.param("adagrad", False, marks=SLOW),
        pytest.param("adam", True, marks=SLOW),
        ("adamw", True),
        slow_elsewhere("sgd", True),
    ],
)
def test_rows_are_updated_as_a_dense_table_would_be(optimizer, tied):
    """With all types as negatives the sampled loss is the exact one, and every row is touched.

    So the step on rows must do what Keras's optimizer does to the whole tables of the exact softmax.
    The one difference: without sampling, the untied embedding goes by rows as well.
    """
    settings = {"optimizer": optimizer, "learning_rate": 0.05, "weight_decay": 0.01}
    sampled, batches, vocabulary = make(tied=tied, negatives=100, **settings)
    exact, _, _ = make(tied=tied, negatives=0, **settings)
    assert batches.batch(0)["negatives"].size == len(vocabulary)
    run(sampled, 3)
    run(exact, 3)
    one, other = get_weights(sampled.network), get_weights(exact.network)
    for name in one:
        np.testing.assert_allclose(one[name], other[name], atol=2e-5, err_msg=name)


@pytest.mark.numerics
def test_the_gradient_is_a_finite_difference_of_the_reference():
    """SGD with rate 1 moves each weight by its gradient of the exact loss."""
    step, batches, _ = make("sentence", negatives=0, optimizer="sgd", learning_rate=1.0)
    before = get_weights(step.network)
    batch = batches.batch(0)
    run(step)
    after = get_weights(step.network)
    reference = ReferenceBiLM(before, step.network.config)
    ids = batch["tokens"][batch["inputs"]]

    def loss():
        means = []
        for d, direction in enumerate(("forward", "backward")):
            nats, n = 0.0, 0
            for row in range(ids.shape[1]):
                length = int(batch["mask"][d, row].sum())
                if not length:
                    continue
                x = reference.token_vectors(ids[d, row, :length])
                h, c = reference.zero_state()
                outputs, _, _ = reference.run(direction, x, h[d], c[d])
                scores = outputs[-1] @ reference.weights["softmax/kernel"].T
                scores = scores + reference.weights["softmax/bias"]
                scores -= np.log(np.exp(scores).sum(-1, keepdims=True))
                nats -= scores[np.arange(length), batch["targets"][d, row, :length]].sum()
                n += length
            means.append(nats / n)
        return np.mean(means)

    rng, delta = np.random.default_rng(1), 1e-6
    for name, array in reference.weights.items():
        for _ in range(3):
            place = tuple(rng.integers(0, n) for n in array.shape)
            value = array[place]
            array[place] = value + delta
            above = loss()
            array[place] = value - delta
            below = loss()
            array[place] = value
            moved = float(before[name][place]) - float(after[name][place])
            assert moved == pytest.approx((above - below) / (2 * delta), abs=2e-5), (name, place)


@pytest.mark.numerics
def test_the_norm_of_all_gradients_is_cut():
    """With SGD of rate 1 the whole step has the length of the clip."""
    step, *_ = make(optimizer="sgd", learning_rate=1.0, clip_norm=0.01)
    before = get_weights(step.network)
    run(step)
    after = get_weights(step.network)
    squares = sum(np.square(after[n].astype("float64") - before[n]).sum() for n in before)
    assert np.sqrt(squares) == pytest.approx(0.01, rel=1e-3)
    assert step.take_sums()["norm"] > 0.01


@pytest.mark.numerics
def test_a_step_that_is_not_finite_changes_nothing():
    step, *_ = make()
    run(step)
    step.take_sums()
    kernel = step.network.named_weights()["forward/layer_0/kernel"]
    kernel.assign(np.full(kernel.shape, np.nan))
    before = get_weights(step.network)
    slots = [np.array(keras.ops.convert_to_numpy(s)) for s in step.carry["slots"]["softmax"]]
    run(step)
    after = get_weights(step.network)
    for name in before:
        np.testing.assert_array_equal(before[name], after[name])
    for one, other in zip(slots, step.carry["slots"]["softmax"], strict=True):
        np.testing.assert_array_equal(one, keras.ops.convert_to_numpy(other))
    assert step.take_sums()["bad"] == 1
    assert np.isfinite(keras.ops.convert_to_numpy(step.carry["h"])).all()


@pytest.mark.numerics
@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("stream", "characters"),
        ("sentence", "tied"),
        pytest.param("stream", "exact", marks=SLOW),
        pytest.param("sentence", "untied", marks=SLOW),
    ],
)
def test_gradients_of_parts_are_summed(mode, kind):
    """The step of a batch in two parts is that of the whole, whatever the parts share."""
    settings = {
        "characters": kind == "characters",
        "tied": kind == "tied",
        "negatives": 0 if kind == "exact" else 4,
        "optimizer": "adagrad",
        "clip_norm": 0.05,
    }
    found = []
    for accumulate in (2, 1):
        step, *others = make(mode, accumulate=accumulate, **settings)
        if accumulate == 2:
            batches = others[0]  # for both: buckets of sentences are rounded to the parts
        step.batch_of = batches.batch
        run(step, 3)
        found.append((get_weights(step.network), step.take_sums(), step.carry["h"]))
    (parts, sums_of_parts, h_of_parts), (whole, sums, h) = found
    for name, value in whole.items():
        np.testing.assert_allclose(parts[name], value, atol=1e-6, err_msg=name)
    for name, value in sums.items():
        np.testing.assert_allclose(sums_of_parts[name], value, rtol=1e-5, err_msg=name)
    h, h_of_parts = (keras.ops.convert_to_numpy(x) for x in (h, h_of_parts))
    np.testing.assert_allclose(h_of_parts, h, atol=1e-6)


@pytest.mark.numerics
@pytest.mark.parametrize("accumulate", [pytest.param(1, marks=SLOW), 2])
def test_long_tokens_in_an_array_of_their_own_make_the_same_step(accumulate, monkeypatch):
    found = []
    for apart in (False, True):
        if apart:
            monkeypatch.setattr("elmo.training.batches.batches.LONG_EPOCH", 1)
            monkeypatch.setattr("elmo.training.batches.spellings.LONGEST", 2)
        step, batches, _ = make(characters=True, accumulate=accumulate)
        assert ("long_tokens" in batches.batch(0)) == apart
        run(step, 3)
        found.append((get_weights(step.network), step.take_sums()))
    (whole, sums), (parts, sums_of_parts) = found
    for name, value in whole.items():
        np.testing.assert_allclose(parts[name], value, atol=1e-6, err_msg=name)
    for name, value in sums.items():
        np.testing.assert_allclose(sums_of_parts[name], value, rtol=1e-5, err_msg=name)


@pytest.mark.skipif(keras.backend.backend() != "jax", reason="how JAX makes a step")
@pytest.mark.parametrize(
    ("mode", "kind", "negatives_mode"),
    [
        ("stream", "tied", "shared"),
        pytest.param("stream", "untied", "per_direction", marks=SLOW),
        pytest.param("sentence", "tied", "per_direction", marks=SLOW),
        ("sentence", "untied", "shared"),
        ("stream", "characters", "shared"),
        pytest.param("sentence", "characters", "per_direction", marks=SLOW),
        pytest.param("stream", "accumulated characters", "shared", marks=SLOW),
    ],
)
def test_directions_apart_make_the_step_of_both_together(mode, kind, negatives_mode, monkeypatch):
    """Masks of all kinds included: each direction draws its own."""
    from elmo.training.steps import jax_directions

    rates = {"input": 0.3, "output": 0.3, "recurrent": 0.3, "weight": 0.3, "word": 0.3}
    found = []
    for apart in (True, False):
        step, *_ = make(
            *(mode, "characters" in kind, kind == "tied"),
            negatives_mode=negatives_mode,
            clip_norm=0.05,
            dropout=rates,
            accumulate=2 if "accumulated" in kind else 1,
        )
        monkeypatch.setattr(jax_directions, "FEWEST_CELLS", 1 if apart else 128)
        assert jax_directions.Directions.are_worth_it(step) == apart
        run(step, 4)
        seeds = [np.asarray(v.value) for v in step.network.non_trainable_variables]
        assert len(seeds) == 12 and all(seed[1] > 0 for seed in seeds)
        found.append((get_weights(step.network), step.take_sums(), step.carry, seeds))
    (weights, sums, carry, seeds), joined = found
    for name, value in joined[0].items():
        np.testing.assert_allclose(weights[name], value, atol=1e-6, err_msg=name)
    for name, value in joined[1].items():
        np.testing.assert_allclose(sums[name], value, rtol=1e-5, err_msg=name)
    for name in ("h", "c"):
        np.testing.assert_allclose(carry[name], joined[2][name], atol=1e-6)
    np.testing.assert_array_equal(seeds, joined[3])


@pytest.mark.numerics
@pytest.mark.parametrize("kind", [pytest.param("tied", marks=SLOW), "characters"])
def test_a_step_in_bfloat16_is_nearly_that_in_float32(kind):
    """Products have 8 bits; weights, their updates and the carried state have all of float32's."""
    moves = []
    for dtype in ("float32", "mixed_bfloat16"):
        step, *_ = make(
            characters=kind == "characters", tied=kind == "tied", dtype=dtype, optimizer="sgd"
        )
        before = get_weights(step.network)
        run(step)
        after = get_weights(step.network)
        assert {str(value.dtype) for value in after.values()} == {"float32"}
        for name in ("h", "c"):
            assert keras.ops.convert_to_numpy(step.carry[name]).dtype == np.float32
        moves.append({name: after[name] - before[name] for name in before})
    exact, rounded = moves
    for name, move in exact.items():
        size = np.linalg.norm(move)
        assert size > 0, name
        assert 0 < np.linalg.norm(rounded[name] - move) < 0.03 * size, name


@pytest.mark.parametrize("kind", ["tied", pytest.param("characters", marks=SLOW)])
def test_several_steps_in_one_call_are_the_same_steps(kind):
    """Five steps of an epoch of calls with three steps, which the end cuts short."""
    found = []
    for together in (1, 3):
        step, *_ = make(
            characters=kind == "characters", tied=kind == "tied", steps_per_execution=together
        )
        step.steps_until_pause = lambda position: 5 - position
        calls = {1: 5, 3: 2}[together]
        run(step, calls)
        assert step.position == 5
        found.append((get_weights(step.network), step.take_sums()))
    (single, sums), (several, sums_of_several) = found
    for name, value in single.items():
        np.testing.assert_allclose(several[name], value, atol=1e-6, err_msg=name)
    for name, value in sums.items():
        np.testing.assert_allclose(sums_of_several[name], value, rtol=1e-5, err_msg=name)


@pytest.mark.numerics
@pytest.mark.parametrize("mode", ["stream", "sentence"])
def test_a_window_weighs_by_its_targets(mode):
    """The last windows of a stream hold few; each of them counts as much as one in a full window."""
    step, batches, _ = make(mode, negatives=0)
    positions = 2 * 5
    for number in range(len(batches)):
        batch = batches.batch(number)
        rows = step.gather({n: v.value for n, v in step.tables.items()}, batch)
        loss, (nats, targets, _) = step.loss(
            rows, step.state(step.carry, batch), batch, step.weights(batch)
        )
        nats, targets = (keras.ops.convert_to_numpy(x) for x in (nats, targets))
        weight = positions if mode == "stream" else targets
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(loss), np.mean(nats / weight), rtol=1e-6
        )
    if mode == "stream":
        assert targets[0] < positions  # the last one is not full


def test_the_state_is_carried_in_a_stream_and_not_between_sentences():
    stream, *_ = make("stream")
    run(stream)
    assert np.abs(keras.ops.convert_to_numpy(stream.carry["h"])).max() > 0
    sentence, *_ = make("sentence")
    run(sentence)
    assert np.abs(keras.ops.convert_to_numpy(sentence.carry["h"])).max() == 0
