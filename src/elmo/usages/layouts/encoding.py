"""Vectors of words that are marked in running text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from elmo.usages.layers import chosen_layer
from elmo.usages.layouts.spans import marked_span

if TYPE_CHECKING:
    from elmo.api import BiLM

WORDS = 60  # tokens on each side of the word that are read
_BLOCK = 256


def encode_spans(
    model: BiLM,
    texts: Sequence[str],
    spans: Sequence[tuple[int, int]],
    layer: str | int = "top",
    window: int = WORDS,
) -> np.ndarray:
    """The vector of one word in each of some texts.

    Args:
        model: a biLM.
        texts: running text.
        spans: where in each of them the word stands, in characters; a word of several tokens has the
            mean of their vectors.
        layer: as `elmo usages build --layer` takes it.
        window: tokens on each side of the word that are read.

    Returns:
        float32 `(texts, dim)`.

    Raises:
        ValueError: the model has no such layer, or a span is not within its text.
    """
    chosen = chosen_layer(layer, model.config.lstm.n_layers)
    found = []
    for first in range(0, len(texts), _BLOCK):
        sentences, places = [], []
        block = slice(first, first + _BLOCK)
        for text, (begin, end) in zip(texts[block], spans[block], strict=True):
            tokens, place = marked_span(text, begin, end)
            left = max(0, place.start - window)
            sentences.append(tokens[left : place.stop + window])
            places.append(slice(place.start - left, place.stop - left))
        vectors = model.embed(sentences, layers=chosen.layers)
        for table, part in zip(vectors, places, strict=True):
            whole = table if chosen.number is None else table[chosen.number]
            found.append(whole[part].mean(axis=0))
    return np.asarray(found, np.float32).reshape(len(texts), -1)
