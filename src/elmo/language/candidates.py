"""Which types of a vocabulary may be proposed or compared."""

from __future__ import annotations

import os
from collections.abc import Iterable

import numpy as np

from elmo.text.vocabulary import Vocabulary

Words = str | os.PathLike[str] | Iterable[str]
"""A list of words, or a file with one per line."""


def words_of(words: Words) -> list[str]:
    """The distinct words of a list, or of a file with one per line, in their order.

    Raises:
        ValueError: there is none, or the file is not UTF-8.
        FileNotFoundError: there is no such file.

    Example:
        >>> words_of(["river", "shore", "river"])
        ['river', 'shore']
    """
    if isinstance(words, str | os.PathLike):
        name = os.fspath(words)
        try:
            with open(words, encoding="utf-8") as file:
                found = [line.strip() for line in file]
        except UnicodeDecodeError:
            raise ValueError(f"{name}: is not UTF-8; it must have one word per line") from None
        which = f"{name}: there is no word in it"
    else:
        found, which = list(words), "the list of words is empty"
    found = list(dict.fromkeys(word for word in found if word))
    if not found:
        raise ValueError(f"{which}; give at least one")
    return found


def allowed_types(
    vocabulary: Vocabulary, words: Words | None = None, min_count: int | None = None
) -> np.ndarray:
    """Which types are allowed, bool `(V,)`.

    Boundaries, `<UNK>` and padding are not, unless `words` names them.

    Args:
        vocabulary: all types.
        words: allow these alone; those that are not in the vocabulary are passed over.
        min_count: leave out types that occur less often.

    Raises:
        ValueError: no type is left, or `min_count` is given and the vocabulary has no counts.

    Example:
        >>> vocabulary = Vocabulary.from_corpus([["a", "rose", "is", "a", "rose"]])
        >>> allowed_types(vocabulary, min_count=2).nonzero()[0].tolist()
        [3, 4]
    """
    if words is None:
        allowed = np.ones(len(vocabulary), bool)
        allowed[vocabulary.special_ids] = False
    else:
        allowed = np.zeros(len(vocabulary), bool)
        known = [vocabulary.id(word) for word in words_of(words) if word in vocabulary]
        if not known:
            raise ValueError("no word of the list is in the model's vocabulary; give one that is")
        allowed[known] = True
    if min_count is not None:
        if vocabulary.counts is None:
            raise ValueError(
                f"min_count={min_count}: the model's vocabulary has no counts; give a list of words"
            )
        allowed &= vocabulary.counts >= min_count
        if not allowed.any():
            raise ValueError(f"min_count={min_count}: no type occurs that often; take a lower one")
    return allowed
