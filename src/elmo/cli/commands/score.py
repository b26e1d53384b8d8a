"""`elmo score`: surprisal, rank and entropy of every token."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal, Unpack

from elmo.cli import options as o
from elmo.cli.columns import columns
from elmo.cli.command import Argument, Command, Option, Result
from elmo.cli.paths import listed


def score(
    model: o.Model,
    files: Annotated[o.Paths, Argument("FILES", many=True)],
    *,
    output: Annotated[
        str | os.PathLike[str] | None,
        o.output("The table: .csv, .jsonl or .parquet.  [default: print it]"),
    ] = None,
    vocabulary: o.Vocabulary = None,
    softmax: o.Softmax = None,
    state: Annotated[
        Literal["reset", "carry"] | None,
        Option("Each sentence from zero state, or one stream; by default as trained."),
    ] = None,
    overwrite: o.Overwrite = False,
    **reading: Unpack[o.ReadingLines],
) -> dict[str, Any]:
    """Scores of every token, in both directions; see `elmo.BiLM.score`.

    Returns:
        With `output`, what was written (`elmo.language.scores.ScoresReport`). Else `rows`, one per token
        and direction, and `sentences`, with the sums and means of each.
    """
    from elmo.api import load
    from elmo.language.tables import check_table, rows
    from elmo.text.sources import as_corpus

    if output is not None:
        check_table(output, overwrite)
        bilm = load(model, vocabulary, softmax=softmax)
        return bilm.score_file(
            *listed(files), output=output, state=state, overwrite=overwrite, **reading
        ).to_dict()
    text = list(as_corpus(listed(files), **reading))
    scores = load(model, vocabulary, softmax=softmax).score(text, state)
    return {
        "rows": list(rows(scores.columns())),
        "sentences": list(rows(scores.by_sentence())),
    }


def show(result: Result) -> str:
    """A line per token, both directions side by side; or what was written."""
    if "path" in result:
        means = ", ".join(
            f"{direction} {bits:.3f} bits per token (perplexity {result['perplexity'][direction]:,.2f})"
            for direction, bits in result["bits"].items()
        )
        return (
            f"{result['path']}: {result['rows']:,} rows of {result['tokens']:,} tokens in "
            f"{result['sentences']:,} sentences, {result['unknown']:,} unknown\n{means}"
        )
    places: dict[tuple[int, int], dict[str, Any]] = {}
    for row in result["rows"]:
        places.setdefault((row["sentence"], row["position"]), {})[row["direction"]] = row
    present = {row["direction"] for row in result["rows"]}
    directions = [name for name in ("forward", "backward") if name in present]
    head = [("token", *(f"{d} {c}" for d in directions for c in ("bits", "rank", "entropy")))]
    lines = columns(head + [_cells(found, directions) for found in places.values()]).splitlines()
    shown, before = [lines[0]], 0
    for (sentence, _), line in zip(places, lines[1:], strict=True):
        if sentence != before:
            shown.append("")
        shown.append(line)
        before = sentence
    if any(row["unknown"] for row in result["rows"]):
        shown.append("\n? not in the vocabulary: scored as <UNK>")
    return "\n".join(shown)


def _cells(found: dict[str, dict[str, Any]], directions: list[str]) -> tuple[str, ...]:
    one = next(iter(found.values()))
    cells = [one["token"] + (" ?" if one["unknown"] else "")]
    for direction in directions:
        row = found.get(direction)
        cells += (
            ["–", "–", "–"]
            if row is None
            else [f"{row['surprisal_bits']:.2f}", f"{row['rank']:,}", f"{row['entropy_bits']:.2f}"]
        )
    return tuple(cells)


COMMAND = Command(
    score,
    show,
    "Surprisal, rank and entropy of every token, both directions.",
    "elmo score my-elmo test.txt -o scores.csv\nelmo score my-elmo test.txt --json",
)
