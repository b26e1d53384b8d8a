"""SemEval-2020 task 1: sentence files of two periods, and a score for each word.

A corpus is `corpus1/…/*.txt` and `corpus2/…/*.txt`, one sentence per line; targets and answers are
`WORD<TAB>SCORE` (Schlechtweg et al. 2020, "SemEval-2020 Task 1: Unsupervised Lexical Semantic Change
Detection"). Task 1 asks for 1 or 0, task 2 for a graded score.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from elmo.system.errors import FormatError, read_text
from elmo.system.files import write_whole
from elmo.usages.layouts.judged import spearman


def read_scores(path: str | os.PathLike[str]) -> dict[str, float]:
    """A score for each word, in the order of the file.

    Raises:
        FileNotFoundError: there is no such file.
        FormatError: a line is not `WORD<TAB>SCORE`, or a word stands twice; names the line.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{os.fspath(path)}: no such file")
    found: dict[str, float] = {}
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        word, _, score = line.rstrip("\r").rpartition("\t")
        try:
            value = float(score)
        except ValueError:
            value = math.nan
        if not word or not math.isfinite(value):
            raise FormatError(
                f"{os.fspath(path)}, line {number}: must be a word, a tab and a number, not {line!r}"
            )
        if word in found:
            raise FormatError(f"{os.fspath(path)}, line {number}: {word!r} stands there twice")
        found[word] = value
    return found


def write_scores(path: str | os.PathLike[str], scores: Mapping[str, float]) -> None:
    """Writes `WORD<TAB>SCORE`; whole numbers without a decimal point, as task 1 has them."""
    lines = (f"{word}\t{_number(score)}\n" for word, score in scores.items())
    write_whole(path, "".join(lines).encode("utf-8"))


def write_sentences(path: str | os.PathLike[str], sentences: Iterable[Sequence[str]]) -> None:
    """Writes a sentence per line, tokens separated by spaces."""
    text = "".join(" ".join(tokens) + "\n" for tokens in sentences)
    write_whole(path, text.encode("utf-8"))


def evaluate(found: Mapping[str, float], gold: Mapping[str, float]) -> dict[str, float]:
    """Accuracy where gold has 0 and 1 alone (task 1), else Spearman's correlation (task 2).

    Raises:
        ValueError: a word of gold has no score.

    Example:
        >>> evaluate({"a": 1, "b": 0, "c": 1}, {"a": 1, "b": 0, "c": 0})["accuracy"]
        0.6666666666666666
        >>> evaluate({"a": 0.1, "b": 0.9, "c": 0.5}, {"a": 0.0, "b": 0.7, "c": 0.2})["spearman"]
        1.0
    """
    missing = [word for word in gold if word not in found]
    if missing:
        raise ValueError(f"{missing[0]!r}: has no score, and {len(missing) - 1} more words")
    import numpy as np

    ours, theirs = (np.array([table[word] for word in gold]) for table in (found, gold))
    if set(theirs.tolist()) <= {0.0, 1.0}:
        return {"words": len(gold), "accuracy": float((ours == theirs).mean())}
    return {"words": len(gold), "spearman": round(spearman(ours, theirs), 12)}


def _number(score: float) -> str:
    return str(int(score)) if float(score).is_integer() else f"{score:.10g}"
