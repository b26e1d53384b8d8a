"""`elmo usages build`: index the uses of the words of a text."""

from __future__ import annotations

import os
from typing import Annotated, Any, Literal, Unpack

from elmo.cli import options as o
from elmo.cli.command import Argument, Command, Option, Result


def build(
    model: o.Model,
    text: Annotated[o.Paths, Argument("TEXT", many=True)],
    output: Annotated[str | os.PathLike[str], o.output("The folder of the index.")],
    *,
    words: Annotated[
        str | None,
        Option(
            "Keep the uses of these alone: a file, one per line, or a list with commas.  [default: all]",
            metavar="WORDS",
        ),
    ] = None,
    min_count: Annotated[
        int, Option("Words that the text has less often have no uses.", least=1)
    ] = 1,
    layer: o.Layer = "top",
    periods: Annotated[
        str | None,
        Option(
            "Of the documents, a file being one: a table (name or stem, a tab, year or label), a regular "
            "expression that finds it in the name of the file, or folders, the folder's name.",
            metavar="TABLE|PATTERN|folders",
        ),
    ] = None,
    add: Annotated[bool, Option("Add documents to an index that is there.")] = False,
    lowercase: o.Lowercase = False,
    precision: Annotated[
        Literal["float32", "bfloat16", "int8"],
        Option("Of the computation; the lower ones are faster (extra: torch)."),
    ] = "float32",
    engine: Annotated[
        Literal["keras", "torch"] | None,
        Option("What computes; see elmo embed.  [default: the faster one]"),
    ] = None,
    vocabulary: o.Vocabulary = None,
    overwrite: Annotated[
        bool, Option("Replace what is there, and drop an unfinished build.")
    ] = False,
    resume: Annotated[bool, Option("Resume an unfinished build.")] = False,
    jobs: Annotated[
        int | None,
        Option("Worker processes; whatever their number, the same bytes.", metavar="N", least=1),
    ] = None,
    threads: o.Threads = 1,
    part_tokens: Annotated[
        int | None,
        Option(
            "Tokens of a part, which is written whole or not at all.  [default: as many as 256 MiB of "
            "vectors, at most 262144]",
            metavar="N",
            least=1,
        ),
    ] = None,
    part: o.Part = None,
    progress: o.Quiet = True,
    **reading: Unpack[o.Reading],
) -> dict[str, Any]:
    """Index the uses of the words of a text; see `elmo.usages.build`, which takes the same.

    Returns:
        `path`, `documents`, `sentences`, `tokens`, `uses`, `periods` (documents of each),
        `without_period`, `unfound`, `bytes`, `parts`, `resumed`, `seconds`.
    """
    if jobs is not None or part is not None:  # the memory of a GPU is for the workers
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    from elmo.usages.building import build

    return build(
        model,
        text,
        output,
        words=words,
        min_count=min_count,
        layer=layer,
        periods=periods,
        add=add,
        lowercase=lowercase,
        precision=precision,
        engine=engine,
        vocabulary=vocabulary,
        overwrite=overwrite,
        resume=resume,
        jobs=jobs,
        threads=threads,
        part_tokens=part_tokens,
        part=part,
        progress=progress,
        **reading,
    ).to_dict()


def show(result: Result) -> str:
    """What was indexed, and the documents of each period."""
    names = ("documents", "sentences", "tokens", "uses")
    counted = ", ".join(f"{result[name]:,} {name}" for name in names)
    lines = [f"{result['path']}: {counted}, {result['bytes']:,} bytes"]
    if periods := result["periods"]:
        first, last = next(iter(periods)), next(reversed(periods))
        lines.append(
            f"{len(periods):,} periods, {first} to {last}"
            if len(periods) > 8
            else "documents of " + ", ".join(f"{name}: {n:,}" for name, n in periods.items())
        )
    for name, said in (("without_period", "without a period"), ("unfound", "not in the text")):
        if found := result[name]:
            more = f" and {len(found) - 5:,} more" if len(found) > 5 else ""
            lines.append(f"{said}: {', '.join(found[:5])}{more}")
    return "\n".join(lines)


COMMAND = Command(
    build,
    show,
    "Index every use of every word, or of some, with its vector.",
    "elmo usages build my-elmo 'novels/*.txt' -o novels.uses --periods years.tsv\n"
    "elmo usages build my-elmo 'novels/*.txt' -o novels.uses --resume\n"
    "elmo usages build my-elmo 'more/*.txt' -o novels.uses --periods years.tsv --add\n"
    r"elmo usages build my-elmo papers -o bank.uses --words bank,banks --periods '\d{4}'",
    details="The text is laid out in parts first, and the size of the index is told and, where the disk "
    "is too small, refused. Killed at any moment, the same command with --resume continues and gives the "
    "same bytes. Documents that are added are embedded alone.",
)
