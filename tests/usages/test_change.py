"""Measures of change against SciPy and NumPy by hand; intervals and tests by their properties."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist, cosine, jensenshannon
from scipy.stats import kstest

from elmo.usages.change.carrying import carried
from elmo.usages.change.comparison import Comparison, change_of, changes
from elmo.usages.change.measures import Thresholds, scores
from elmo.usages.change.resampling import (
    Resampling,
    bootstrap,
    compare,
    observed,
    permutations,
    subsamples,
)
from elmo.usages.change.series import series
from elmo.usages.change.units import units_of
from elmo.usages.unit_vectors import unit_length
from elmo.usages.word_uses import WordUses

PERIODS = ("1840", "1850", "1900", "1910")


def sample(n=60, dim=7, shift=0.0, seed=0):
    """Unit vectors, which are of the later period, their documents and their senses."""
    rng = np.random.default_rng(seed)
    later = np.arange(n) % 2 == 1
    vectors = rng.normal(size=(n, dim)) + 1
    vectors[later, 0] += shift
    return unit_length(vectors), later, rng.integers(0, 9, n), rng.integers(0, 3, n)


def word(n=80, shift=0.0, seed=0, name="w"):
    vectors, later, document, _ = sample(n, shift=shift, seed=seed)
    period = np.where(later, 2, 0) + (document % 2)
    documents = document + 9 * later
    return WordUses(name, vectors, np.arange(n), np.zeros(n, int), documents, period, PERIODS)


def of_all(units):
    return {name: values[0] for name, values in scores(units, *observed(units)).items()}


@pytest.mark.parametrize("by_document", [False, True])
def test_distances_are_those_of_scipy(by_document):
    vectors, later, documents, _ = sample(shift=2)
    found = of_all(units_of(vectors, later, documents if by_document else None))
    a, b = vectors[~later], vectors[later]
    assert found["apd"] == pytest.approx(cdist(a, b, "cosine").mean(), abs=1e-6)
    assert found["prt"] == pytest.approx(cosine(a.mean(0), b.mean(0)), abs=1e-6)


def test_the_excess_leaves_out_pairs_of_one_document():
    vectors, later, documents, _ = sample(shift=1)
    distances = cdist(vectors, vectors, "cosine")
    within = []
    for period in (False, True):
        rows = np.flatnonzero(later == period)
        pairs = [
            distances[i, j]
            for i, j in itertools.combinations(rows, 2)
            if documents[i] != documents[j]
        ]
        within.append(np.mean(pairs))
    found = of_all(units_of(vectors, later, documents))
    wanted = distances[np.ix_(~later, later)].mean() - np.mean(within)
    assert found["apd_excess"] == pytest.approx(wanted, abs=1e-5)


def test_measures_of_senses_are_those_of_scipy():
    vectors, later, documents, senses = sample()
    senses[:5] = -1  # without a sense: they count for none
    found = of_all(units_of(vectors, later, documents, senses))
    shares = [np.bincount(senses[(later == p) & (senses >= 0)], minlength=3) for p in (0, 1)]
    assert found["graded"] == pytest.approx(jensenshannon(*shares, base=2), abs=1e-6)
    assert found["jsd"] == pytest.approx(found["graded"] ** 2)


def test_weights_are_counts_of_uses():
    """A unit that is taken twice is the same as its uses standing there twice."""
    vectors, later, _, senses = sample(12)
    units = units_of(vectors, later, None, senses)
    rng = np.random.default_rng(3)
    earlier_weights, later_weights = bootstrap(units, 5, rng)
    found = scores(units, earlier_weights, later_weights)
    for row, (w, v) in enumerate(
        zip(earlier_weights.astype(int), later_weights.astype(int), strict=True)
    ):
        assert w.sum() == 6 and v.sum() == 6
        a, b = np.repeat(vectors, w, axis=0), np.repeat(vectors, v, axis=0)
        assert found["apd"][row] == pytest.approx(cdist(a, b, "cosine").mean(), abs=1e-5)
        assert found["prt"][row] == pytest.approx(cosine(a.mean(0), b.mean(0)), abs=1e-5)
        shares = [np.bincount(np.repeat(senses, x), minlength=3) for x in (w, v)]
        assert found["graded"][row] == pytest.approx(jensenshannon(*shares, base=2), abs=1e-5)


def test_more_units_than_numbers_in_a_vector_and_fewer_give_the_same():
    vectors, later, _, _ = sample(40, dim=5)
    wide = np.hstack([vectors, np.zeros((40, 60), np.float32)])
    draw = np.random.default_rng(0)
    for weights in (
        bootstrap(units_of(vectors, later), 9, draw),
        permutations(units_of(vectors, later), 9, draw),
        subsamples(units_of(vectors, later), 3, 9, draw),
    ):
        narrow, broad = (scores(units_of(v, later), *weights) for v in (vectors, wide))
        for name, values in narrow.items():
            np.testing.assert_allclose(values, broad[name], atol=1e-5)


@pytest.mark.parametrize(
    ("earlier", "later", "changed"),
    [
        ([3, 0], [7, 4], 1),  # a sense gained: 0 ≤ 1 and 4 ≥ 3
        ([5, 3], [7, 0], 1),  # one lost
        ([5, 2], [7, 3], 0),  # neither absent
        ([5, 1], [7, 2], 0),  # not present enough
        ([500, 1], [700, 20], 0),  # 2.8 among a hundred
        ([500, 1], [700, 40], 1),
    ],
)
def test_changed_by_the_thresholds_of_semeval(earlier, later, changed):
    senses = np.repeat([0, 1, 0, 1], [*earlier, *later])
    of_later = np.repeat([False, True], [sum(earlier), sum(later)])
    units = units_of(np.ones((len(senses), 2), np.float32), of_later, None, senses)
    found = scores(units, *observed(units), Thresholds(1, 3))
    assert found["binary"][0] == changed


def test_p_is_uniform_where_nothing_changed():
    ps = {name: [] for name in ("apd_excess", "prt", "graded")}
    for seed in range(150):
        vectors, later, _, senses = sample(40, seed=seed)
        units = units_of(vectors, later, None, senses)
        found = compare(units, Resampling(0, 199), np.random.default_rng(seed))
        for name, values in ps.items():
            values.append(found[name].p)
    for name in ("apd_excess", "prt"):
        assert kstest(ps[name], "uniform").pvalue > 0.01, name
    assert np.mean(np.array(ps["graded"]) <= 0.1) < 0.17  # few values: never too small too often


def test_labels_of_documents_are_permuted_whole():
    """Documents far apart, uses within one alike: by use it would be sure, by document it is not."""
    rng = np.random.default_rng(5)
    small = {"use": [], "document": []}
    for _ in range(60):
        documents = np.repeat(np.arange(12), 10)
        vectors = unit_length(rng.normal(size=(12, 6))[documents] + 0.1 * rng.normal(size=(120, 6)))
        later = documents > 5
        for unit, counted in small.items():
            units = units_of(vectors, later, documents if unit == "document" else None)
            counted.append(compare(units, Resampling(0, 199), rng)["prt"].p <= 0.05)
    assert np.mean(small["use"]) > 0.8
    assert np.mean(small["document"]) < 0.15


def test_the_smallest_p_counts_the_observed_score():
    vectors, later, _, _ = sample(shift=9)
    found = compare(units_of(vectors, later), Resampling(0, 99), np.random.default_rng(0))
    assert found["apd_excess"].p == pytest.approx(0.01)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    dim, held = 6, {name: 0 for name in ("apd", "apd_excess", "prt", "jsd", "graded")}
    centre = np.random.default_rng(0).normal(size=(2, dim))

    def draw(rng, per_period):
        later = np.repeat([False, True], per_period)
        senses = (rng.random(2 * per_period) < np.where(later, 0.6, 0.3)).astype(int)
        return unit_length(2 * centre[senses] + rng.normal(size=(len(later), dim))), later, senses

    vectors, later, senses = draw(np.random.default_rng(1), 100_000)
    truth = of_all(units_of(vectors, later, None, senses))
    for seed in range(100):
        rng = np.random.default_rng(seed + 10)
        vectors, later, senses = draw(rng, 80)
        found = compare(units_of(vectors, later, None, senses), Resampling(300, 0), rng)
        for name in held:
            held[name] += found[name].low <= truth[name] <= found[name].high
    for name, times in held.items():
        assert 86 <= times <= 100, (name, times)


def test_average_distance_of_equal_distributions_has_no_excess():
    found = [of_all(units_of(*sample(200, seed=seed)[:2])) for seed in range(40)]
    excess = np.array([one["apd_excess"] for one in found])
    assert abs(excess.mean()) < 3 * excess.std() / np.sqrt(len(excess))
    assert min(one["apd"] for one in found) > 0.1


def test_the_uses_that_carry_a_score_add_up_to_it():
    vectors, later, _, _ = sample(shift=1)
    values = carried(vectors, later)
    between = np.sum((vectors[later].mean(0) - vectors[~later].mean(0)) ** 2)
    assert values[later].mean() + values[~later].mean() == pytest.approx(between, abs=1e-6)


def test_a_word_is_compared_in_its_periods_alone():
    uses = word(shift=3)
    found = change_of(uses, Comparison("1840-1859", "1900-1919", senses=0), sizes=(1000, 2000))
    assert found.uses == (40, 40) and found.unit == "document"
    assert found.per_million == (40_000, 20_000)
    plain = Comparison("1840", "1910", senses=0, least=3, centre="none")
    part = change_of(uses, plain)
    chosen = uses.take(np.isin(uses.period, [0, 3]))
    later = chosen.period == 3
    apd = cdist(chosen.vectors[~later], chosen.vectors[later], "cosine").mean()
    assert part.scores["apd"].value == pytest.approx(apd, abs=1e-5)


def test_the_mean_of_a_word_is_taken_off_for_all_but_prototypes():
    """A mean that all uses share changes neither; without it, distances shrink."""
    uses = word(shift=2)
    far = replace(uses, vectors=uses.vectors + 3)
    comparison = Comparison("1840-1859", "1900-1919", senses=0, resampling=Resampling(0, 0))
    near, moved = (change_of(one, comparison).scores for one in (uses, far))
    later = uses.period > 1
    centred = uses.vectors - uses.vectors.mean(axis=0)
    assert near["apd"].value == pytest.approx(
        cdist(centred[~later], centred[later], "cosine").mean(), abs=1e-5
    )
    assert moved["apd"].value == pytest.approx(near["apd"].value, abs=1e-4)
    plain = cosine(uses.vectors[~later].mean(0), uses.vectors[later].mean(0))
    assert near["prt"].value == pytest.approx(plain, abs=1e-5)
    assert moved["prt"].value < near["prt"].value / 3
    left = change_of(far, replace(comparison, centre="none")).scores
    assert left["apd"].value < near["apd"].value / 3


def test_uses_of_no_period_are_of_neither():
    uses = word()
    lost = WordUses(
        *(uses.word, uses.vectors, uses.sentence, uses.place, uses.document),
        np.where(uses.period == 3, -1, uses.period),
        PERIODS[:3],
    )
    found = change_of(lost, Comparison("1840-1850", "1900", senses=0))
    assert found.uses == (40, int((uses.period == 2).sum()))


def test_the_numbers_of_a_word_do_not_depend_on_the_others():
    comparison = Comparison("1840-1859", "1900-1919", resampling=Resampling(50, 50), control=5)
    together = changes([word(name="a"), word(6, name="few"), word(name="b", shift=2)], comparison)
    alone = changes([word(name="b", shift=2)], comparison)
    assert [one.word for one in together] == ["a", "b"]
    for name, score in alone[0].scores.items():
        other = together[1].scores[name]
        assert (score.value, score.low, score.high, score.p) == (
            *(other.value, other.low, other.high, other.p),
        )
    assert together[1].controlled == alone[0].controlled != {}


def test_false_discoveries_are_rare_among_many_words():
    comparison = Comparison("1840-1859", "1900-1919", senses=0, resampling=Resampling(0, 99))
    found = changes([word(seed=seed, name=str(seed)) for seed in range(60)], comparison)
    assert sum(one.scores["prt"].q <= 0.05 for one in found) <= 3
    assert all(one.scores["prt"].q >= one.scores["prt"].p for one in found)


def test_equal_subsamples_take_the_numbers_of_uses_out():
    """PRT grows as uses get fewer; from equal numbers it does not."""
    whole, few = word(400, seed=1), word(400, seed=1).take(np.arange(30))
    comparison = Comparison(
        "1840-1859", "1900-1919", senses=0, resampling=Resampling(0, 0), control=10, least=5
    )
    first, second = (change_of(uses, comparison) for uses in (whole, few))
    assert second.scores["prt"].value > 2 * first.scores["prt"].value
    assert second.controlled["prt"] == pytest.approx(first.controlled["prt"], rel=0.4)


def test_a_series_compares_one_period_after_another():
    uses = word(200, shift=2)
    comparison = Comparison("", "", senses=2, resampling=Resampling(0, 0), least=5)
    steps = series(uses, ["1840", "1850", "1900", "1910"], comparison)
    assert [(step.earlier, step.later) for step in steps] == list(itertools.pairwise(PERIODS))
    middle = [step.change.scores["apd_excess"].value for step in steps]
    assert middle[1] > 5 * max(middle[0], middle[2])
    first = series(uses, PERIODS, comparison, against="first")
    assert [step.earlier for step in first] == ["1840"] * 3
    assert first[0].change.scores == steps[0].change.scores


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (dict(senses=1), "senses=1"),
        (dict(least=1), "least=1"),
        (dict(most=3), "most=3"),
        (dict(control=1), "control=1"),
        (dict(centre="corpus"), "centre='corpus': must be 'word' or 'none'"),
    ],
)
def test_choices_that_there_are_not(arguments, said):
    with pytest.raises(ValueError, match=said):
        Comparison("a", "b", **arguments)


def test_periods_that_there_are_not():
    with pytest.raises(ValueError, match="'1700': no document is of it; there are '1840'"):
        change_of(word(), Comparison("1700", "1900"))
    with pytest.raises(ValueError, match="'1850' belongs to both"):
        change_of(word(), Comparison("1840-1850", "1850-1900"))


@pytest.mark.parametrize("name", ["bootstrap", "permutations", "seed"])
def test_numbers_below_zero_and_a_confidence_that_is_none(name):
    with pytest.raises(ValueError, match=f"{name}=-1: must be 0 or more"):
        Resampling(**{name: -1})
    with pytest.raises(ValueError, match="confidence=1: must lie between 0 and 1"):
        Resampling(confidence=1)
