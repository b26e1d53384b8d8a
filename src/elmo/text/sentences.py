"""Sentences as users give them: checked once, where they come in, with the place of what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

_TOKEN = re.compile(r"[^ \t\n\r\v\f]+")
_SHOWN = 40  # characters of a wrong value in a message


def split_tokens(text: str) -> list[str]:
    """Split a string at ASCII whitespace, as lines of a file are split.

    Example:
        >>> split_tokens("New\\u00a0York , twice ")
        ['New\\xa0York', ',', 'twice']
    """
    return _TOKEN.findall(text)


def check_sentences(sentences: Any) -> None:
    """Raise where this is one string, or nothing that could be a list of sentences.

    Raises:
        TypeError: saying what it is.
    """
    if isinstance(sentences, str | bytes):
        raise TypeError(
            f"sentences={_shown(sentences)}: must be a list of sentences, not one string; put it in a "
            "list"
        )
    try:
        iter(sentences)
    except TypeError:
        raise TypeError(f"sentences={_shown(sentences)}: must be a list of sentences") from None


def token_list(sentence: Any, number: int | None = None, *, split: bool = True) -> list[str]:
    """The tokens of one sentence.

    Args:
        sentence: a list of tokens, or a string.
        number: of the sentence, counted from 0, for messages; None where there is only one.
        split: whether a string is split at ASCII whitespace; otherwise it is refused.

    Raises:
        TypeError: it is no sentence, or a token is no string; says which one.

    Example:
        >>> token_list("The bank closed .")
        ['The', 'bank', 'closed', '.']
        >>> token_list(["The", None], 3)
        Traceback (most recent call last):
        TypeError: sentence 3, token 1 (counted from 0) is None (NoneType): every token must be a str
    """
    if split and isinstance(sentence, str):
        return split_tokens(sentence)
    which = "the sentence" if number is None else f"sentence {number}"
    wanted = "a list of tokens or a string" if split else "a list of tokens"
    if isinstance(sentence, str | bytes):
        raise TypeError(
            f"{which} is the {type(sentence).__name__} {_shown(sentence)}: must be {wanted}"
        )
    try:
        tokens = list(sentence)
    except TypeError:
        shown = f"{_shown(sentence)} ({type(sentence).__name__})"
        raise TypeError(f"{which} is {shown}: must be {wanted}") from None
    if set(map(type, tokens)) <= {str}:
        return tokens
    for position, token in enumerate(tokens):
        if not isinstance(token, str):
            raise TypeError(
                f"{'' if number is None else f'{which}, '}token {position} (counted from 0) is "
                f"{_shown(token)} ({type(token).__name__}): every token must be a str"
            )
    return tokens


def token_lists(sentences: Iterable[Sequence[str] | str], *, split: bool = True) -> list[list[str]]:
    """The tokens of sentences; see `token_list`.

    Raises:
        TypeError: `sentences` is no list of sentences, or one of them is none.

    Example:
        >>> token_lists(["The bank", ["closed"]])
        [['The', 'bank'], ['closed']]
    """
    check_sentences(sentences)
    return [token_list(sentence, i, split=split) for i, sentence in enumerate(sentences)]


def _shown(value: Any) -> str:
    if isinstance(value, str | bytes) and len(value) > _SHOWN:
        return repr(value[:_SHOWN]) + "…"
    text = repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
