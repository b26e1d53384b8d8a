"""What can be asked of a model: the fields of each request, with their bounds.

These types check requests, and the API's description is made of them, so that it is true.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from elmo.serve.limits import CHARACTERS, SUBSTITUTES, TOKEN, TOKENS
from elmo.serve.refusing import Refused
from elmo.text.sentences import split_tokens

_WITH_TOKEN = r"[^ \t\n\r\v\f]"
Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=CHARACTERS,
        pattern=_WITH_TOKEN,
        description=f"Tokens separated by spaces, at most {TOKENS}.",
    ),
]
Token = Annotated[
    str, Meta(min_length=1, max_length=TOKEN, pattern=rf"^{_WITH_TOKEN}+$", description="A token.")
]
Tokens = Annotated[list[Token], Meta(min_length=1, max_length=TOKENS, description="Tokens.")]
Sentence = Text | Tokens


class Asked(Struct, forbid_unknown_fields=True):
    """A request: fields that it does not have are refused."""


class Analyse(Asked):
    """A sentence that is to be analysed."""

    sentence: Sentence


class Substitutes(Asked):
    """A place in a sentence, counted from 0."""

    sentence: Sentence
    position: Annotated[int, Meta(ge=0, lt=TOKENS)]
    count: Annotated[int, Meta(ge=1, le=SUBSTITUTES)] = 10
    combine: Literal["product", "and", "forward", "backward"] = "product"
    similarity: Annotated[float, Meta(ge=0, le=100)] = 0.0


class Similarity(Asked):
    """Two sentences, each of whose words is compared with each of the other's."""

    first: Sentence
    second: Sentence


def tokens_of(sentence: Sentence, name: str = "sentence") -> list[str]:
    """The tokens of a sentence that was given in either way.

    Raises:
        Refused: there are too many.
    """
    tokens = split_tokens(sentence) if isinstance(sentence, str) else sentence
    if len(tokens) > TOKENS:
        raise Refused(422, f"{name}: has {len(tokens)} tokens; give at most {TOKENS}")
    return tokens
