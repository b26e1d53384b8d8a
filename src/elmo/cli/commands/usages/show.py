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
        Literal["text", "left", "right", "period", "context", "sense"],
        Option(
            "As they come; by the words before or behind; by period; like vectors together; by sense, "
            "as in elmo usages senses."
        ),
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
        and `period`, and sorted by sense also `sense`, its name or number (`""` for none).
    """
    import elmo.usages
    from elmo.usages.concordance import by_sense, concordance

    index = elmo.usages.open(folder)
    names = ("tokens", "place", "sentence", "document", "period")
    if sort == "sense":
        lines = [
            {**{name: getattr(use, name) for name in names}, "sense": sense}
            for sense, use in by_sense(index, word, period=period, most=most)
        ]
    else:
        shown = concordance(index, word, sort, period=period, most=most)
        lines = [{name: getattr(use, name) for name in names} for use in shown]
    counts = index.counts(word)
    return {
        "word": word,
        "uses": index.count(word) if period is None else counts[period],
        "periods": counts,
        "sort": sort,
        "width": width,
        "lines": lines,
    }


def show(result: Result) -> str:
    """The word in one column, its document and period at the left; a heading for each sense."""
    from elmo.cli.kwic import kwic
    from elmo.usages.use import Use

    senses = [line.get("sense") for line in result["lines"]]
    uses = [Use(**{k: v for k, v in line.items() if k != "sense"}) for line in result["lines"]]
    more = "" if len(uses) == result["uses"] else f", {len(uses):,} shown"
    head = f"{result['word']}: {result['uses']:,} uses{more}"
    written = [head]
    for number, line in enumerate(kwic(uses, result["width"])):
        sense = senses[number]
        if sense is not None and (number == 0 or sense != senses[number - 1]):
            written.append(f"sense {sense}:" if sense else "no sense:")
        written.append(line)
    return "\n".join(written)


COMMAND = Command(
    concordance,
    show,
    "A concordance: the uses of a word, one to a line.",
    "elmo usages show novels.uses awful -n 20\n"
    "elmo usages show novels.uses awful --sort context --period 1850\n"
    "elmo usages show novels.uses awful --sort sense",
    name="show",
)
