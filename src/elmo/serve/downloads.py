"""Files of a word: its uses with their senses as CSV or WUG, and figures as SVG."""

from __future__ import annotations

import csv
import io
import re
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from starlette.responses import Response

from elmo.serve.mapping import points
from elmo.serve.usages import Usages

COLOURS = ("#1b6f8a", "#c8622d", "#6a8f3c", "#8a5aa8", "#b8902a", "#b34a6b", "#4a6fb3", "#5f6b6b")
MARKS = "os^DvPX*"
_POINTS = 2000


class File(NamedTuple):
    """A file that is downloaded."""

    name: str
    kind: str
    content: bytes

    def response(self) -> Response:
        """With a name to be saved under, in Latin letters for old browsers too."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "_", self.name)
        names = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(self.name, safe='')}"
        return Response(self.content, media_type=self.kind, headers={"Content-Disposition": names})


KINDS = ("text/csv", "application/zip", "image/svg+xml")


def download(usages: Usages, word: str, format: str) -> File:
    """A file of a word.

    Args:
        usages: of the index.
        word: with uses.
        format: `"csv"`, `"wug"`, `"periods.svg"` or `"map.svg"`.

    Raises:
        Refused: the word has no uses.
    """
    usages.word(word)
    if format == "csv":
        return File(f"{word}.csv", "text/csv", as_csv(usages, word))
    if format == "wug":
        return File(f"{word}.wug.zip", "application/zip", as_wug(usages, word))
    draw = periods_figure if format == "periods.svg" else map_figure
    return File(f"{word}.{format}", "image/svg+xml", draw(usages, word))


def as_csv(usages: Usages, word: str) -> bytes:
    """A row for each use: sense, name, document, period, what stands before, the word, what follows."""
    found = usages.word(word)
    text = io.StringIO()
    write = csv.writer(text).writerow
    write(("sense", "name", "document", "period", "before", "word", "after"))
    names = {sense.number: sense.name for sense in found.senses.senses}
    for row in range(len(found.uses)):
        line = usages.line(found, row)
        before, after = line.tokens[: line.place], line.tokens[line.place + 1 :]
        cells = (
            *("" if line.sense is None else line.sense, names.get(line.sense or 0, "")),
            *(line.document, line.period),
            *(" ".join(before), line.tokens[line.place], " ".join(after)),
        )
        write([_no_formula(str(cell)) for cell in cells])
    return text.getvalue().encode("utf-8-sig")


def _no_formula(cell: str) -> str:
    """A cell that a spreadsheet does not compute."""
    return f"'{cell}" if cell[:1] in "=+@\t\r" or re.match(r"-[^\d\s.]", cell) else cell


def as_wug(usages: Usages, word: str) -> bytes:
    """A folder in the layout of DURel and the WUG data sets, with the senses as clusters."""
    from elmo.usages.layouts.from_index import wug_of
    from elmo.usages.layouts.wug import write_wug

    content = io.BytesIO()
    with (
        tempfile.TemporaryDirectory() as temporary,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        folder = Path(temporary) / "wug"
        write_wug(folder, [wug_of(usages.index, word)])
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder).as_posix())
    return content.getvalue()


def periods_figure(usages: Usages, word: str) -> bytes:
    """Bars: which share of each period's uses each sense has."""
    from matplotlib.figure import Figure

    senses = usages.senses(word)
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.subplots()
    periods = senses.periods or ["all"]
    below = [0.0] * len(periods)
    for place, sense in enumerate(senses.senses):
        shares = [share or 0.0 for share in sense.shares] or [sense.share]
        axes.bar(
            periods,
            shares,
            0.82,
            below,
            color=COLOURS[place % 8],
            label=sense.name or str(sense.number),
        )
        below = [a + b for a, b in zip(below, shares, strict=True)]
    axes.set(ylabel="share of uses", ylim=(0, 1), title=word)
    axes.tick_params(axis="x", labelrotation=90 if len(periods) > 12 else 0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(title="sense", frameon=False, bbox_to_anchor=(1, 1))
    return _svg(figure)


def map_figure(usages: Usages, word: str) -> bytes:
    """Points: the first two principal components of the word's uses."""
    import numpy as np
    from matplotlib.figure import Figure

    found, senses = points(usages, word, "pca", _POINTS), usages.word(word).senses.senses
    figure = Figure(figsize=(5, 4.4), layout="constrained")
    axes = figure.subplots()
    x, y, sense = np.array(found.x), np.array(found.y), np.array(found.sense)
    for place, one in enumerate(senses):
        own = sense == one.number
        axes.scatter(
            x[own],
            y[own],
            s=14,
            color=COLOURS[place % 8],
            marker=MARKS[place % 8],
            alpha=0.7,
            linewidths=0,
            label=one.name or str(one.number),
        )
    if (sense == 0).any():
        axes.scatter(x[sense == 0], y[sense == 0], s=8, color="0.6", label="none")
    axes.set(title=word, xticks=[], yticks=[])
    axes.legend(title="sense", frameon=False, bbox_to_anchor=(1, 1))
    return _svg(figure)


def _svg(figure: object) -> bytes:
    import matplotlib

    content = io.BytesIO()
    with matplotlib.rc_context(
        {"svg.hashsalt": "elmo", "svg.fonttype": "none", "text.parse_math": False}
    ):
        figure.savefig(content, format="svg", metadata={"Date": None})  # type: ignore[attr-defined]
    return content.getvalue()
