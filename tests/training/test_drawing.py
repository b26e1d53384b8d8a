"""Curves: plain numbers on their axes, names in any script, files of the type that the name says."""

import math
import re
from pathlib import Path

import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font

from elmo.training.curves import plot
from elmo.training.drawing import drawable, linear, logarithmic, plain_ticks
from elmo.training.report import Metrics, plot_curve
from tests.cli.conftest import invoke, refused


def a_run(folder, first=700.0, epochs=4):
    (folder / "run").mkdir(parents=True)
    metrics = Metrics(folder / "run" / "metrics.csv")
    for n in range(1, epochs + 1):
        value = first / n
        metrics.add(epoch=n, tokens=1000 * n, seconds=60.0 * n, train_both=value, valid_both=value)
    return folder


def charmap(family):
    return set(FT2Font(font_manager.findfont(family)).get_charmap())


@pytest.mark.parametrize("low", [1.0, 3.7, 41.0, 151.2, 998.0, 12345.0])
@pytest.mark.parametrize("ratio", [1.0004, 1.02, 1.5, 4.0, 40.0, 1e6])
def test_ticks_are_few_round_and_within(low, ratio):
    ticks = plain_ticks(low, low * ratio)
    assert 2 <= len(ticks) <= 9 and ticks == sorted(set(ticks))
    assert low <= ticks[0] and ticks[-1] <= low * ratio
    digits = [len(f"{tick / 10 ** math.floor(math.log10(tick)):.9g}".rstrip("0")) for tick in ticks]
    if ratio >= 1.5:
        assert max(digits) <= 3  # such as 1.5


@pytest.mark.parametrize("values", [[90, 1200], [151.2, 152.9], [3, 2e6], [100, 100]])
def test_labels_of_a_logarithmic_axis_are_the_numbers_at_their_places(values):
    figure = Figure()
    axes = figure.subplots()
    axes.plot([0.0001, 0.0002], values)
    linear(axes.xaxis, whole=True)
    logarithmic(axes.yaxis)
    figure.canvas.draw()
    for axis in (axes.xaxis, axes.yaxis):
        labels = [label.get_text() for label in axis.get_ticklabels()]
        assert len(labels) >= 2 and not axis.get_offset_text().get_text()
        for label, place in zip(labels, axis.get_ticklocs(), strict=True):
            assert re.fullmatch(r"[\d,]+(\.\d+)?", label)
            assert float(label.replace(",", "")) == pytest.approx(place, rel=1e-6, abs=1e-12)
    assert not axes.yaxis.get_minorticklabels()


def test_a_font_that_has_the_letters_is_found():
    usual, other = charmap("DejaVu Sans"), charmap("STIXGeneral")  # both come with Matplotlib
    letter = chr(min(c for c in other - usual if chr(c).isprintable()))
    names, families, note = drawable([f"a{letter}"])
    assert names == [f"a{letter}"] and note is None
    assert families[0] == "DejaVu Sans" and ord(letter) in charmap(families[1])


def test_names_that_no_font_draws_are_numbered_and_told(monkeypatch):
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    names, _, note = drawable(["plain", "中文模型", "model-हिन्दी-2", "cost$1$"])
    assert names == ["plain", "run 2", "run 3 (model-…-2)", r"cost\$1\$"]
    assert "'中文模型' as 'run 2'" in note and "CJK, DEVANAGARI" in note and "install" in note


def test_names_of_every_script_are_drawn_without_a_warning(tmp_path):
    names = ["été", "中文模型", "한국어", "日本語", "نموذج", "हिन्दी", "ไทย", "_under", "$a_b$"]
    runs = [a_run(tmp_path / name) for name in names]
    report = plot(runs, tmp_path / "curves.svg")  # a box would come with a warning, here an error
    assert [run["name"] for run in report["runs"]] == names
    lines = re.findall(r'id="line2d_', (tmp_path / "curves.svg").read_text("utf-8"))
    assert len(lines) > 3 * len(names)


@pytest.mark.parametrize(
    "name, begins", [("c.png", b"\x89PNG"), ("c.SVG", b"<?xml"), ("c.pdf", b"%PDF")]
)
def test_the_type_follows_the_name_and_the_bytes_are_the_same_again(tmp_path, name, begins):
    run, target = a_run(tmp_path / "one"), tmp_path / name
    assert invoke("plot", run, "-o", target).exit_code == 0
    first = target.read_bytes()
    assert first.startswith(begins)
    assert invoke("plot", run, "-o", target, "--overwrite").exit_code == 0
    assert target.read_bytes() == first
    rows = [{"epoch": 1, "valid_both": 9.0}, {"epoch": 2, "valid_both": 7.0}]
    plot_curve(rows, target)
    assert target.read_bytes().startswith(begins)


@pytest.mark.parametrize("name", ["c.jpg", "c", "c.png.txt"])
def test_other_types_are_refused_before_anything_is_drawn(tmp_path, name):
    said = refused("plot", a_run(tmp_path / "one"), "-o", tmp_path / name)
    assert name in said and ".png, .svg, .pdf" in said
    assert [path.name for path in Path(tmp_path).iterdir()] == ["one"]
