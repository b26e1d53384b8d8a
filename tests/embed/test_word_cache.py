"""The running cache of token vectors."""

import numpy as np
import pytest

from elmo.embed.word_cache import WordCache


def doubled(ids):
    return 2 * ids[:, :1].astype("float32")


def test_random_use_keeps_to_the_bound():
    cache = WordCache(doubled, dim=1, capacity=7)
    rng = np.random.default_rng(0)
    for _ in range(200):
        ids = np.zeros((rng.integers(1, 12), 3), np.int32)
        ids[:, 0] = rng.choice(30, len(ids), replace=False)
        np.testing.assert_array_equal(cache.vectors(ids), doubled(ids))
        assert len(cache) <= 7


def test_the_longest_unused_goes_first():
    cache = WordCache(doubled, dim=1, capacity=2)
    for number in (1, 2, 1, 3, 1):
        cache.vectors(np.array([[number]]))
    assert (cache.computed, cache.found) == (3, 2)
    cache.clear()
    assert len(cache) == 0
    assert cache.vectors(np.array([[1]])).tolist() == [[2.0]]


def test_no_room():
    with pytest.raises(ValueError, match="capacity=0"):
        WordCache(doubled, dim=1, capacity=0)
