"""`elmo pairs`: accuracy on minimal pairs."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal

from elmo.cli import options as o
from elmo.cli.columns import columns
from elmo.cli.command import Argument, Command, Option, Result
from elmo.cli.paths import listed


def pairs(
    model: o.Model,
    files: Annotated[o.Paths, Argument("FILES", many=True)],
    *,
    tokens: Annotated[
        Literal["raw", "spaces"],
        Option("Find tokens in running text (extra: raw), or split at spaces."),
    ] = "raw",
    output: Annotated[
        str | os.PathLike[str] | None,
        o.output("A table with a row per pair: .csv, .jsonl or .parquet."),
    ] = None,
    vocabulary: o.Vocabulary = None,
    softmax: o.Softmax = None,
    overwrite: o.Overwrite = False,
) -> dict[str, Any]:
    """Accuracies on minimal pairs in the layout of BLiMP; see `elmo.BiLM.score_pairs`.

    Returns:
        `forward`, `backward`, `both` and `unigram`, accuracies over all pairs; `pairs`, their number;
        `unknown`, how many have a word that is not in the vocabulary; `known`, the accuracies of the
        others; `fields` and `paradigms` with the same for each.
    """
    from elmo.api import load
    from elmo.language.tables import check_table, table_writer
    from elmo.text.pairs import read_pairs

    if output is not None:
        check_table(output, overwrite)
    found = list(read_pairs(*listed(files), tokens=tokens))
    scores = load(model, vocabulary, softmax=softmax).score_pairs(found)
    result = scores.to_dict()
    if output is not None:
        with table_writer(output, overwrite) as write:
            write(scores.columns())
        result["path"] = str(output)
    return result


def show(result: Result) -> str:
    """A line per paradigm, then one per field and one for all."""
    names = [n for n in ("forward", "backward", "both", "unigram") if n in result]
    rows = [("", *names, "pairs", "with unknown words")]
    for group in ("paradigms", "fields"):
        if len(result[group]) > 1:
            rows += [_row(name or "–", part, names) for name, part in result[group].items()]
            rows.append(("",) * len(rows[0]))
    rows.append(_row("all", result, names))
    if 0 < result["unknown"] < result["pairs"]:
        rows.append(_row("without unknown words", {**result["known"], "unknown": 0}, names))
    text = columns(rows)
    return f"{text}\n{result['path']}: a row per pair" if "path" in result else text


def _row(name: str, part: Result, names: list[str]) -> tuple[str, ...]:
    numbers = ("–" if part[n] is None else f"{part[n]:.1%}" for n in names)
    return (name, *numbers, f"{part['pairs']:,}", f"{part['unknown']:,}")


COMMAND = Command(
    pairs,
    show,
    "Accuracy on minimal pairs (BLiMP), beside a unigram model.",
    "elmo pairs my-elmo blimp.jsonl.xz\nelmo pairs my-elmo pairs.jsonl -o pairs.csv --json",
)
