"""`elmo usages like`: the uses that are most like one in a sentence."""

from __future__ import annotations

from typing import Annotated, Any

from elmo.cli import options as o
from elmo.cli.command import Argument, Command, Option, Result
from elmo.cli.commands.usages.show import Index, Period, Width


def like(
    folder: Index,
    sentence: Annotated[str, Argument("SENTENCE")],
    *,
    across: Annotated[
        bool,
        Option("Among the uses of all words, not of this one alone (extra: usages, for speed)."),
    ] = False,
    count: Annotated[int, Option("Uses that are shown.", ("-n", "--count"), least=1)] = 20,
    period: Period = None,
    width: Width = None,
    progress: o.Quiet = True,
    model: Annotated[
        str | None, Option("Where the model is, if it was moved.", metavar="MODEL")
    ] = None,
) -> dict[str, Any]:
    """The uses most like one in a sentence; see `elmo.usages.UsageIndex.like`.

    Returns:
        `word`, `tokens` and `place` of the sentence, `across`, `width`, and `uses`: for each its
        `similarity`, `tokens`, `place`, `sentence`, `document` and `period`.
    """
    import elmo.usages
    from elmo.text.marked import marked

    tokens, place = marked(sentence)
    index = elmo.usages.open(folder, model)
    index.searcher.progress = progress
    found = index.like(tokens, place, across=across, k=count, period=period)
    return {
        "word": tokens[place],
        "tokens": tokens,
        "place": place,
        "across": across,
        "width": width,
        "uses": [use.to_dict() for use in found],
    }


def show(result: Result) -> str:
    """Nearest first, each after its cosine."""
    from elmo.cli.kwic import kwic
    from elmo.usages.use import Use

    uses = [Use(**use) for use in result["uses"]]
    asked = " ".join(
        f"[{token}]" if place == result["place"] else token
        for place, token in enumerate(result["tokens"])
    )
    return "\n".join([asked, *kwic(uses, result["width"], [use.similarity for use in uses])])


COMMAND = Command(
    like,
    show,
    "The uses most like one in a sentence, of the word or of all words.",
    'elmo usages like novels.uses "she sat on the [bank] of the river"\n'
    'elmo usages like novels.uses "she sat on the [bank] of the river" --across --json',
)
