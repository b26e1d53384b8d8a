"""What a training is warned of: each once, in a sentence that says what to do.

The rules are few and can be measured; the limits stand here.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from elmo.training.config import TrainingConfig

UNKNOWN = 0.2  # share of a text's tokens that are not in the vocabulary
UNSEEN = 0.2  # share of the types that never occur in the training text
POSITIONS = 128  # of a step; with fewer, products of matrices run far below the machine's rate
WAITING = 0.1  # share of an epoch's time that the steps wait for data
WORSE = 2  # epochs in a row in which validation gets worse while training gets better


def before_training(
    config: TrainingConfig,
    *,
    types: int,
    unseen: int,
    unknown: Mapping[str, float],
    characters: bool,
    validated: bool = True,
) -> Iterator[str]:
    """What can be said before the first step.

    Args:
        config: of the training.
        types: size of the vocabulary.
        unseen: how many of them never occur in the training text.
        unknown: share of unknown tokens by the name of a text (`"training"`, `"valid"`, `"test"`).
        characters: whether the model reads characters.
        validated: whether there is a validation text.

    Example:
        >>> config = TrainingConfig(batch_size=8, window=10, negatives=0)
        >>> for text in before_training(config, types=9, unseen=0, unknown={}, characters=False):
        ...     print(text)
        batch_size=8 × window=10: a step of 80 positions leaves most of the machine unused; from 128
        on a larger batch_size costs little time
    """
    for name, share in unknown.items():
        if share > UNKNOWN:
            learns = "predict <UNK>" if characters else "read and predict <UNK>"
            cure = "" if characters else ", or reading characters (token_encoding='char')"
            yield (
                f"{share:.0%} of the {name} text's tokens are unknown, so that the model learns to "
                f"{learns}: a lower min_count, a higher max_vocabulary{cure} would do better"
            )
    if config.patience is not None and not validated:
        yield (
            f"patience={config.patience}: without a validation text (--valid) nothing can get better or "
            f"worse, and all {config.epochs} epochs are made"
        )
    positions = config.batch_size * (config.window or 1)
    if positions < POSITIONS:
        yield (
            f"batch_size={config.batch_size} × window={config.window}: a step of {positions} positions "
            f"leaves most of the machine unused; from {POSITIONS} on a larger batch_size costs little "
            "time"
        )
    if config.negatives >= types:
        yield (
            f"negatives={config.negatives}: the vocabulary has {types:,} types, so that all are drawn; "
            "negatives=0, the exact softmax, does the same for less"
        )
    if unseen > UNSEEN * types:
        yield (
            f"{unseen:,} of the vocabulary's {types:,} types never occur in the training text: they "
            "cost memory and candidates and learn nothing; a vocabulary that is counted from the text "
            "has none of them"
        )


def after_epoch(rows: Sequence[Mapping[str, Any]], workers: int) -> Iterator[str]:
    """What the newest line of `metrics.csv` is the first to show.

    Args:
        rows: all lines so far.
        workers: threads that prepare batches.

    Example:
        >>> rows = [{"valid_both": v, "train_both": t} for v, t in ((90, 80), (92, 70), (95, 60))]
        >>> [list(after_epoch(rows[:n], 2)) != [] for n in (1, 2, 3)]
        [False, False, True]
    """
    earlier = rows[:-1]
    if _waits(rows[-1]) and not any(map(_waits, earlier)):
        yield (
            f"the steps waited for data {rows[-1]['waiting_share']:.0%} of the time: workers={workers} "
            "prepare too little ahead; raise workers, or free processor cores"
        )
    if _drifts(rows) and not any(_drifts(earlier[:n]) for n in range(1, len(rows))):
        yield (
            f"validation has become worse for {WORSE} epochs while training gets better: the model "
            "learns the text by heart; more dropout, a smaller model or more text helps, and "
            f"patience={WORSE} stops here (the best model is kept in any case)"
        )


def _waits(row: Mapping[str, Any]) -> bool:
    return (row.get("waiting_share") or 0.0) > WAITING


def _drifts(rows: Sequence[Mapping[str, Any]]) -> bool:
    last = rows[-WORSE - 1 :]
    if len(last) <= WORSE or any(row.get("valid_both") is None for row in last):
        return False
    pairs = list(itertools.pairwise(last))
    worse = all(b["valid_both"] > a["valid_both"] for a, b in pairs)
    return worse and all(b["train_both"] < a["train_both"] for a, b in pairs)
