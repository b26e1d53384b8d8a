"""The unigram model that every perplexity stands beside."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from elmo.text.vocabulary import Vocabulary
from elmo.training.batches.batches import Tokens, Unknown


def log_probabilities(vocabulary: Vocabulary) -> np.ndarray:
    """Log-probabilities of the types in the add-one unigram model, in nats, `(V,)`."""
    if vocabulary.counts is None:
        raise ValueError("the vocabulary has no counts: vocabulary.with_counts(corpus)")
    counts = vocabulary.counts.astype(np.float64)
    counts[vocabulary.bos_id] = 0.0
    if not counts[vocabulary.unk_id]:
        once = Unknown.of(vocabulary, 0.5)
        counts[once.types] -= once.share
        counts[once.unk] = once.share * len(once.types)
    return np.log(counts + 1.0) - math.log(counts.sum() + len(counts))


def unigram_nats(vocabulary: Vocabulary, tokens: Tokens) -> float:
    """Summed −ln P of a direction's targets in an encoded text; the same in both directions.

    Args:
        vocabulary: with counts, of the training text.
        tokens: encoded with it.
    """
    corpus = tokens.corpus
    assert corpus.ids is not None  # it was encoded with the vocabulary
    times = np.bincount(corpus.ids, minlength=len(vocabulary) + 1)[1:].astype(np.float64)
    times[vocabulary.eos_id] += corpus.n_sentences
    return -float(times @ log_probabilities(vocabulary))


def unigram_perplexity(vocabulary: Vocabulary, sentences: Iterable[Sequence[str]]) -> float:
    r"""Perplexity of an add-one unigram model over a biLM's targets.

    .. math:: p(w) = \frac{c(w) + 1}{\sum_v c(v) + V}

    Where every word of the training text is in the vocabulary, so that `<UNK>` has no count, half of
    what the words that occur once have counts for it: :math:`c(w) = 1/2` for these and half their
    number for `<UNK>`. Without it the baseline takes unknown words for the rarest of all, and any model
    beats it.

    The targets are a direction's: the tokens (unknown ones as `<UNK>`) and one boundary per sentence.
    The other boundary, which that direction never predicts, has no count; as the two occur equally
    often, both directions have the same perplexity.

    Args:
        vocabulary: with the counts of the training text.
        sentences: lists of tokens.

    Example:
        >>> vocabulary = Vocabulary.from_corpus([["a", "b"], ["a"]])
        >>> round(unigram_perplexity(vocabulary, [["a"]]), 6)  # p(a) = p(</S>) = 3 / 10
        3.333333
        >>> round(unigram_perplexity(vocabulary, [["b", "c"]]), 6)  # p(b) = p(<UNK>) = 1.5 / 10
        5.291337
    """
    nats = -log_probabilities(vocabulary)
    total, targets = 0.0, 0
    for tokens in sentences:
        total += float(nats[vocabulary.ids(tokens)].sum() + nats[vocabulary.eos_id])
        targets += len(tokens) + 1
    if not targets:
        raise ValueError("sentences: there is none")
    return math.exp(total / targets)
