"""A model's answers to many requests at once; the same numbers as its methods give to one."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from elmo.serve.answers import (
    Analysis,
    LayerSimilarity,
    ModelInfo,
    Similarities,
    SubstituteFound,
    TokenScore,
    Total,
)
from elmo.serve.limits import SUBSTITUTES

if TYPE_CHECKING:
    from elmo.api import BiLM
    from elmo.language.scores import Scorer, Scores
    from elmo.language.substitutes import Combine, Substituter

_KEPT = 8  # substituters, by their options
_DIGITS = 5  # behind the point of a cosine


class Place(NamedTuple):
    """A token of a sentence, and how many substitutes it is to have."""

    tokens: list[str]
    position: int
    wanted: int


class Pair(NamedTuple):
    """Two sentences."""

    first: list[str]
    second: list[str]


class Questions:
    """Answers of a model, each function for a list of questions in one pass.

    Args:
        model: whose.
        name: how people call it.
    """

    def __init__(self, model: BiLM, name: str = "model") -> None:
        self.model, self.name = model, name
        self._substituter = functools.lru_cache(_KEPT)(self._new_substituter)

    def info(self) -> ModelInfo:
        """What the model is made of."""
        config = self.model.config
        vocabulary = self.model.vocabulary
        return ModelInfo(
            name=self.name,
            reads="words" if config.char_cnn is None else "characters",
            vocabulary=None if vocabulary is None else len(vocabulary),
            directions=list(config.direction_names),
            layers=[_layer_name(number) for number in range(config.lstm.n_layers + 1)],
            dim=config.output_dim,
            predicts=self.predicts,
        )

    @property
    def predicts(self) -> bool:
        """Whether it has a softmax, and a vocabulary for it."""
        return self.model.has_softmax and self.model.vocabulary is not None

    @functools.cached_property
    def _scorer(self) -> Scorer:
        from elmo.language.scores import Scorer

        return Scorer(self.model.language_model("analyse"), "reset")

    def analyse(self, sentences: list[list[str]]) -> list[Analysis]:
        """Surprisal and entropy of every token; each sentence is read from zero state."""
        from elmo.language.scores import joined

        scores = joined(self._scorer.scores(sentences))
        ends = np.searchsorted(scores.sentence, np.arange(len(sentences) + 1))
        return [
            _analysis(scores, slice(*ends[number : number + 2]), tokens)
            for number, tokens in enumerate(sentences)
        ]

    def warm(self) -> None:
        """Answer a few usual questions, so that what they take is compiled."""
        if not self.predicts:
            return
        for tokens, sentences in ((20, 1), (40, 8)):
            self.analyse([["."] * tokens] * sentences)
        combine: Combine = "product"
        if self.model.config.directions != "both":
            combine = self.model.config.directions
        self._substitutes(combine, 0.0, [Place(["."] * 20, 0, 1)])

    def substitutes(
        self, combine: Combine, similarity: float
    ) -> Callable[[list[Place]], list[list[SubstituteFound]]]:
        """Substitutes of places, by a function that options have chosen.

        Raises:
            ValueError: the model lacks what they need.
        """
        return functools.partial(self._substitutes, combine, similarity)

    def _substitutes(
        self, combine: Combine, similarity: float, places: list[Place]
    ) -> list[list[SubstituteFound]]:
        substituter = self._substituter(combine, similarity)
        found = substituter.substitutes(
            [place.tokens for place in places], [place.position for place in places]
        )
        return [
            [
                SubstituteFound(one.word, math.exp(one.log_probability))
                for one in best[: place.wanted]
            ]
            for place, (best,) in zip(places, found, strict=True)
        ]

    def _new_substituter(self, combine: Combine, similarity: float) -> Substituter:
        from elmo.language.substitutes import Substituter

        return Substituter(
            self.model.language_model("substitutes"),
            top_k=SUBSTITUTES,
            combine=combine,
            similarity=similarity,
        )

    def similarities(self, pairs: list[Pair]) -> list[Similarities]:
        """Cosines of all tokens of two sentences, in every layer."""
        vectors = self.model.embed([tokens for pair in pairs for tokens in pair], layers="all")
        return [
            Similarities(pair.first, pair.second, _cosines(first, second))
            for pair, first, second in zip(pairs, vectors[::2], vectors[1::2], strict=True)
        ]


def _analysis(scores: Scores, rows: slice, tokens: list[str]) -> Analysis:
    """Rows of one sentence."""
    position, direction = scores.position[rows], scores.direction[rows]
    bits, entropy = scores.surprisal_bits[rows], scores.entropy_bits[rows]
    rank, unknown = scores.rank[rows], scores.unknown[rows]
    found = [TokenScore(token, False, {}, {}, {}) for token in tokens]
    ends: dict[str, float] = {}
    for row in range(len(position)):
        place, name = int(position[row]) - 1, direction[row]
        if not 0 <= place < len(tokens):
            ends[name] = float(bits[row])
            continue
        one = found[place]
        one.unknown = bool(unknown[row])
        one.surprisal_bits[name] = float(bits[row])
        one.entropy_bits[name] = float(entropy[row])
        one.rank[name] = int(rank[row])
    totals = {}
    for name in sorted(ends, reverse=True):  # forward first
        mine = bits[direction == name].astype(np.float64)
        mean = float(mine.mean())
        totals[name] = Total(float(mine.sum()), mean, 2.0**mean, ends[name])
    return Analysis(found, totals)


def _cosines(first: np.ndarray, second: np.ndarray) -> list[LayerSimilarity]:
    """Of arrays `(layers, tokens, dim)`."""
    products = np.einsum("lid,ljd->lij", _unit(first), _unit(second))
    return [
        LayerSimilarity(_layer_name(number), np.round(table.astype(float), _DIGITS).tolist())
        for number, table in enumerate(products)
    ]


def _unit(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(norms, np.finfo(np.float32).tiny)


def _layer_name(number: int) -> str:
    return "token" if number == 0 else str(number)
