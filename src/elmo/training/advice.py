"""Warnings about a training, each given once, in a sentence that says what to do.

The rules are few and can be measured; the limits stand here. What a sentence advises is there to be done
in the run at hand.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from elmo.settings.training import TrainingConfig
from elmo.training.report import Row

UNKNOWN = 0.2  # share of a text's tokens that are not in the vocabulary
UNSEEN = 0.2  # share of the types that never occur in the training text
POSITIONS = 128  # of a step; with fewer, products of matrices run far below the machine's rate
WAITING = 0.1  # share of an epoch's time that the steps wait for data
WORSE = 2  # epochs in a row in which validation gets worse while training gets better


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of a training before its first step.

    Attributes:
        types: size of the vocabulary.
        unseen: how many of them never occur in the training text.
        unknown: share of unknown targets by the name of a text (`"training"`, `"valid"`, `"test"`).
        positions: targets of one direction in an epoch.
        characters: whether the model reads characters.
        validated: whether there is a validation text.
        given: names of the settings that were not left to us.
        min_count, max_vocabulary, vocabulary, unk_token: of the settings.
        further, keep_vocabulary: whether a model is trained further, and without new words.
    """

    types: int
    unseen: int
    unknown: Mapping[str, float]
    positions: int
    characters: bool
    validated: bool = True
    given: Collection[str] = ()
    min_count: int = 1
    max_vocabulary: int | None = None
    vocabulary: str | None = None
    unk_token: str | None = None
    further: bool = False
    keep_vocabulary: bool = False


def before_training(config: TrainingConfig, facts: Facts) -> Iterator[str]:
    """What can be said before the first step.

    Args:
        config: of the training.
        facts: what is known.

    Example:
        >>> config = TrainingConfig(batch_size=8, window=10, negatives=0)
        >>> facts = Facts(types=9, unseen=0, unknown={}, positions=900, characters=False)
        >>> for text in before_training(config, facts):
        ...     print(text)
        batch_size=8 × window=10: a step of 80 positions leaves most of the machine unused; from 128
        on a larger batch_size costs little time
    """
    for name, share in facts.unknown.items():
        if share > UNKNOWN:
            yield _unknown(name, share, facts)
    if config.patience is not None and not facts.validated:
        end = f"step {config.max_steps:,}" if config.max_steps else f"epoch {config.epochs}"
        yield (
            f"patience={config.patience}: without a validation text (--valid) nothing can get better or "
            f"worse, and training goes on to {end}"
        )
    positions = config.batch_size * config.window
    if positions < POSITIONS <= facts.positions:
        yield (
            f"batch_size={config.batch_size} × window={config.window}: a step of {positions} positions "
            f"leaves most of the machine unused; from {POSITIONS} on a larger batch_size costs little "
            "time"
        )
    if config.negatives >= facts.types and "negatives" in facts.given:
        yield (
            f"negatives={config.negatives}: the vocabulary has {facts.types:,} types, so that all are "
            "drawn; negatives=0, the exact softmax, does the same for less"
        )
    if facts.unseen > UNSEEN * facts.types and facts.vocabulary is not None:
        yield (
            f"{facts.unseen:,} of the vocabulary's {facts.types:,} types never occur in the training "
            "text: they cost memory and candidates and learn nothing; a vocabulary that is counted from "
            "the text (without --vocabulary) has none of them"
        )


def _unknown(name: str, share: float, facts: Facts) -> str:
    """Of a text with many unknown words: what it does, and what of the settings can be done about it."""
    cures = []
    if facts.keep_vocabulary:
        cures.append("adding the text's words (without --keep-vocabulary)")
    elif facts.vocabulary is not None:
        cures.append("a vocabulary that is counted from the text (without --vocabulary)")
    elif facts.min_count > 1:
        cures.append(f"a lower min_count (it is {facts.min_count})")
    if facts.max_vocabulary is not None and not facts.keep_vocabulary:
        cures.append(f"a higher max_vocabulary (it is {facts.max_vocabulary:,})")
    if not cures and name == "training" and facts.unk_token is not None:
        return (
            f"{share:.0%} of the {name} text's targets are {facts.unk_token!r}, which stands for unknown "
            "words: a text with its words in place would do better"
        )
    if name != "training":
        cures.append("more training text")
    if not facts.characters and not facts.further:
        cures.append("reading characters (token_encoding='char')")
    if name == "training":
        does = "the model learns to " + ("" if facts.characters else "read and ") + "predict <UNK>"
    else:
        does = "its perplexity is mostly that of <UNK>"
    advice = f": {' or '.join(cures)} would do better" if cures else ""
    return f"{share:.0%} of the {name} text's targets are unknown, so that {does}{advice}"


def after_epoch(
    rows: Sequence[Row],
    config: TrainingConfig,
    *,
    steps_left: int = 1,
    further: bool = False,
) -> Iterator[str]:
    """What the newest line of an epoch is the first to show.

    Args:
        rows: the lines of all epochs so far.
        config: of the training.
        steps_left: whether it goes on.
        further: a model is trained further, whose size stays.

    Example:
        >>> rows = [{"valid_both": v, "train_both": t} for v, t in ((90, 80), (92, 70), (95, 60))]
        >>> [list(after_epoch(rows[:n], TrainingConfig())) != [] for n in (1, 2, 3)]
        [False, False, True]
    """
    earlier = rows[:-1]
    if _waits(rows[-1]) and not any(map(_waits, earlier)):
        cores = os.cpu_count() or 1
        more = f"raise workers ({cores} cores are there), or " if config.workers < cores else ""
        yield (
            f"the steps waited for data {rows[-1]['waiting_share']:.0%} of the time: "
            f"workers={config.workers} prepare too little ahead; {more}free processor cores"
        )
    if _drifts(rows) and not any(_drifts(earlier[:n]) for n in range(1, len(rows))):
        smaller = "" if further else "a smaller model or "
        text = (
            f"validation has become worse for {WORSE} epochs while training gets better: the model "
            f"learns the text by heart, and the best so far is kept; in another run more dropout, "
            f"{smaller}more text helps"
        )
        if steps_left and config.patience is None:
            text += f"; this one stops with Ctrl-C, or by --resume --patience {WORSE}"
        elif steps_left:
            text += (
                f"; this one stops once {config.patience} epochs bring no better model (patience)"
            )
        yield text


def _waits(row: Row) -> bool:
    return (row.get("waiting_share") or 0.0) > WAITING


def _drifts(rows: Sequence[Row]) -> bool:
    last = rows[-WORSE - 1 :]
    if len(last) <= WORSE or any(row.get("valid_both") is None for row in last):
        return False
    pairs = list(itertools.pairwise(last))
    worse = all(b["valid_both"] > a["valid_both"] for a, b in pairs)
    return worse and all(b["train_both"] < a["train_both"] for a, b in pairs)
