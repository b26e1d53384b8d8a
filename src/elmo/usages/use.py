"""A use of a word as people read it: a sentence, a place in it, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

_BESIDE = 2  # equal neighbours on one side of the word: the same phrase, shown once


class Use(NamedTuple):
    """A word at a place in a sentence.

    Attributes:
        tokens: the sentence.
        place: which of its tokens.
        similarity: cosine with the use that was asked for.
        sentence: its number in an index of uses; -1 where there is none.
        document: the name of the document, `""` where there is none.
        period: of the document, `""` where it has none.

    Example:
        >>> Use("she sat on the bank of the river".split(), 4).around(2, 1)
        ('on the', 'bank', 'of')
    """

    tokens: list[str]
    place: int
    similarity: float = 1.0
    sentence: int = -1
    document: str = ""
    period: str = ""

    def around(self, left: int = 7, right: int = 7) -> tuple[str, str, str]:
        """What stands before the word, the word, and what follows."""
        before = self.tokens[max(0, self.place - left) : self.place]
        after = self.tokens[self.place + 1 : self.place + 1 + right]
        return " ".join(before), self.tokens[self.place], " ".join(after)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `json` can write."""
        return self._asdict()


def phrases_once(uses: Iterable[Use], k: int, but: list[str] | None = None) -> list[Use]:
    """The first k uses, each phrase once.

    Args:
        uses: nearest first.
        k: how many; fewer where there are no more.
        but: a sentence that is left out.
    """
    chosen: list[Use] = []
    for use in uses:
        if use.tokens != but and not any(_alike(use, other) for other in chosen):
            chosen.append(use)
        if len(chosen) == k:
            break
    return chosen


def _alike(a: Use, b: Use) -> bool:
    """Whether two uses have the same words right before or right behind."""
    left = a.tokens[max(0, a.place - _BESIDE) : a.place]
    right = a.tokens[a.place + 1 : a.place + 1 + _BESIDE]
    return a.tokens[a.place] == b.tokens[b.place] and (
        left == b.tokens[max(0, b.place - _BESIDE) : b.place]
        or right == b.tokens[b.place + 1 : b.place + 1 + _BESIDE]
    )
