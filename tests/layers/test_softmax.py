from functools import partial

import numpy as np
import pytest
from keras import ops

from elmo.bilm.compiled import compiled
from elmo.layers.lm_head import LMHead
from elmo.layers.sampled_softmax import draw_negatives, log_expected_count, sampled_nats
from tests.layers.harness import assign, run_layer_test, to_numpy


def exact(h, kernel, bias, targets):
    """−ln P in float64."""
    scores = h.astype("float64") @ kernel.T.astype("float64") + bias
    scores = scores - scores.max(axis=-1, keepdims=True)
    return np.log(np.exp(scores).sum(-1)) - scores[np.arange(len(h)), targets]


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    n, size, types = 6, 5, 40
    h, kernel = rng.standard_normal((n, size)), 0.7 * rng.standard_normal((types, size))
    bias = 0.5 * rng.standard_normal(types)
    h, kernel, bias = (a.astype("float32") for a in (h, kernel, bias))
    return h, kernel, bias, rng.integers(0, types, n).astype("int32")


@pytest.mark.numerics
def test_head_in_the_harness():
    x = np.random.default_rng(0).standard_normal((2, 3, 4)).astype("float32")
    settings = {"vocabulary_size": 9, "projection_dim": 4}
    run_layer_test(LMHead, settings, x, (2, 3, 9), pad_axes={"inputs": 1}, output_time_axes=1)


@pytest.mark.numerics
def test_exact_nats(case):
    h, kernel, bias, targets = case
    head = LMHead(vocabulary_size=40, projection_dim=5)
    head.build()
    assign(head.named_weights(), {"kernel": kernel, "bias": bias})
    np.testing.assert_allclose(
        to_numpy(head.nats(h, targets)), exact(h, kernel, bias, targets), atol=1e-5
    )


@pytest.mark.numerics
@pytest.mark.parametrize("block", [1, 8, 13, 40, 64])
def test_exact_nats_in_blocks(case, block):
    """Blocks that divide the types, that do not, and one that is larger; scores far apart."""
    h, kernel, bias, targets = case
    bias = bias + np.where(np.arange(40) == 17, 200.0, 0.0).astype("float32")
    head = LMHead(vocabulary_size=40, projection_dim=5)
    head.build()
    assign(head.named_weights(), {"kernel": kernel, "bias": bias})
    found = to_numpy(head.nats(h, targets, block=block))
    np.testing.assert_allclose(found, exact(h, kernel, bias, targets), rtol=1e-6, atol=1e-5)


@pytest.mark.numerics
def test_blocks_of_any_number_of_targets_in_one_compiled_function(case):
    """From the second number on TensorFlow compiles for a number that it does not know."""
    h, kernel, bias, targets = case
    head = LMHead(vocabulary_size=40, projection_dim=5)
    head.build()
    assign(head.named_weights(), {"kernel": kernel, "bias": bias})
    nats = compiled(head, partial(head.nats, block=8))
    for n in (6, 4, 3):
        found = to_numpy(nats(h[:n], targets[:n]))
        np.testing.assert_allclose(found, exact(h, kernel, bias, targets)[:n], atol=1e-5)


@pytest.mark.numerics
def test_a_tied_head_uses_the_matrix_it_is_given(case):
    h, kernel, bias, targets = case
    head = LMHead(vocabulary_size=40, projection_dim=5, tied=True)
    head.build()
    assign(head.named_weights(), {"bias": bias})
    np.testing.assert_allclose(
        to_numpy(head.nats(h, targets, kernel)), exact(h, kernel, bias, targets), atol=1e-5
    )
    with pytest.raises(ValueError, match="embedding matrix"):
        head(h)


def nats_of(*arrays):
    return to_numpy(sampled_nats(*(ops.convert_to_tensor(a) for a in arrays)))


def sampled(case, negatives):
    h, kernel, bias, targets = case
    types = len(bias)
    return nats_of(
        h,
        kernel[targets],
        bias[targets],
        log_expected_count(targets, negatives.tries, types),
        kernel[negatives.ranks],
        bias[negatives.ranks],
        log_expected_count(negatives.ranks, negatives.tries, types),
        targets[:, None] == negatives.ranks[None],
    )


@pytest.mark.numerics
def test_all_types_as_negatives_are_the_exact_softmax(case):
    negatives = draw_negatives(np.random.default_rng(0), 40, 40)
    np.testing.assert_allclose(sampled(case, negatives), exact(*case), atol=1e-5)


@pytest.mark.numerics
def test_sampled_nats_by_hand(case):
    """Two negatives, one of which is the target of the first row."""
    h, kernel, bias, targets = case
    other = (targets[0] + 1) % 40
    ranks = np.array([targets[0], other], "int32")
    zero = np.zeros(1, "float32")
    nats = nats_of(
        h[:1],
        kernel[targets[:1]],
        bias[targets[:1]],
        zero,
        kernel[ranks],
        bias[ranks],
        np.array([0.0, 0.5], "float32"),
        targets[:1, None] == ranks[None],
    )
    true = h[0] @ kernel[targets[0]] + bias[targets[0]]
    drawn = h[0] @ kernel[other] + bias[other] - 0.5
    assert nats[0] == pytest.approx(np.log(1 + np.exp(drawn - true)), abs=1e-5)


