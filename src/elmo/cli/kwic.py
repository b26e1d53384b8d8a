"""Keywords in context: uses one to a line, the word in one column."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from elmo.usages.use import Use

_WIDTHS = (20, 60)  # of one side, where nothing else is said
_LABEL = 24  # characters of a document's name


def kwic(
    uses: Sequence[Use], width: int | None = None, scores: Sequence[float] | None = None
) -> list[str]:
    """Lines of a concordance.

    Args:
        uses: what is shown.
        width: characters on each side of the word; None for as many as the terminal has, between 20
            and 60.
        scores: shown before each line.

    Example:
        >>> from elmo.usages.use import Use
        >>> uses = [Use("on the bank of it".split(), 2, document="a/b.txt", period="1840")]
        >>> kwic(uses, 8)
        ['  1840  b   on the [bank] of it']
    """
    labels = [_label(use) for use in uses]
    longest = max(map(len, labels), default=0)
    if width is None:
        room = shutil.get_terminal_size((120, 24)).columns - longest - 12
        width = max(_WIDTHS[0], min(_WIDTHS[1], room // 2))
    lines = []
    for number, (use, label) in enumerate(zip(uses, labels, strict=True)):
        before, word, after = use.around(width, width)  # a token has a character at least
        score = "" if scores is None else f"{scores[number]:5.2f}  "
        lines.append(
            f"  {score}{label:{longest}}  {_last(before, width):>{width}} [{word}] "
            f"{_first(after, width)}".rstrip()
        )
    return lines


def _label(use: Use) -> str:
    name = Path(use.document).name.removesuffix(".gz").removesuffix(".txt")
    name = name if len(name) <= _LABEL else name[: _LABEL - 1] + "…"
    return "  ".join(part for part in (use.period, name) if part)


def _last(text: str, size: int) -> str:
    return text if len(text) <= size else "…" + text[len(text) - size + 1 :]


def _first(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"
