"""Which types may come next, and how one of them is drawn."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Drawing:
    r"""Draws a type from a prediction, reshaped by a temperature and cut to its most probable types.

    .. math:: q(v) \propto p(v)^{1/T}

    Of q the `top_k` most probable types are kept (Fan et al. 2018), and of those the smallest set whose
    share reaches `top_p` (Holtzman et al. 2020). Of equally probable types the first ones are kept.

    Args:
        temperature: T; 0 always takes the most probable type.
        top_k: how many types are kept; None for all.
        top_p: the share of the probability that is kept; None for all.

    Raises:
        ValueError: naming the argument, its value and what would do.

    Example:
        >>> drawing = Drawing(top_k=3, top_p=0.7)
        >>> types, probabilities = drawing.kept(np.log([0.1, 0.4, 0.2, 0.3]))
        >>> types.tolist(), probabilities.round(2).tolist()
        ([1, 3], [0.57, 0.43])
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not (self.temperature >= 0 and math.isfinite(self.temperature)):
            raise ValueError(
                f"temperature={self.temperature!r}: must be 0 (the most probable type) or more, "
                "such as 0.8"
            )
        if self.top_k is not None and not (type(self.top_k) is int and self.top_k >= 1):
            raise ValueError(f"top_k={self.top_k!r}: must be 1 or more, such as 40")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"top_p={self.top_p!r}: must be above 0 and at most 1, such as 0.9")

    def kept(self, log_probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The types that can be drawn and their probabilities.

        Args:
            log_probabilities: of all types up to a constant, `(V,)`; −∞ for those that are barred.

        Returns:
            Ids in rising order, and float64 probabilities that sum to 1.

        Raises:
            ValueError: a prediction holds what is no number.
        """
        scores = np.asarray(log_probabilities, np.float64)
        highest = scores.max()
        if not np.isfinite(highest):
            raise ValueError("the model's probabilities are not numbers: its weights are damaged")
        if self.temperature == 0:
            return np.array([scores.argmax()]), np.ones(1)
        with np.errstate(over="ignore"):  # at a tiny temperature all but the best have none
            scores = (scores - highest) / self.temperature
        types = np.flatnonzero(scores > -np.inf)
        if self.top_k is not None and self.top_k < len(types):
            types = _most_probable(scores, types, self.top_k)
        probabilities = np.exp(scores[types])
        probabilities /= probabilities.sum()
        if self.top_p is not None and self.top_p < 1:
            order = np.argsort(-probabilities, kind="stable")
            shares = np.cumsum(probabilities[order])
            chosen = np.sort(order[: np.searchsorted(shares, self.top_p) + 1])
            types, probabilities = types[chosen], probabilities[chosen]
            probabilities /= probabilities.sum()
        return types, probabilities

    def draw(self, log_probabilities: np.ndarray, stream: np.random.Generator) -> int:
        """One type, by the inverse of the cumulative distribution: one number of the stream each."""
        types, probabilities = self.kept(log_probabilities)
        if len(types) == 1:
            return int(types[0])
        sums = np.cumsum(probabilities)
        place = np.searchsorted(sums, stream.random() * sums[-1], side="right")
        return int(types[min(place, len(types) - 1)])


def _most_probable(scores: np.ndarray, types: np.ndarray, k: int) -> np.ndarray:
    """The k best of some types, in rising order."""
    threshold = np.partition(scores[types], len(types) - k)[len(types) - k]
    above, equal = types[scores[types] > threshold], types[scores[types] == threshold]
    return np.sort(np.concatenate([above, equal[: k - len(above)]]))


def stream_of(seed: int, prompt: Sequence[str], which: int, sample: int) -> np.random.Generator:
    """The random numbers of one sample, which depend on nothing but these arguments.

    Args:
        seed: 0 or more.
        prompt: its tokens.
        which: 0 where the prompt is given for the first time, 1 for the second.
        sample: number of the sample of this prompt.

    Example:
        >>> a, b = (stream_of(0, ["the", "cat"], 0, sample).random() for sample in (0, 1))
        >>> a == stream_of(0, ["the", "cat"], 0, 0).random(), a == b
        (True, False)
    """
    digest = hashlib.blake2b(json.dumps(list(prompt)).encode(), digest_size=16).digest()
    key = int.from_bytes(digest, "little"), which, sample
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
