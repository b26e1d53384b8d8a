"""AllenNLP's command `elmo`, option for option."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def parser(name: str) -> argparse.ArgumentParser:
    """The options of AllenNLP 0.9."""
    options = argparse.ArgumentParser(
        prog=name, description="Write ELMo vectors of a text to HDF5."
    )
    add = options.add_argument
    add("input_file", help="A sentence a line, tokens separated by spaces.")
    add("output_file", help="The HDF5 file; one that is there is replaced.")
    layers = options.add_mutually_exclusive_group(required=True)
    layers.add_argument("--all", action="store_true", help="All layers.")
    layers.add_argument("--top", action="store_true", help="The top layer.")
    layers.add_argument("--average", action="store_true", help="The mean of all layers.")
    add("--vocab-path", help="Has no effect, as in AllenNLP.")
    add("--options-file", help="Of the model; the original one's by default.")
    add("--weight-file", help="Of the model; the original one's by default.")
    add("--batch-size", type=int, default=64, help="Sentences a batch. [default: 64]")
    add("--file-friendly-logging", action="store_true", help="Has no effect.")
    add("--cuda-device", type=int, default=-1, help="Has no effect: the backend chooses.")
    add("--forget-sentences", action="store_true", help="Leave out sentence_to_index.")
    add("--use-sentence-keys", action="store_true", help="The sentence is its key.")
    add("--include-package", action="append", help="Has no effect.")
    return options


def run(arguments: Sequence[str], name: str = "allennlp elmo") -> None:
    """Do what the arguments say; a mistake in them ends the program with status 2."""
    options = parser(name)
    given = options.parse_args(arguments)
    if given.batch_size < 1:
        options.error(f"--batch-size {given.batch_size}: must be 1 or more")
    from elmo.compat.allennlp import DEFAULT_OPTIONS_FILE, DEFAULT_WEIGHT_FILE, ElmoEmbedder

    files = (given.options_file or DEFAULT_OPTIONS_FILE, given.weight_file or DEFAULT_WEIGHT_FILE)
    try:
        ElmoEmbedder(*files, given.cuda_device).embed_file(
            given.input_file,
            given.output_file,
            "all" if given.all else "top" if given.top else "average",
            given.batch_size,
            given.forget_sentences,
            given.use_sentence_keys,
        )
    except (OSError, ValueError) as error:
        options.exit(2, f"{name}: {error}\n")
