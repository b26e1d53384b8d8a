"""`elmo vocab`: count a text and write its vocabulary."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal, Unpack

from elmo.cli import options as o
from elmo.cli.command import Command, Option, Result
from elmo.cli.paths import check_files, check_parent, listed


def vocab(
    corpus: o.Corpus,
    output: Annotated[
        str | os.PathLike[str], o.output("The vocabulary file; its counts are written beside it.")
    ],
    *,
    min_count: Annotated[int, Option("Leave rarer words out.")] = 1,
    max_size: Annotated[int | None, Option("The most types, three special ones included.")] = None,
    unk_token: Annotated[str | None, Option("A word of the text for unknown ones.")] = None,
    layout: Annotated[
        Literal["published", "token_id"], Option("One token per line, or a token and its id.")
    ] = "published",
    overwrite: Annotated[bool, Option("Replace the file if there is one.")] = False,
    lowercase: o.Lowercase = False,
    **reading: Unpack[o.Reading],
) -> dict[str, Any]:
    """Count a text and write its vocabulary.

    Args:
        corpus: paths or patterns.
        output: the vocabulary file.
        min_count, max_size, unk_token, lowercase: see `Vocabulary.from_corpus`.
        layout: `"published"` or `"token_id"`.
        overwrite: replace the file if there is one.
        reading: see `Corpus`.

    Returns:
        `output`, `types`, `sentences`, `tokens`, `unknown_share` (of the tokens and ends of sentences,
        as `elmo evaluate` counts).
    """
    from elmo.system.files import keep_apart
    from elmo.text.corpus import Corpus
    from elmo.text.vocabulary import Vocabulary
    from elmo.text.vocabulary_files import counts_path

    output = Path(output)
    check_files([output, counts_path(output)], overwrite)
    check_parent(output)
    text = Corpus(*listed(corpus), **reading)
    keep_apart([output, counts_path(output)], map(Path, text.files))
    vocabulary = Vocabulary.from_corpus(
        text, min_count=min_count, max_size=max_size, lowercase=lowercase, unk_token=unk_token
    )
    vocabulary.save(output, layout=layout)
    counts = vocabulary.counts
    assert counts is not None  # of the text
    sentences, unknown = int(counts[vocabulary.bos_id]), int(counts[vocabulary.unk_id])
    tokens = int(counts.sum()) - 2 * sentences
    return {
        "output": str(output),
        "types": len(vocabulary),
        "sentences": sentences,
        "tokens": tokens,
        "unknown_share": unknown / (tokens + sentences),
    }


def show(result: Result) -> str:
    """A vocabulary that was written."""
    return (
        f"{result['output']}: {result['types']:,} types of {result['tokens']:,} tokens in "
        f"{result['sentences']:,} sentences, {result['unknown_share']:.2%} unknown"
    )


COMMAND = Command(
    vocab,
    show,
    "Count a text and write its vocabulary.",
    "elmo vocab 'corpus/*.txt.gz' -o vocab.txt --min-count 2",
)
