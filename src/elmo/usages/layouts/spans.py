"""A word in running text, by its characters, as tokens that a model reads."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"\w+(?:[-'’]\w+)*|[^\w\s]")


def tokens_of(text: str) -> list[str]:
    """Words and marks of a text in any language that parts words by spaces.

    Example:
        >>> tokens_of("It isn't far, (co-)authors.")
        ['It', "isn't", 'far', ',', '(', 'co', '-', ')', 'authors', '.']
    """
    return _TOKEN.findall(text)


def marked_span(text: str, begin: int, end: int) -> tuple[list[str], range]:
    """The tokens of a text, and which of them a span of its characters is.

    Text that has its tokens separated by spaces keeps them, marks that stand alone among them.

    Args:
        text: running text.
        begin, end: of the span, in characters.

    Raises:
        ValueError: the span is empty or not within the text.

    Example:
        >>> marked_span("The bank, and the bank.", 18, 22)
        (['The', 'bank', ',', 'and', 'the', 'bank', '.'], range(5, 6))
    """
    if not 0 <= begin < end <= len(text):
        raise ValueError(f"{begin}:{end}: must be a span of the text's {len(text)} characters")
    before, word, after = (tokens_of(part) for part in (text[:begin], text[begin:end], text[end:]))
    word = word or [text[begin:end].strip() or "_"]
    return [*before, *word, *after], range(len(before), len(before) + len(word))
