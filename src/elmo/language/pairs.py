"""Minimal pairs: does a model find the acceptable sentence more probable than the other one?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from elmo.language.model import BITS, LanguageModel
from elmo.system.notebook import html_grid
from elmo.text.corpus import Corpus
from elmo.text.encoded_corpus import encode_corpus
from elmo.text.pairs import Pair
from elmo.training.batches.batches import Tokens
from elmo.training.reading import padded_chunk
from elmo.training.unigram import log_probabilities

BLOCK_TOKENS = 1 << 18  # tokens of distinct sentences that are read together
TIE = 1e-4  # nats within which rounding, not the model, decides


@dataclass(frozen=True)
class PairScores:
    r"""Nats of both sentences of every pair, by each scorer.

    A pair is right where the good sentence has the higher probability, :math:`-\ln P` summed over its
    tokens and its end (or, backward, its beginning); a tie counts half.

    Attributes:
        pairs: the pairs.
        nats: for each scorer, float64 `(pairs, 2)`: the good sentence and the bad one. The scorers are
            the model's directions, `"both"` (their sum) and, where the vocabulary has counts,
            `"unigram"` (`elmo.training.unigram`).
        unknown: whether a pair has a word that is not in the vocabulary, bool `(pairs,)`.
    """

    pairs: Sequence[Pair]
    nats: dict[str, np.ndarray]
    unknown: np.ndarray

    def right(self, scorer: str) -> np.ndarray:
        """1 where a scorer is right, ½ for a tie, else 0, float64 `(pairs,)`."""
        good, bad = self.nats[scorer].T
        difference = bad - good
        return np.where(np.abs(difference) <= TIE, 0.5, (difference > 0).astype(np.float64))

    def accuracy(self, chosen: np.ndarray | None = None) -> dict[str, float | None]:
        """Accuracy of each scorer over the chosen pairs, all by default; None over no pair."""
        return {name: _mean(self.right(name), chosen) for name in self.nats}

    def to_dict(self) -> dict[str, Any]:
        """Accuracies as plain values.

        Returns:
            Those of all pairs; their number, `pairs`, and `unknown`, how many have a word that is not in
            the vocabulary; `known`, the accuracies of the others; and the same for each of `paradigms`
            and `fields`.
        """
        paradigms = np.array([pair.paradigm for pair in self.pairs], object)
        fields = np.array([pair.field for pair in self.pairs], object)
        of_paradigms = {}
        for name in dict.fromkeys(paradigms.tolist()):
            mine = paradigms == name
            of_paradigms[name] = {"field": fields[mine][0], **self._table(mine)}
        of_fields = {name: self._table(fields == name) for name in dict.fromkeys(fields.tolist())}
        whole = self._table(np.ones(len(self.pairs), bool))
        return {**whole, "fields": of_fields, "paradigms": of_paradigms}

    def _table(self, mine: np.ndarray) -> dict[str, Any]:
        known = mine & ~self.unknown
        return {
            **self.accuracy(mine),
            "pairs": int(mine.sum()),
            "unknown": int((mine & self.unknown).sum()),
            "known": {**self.accuracy(known), "pairs": int(known.sum())},
        }

    def columns(self) -> dict[str, np.ndarray]:
        """One row per pair: its number, what it tests, and the bits of both sentences."""
        table: dict[str, np.ndarray] = {
            "pair": np.arange(len(self.pairs)),
            "paradigm": np.array([pair.paradigm for pair in self.pairs], object),
            "field": np.array([pair.field for pair in self.pairs], object),
            "unknown": self.unknown,
        }
        for name, nats in self.nats.items():
            table[f"{name}_good_bits"], table[f"{name}_bad_bits"] = (nats * BITS).T
            table[f"{name}_right"] = self.right(name)
        return table

    def _repr_html_(self) -> str:
        found = self.to_dict()
        rows = [*found["fields"].items(), ("all", found)]
        cells = [
            [name, *(_percent(row[n]) for n in self.nats), row["pairs"], row["unknown"]]
            for name, row in rows
        ]
        head = ["field", *self.nats, "pairs", "with unknown words"]
        return html_grid("Minimal pairs", head, cells)


def _mean(values: np.ndarray, chosen: np.ndarray | None) -> float | None:
    values = values if chosen is None else values[chosen]
    return float(values.mean()) if len(values) else None


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def score_pairs(model: LanguageModel, pairs: Iterable[Pair]) -> PairScores:
    """Score both sentences of every pair, each from zero state and each distinct one once.

    Args:
        model: a biLM that can predict.
        pairs: see `elmo.text.pairs`.

    Raises:
        ValueError: there is no pair.
    """
    pairs = list(pairs)
    if not pairs:
        raise ValueError("there is no pair of sentences to score; give at least one")
    numbers: dict[tuple[str, ...], int] = {}
    rows = np.array(
        [
            [numbers.setdefault(tuple(sentence), len(numbers)) for sentence in pair[:2]]
            for pair in pairs
        ]
    )
    blocks = list(_SentenceNats(model).blocks(list(numbers)))
    nats = np.concatenate([block for block, _, _ in blocks], axis=1)
    unknown = np.concatenate([block for _, block, _ in blocks])
    scorers = dict(zip(model.directions, nats, strict=True))
    if len(scorers) == 2:
        scorers["both"] = nats.sum(axis=0)
    if model.vocabulary.counts is not None:
        scorers["unigram"] = np.concatenate([block for _, _, block in blocks])
    return PairScores(
        pairs,
        {name: values[rows] for name, values in scorers.items()},
        unknown[rows].any(axis=1),
    )


class _SentenceNats:
    """Sums over whole sentences."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        counted = model.vocabulary.counts is not None
        self._unigram = -log_probabilities(model.vocabulary) if counted else None

    def blocks(
        self, sentences: Sequence[Sequence[str]]
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Of many sentences at a time `(directions, n)` nats, whether there is an unknown word, and the
        unigram model's nats `(n,)`, zeros where there are no counts."""
        lengths = np.array([len(sentence) + 1 for sentence in sentences])
        block_of = np.cumsum(lengths) // BLOCK_TOKENS
        for number in range(int(block_of[-1]) + 1):
            mine = np.flatnonzero(block_of == number)
            if len(mine):
                yield self._block([sentences[i] for i in mine.tolist()])

    def _block(self, sentences: list[Sequence[str]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        corpus = Corpus.from_sentences(sentences, blank_lines="keep")
        encoded = encode_corpus(self._model.encoder, corpus)
        begins = np.asarray(encoded.offsets[:-1]) + np.arange(len(sentences))
        slots = encoded.n_tokens + encoded.n_sentences
        same = [_same_slots(sentences, d == "backward") for d in self._model.directions]
        nats = np.empty((len(same), slots))
        types = np.empty(slots, np.int64)

        def take(direction: int, h: np.ndarray, targets: np.ndarray, slots: np.ndarray) -> None:
            if direction == 0:
                types[slots] = targets
            first = same[direction][slots] == slots
            if first.any():
                found = self._model.nats(*padded_chunk(h[first], targets[first]))
                nats[direction, slots[first]] = ops.convert_to_numpy(found)[: first.sum()]

        self._model.reader().read(Tokens(encoded), take)
        nats = np.stack([row[slots] for row, slots in zip(nats, same, strict=True)])
        vocabulary = self._model.vocabulary
        unknown = np.logical_or.reduceat(types == vocabulary.unk_id, begins)
        # a model that reads backward alone predicts the beginning, which a unigram model does not count
        types[types == vocabulary.bos_id] = vocabulary.eos_id
        unigram = np.zeros(len(sentences))
        if self._unigram is not None:
            # in the order of the types, so that the same words in another order tie exactly
            order = np.lexsort((types, np.repeat(np.arange(len(sentences)), encoded.lengths + 1)))
            unigram = np.add.reduceat(self._unigram[types[order]], begins)
        return np.add.reduceat(nats, begins, axis=1), unknown, unigram


def _same_slots(sentences: Sequence[Sequence[str]], backward: bool) -> np.ndarray:
    """For each slot the first one with the same target and everything that was read before it.

    The sentences of a pair begin, or end, with the same words: a third of the softmax of BLiMP is saved.

    Example:
        >>> _same_slots([["a", "b"], ["a", "c"]], backward=False).tolist()
        [0, 1, 2, 0, 4, 5]
        >>> _same_slots([["a", "b"], ["c", "b"]], backward=True).tolist()
        [0, 1, 2, 0, 4, 5]
    """
    slots: list[int] = []
    firsts: list[int] = []
    numbers: dict[tuple[int, str | None], int] = {}
    for sentence in sentences:
        node = -1
        for token in (*(reversed(sentence) if backward else sentence), None):
            node = numbers.setdefault((node, token), len(numbers))
            if node == len(firsts):
                firsts.append(len(slots))
            slots.append(firsts[node])
    return np.array(slots)
