"""The baseline that knows how often words occur and nothing of their order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from elmo.text.vocabulary import Vocabulary
from elmo.training.unigram import log_probabilities

__all__ = ["log_probabilities", "unigram_perplexity"]


def unigram_perplexity(vocabulary: Vocabulary, sentences: Iterable[Sequence[str]]) -> float:
    r"""Perplexity of an add-one unigram model over a biLM's targets.

    .. math:: p(w) = \frac{c(w) + 1}{\sum_v c(v) + V}

    Where every word of the training text is in the vocabulary, so that `<UNK>` has no count, half of
    what the words that occur once have counts for it: :math:`c(w) = 1/2` for these and half their
    number for `<UNK>`. Without it the baseline takes unknown words for the rarest of all, and any model
    beats it.

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
