"""`elmo nearest`: uses of a word that are most like one of its uses."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any, Unpack

from elmo.cli import options as o
from elmo.cli.command import Argument, Command, Option, Result


def nearest(
    model: Annotated[str | os.PathLike[str], Argument("MODEL")],
    text: Annotated[o.Paths, Argument("TEXT", many=True)],
    word: Annotated[str, Argument("WORD")],
    *,
    sentences: Annotated[
        Sequence[str],
        Option(
            "Of your own, tokens separated by spaces, that holds the word, once or marked as [word]; may "
            "be given again.  [default: sentences of the text]",
            ("--sentence",),
            metavar="SENTENCE",
            many=True,
        ),
    ] = (),
    count: Annotated[int, Option("Nearest uses of each.", ("-n", "--count"), least=1)] = 3,
    asked: Annotated[
        int,
        Option("Sentences of the text that are asked about, spread over it.", metavar="N", least=1),
    ] = 3,
    layer: Annotated[
        str,
        Option(
            "top, average, sum, token, or a number from 0 (the token's) to the top.",
            metavar="LAYER",
        ),
    ] = "top",
    most: Annotated[int, Option("Uses that are compared, the first ones.", least=2)] = 1000,
    vocabulary: o.Vocabulary = None,
    **reading: Unpack[o.ReadingLines],
) -> dict[str, Any]:
    """Uses of a word, nearest first; see `elmo.usages.nearest.nearest`."""
    from elmo.usages import nearest as usages

    return usages.nearest(
        model,
        text,
        word,
        sentences=sentences,
        count=count,
        asked=asked,
        layer=layer,
        most=most,
        vocabulary=vocabulary,
        **reading,
    )


def show(result: Result) -> str:
    """Sentences that were asked about, and below each the nearest uses."""
    from elmo.cli.telling import Teller
    from elmo.usages.use import Use

    tell = Teller(sys.stdout)
    more = "" if result["compared"] == result["uses"] else f", {result['compared']:,} compared"
    tell(f"{result['word']}: {result['uses']:,} uses in {result['sentences']:,} sentences{more}")
    for asked in result["asked"]:
        near = [Use(n["tokens"], n["place"], n["similarity"]) for n in asked["nearest"]]
        said = "you say" if asked["given"] else "in text"
        tell.uses(Use(asked["tokens"], asked["place"]), near, said)
    return ""


COMMAND = Command(
    nearest,
    show,
    "The uses of a word in a text that are most like one of its uses.",
    "elmo nearest my-elmo 'corpus/*.txt.gz' bank\n"
    "elmo nearest my-elmo corpus.txt bank --sentence 'They sat on the [bank] .' -n 5",
)
