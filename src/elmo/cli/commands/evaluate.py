"""`elmo evaluate`: exact perplexity of texts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Unpack

from elmo.cli import options as o
from elmo.cli.columns import columns
from elmo.cli.command import Argument, Command, Option, Result
from elmo.cli.paths import listed


def evaluate(
    model: o.Model,
    files: Annotated[o.Paths, Argument("FILES", many=True)],
    *,
    vocabulary: o.Vocabulary = None,
    softmax: o.Softmax = None,
    state: Annotated[
        Literal["reset", "carry"] | None,
        Option("Each sentence from zero state, or one stream; by default as trained."),
    ] = None,
    **reading: Unpack[o.ReadingLines],
) -> dict[str, Any]:
    """Exact perplexity of texts; see `elmo.BiLM.evaluate`.

    `vocabulary` and `softmax` are for a model whose files have none.

    Returns:
        `forward`, `backward` (None for a direction that the model lacks), `both`, `tokens`,
        `unknown_share`, `unigram` (None where the vocabulary has no counts), `per_character`,
        `characters` (`elmo.training.evaluation.Evaluation`), and `files` with the same for each file.
    """
    from elmo.api import load

    result = load(model, vocabulary, softmax=softmax).evaluate(
        *listed(files), state=state, **reading
    )
    return result.to_dict()


def show(result: Result) -> str:
    """Perplexities, a line for each file where there are several."""
    names = ("forward", "backward", "both", "unigram", "per_character")
    rows = [("", "forward", "backward", "both", "unigram", "per character", "tokens", "unknown")]
    parts = dict(result["files"]) if len(result["files"]) > 1 else {}
    for name, part in (*parts.items(), ("all" if parts else "perplexity", result)):
        numbers = [_perplexity(part[column], column) for column in names]
        share = f"{part['unknown_share']:.2%}"
        rows.append((name, *numbers, f"{part['tokens']:,}", share))
    text = columns(rows)
    if result["unigram"] is None:
        text += "\nunigram: not known, as the model comes without counts of its words"
    if result["unknown_share"]:
        text += (
            "\nWith another vocabulary other words are unknown: compare models by the perplexity per "
            "character."
        )
    return text


def _perplexity(value: float | None, column: str) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if column == "per_character" else f"{value:,.2f}"


COMMAND = Command(
    evaluate,
    show,
    "Exact perplexity of texts, both directions.",
    "elmo evaluate my-elmo test.txt --json",
)
