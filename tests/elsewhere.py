"""A mark for cases that show once more what others show, where each backend has them to run.

JAX runs all of them, in little time each. On the other backends they are slow: `.ci/run` leaves them to
the workflow.
"""

import pytest
from keras.config import backend

SLOW_ELSEWHERE = [] if backend() == "jax" else [pytest.mark.slow]


def slow_elsewhere(*values):
    """A case of `pytest.mark.parametrize` with that mark."""
    return pytest.param(*values, marks=SLOW_ELSEWHERE)
