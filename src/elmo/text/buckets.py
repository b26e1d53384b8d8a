"""Sentences of like length put together, so that little of a padded batch is padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def length_buckets(
    lengths: Sequence[int] | np.ndarray,
    *,
    batch_size: int | None = None,
    token_budget: int | None = None,
    widths: Sequence[int] | None = None,
    seed: int | None = None,
) -> list[np.ndarray]:
    """Deal sentences to batches by length; each sentence is in exactly one batch.

    Args:
        lengths: of the sentences (n,), boundaries included where they are to count.
        batch_size: the largest number of sentences in a batch.
        token_budget: the largest number of positions in a batch, rows times padded length. A
            sentence longer than the budget is a batch of its own. One of the two must be given,
            and both may be.
        widths: lengths that batches are padded to; no batch holds sentences of two widths, so the
            network sees few shapes. A longer sentence is padded to its own length. None pads a
            batch to its longest sentence.
        seed: with one, sentences of equal length (or width) are mixed and the batches shuffled,
            the same for the same seed; None keeps them in order of length.

    Returns:
        Arrays of the numbers of the sentences, int64 (at most batch_size,).

    Raises:
        ValueError: neither a batch size nor a budget, or one that is not positive.

    Example:
        >>> [batch.tolist() for batch in length_buckets([7, 2, 3, 8, 2], token_budget=8)]
        [[1, 4], [2], [0], [3]]
        >>> [batch.tolist() for batch in length_buckets([7, 2, 3, 8, 2], batch_size=2, widths=[4])]
        [[1, 2], [4], [0], [3]]
    """
    if batch_size is None and token_budget is None:
        raise ValueError("batch_size=None, token_budget=None: at least one must be given")
    for name, value in (("batch_size", batch_size), ("token_budget", token_budget)):
        if value is not None and value < 1:
            raise ValueError(f"{name}={value!r}: must be 1 or more")
    lengths = np.asarray(lengths, np.int64)
    padded = lengths
    if widths is not None:
        steps = np.unique(np.asarray(widths, np.int64))  # ascending
        place = np.searchsorted(steps, lengths)
        inside = place < len(steps)
        padded = np.where(inside, steps[np.minimum(place, len(steps) - 1)], lengths)
    if seed is None:
        order = np.argsort(padded, kind="stable")
    else:
        random = np.random.default_rng(seed)
        mixed = random.permutation(len(lengths))
        order = mixed[np.argsort(padded[mixed], kind="stable")]
    sizes = padded[order]  # ascending
    batches: list[np.ndarray] = []
    start = 0
    while start < len(order):
        stop = len(order) if batch_size is None else min(len(order), start + batch_size)
        if widths is not None:
            stop = min(stop, int(np.searchsorted(sizes, sizes[start], side="right")))
        if token_budget is not None:
            stop = min(stop, start + max(1, token_budget // max(1, int(sizes[start]))))
            area = sizes[start:stop] * np.arange(1, stop - start + 1)
            stop = start + max(1, int(np.searchsorted(area, token_budget, side="right")))
        batches.append(order[start:stop])
        start = stop
    if seed is not None:
        batches = [batches[i] for i in random.permutation(len(batches))]
    return batches
