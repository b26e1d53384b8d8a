"""Uses of a word in a corpus, nearest first: the same word told apart by its context."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

Vectors = Callable[[Sequence[Sequence[str]]], Sequence[np.ndarray]]
_BESIDE = 2  # equal neighbours on one side of the word: the same phrase, shown once


class Use(NamedTuple):
    """A word at a place in a sentence.

    Attributes:
        tokens: the sentence.
        place: which of its tokens.
        similarity: cosine with the use that was asked for.
    """

    tokens: list[str]
    place: int
    similarity: float = 1.0

    def around(self, left: int = 7, right: int = 7) -> tuple[str, str, str]:
        """What stands before the word, the word, and what follows."""
        before = self.tokens[max(0, self.place - left) : self.place]
        after = self.tokens[self.place + 1 : self.place + 1 + right]
        return " ".join(before), self.tokens[self.place], " ".join(after)


class Uses:
    """All uses of a word in a text, as vectors that can be searched.

    Vectors are compared after the mean over all uses is taken off: what is left is what the
    context made of the word.

    Args:
        word: the word, as the text spells it.
        sentences: the text, lists of tokens.
        vectors: gives `(tokens, size)` for each of a list of sentences.
        most: at most so many uses are taken, the first ones.

    Raises:
        ValueError: the word does not occur.

    Example:
        >>> def vectors(sentences):  # a token's vector is the word before it
        ...     return [np.eye(3)[["ab".find(w) for w in ["", *s[:-1]]]] for s in sentences]
        >>> text = [["a", "x"], ["b", "x", "."], ["b", "c", "x"]]
        >>> Uses("x", text, vectors).nearest(["b", "x"], 1)[0].tokens
        ['b', 'x', '.']
    """

    def __init__(
        self, word: str, sentences: Sequence[Sequence[str]], vectors: Vectors, most: int = 1000
    ) -> None:
        self.word = word
        self._vectors = vectors
        found = [
            Use(list(tokens), place)
            for tokens in sentences
            for place, token in enumerate(tokens)
            if token == word
        ]
        if not found:
            raise ValueError(f"word={word!r}: does not occur in the text")
        self.found = found[:most]
        table = self._of(self.found)
        self._mean = table.mean(axis=0)
        self._table = _unit(table - self._mean)

    def _of(self, uses: Sequence[Use]) -> np.ndarray:
        vectors = self._vectors([use.tokens for use in uses])
        return np.stack([v[use.place] for v, use in zip(vectors, uses, strict=True)])

    def nearest(self, sentence: Sequence[str], k: int = 3) -> list[Use]:
        """The k uses most like the first one in a sentence, each phrase once.

        Args:
            sentence: a list of tokens that holds the word.
            k: how many; fewer where there are no more.
        """
        if self.word not in sentence:
            raise ValueError(f"sentence {' '.join(sentence)!r}: does not hold {self.word!r}")
        asked = Use(list(sentence), list(sentence).index(self.word))
        similarities = self._table @ _unit(self._of([asked]) - self._mean)[0]  # (uses,)
        chosen: list[Use] = []
        for number in np.argsort(-similarities, kind="stable"):
            use = self.found[number]
            if use.tokens != asked.tokens and not any(_alike(use, other) for other in chosen):
                chosen.append(use._replace(similarity=float(similarities[number])))
            if len(chosen) == k:
                break
        return chosen


def _alike(a: Use, b: Use) -> bool:
    """Whether two uses have the same words right before or right behind."""
    left = a.tokens[max(0, a.place - _BESIDE) : a.place]
    right = a.tokens[a.place + 1 : a.place + 1 + _BESIDE]
    return (
        left == b.tokens[max(0, b.place - _BESIDE) : b.place]
        or right == b.tokens[b.place + 1 : b.place + 1 + _BESIDE]
    )


def _unit(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.maximum(norms, 1e-12)
