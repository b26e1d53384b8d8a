"""The baseline that knows how often words occur and nothing of their order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from elmo.text.vocabulary import Vocabulary


def unigram_perplexity(vocabulary: Vocabulary, sentences: Iterable[Sequence[str]]) -> float:
    r"""Perplexity of an add-one unigram model over a biLM's targets.

    .. math:: p(w) = \frac{c(w) + 1}{\sum_v c(v) + V}

    The targets are a direction's: the tokens (unknown ones as `<UNK>`) and one boundary a sentence.
    The other boundary, which that direction never predicts, has no count; as the two occur equally
    often, both directions have the same perplexity.

    Args:
        vocabulary: with the counts of the training text.
        sentences: lists of tokens.

    Example:
        >>> vocabulary = Vocabulary.from_corpus([["a", "b"], ["a"]])
        >>> round(unigram_perplexity(vocabulary, [["a"]]), 6)  # p(a) = p(</S>) = 3 / 10
        3.333333
    """
    if vocabulary.counts is None:
        raise ValueError("the vocabulary has no counts: vocabulary.with_counts(corpus)")
    counts = vocabulary.counts.astype(np.float64)
    counts[vocabulary.bos_id] = 0.0
    nats = math.log(counts.sum() + len(counts)) - np.log(counts + 1.0)
    total, targets = 0.0, 0
    for tokens in sentences:
        total += float(nats[vocabulary.ids(tokens)].sum() + nats[vocabulary.eos_id])
        targets += len(tokens) + 1
    if not targets:
        raise ValueError("sentences: there is none")
    return math.exp(total / targets)
