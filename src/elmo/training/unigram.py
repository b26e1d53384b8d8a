"""The unigram model that every perplexity stands beside."""

from __future__ import annotations

import math

import numpy as np

from elmo.text.vocabulary import Vocabulary
from elmo.training.batches import Tokens, Unknown


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
    times = np.bincount(corpus.ids, minlength=len(vocabulary) + 1)[1:].astype(np.float64)
    times[vocabulary.eos_id] += corpus.n_sentences
    return -float(times @ log_probabilities(vocabulary))
