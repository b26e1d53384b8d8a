"""What every answer needs: a network with its softmax, and its words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from keras import ops

from elmo.bilm.compiled import compiled
from elmo.bilm.language_model import BiLanguageModel
from elmo.text.encoding import SentenceEncoder
from elmo.text.vocabulary import Vocabulary
from elmo.training.reading import Reader, State, padded_chunk

BITS = float(np.log2(np.e))
"""Bits per nat."""
TYPES = 1024  # whose scores are in memory at a time


@dataclass(frozen=True)
class LanguageModel:
    """A biLM that can predict; `elmo.BiLM.language_model` gives one.

    It keeps the functions that its answers need, each compiled once. They read the weights anew at each
    call, so training in between is seen.

    Attributes:
        network: with a softmax whose weights are known.
        encoder: from tokens to ids.
        vocabulary: the types that the softmax predicts.
        state: the mode that the model was trained in, `"reset"` or `"carry"`.
    """

    network: BiLanguageModel
    encoder: SentenceEncoder
    vocabulary: Vocabulary
    state: str = "reset"

    @property
    def directions(self) -> tuple[str, ...]:
        """`"forward"`, `"backward"` or both."""
        return self.network.config.direction_names

    def log_probabilities(self, h: np.ndarray) -> np.ndarray:
        """ln P of every type, float32 `(n, V)`.

        Args:
            h: outputs of the top layer, `(n, P)`; n · V numbers are held at once.
        """
        padded, _ = padded_chunk(h, np.zeros(len(h), np.int32))
        return np.asarray(ops.convert_to_numpy(self._log_probabilities(padded)))[: len(h)]

    def step(self, direction: str, tokens: np.ndarray, state: State) -> tuple[np.ndarray, State]:
        """Read one more token in each of n texts, in one direction alone.

        Args:
            direction: one that the model has.
            tokens: ids, `(n,)`, or `(n, M)` for characters.
            state: `(h, c)` of `(n_layers, n, P)` and `(n_layers, n, D)`.

        Returns:
            Outputs of the top layer, `(n, P)`, and the new state.
        """
        inputs = np.arange(len(tokens), dtype=np.int32)[None, :, None]  # (1, n, 1)
        real = np.ones(inputs.shape, bool)
        h, c = (part[None] for part in state)
        top, (h, c) = self._steps[direction](tokens, inputs, real, (h, c))
        top, h, c = (np.asarray(ops.convert_to_numpy(part)) for part in (top, h, c))
        return top[0, :, 0], (h[0], c[0])

    @cached_property
    def _steps(self) -> dict[str, Callable[..., Any]]:
        return {
            name: compiled(self.network, partial(self.network.top, first_direction=number))
            for number, name in enumerate(self.directions)
        }

    def reader(self, state: str = "reset") -> Reader:
        """Reads sentences, each from zero state or, with `"carry"`, as one stream."""
        if state not in self._readers:
            self._readers[state] = Reader(self.network, state)
        return self._readers[state]

    @cached_property
    def _readers(self) -> dict[str, Reader]:
        return {}

    @cached_property
    def predictions(self):  # type: ignore[no-untyped-def]  # a compiled function of Keras
        """Nats, ranks and entropies of targets; see `BiLanguageModel.predictions`."""
        return compiled(self.network, partial(self.network.predictions, block=TYPES))

    @cached_property
    def nats(self):  # type: ignore[no-untyped-def]  # a compiled function of Keras
        """Nats of targets; see `BiLanguageModel.nats`."""
        return compiled(self.network, partial(self.network.nats, block=TYPES))

    def spelled_like(self, word: str) -> list[int]:
        """Ids of the types that are a word or differ from it in case alone."""
        return self._spellings.get(word.casefold(), [])

    @cached_property
    def _spellings(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for number, token in enumerate(self.vocabulary.tokens):
            found.setdefault(token.casefold(), []).append(number)
        return found

    @cached_property
    def _log_probabilities(self):  # type: ignore[no-untyped-def]  # a compiled function of Keras
        return compiled(self.network, self.network.log_probabilities)