@pytest.mark.numerics
def test_the_sampled_loss_tends_to_the_exact_one(case):
    """The mean over draws comes closer as the draws grow, and is there when all types are drawn."""
    wanted = exact(*case)
    errors = []
    for n in (2, 8, 24, 36, 39, 40):
        rng = np.random.default_rng(n)
        runs = [sampled(case, draw_negatives(rng, n, 40)) for _ in range(100)]
        errors.append(np.abs(np.mean(runs, axis=0) - wanted).mean())
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 2 > 0.2 > errors[3]
    assert errors[-1] < 1e-4


def test_draws_are_distinct_and_log_uniform():
    rng, types = np.random.default_rng(0), 50
    first = np.zeros(types)
    for _ in range(4000):
        negatives = draw_negatives(rng, 3, types)
        assert len(set(negatives.ranks.tolist())) == 3 <= negatives.tries
        first[negatives.ranks[0]] += 1
    k = np.arange(types)
    p = np.log((k + 2) / (k + 1)) / np.log(types + 1)
    assert p.sum() == pytest.approx(1.0)
    # The first draw follows the law itself: within five standard deviations everywhere.
    deviation = np.sqrt(4000 * p * (1 - p))
    assert np.all(np.abs(first - 4000 * p) < 5 * deviation + 1)


def test_expected_counts_are_the_share_of_draws_that_hold_a_type():
    """P(k among n draws with replacement), by counting."""
    rng, types, tries = np.random.default_rng(1), 20, 6
    k = np.arange(types)
    p = np.log((k + 2) / (k + 1)) / np.log(types + 1)
    draws = rng.choice(types, p=p, size=(20000, tries))
    share = np.array([(draws == rank).any(axis=1).mean() for rank in k])
    np.testing.assert_allclose(np.exp(log_expected_count(k, tries, types)), share, atol=0.02)


def test_gradient_stays_finite_for_huge_scores():
    h = np.full((2, 3), 1e4, "float32")
    kernel = np.ones((2, 3), "float32")
    nats = nats_of(
        h, kernel, np.zeros(2, "float32"), np.zeros(2, "float32"),
        kernel, np.zeros(2, "float32"), np.zeros(2, "float32"), np.zeros((2, 2), bool),
    )  # fmt: skip
    np.testing.assert_allclose(nats, np.log(3), rtol=1e-5)  # ln 3, though the scores are 30,000


@pytest.mark.parametrize("n, vocabulary_size", [(1, 2), (5, 6), (100, 130), (300, 100_000)])
def test_negatives_are_the_first_distinct_draws(n, vocabulary_size):
    """One draw after the other, kept where it is new, until there are enough."""
    for seed in range(5):
        negatives = draw_negatives(np.random.default_rng(seed), n, vocabulary_size)
        generator, kept, tries = np.random.default_rng(seed), [], 0
        while len(kept) < n:
            uniform = generator.random(2 * n)
            ranks = np.exp(uniform * np.log(vocabulary_size + 1)).astype(int) - 1
            for rank in np.minimum(ranks, vocabulary_size - 1).tolist():
                if len(kept) < n:
                    tries += 1
                    if rank not in kept:
                        kept.append(rank)
        assert negatives.ranks.tolist() == kept and negatives.tries == tries


@pytest.mark.numerics
@pytest.mark.parametrize("block", [1, 13, 40, 64])
def test_exact_predictions(case, block):
    """Ranks and entropies in float64; a score far above all others, and types that share a score."""
    h, kernel, bias, _ = case
    bias = bias + np.where(np.arange(40) == 17, 30.0, 0.0).astype("float32")
    kernel[5], bias[5] = kernel[4], bias[4]
    targets = np.array([17, 4, 5, 0, 39, 17], "int32")
    head = LMHead(vocabulary_size=40, projection_dim=5)
    head.build()
    assign(head.named_weights(), {"kernel": kernel, "bias": bias})
    found = head.predictions(h, targets, block=block)
    nats = exact(h, kernel, bias, targets)
    np.testing.assert_allclose(to_numpy(found.nats), nats, rtol=1e-6, atol=1e-5)
    scores = h.astype("float64") @ kernel.T.astype("float64") + bias
    logs = scores - np.log(np.exp(scores - scores.max()).sum(-1, keepdims=True)) - scores.max()
    np.testing.assert_allclose(
        to_numpy(found.entropy), -(np.exp(logs) * logs).sum(-1), rtol=1e-5, atol=1e-5
    )
    true = scores[np.arange(6), targets][:, None]
    better = scores - true > 1e-9
    assert (better == (scores - true > 1e-4 * np.maximum(abs(true), 1))).all(), "no near ties"
    np.testing.assert_array_equal(to_numpy(found.rank), 1 + better.sum(-1))
