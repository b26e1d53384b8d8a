"""What a command tells while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from elmo.usages.use import Use


class Teller:
    """Prints the story: in colour on a terminal, plainly elsewhere."""

    def __init__(self, file: TextIO) -> None:
        from rich.console import Console

        self.is_terminal = file.isatty()
        self.console = Console(file=file, highlight=False, markup=False, emoji=False, width=None)
        self.file = file

    def __call__(self, text: str, style: str | None = None) -> None:
        if self.is_terminal:
            self.console.print(text, style=style, soft_wrap=True)
        else:
            print(text, file=self.file, flush=True)

    def title(self, text: str) -> None:
        """A line above what follows."""
        self("")
        self(text, style="bold cyan")

    def command(self, text: str) -> None:
        """Something to type."""
        self(f"  {text}", style="green")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Names at the left, numbers at the right."""
        widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
        for row in (head, *rows):
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            self("  " + "  ".join(cells), style="bold" if row is head else None)

    def uses(self, asked: Use, near: Sequence[Use], said: str = "you say") -> None:
        """A use, and below it the nearest ones with the word in one column."""
        self("")
        for use in (asked, *near):
            before, middle, after = use.around()
            mark = said if use is asked else f"{use.similarity:7.2f}"
            before, after = _last(before, 38), _first(after, 40)
            if not self.is_terminal:
                self(f"  {mark}  {before:>38} [{middle}] {after}".rstrip())
                continue
            from rich.text import Text

            line = Text(f"  {mark}  {before:>38} ", style="bold" if use is asked else "")
            line.append(middle, style="bold magenta").append(f" {after}")
            self.console.print(line, soft_wrap=True)


def _last(text: str, size: int) -> str:
    return text if len(text) <= size else "…" + text[len(text) - size + 1 :]


def _first(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"
