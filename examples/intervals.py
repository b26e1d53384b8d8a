"""Intervals of the figures in the examples: 95 %, by resampling the test part."""

import numpy as np
from scipy.stats import bootstrap

RESAMPLES = 1000


def interval(parts, figure=np.mean, seed=0):
    """A figure of the test part, and its 95 % bootstrap interval.

    Args:
        parts: one array, or several of equal length (as hits, found and wanted of each sentence),
            whose entries are drawn together.
        figure: from the arrays, with `axis`, to the figure.
        seed: of the resampling.

    Example:
        >>> interval(np.array([1.0, 0.0] * 200))["value"]
        0.5
    """
    arrays = parts if isinstance(parts, tuple) else (parts,)
    found = bootstrap(
        arrays,
        figure,
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        batch=50,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    value = float(figure(*arrays, axis=-1))
    return {"value": value, "low": float(found.low), "high": float(found.high)}


def difference(first, second, figure=np.mean, seed=0):
    """How much the first of two scorers is better on the same test part, with its interval."""
    first = first if isinstance(first, tuple) else (first,)
    second = second if isinstance(second, tuple) else (second,)

    def by_how_much(*arrays, axis=-1):
        n = len(first)
        return figure(*arrays[:n], axis=axis) - figure(*arrays[n:], axis=axis)

    return interval((*first, *second), by_how_much, seed)


def shown(found):
    """A figure and its interval in per cent."""
    return f"{found['value']:.1%} [{found['low']:.1%}, {found['high']:.1%}]"
