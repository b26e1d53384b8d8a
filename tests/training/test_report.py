"""What is seen of a training while it runs."""

import io
import logging

from rich.console import Console

from elmo.system.progress import NoProgress, PlainProgress, RichProgress, warn

FIGURES = {
    "train_forward": 123.4,
    "train_backward": 98.7,
    "train_both": 110.0,
    "tokens_per_second": 2345.6,
    "waiting_share": 0.0123,
}


def test_the_bar_shows_speed_both_directions_time_left_and_waiting():
    progress = RichProgress()
    progress.console = Console(
        file=io.StringIO(), width=140, force_terminal=True, color_system=None
    )
    progress.message("before the first step [not markup]")
    progress.start(100, 10)
    progress.update(11)  # its pace begins when the first step is compiled
    progress.update(20, **FIGURES)
    progress.bar.refresh()
    progress.stop()
    progress.message("after the last")
    shown = progress.console.file.getvalue()
    for text in ("20/100", "2,346 tokens/s", "→ 123", "← 98.7", "waiting for data 1.2%", "left"):
        assert text in shown, text
    assert "before the first step [not markup]" in shown and "after the last" in shown


def test_lines_of_a_log_say_the_same(capsys, monkeypatch):
    now = 0.0
    monkeypatch.setattr("elmo.system.progress.time.monotonic", lambda: now)
    progress = PlainProgress(seconds=15)
    progress.start(100, 0)
    for now, done in ((1.0, 1), (20.0, 10), (40.0, 20), (60.0, 30)):  # noqa: B007 - the clock reads it
        progress.update(done, **FIGURES)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["step 10/100", "step 20/100", "step 30/100"]
    assert "2,346 tokens/s  perplexity → 123 ← 98.7  waiting for data 1.2%" in lines[0]
    assert lines[-1].endswith("2:22 left")  # 59 seconds for 29 steps


def test_a_warning_is_seen_where_no_progress_is(caplog, capsys):
    with caplog.at_level(logging.WARNING, "elmo"):
        warn(NoProgress(), "the sky falls")
    assert caplog.messages == ["the sky falls"]
    warn(PlainProgress(), "the sky falls")
    assert capsys.readouterr().err == "warning: the sky falls\n"
