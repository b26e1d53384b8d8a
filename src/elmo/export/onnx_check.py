"""How far a quantized graph is from the float32 one, and how fast both are in ONNX Runtime."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from types import ModuleType
from typing import TypedDict

import numpy as np

from elmo.text.encoding import SentenceEncoder
from elmo.text.manylangs import ManyLangsCharacters

ROWS = 32


class Accuracy(TypedDict):
    """What `compare` has found."""

    tokens: int
    least_cosine: float
    mean_cosine: float
    tokens_per_second: dict[str, float]


def runtime() -> ModuleType:
    """The package onnxruntime.

    Raises:
        ImportError: it is not installed; names the extra.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(
            'measuring a graph wants the package onnxruntime: pip install "elmo-keras[onnx]"'
        ) from error
    return onnxruntime


def compare(
    exact: str | os.PathLike[str],
    quantized: str | os.PathLike[str],
    sentence_encoder: SentenceEncoder | ManyLangsCharacters,
    sentences: Sequence[Sequence[str]],
) -> Accuracy:
    """Run two graphs over a text.

    Args:
        exact, quantized: their files.
        sentence_encoder: has `encode_batch`.
        sentences: lists of tokens.

    Returns:
        `tokens`; `least_cosine` and `mean_cosine` between the two vectors of a token, over all
        tokens and layers; `tokens_per_second` of both.
    """
    library = runtime()
    sessions = {
        "float32": library.InferenceSession(os.fspath(exact)),
        "int8": library.InferenceSession(os.fspath(quantized)),
    }
    ordered = sorted(filter(len, sentences), key=len)
    batches = [ordered[i : i + ROWS] for i in range(0, len(ordered), ROWS)]
    tokens = sum(map(len, ordered))
    seconds = dict.fromkeys(sessions, 0.0)
    cosines = []
    for number, batch in enumerate(batches):
        ids = sentence_encoder.encode_batch(batch)
        results = []
        for name, session in sessions.items():
            if number == 0:
                session.run(None, {"ids": ids})  # the first call makes room
            begin = time.perf_counter()
            layers, mask = session.run(None, {"ids": ids})
            seconds[name] += time.perf_counter() - begin
            results.append(layers)
        words = mask.copy()
        words[:, 0] = False
        words[np.arange(len(batch)), [len(sentence) + 1 for sentence in batch]] = False
        one, other = (layers.swapaxes(1, 2)[words] for layers in results)
        cosines.append(cosine(one, other))
    found = np.concatenate(cosines)
    return {
        "tokens": tokens,
        "least_cosine": float(found.min()),
        "mean_cosine": float(found.mean()),
        "tokens_per_second": {name: tokens / taken for name, taken in seconds.items()},
    }


def cosine(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Cosines of vectors on the last axis, summed in float64.

    Example:
        >>> cosine(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]])).round(4).tolist()
        [0.7071]
    """
    one, other = one.astype(np.float64), other.astype(np.float64)
    norms = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return (one * other).sum(axis=-1) / np.maximum(norms, np.finfo(np.float64).tiny)
