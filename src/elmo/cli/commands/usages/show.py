"""`elmo usages show`: a concordance of a word."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from elmo.cli.command import Argument, Command, Option, Result

Index = Annotated[str | os.PathLike[str], Argument("DIR")]
Width = Annotated[
    int | None,
    Option(
        "Characters on each side of the word.  [default: as the terminal has]",
        metavar="N",
        least=1,
    ),
]
Period = Annotated[str | None, Option("Uses of this period alone.", metavar="PERIOD")]


def concordance(
    folder: Index,
    word: Annotated[str, Argument("WORD")],
    *,
    sort: Annotated[
        Literal["text", "left", "right", "period", "context"],
        Option("As they come; by the words before or behind; by period; like vectors together."),
    ] = "text",
    period: Period = None,
    most: Annotated[
        int, Option("Lines, spread evenly over the texts.", ("-n", "--most"), least=1)
    ] = 40,
    width: Width = None,
) -> dict[str, Any]:
    """The uses of a word, one to a line; see `elmo.usages.concordance.concordance`.

    Returns:
        `word`, `uses` (how many there are, of the period where one is given), `periods` (uses of
        each), `sort`, `width`, and `lines`: for each its `tokens`, `place`, `sentence`, `document`
        and `period`.
    """
    import elmo.usages
    from elmo.usages.concordance import concordance

    index = elmo.usages.open(folder)
    shown = concordance(index, word, sort, period=period, most=most)
    counts = index.counts(word)
    names = ("tokens", "place", "sentence", "document", "period")
    return {
        "word": word,
        "uses": index.count(word) if period is None else counts[period],
        "periods": counts,
        "sort": sort,
        "width": width,
        "lines": [{name: getattr(use, name) for name in names} for use in shown],
    }


def show(result: Result) -> str:
    """The word in one column, its document and period at the left."""
    from elmo.cli.kwic import kwic
    from elmo.usages.use import Use

    uses = [Use(**line) for line in result["lines"]]
    more = "" if len(uses) == result["uses"] else f", {len(uses):,} shown"
    head = f"{result['word']}: {result['uses']:,} uses{more}"
    return "\n".join([head, *kwic(uses, result["width"])])


COMMAND = Command(
    concordance,
    show,
    "A concordance: the uses of a word, one to a line.",
    "elmo usages show novels.uses awful -n 20\n"
    "elmo usages show novels.uses awful --sort context --period 1850",
    name="show",
)
