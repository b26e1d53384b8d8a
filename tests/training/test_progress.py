"""Progress on a terminal: one line at any width, and a time that is left which leaves compiling out."""

import io

import pytest
from rich.console import Console

from elmo.system import progress as report

FIGURES = {
    "tokens_per_second": 7412.0,
    "train_forward": 152.3,
    "train_backward": 151.6,
    "waiting_share": 0.012,
}


class Clock:
    def __init__(self):
        self.now = 100.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(report, "time", clock)
    return clock


def drawn(width, clock, title=""):
    """What a bar shows after a step that was compiled for a minute and fifty of a tenth of a second."""
    console = Console(file=io.StringIO(), width=width, force_terminal=False, color_system=None)
    bar = report.RichProgress(title, console)
    bar.start(58670, 0)
    clock.now += 60
    bar.update(1, **FIGURES)
    clock.now += 5
    bar.update(51, **FIGURES)
    console.print(bar.bar.get_renderable())
    bar.stop()
    return console.file.getvalue().splitlines()[0]


@pytest.mark.parametrize("width", [45, 60, 80, 100, 200])
@pytest.mark.parametrize("title", ["", "embedding"])
def test_a_bar_is_one_line_that_keeps_step_and_time(width, title, clock):
    line = drawn(width, clock, title)
    assert len(line.rstrip()) <= width
    assert line.startswith(title)
    assert "51/58670" in line
    assert line.rstrip().endswith("1:37:41 left")  # (58670 - 51) / 10 seconds
    assert (
        line.index("51/58670") - len(title) >= 10
    )  # of the bar itself, which is drawn in colours alone


def test_figures_go_as_the_width_does(clock):
    shown = [
        [
            part
            for part in ("7,412 tokens/s", "→ 152 ← 152", "waiting for data 1.2%")
            if part in line
        ]
        for line in (drawn(width, clock) for width in (40, 60, 80, 120))
    ]
    assert [len(parts) for parts in shown] == [0, 1, 2, 3]


def test_lines_leave_compiling_out_of_the_time_left(clock, capsys):
    lines = report.PlainProgress(seconds=15)
    lines.start(1000, 0)
    clock.now += 60
    lines.update(1)
    for done in range(11, 201, 10):
        clock.now += 1
        lines.update(done)
    told = capsys.readouterr().err.splitlines()
    assert told == ["step 1/1000", "step 151/1000  1:24 left"]
