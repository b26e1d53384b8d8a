"""What a model's questions are answered with."""

from __future__ import annotations

from msgspec import Struct


class ModelInfo(Struct):
    """What a model is made of; `layers` names those that can be compared, the token's first."""

    name: str
    reads: str
    vocabulary: int | None
    directions: list[str]
    layers: list[str]
    dim: int
    predicts: bool


class UsagesInfo(Struct):
    """What an index of uses holds."""

    name: str
    uses: int
    words: int
    documents: int
    sentences: int
    layer: str
    periods: list[str]
    tokens_by_period: dict[str, int]
    senses: bool
    umap: bool


class LimitsInfo(Struct):
    """The most that may be asked."""

    tokens: int
    characters: int
    body: int
    seconds: float


class Info(Struct):
    """What this server answers about."""

    version: str
    model: ModelInfo | None
    usages: UsagesInfo | None
    limits: LimitsInfo


class TokenScore(Struct):
    """Of a token: bits of surprisal and of entropy, and the rank, for each direction."""

    token: str
    unknown: bool
    surprisal_bits: dict[str, float]
    entropy_bits: dict[str, float]
    rank: dict[str, int]


class Total(Struct):
    """Of a direction: the end that it predicts is counted, as in perplexity."""

    bits: float
    mean_bits: float
    perplexity: float
    end_bits: float


class Analysis(Struct):
    """A sentence's tokens, and the sums of each direction."""

    tokens: list[TokenScore]
    totals: dict[str, Total]


class SubstituteFound(Struct):
    """A word, and its probability among all that may be proposed."""

    word: str
    probability: float


class SubstitutesFound(Struct):
    """Of a place, the most probable first."""

    target: str
    position: int
    substitutes: list[SubstituteFound]


class LayerSimilarity(Struct):
    """Cosines of a layer: a row for each token of the first sentence."""

    layer: str
    cosines: list[list[float]]


class Similarities(Struct):
    """Of every token of one sentence with every token of another."""

    first: list[str]
    second: list[str]
    layers: list[LayerSimilarity]


class Failure(Struct):
    """What was wrong, and what would do, in a sentence."""

    error: str
