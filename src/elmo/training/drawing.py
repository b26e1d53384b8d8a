"""What all curves share: axes with plain numbers, fonts for any script, files written whole."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from elmo.system.files import temporary_beside

if TYPE_CHECKING:
    from matplotlib.axis import Axis, XAxis, YAxis
    from matplotlib.figure import Figure

TYPES = (".png", ".svg", ".pdf")
LARGEST = 1e12  # what a logarithmic scale can show
_MOST_TICKS = 9
_STEPS = ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))


def check_type(path: Path) -> None:
    """Raise unless the name says a type that can be drawn.

    Raises:
        ValueError: names those that can.
    """
    if path.suffix.lower() not in TYPES:
        raise ValueError(f"{path}: a picture's name must end in {', '.join(TYPES)}")


def write_figure(figure: Figure, path: Path) -> None:
    """Write a picture whole, of the type that its name says: the same bytes each time."""
    import matplotlib

    kind = path.suffix.lower().lstrip(".")
    dates: dict[str, dict[str, None]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
    with temporary_beside(path) as temporary, matplotlib.rc_context({"svg.hashsalt": "elmo"}):
        figure.savefig(temporary, dpi=130, format=kind, metadata=dates.get(kind))


def plain_ticks(low: float, high: float) -> list[float]:
    """Round numbers on a logarithmic axis, few enough to be read.

    Example:
        >>> plain_ticks(40, 900), plain_ticks(151.2, 153.9), plain_ticks(8, 2e6)
        ([50, 70, 100, 150, 200, 300, 500, 700], [151.5, 152, 152.5, 153, 153.5], [10, 100, 1000, 10000,
        100000, 1000000])
    """
    low, high = sorted((max(low, 1e-12), max(high, 1e-12)))
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in _STEPS:
        ticks = [_short(step * 10.0**n) for n in decades for step in steps]
        ticks = [tick for tick in ticks if low <= tick <= high]
        if len(ticks) <= _MOST_TICKS:
            break
    if len(ticks) >= 3:
        return ticks[:: math.ceil(len(ticks) / _MOST_TICKS)]
    from matplotlib.ticker import MaxNLocator

    found = MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    return [_short(tick) for tick in found if low <= tick <= high]


def logarithmic(axis: XAxis | YAxis) -> None:
    """Give an axis a logarithmic scale with numbers as people write them."""
    from matplotlib.ticker import FuncFormatter, Locator, NullLocator

    class Plain(Locator):
        def __call__(self) -> list[float]:
            return self.tick_values(*axis.get_view_interval())

        def tick_values(self, vmin: float, vmax: float) -> list[float]:
            return plain_ticks(vmin, vmax)

    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_locator(Plain())
    axis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))
    axis.set_minor_locator(NullLocator())


def linear(axis: Axis, whole: bool = False) -> None:
    """Give an axis round numbers, written in full; `whole` numbers alone where there are enough."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    enough = whole and max(axis.get_view_interval()) >= 2
    axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10], integer=enough))
    axis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))


def written(value: float) -> str:
    """A number as people write it.

    Example:
        >>> written(1500.0), written(0.25), written(120.0), written(0.1 + 0.2)
        ('1,500', '0.25', '120', '0.3')
    """
    text = f"{_short(value):,.10f}"
    return text.rstrip("0").rstrip(".")


def _short(value: float) -> float:
    rounded = float(f"{value:.10g}")
    return int(rounded) if rounded == int(rounded) else rounded


def drawable(names: Sequence[str]) -> tuple[list[str], list[str], str | None]:
    """Names as the fonts of this machine can draw them.

    Args:
        names: of runs, in any script.

    Returns:
        The names, with `run N` for one that no font draws; the families of fonts, for
        `rcParams["font.family"]`; and a sentence on what is drawn otherwise, or None.

    Example:
        >>> drawable(["one", "été"])
        (['one', 'été'], ['DejaVu Sans'], None)
    """
    # A `$` would begin a formula.
    kept = ["".join(c if c.isprintable() else " " for c in name) for name in names]
    families, missing = _families({c for name in kept for c in name})
    drawn, told = [], []
    for number, name in enumerate(kept, 1):
        if not missing & set(name):
            drawn.append(name.replace("$", r"\$"))
            continue
        rest = "".join("…" if c in missing else c for c in name)
        while "……" in rest:
            rest = rest.replace("……", "…")
        told.append(f"{names[number - 1]!r} as 'run {number}'")
        label = f"run {number} ({rest})" if any(c.isalnum() for c in rest) else f"run {number}"
        drawn.append(label.replace("$", r"\$"))
    if not told:
        return drawn, families, None
    scripts = ", ".join(sorted({_script(c) for c in missing}))
    return (
        drawn,
        families,
        f"no font here has the letters of {scripts}: drawn are {', '.join(told)}; install a font for "
        "them, such as one of the Noto family",
    )


def _script(character: str) -> str:
    return unicodedata.name(character, "UNKNOWN").split()[0].split("-")[0]


def _families(characters: Iterable[str]) -> tuple[list[str], set[str]]:
    """Families of fonts that have the characters between them, the usual one first; what none has."""
    from matplotlib import font_manager

    usual = "DejaVu Sans"  # it comes with Matplotlib
    missing = {ord(c) for c in characters}
    missing -= _charmap(font_manager.findfont(usual))
    families = [usual]
    # A face of every family, regular ones first; the one that stands for all lacking glyphs is no font.
    fonts = sorted(
        (f for f in font_manager.fontManager.ttflist if "Last Resort" not in f.name),
        key=lambda font: (font.style != "normal", abs(_weight(font.weight) - 400), font.name),
    )
    for font in fonts:
        if not missing:
            break
        if font.name not in families and (found := missing & _charmap(font.fname)):
            # Text is drawn by the family's name: its face must be the one that was looked into.
            face = font_manager.findfont(font.name, fallback_to_default=False)
            found &= _charmap(face)
            if found:
                families.append(font.name)
                missing -= found
    return families, {chr(c) for c in missing}


def _weight(weight: int | str) -> int:
    return weight if isinstance(weight, int) else 400


@lru_cache(maxsize=256)
def _charmap(path: str) -> frozenset[int]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(FT2Font(path).get_charmap())
    except (OSError, RuntimeError, ValueError):  # a font file that cannot be read
        return frozenset()
