"""A sentence in which one token is meant: `she sat on the [bank] of the river`."""

from __future__ import annotations

from elmo.text.sentences import split_tokens


def marked(sentence: str, word: str | None = None) -> tuple[list[str], int]:
    """The tokens of a sentence, and which of them is meant, counted from 0.

    Args:
        sentence: tokens separated by spaces.
        word: the token that is meant, which may stand without brackets where it occurs once; None where
            the brackets alone say which one.

    Raises:
        ValueError: no token is meant, or several are.

    Example:
        >>> marked("a bank , the [bank] ."), marked("a bank .", "bank")
        ((['a', 'bank', ',', 'the', 'bank', '.'], 4), (['a', 'bank', '.'], 1))
    """
    tokens = split_tokens(sentence)
    if word is None:
        places = [n for n, token in enumerate(tokens) if _is_marked(token)]
        held = f"{len(places)} tokens are in brackets" if places else "no token is in brackets"
        mend = "mark one as [word]"
    else:
        places = [n for n, token in enumerate(tokens) if token == f"[{word}]"]
        places = places or [n for n, token in enumerate(tokens) if token == word]
        held = f"holds {word!r} {len(places)} times" if places else f"does not hold {word!r}"
        mend = f"mark one as [{word}]"
    if len(places) != 1:
        raise ValueError(f"sentence {sentence!r}: {held}; {mend}")
    tokens[places[0]] = tokens[places[0]][1:-1] if word is None else word
    return tokens, places[0]


def _is_marked(token: str) -> bool:
    return len(token) > 2 and token[0] == "[" and token[-1] == "]"
