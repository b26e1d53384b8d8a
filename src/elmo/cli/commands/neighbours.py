"""`elmo neighbours`: the types whose vectors are most like that of a word."""

from __future__ import annotations

import os
from typing import Annotated, Any

from elmo.cli import options as o
from elmo.cli.columns import columns
from elmo.cli.command import Argument, Command, Option, Result


def neighbours(
    model: o.Model,
    word: Annotated[str, Argument("WORD")],
    *,
    sentence: Annotated[
        str | None,
        Option("The word as it stands there, once or marked as [word].", metavar="SENTENCE"),
    ] = None,
    among: Annotated[
        str | os.PathLike[str] | None,
        Option("Words to compare with, one per line.  [default: the vocabulary]", metavar="FILE"),
    ] = None,
    most: Annotated[
        int | None, Option("Compare with the most frequent types alone.", metavar="N", least=1)
    ] = None,
    count: Annotated[int, Option("Nearest types.", ("-n", "--count"), least=1)] = 10,
    layer: Annotated[
        str | None,
        Option(
            "token, top, average, sum or a number from 0.  [default: token; top with --sentence]",
            metavar="LAYER",
        ),
    ] = None,
    vocabulary: o.Vocabulary = None,
) -> dict[str, Any]:
    """The types nearest to a word; see `elmo.BiLM.neighbours`.

    Returns:
        `word`, and `neighbours`, each with `word` and `cosine`.
    """
    from elmo.api import load

    if among is not None and most is not None:
        raise ValueError("--among and --most: give one of them")
    found = load(model, vocabulary).neighbours(
        word, sentence, most if among is None else among, count, layer
    )
    return {"word": word, "neighbours": [one._asdict() for one in found]}


def show(result: Result) -> str:
    """A line per type."""
    rows = [(one["word"], f"{one['cosine']:.4f}") for one in result["neighbours"]]
    return columns(rows) if rows else "there is no other type to compare with"


COMMAND = Command(
    neighbours,
    show,
    "The types whose vectors are most like that of a word.",
    "elmo neighbours my-elmo bank\n"
    "elmo neighbours my-elmo bank --sentence 'They sat on the [bank] .' --most 10000",
)
