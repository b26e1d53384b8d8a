"""`elmo cache-tokens`: work out the vectors of words once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from elmo.cli import options as o
from elmo.cli.command import Argument, Command, Option, Result
from elmo.cli.paths import local_paths


def cache_tokens(
    model: o.Model,
    vocabulary: Annotated[str | os.PathLike[str] | None, Argument("VOCAB", required=False)],
    output: Annotated[
        str | os.PathLike[str],
        o.output("The file: .hdf5 as bilm-tf has it, .txt or .txt.gz as AllenNLP."),
    ],
    *,
    overwrite: Annotated[bool, Option("Replace the file if there is one.")] = False,
) -> dict[str, Any]:
    """Work out the vectors of words once, for `elmo embed --token-cache` or other programs.

    Args:
        model: one that reads characters.
        vocabulary: a file of words, one per line; None for the model's own.
        output: `.hdf5` in bilm-tf's layout, `.txt` or `.txt.gz` in AllenNLP's; the words in their
            order go to `NAME.vocab.txt` beside it.
        overwrite: replace the files if they are there.

    Returns:
        `output`, `vocabulary` (the file beside it), `words`, `dim`, `bytes`.

    Raises:
        ValueError: the model reads whole words, or there is no vocabulary.
        FileExistsError: a file is there, and `overwrite` is off.
    """
    from elmo.api import load
    from elmo.embed.token_cache import beside, write_token_cache
    from elmo.system.files import keep_apart
    from elmo.text.vocabulary_files import read_vocabulary

    keep_apart(
        [Path(output), beside(Path(output))], [*local_paths(model), *local_paths(vocabulary)]
    )
    found = load(model)
    if vocabulary is not None:
        tokens, _ = read_vocabulary(vocabulary, None)
    elif found.vocabulary is not None:
        tokens = found.vocabulary.tokens
    else:
        raise ValueError(f"{model}: has no vocabulary of its own; name a file of words")
    file, listed = write_token_cache(found.embedder, tokens, output, overwrite=overwrite)
    with open(listed, "rb") as names:
        words = sum(1 for _ in names)
    return {
        "output": str(file),
        "vocabulary": str(listed),
        "words": words,
        "dim": found.config.lstm.projection_dim,
        "bytes": file.stat().st_size,
    }


def show(result: Result) -> str:
    """Vectors of words that were written."""
    return (
        f"{result['output']}: {result['words']:,} words of {result['dim']} numbers, "
        f"{result['bytes']:,} bytes"
    )


COMMAND = Command(
    cache_tokens,
    show,
    "Work out the vectors of words once.",
    "elmo cache-tokens original words.txt -o words.hdf5\n"
    "elmo embed original text.txt -o vectors.hdf5 --token-cache words.hdf5",
)
