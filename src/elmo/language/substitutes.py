"""Substitutes: which words a model expects in the place of a word, from both sides at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, TypedDict, get_args

import numpy as np
from keras import ops

from elmo.language.candidates import Words, allowed_types
from elmo.language.model import LanguageModel
from elmo.text.corpus import Corpus
from elmo.text.encoded_corpus import encode_corpus
from elmo.training.batches.batches import Tokens
from elmo.training.unigram import log_probabilities

Combine = Literal["product", "and", "forward", "backward"]
COMBINE = get_args(Combine)
SCORES = 1 << 23  # scores that are in memory at a time
BLOCK_TOKENS = 1 << 14  # tokens that are read together


class Substitute(NamedTuple):
    """A word that may stand in the place of another.

    Attributes:
        word: of the vocabulary.
        log_probability: in nats, among all words that may be proposed.
    """

    word: str
    log_probability: float


class Options(TypedDict, total=False):
    """What `Substituter` can be given; it explains and checks them."""

    top_k: int
    combine: Combine
    similarity: float
    vocabulary: Words | None
    min_count: int | None
    exclude_target: bool
    conjunction: str


class Substituter:
    r"""Proposes words for places in sentences; each sentence is read from zero state.

    The directions are two independent predictions of one word. Their product counts the prior twice, so
    it is divided out once:

    .. math:: \ln p(w) = \ln \vec p(w \mid left) + \ln \overleftarrow p(w \mid right)
              - \ln p_1(w) + s \cos(w, t) - \ln Z

    The prior :math:`p_1` is the add-one unigram model of the vocabulary's counts; where there are none,
    the softmax of the bias, which is what the model predicts without any context. Z sums over all words
    that may be proposed.

    `"and"` reads `left t and ___` forward and `___ and t right` backward, in place of `left ___` and
    `___ right`, so that the prediction knows the target t too (Amrami and Goldberg 2018, "Word Sense
    Induction with Neural biLM and Symmetric Patterns").

    The last term multiplies with exp(cos / T), T = 1 / s (Arefyev et al. 2020, "A Comparative Study of
    Lexical Substitution Approaches based on Neural Language Models"). The cosine is that of rows of the
    softmax: every type has one, without a pass over the vocabulary, and types that are predicted in the
    same places have like rows, where the token vectors of a model that reads characters are alike for
    words that are spelled alike. A target that is not in the vocabulary has none, and the term is left
    out.

    Args:
        model: a biLM that can predict.
        top_k: how many substitutes of each place; fewer where there are no more.
        combine: `"product"`, `"and"`, or one direction alone, `"forward"` or `"backward"`, without prior.
        similarity: s = 1 / T; 0 leaves the term out. 10 is T = 0.1.
        vocabulary: propose these words alone, a list or a file with one per line.
        min_count: propose no word that occurs less often in the training text.
        exclude_target: leave out the target itself and words that differ from it in case alone.
        conjunction: for `"and"`; one word or several.

    Raises:
        ValueError: an option has no such value, or the model lacks what it needs; see `allowed_types`.
    """

    def __init__(
        self,
        model: LanguageModel,
        *,
        top_k: int = 10,
        combine: Combine = "product",
        similarity: float = 0.0,
        vocabulary: Words | None = None,
        min_count: int | None = None,
        exclude_target: bool = True,
        conjunction: str = "and",
    ) -> None:
        if top_k < 1:
            raise ValueError(f"top_k={top_k!r}: must be 1 or more")
        if combine not in COMBINE:
            raise ValueError(f"combine={combine!r}: must be {', '.join(map(repr, COMBINE))}")
        needed = (combine,) if combine in ("forward", "backward") else ("forward", "backward")
        if not set(needed) <= set(model.directions):
            (only,) = model.directions
            raise ValueError(f"combine={combine!r}: the model reads {only} alone; take {only!r}")
        if not np.isfinite(similarity) or similarity < 0:
            raise ValueError(f"similarity={similarity!r}: must be 0 or more, 1 / T of exp(cos / T)")
        self._conjunction = conjunction.split()
        if combine == "and":
            _check_conjunction(model, self._conjunction)
        self.model, self.combine = model, combine
        self.top_k, self.exclude_target = top_k, exclude_target
        self._directions = needed
        self._allowed = allowed_types(model.vocabulary, vocabulary, min_count)
        self._prior = prior(model) if len(needed) == 2 else None
        self._cosines = _Cosines(model) if similarity else None
        self._similarity = similarity

    def substitutes(
        self, sentences: Sequence[Sequence[str]], positions: Sequence[int | None]
    ) -> list[list[list[Substitute]]]:
        """Substitutes for places in sentences, the most probable first.

        Args:
            sentences: lists of tokens.
            positions: the place in each of them, counted from 0; None for every place.

        Returns:
            For each sentence and each of its places that was asked for the substitutes.

        Raises:
            ValueError: a sentence is empty, or has no such position.
        """
        places: list[tuple[int, int]] = []
        for number, (tokens, position) in enumerate(zip(sentences, positions, strict=True)):
            if not tokens:
                raise ValueError(
                    f"sentence {number} (counted from 0): is empty; give a token or more"
                )
            if position is not None and not 0 <= position < len(tokens):
                raise ValueError(
                    f"position={position}: the sentence has {len(tokens)} tokens, so it must be 0 to "
                    f"{len(tokens) - 1}"
                )
            chosen = range(len(tokens)) if position is None else (position,)
            places += [(number, place) for place in chosen]
        found: list[list[list[Substitute]]] = [[] for _ in sentences]
        for block in self._blocks(sentences, places):
            self._block(sentences, block, found)
        return found

    def _blocks(
        self, sentences: Sequence[Sequence[str]], places: list[tuple[int, int]]
    ) -> Iterator[list[tuple[int, int]]]:
        block: list[tuple[int, int]] = []
        held, before = 0, -1
        for number, place in places:
            block.append((number, place))
            if self.combine == "and":
                held += len(sentences[number]) + 2 * len(self._conjunction) + 3
            elif number != before:
                held += len(sentences[number]) + 1
            before = number
            if held >= BLOCK_TOKENS:
                yield block
                block, held, before = [], 0, -1
        if block:
            yield block

    def _block(
        self,
        sentences: Sequence[Sequence[str]],
        places: list[tuple[int, int]],
        found: list[list[list[Substitute]]],
    ) -> None:
        read, asked = self._contexts(sentences, places)
        h = outputs(self.model, read, asked)
        step = max(1, SCORES // len(self.model.vocabulary))
        for first in range(0, len(places), step):
            part = slice(first, first + step)
            targets = [sentences[number][place] for number, place in places[part]]
            rows = self._log_probabilities([h[d][part] for d in self._directions], targets)
            for (number, _), row in zip(places[part], rows, strict=True):
                found[number].append(self._best(row))

    def _contexts(
        self, sentences: Sequence[Sequence[str]], places: list[tuple[int, int]]
    ) -> tuple[list[Sequence[str]], dict[str, list[tuple[int, int]]]]:
        """The sentences that are read, and for each direction which prediction of which is taken."""
        read: list[Sequence[str]] = []
        asked: dict[str, list[tuple[int, int]]] = {d: [] for d in self._directions}
        if self.combine == "and":
            for number, place in places:
                tokens = list(sentences[number])
                left = [*tokens[: place + 1], *self._conjunction]
                right = [*self._conjunction, *tokens[place:]]
                asked["forward"].append((len(read), len(left)))
                asked["backward"].append((len(read) + 1, len(right)))
                read += [left, right]
            return read, asked
        rows: dict[int, int] = {}
        for number, place in places:
            if number not in rows:
                rows[number] = len(read)
                read.append(sentences[number])
            behind = len(sentences[number]) - 1 - place
            for direction, list_ in asked.items():
                list_.append((rows[number], place if direction == "forward" else behind))
        return read, asked

    def _log_probabilities(self, h: list[np.ndarray], targets: list[str]) -> np.ndarray:
        """ln p of every type, float64 `(n, V)`; −∞ for those that may not be proposed."""
        scores = np.zeros((len(targets), len(self.model.vocabulary)))
        for one in h:
            scores += self.model.log_probabilities(one)
        if self._prior is not None:
            scores -= self._prior
        if self._cosines is not None:
            scores += self._similarity * self._cosines.to_all(targets)
        scores[:, ~self._allowed] = -np.inf
        if self.exclude_target:
            for row, target in zip(scores, targets, strict=True):
                row[self.model.spelled_like(target)] = -np.inf
        best = scores.max(axis=1, keepdims=True)
        best[~np.isfinite(best)] = 0.0  # nothing is left to propose
        total = np.exp(scores - best).sum(axis=1, keepdims=True)
        return scores - best - np.log(np.maximum(total, np.finfo(np.float64).tiny))

    def _best(self, row: np.ndarray) -> list[Substitute]:
        count = min(self.top_k, int(np.isfinite(row).sum()))
        if not count:
            return []
        best = np.argpartition(-row, count - 1)[:count]
        best = best[np.lexsort((best, -row[best]))]
        tokens = self.model.vocabulary.tokens
        return [Substitute(tokens[i], float(row[i])) for i in best.tolist()]


def _check_conjunction(model: LanguageModel, words: list[str]) -> None:
    if not words:
        raise ValueError("conjunction: is empty; give a word such as 'and'")
    if model.network.config.char_cnn is None:
        for word in words:
            if word not in model.vocabulary:
                raise ValueError(
                    f"conjunction={' '.join(words)!r}: {word!r} is not in the model's vocabulary; give "
                    "a word that is"
                )


def prior(model: LanguageModel) -> np.ndarray:
    """ln P of every type without context, float64 `(V,)`; see `Substituter`."""
    if model.vocabulary.counts is not None:
        return log_probabilities(model.vocabulary)
    assert model.network.head is not None  # a `LanguageModel` has one
    bias = np.asarray(ops.convert_to_numpy(model.network.head.bias), np.float64)
    shifted = bias - bias.max()
    result: np.ndarray = shifted - np.log(np.exp(shifted).sum())
    return result


def outputs(
    model: LanguageModel,
    sentences: Sequence[Sequence[str]],
    asked: dict[str, list[tuple[int, int]]],
) -> dict[str, np.ndarray]:
    """Outputs of the top layer, from which a word is predicted.

    Args:
        model: a biLM that can predict.
        sentences: lists of tokens, each read from zero state.
        asked: for each direction which predictions: the number of the sentence, and how many of its
            tokens were read before it; the boundary always was.

    Returns:
        For each direction float32 `(n, P)`.
    """
    corpus = Corpus.from_sentences(sentences, blank_lines="keep")
    encoded = encode_corpus(model.encoder, corpus)
    begins = np.asarray(encoded.offsets[:-1]) + np.arange(len(sentences))
    size = model.network.config.lstm.projection_dim
    slots = encoded.n_tokens + encoded.n_sentences
    whole = np.empty((len(model.directions), slots, size), np.float32)

    def take(direction: int, h: np.ndarray, targets: np.ndarray, slots: np.ndarray) -> None:
        whole[direction, slots] = h

    model.reader().read(Tokens(encoded), take)
    found = {}
    for direction, places in asked.items():
        number, read = np.array(places, np.int64).reshape(-1, 2).T
        found[direction] = whole[model.directions.index(direction), begins[number] + read]
    return found


class _Cosines:
    """Cosines of rows of the softmax."""

    def __init__(self, model: LanguageModel) -> None:
        self._vocabulary = model.vocabulary
        self._rows = np.asarray(ops.convert_to_numpy(model.network.softmax_kernel))
        norms = np.sqrt(np.einsum("vp,vp->v", self._rows, self._rows))
        self._norms = np.maximum(norms, np.finfo(np.float32).tiny)

    def to_all(self, words: Sequence[str]) -> np.ndarray:
        """Cosines with all types, float32 `(words, V)`; zeros for a word that is not among them."""
        ids = self._vocabulary.ids(words)
        unit = self._rows[ids] / self._norms[ids, None]
        unit[ids == self._vocabulary.unk_id] = 0.0
        cosines: np.ndarray = unit @ self._rows.T / self._norms
        return cosines
