"""`elmo substitutes`: words that the model expects in the place of another."""

from __future__ import annotations

import math
import os
from typing import Annotated, Any

from elmo.cli import options as o
from elmo.cli.columns import columns
from elmo.cli.command import Argument, Command, Option, Result


def substitutes(
    model: o.Model,
    sentences: Annotated[o.Paths, Argument("SENTENCE|FILE", many=True)],
    *,
    every: Annotated[
        bool, Option("Every token is a target, without brackets.", ("--all",))
    ] = False,
    count: Annotated[int, Option("Substitutes of each target.", ("-n", "--count"), least=1)] = 10,
    combine: Annotated[
        str,
        Option(
            "product of both directions; and, which reads “TARGET and ___”; forward; or backward.",
            metavar="HOW",
        ),
    ] = "product",
    conjunction: Annotated[
        str, Option("For --combine and, in the language of the text.", metavar="WORD")
    ] = "and",
    similarity: Annotated[
        float,
        Option("Favour words like the target: the factor exp(S cos).", metavar="S"),
    ] = 0.0,
    among: Annotated[
        str | os.PathLike[str] | None,
        Option("Propose these words alone, one per line.", metavar="FILE"),
    ] = None,
    min_count: Annotated[
        int | None, Option("Propose no word that is rarer in the training text.", least=1)
    ] = None,
    keep_target: Annotated[bool, Option("Propose the target itself too.")] = False,
    vocabulary: o.Vocabulary = None,
    softmax: o.Softmax = None,
) -> dict[str, Any]:
    """Substitutes of targets in sentences; see `elmo.BiLM.substitutes`.

    Returns:
        `targets`: for each its `sentence` (tokens), `position` (counted from 0), `target` and
        `substitutes`, each with `word` and `log_probability` (nats).
    """
    from elmo.api import load
    from elmo.language.substitutes import Substituter

    given = _read(sentences, every)
    substituter = Substituter(
        load(model, vocabulary, softmax=softmax).language_model("substitutes"),
        top_k=count,
        combine=combine,  # type: ignore[arg-type]  # it says which there are
        similarity=similarity,
        vocabulary=among,
        min_count=min_count,
        exclude_target=not keep_target,
        conjunction=conjunction,
    )
    found = substituter.substitutes([tokens for tokens, _ in given], [place for _, place in given])
    targets = []
    for (tokens, position), places in zip(given, found, strict=True):
        for place, best in zip(
            range(len(tokens)) if position is None else [position], places, strict=True
        ):
            one = {"sentence": tokens, "position": place, "target": tokens[place]}
            targets.append({**one, "substitutes": [word._asdict() for word in best]})
    return {"targets": targets}


def _read(sentences: o.Paths, every: bool) -> list[tuple[list[str], int | None]]:
    """Sentences and their targets; an argument that is a file has a sentence per line."""
    from elmo.text.marked import marked
    from elmo.text.sentences import split_tokens

    several = [sentences] if isinstance(sentences, str | os.PathLike) else sentences
    found: list[tuple[list[str], int | None]] = []
    for one in (os.fspath(path) for path in several):
        is_file = os.path.isfile(one)
        for number, line in enumerate(_lines(one) if is_file else [one], 1):
            if is_file and not line.strip():
                continue
            try:
                found.append((split_tokens(line), None) if every else marked(line))
            except ValueError as error:
                where = f"{one}, line {number}: " if is_file else ""
                raise ValueError(f"{where}{error}, or take every token (--all)") from None
        if is_file and not found:
            raise ValueError(f"{one}: there is no sentence in it")
    return found


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().splitlines()
    except UnicodeDecodeError:
        raise ValueError(f"{path}: is not UTF-8") from None


def show(result: Result) -> str:
    """Each target in its sentence, and below it the substitutes with their probabilities."""
    shown = []
    for target in result["targets"]:
        tokens = list(target["sentence"])
        tokens[target["position"]] = f"[{target['target']}]"
        rows = [
            (f"  {one['word']}", f"{math.exp(one['log_probability']):.4f}")
            for one in target["substitutes"]
        ]
        shown.append("\n".join([" ".join(tokens), *([columns(rows)] if rows else ["  –"])]))
    return "\n\n".join(shown)


COMMAND = Command(
    substitutes,
    show,
    "Words that fit the place of a token, from both sides.",
    'elmo substitutes my-elmo "she sat on the [bank] of the river"\n'
    "elmo substitutes my-elmo sentences.txt --combine and --json",
)
