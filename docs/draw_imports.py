"""Draw which rooms of the package import which, as an SVG.

    python docs/draw_imports.py -o imports.svg
    python docs/draw_imports.py --circles

A room is a module or a folder directly under the package. Imports are read from the source with `ast`,
those inside functions too, but not those that only a type checker sees; nothing is imported. A room
stands one floor above the highest room that it imports, so every arrow points down; rooms that import
each other share a floor, and their arrows are red. An arrow that other arrows already imply is pale.
"""

from __future__ import annotations

import argparse
import ast
import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "src" / "elmo"
Graph = dict[str, set[str]]

BOX, GAP, FLOOR, MARGIN = (118, 40), 22, 104, 24  # pixels: a box, between boxes, between floors
STYLE = """
  .imports .paper { fill: var(--color-background-primary, #fff) }
  .imports .box { fill: var(--color-background-secondary, #f4f6fa); stroke: #7a869a }
  .imports text { fill: var(--color-foreground-primary, #1d2433); text-anchor: middle }
  .imports text { font: 13px sans-serif }
  .imports .small { font-size: 10px; opacity: .65 }
  .imports .arrow { fill: none; stroke-width: 1.1 }
  .imports .needed { stroke: #4a72b0 }
  .imports .implied { stroke: #9aa5b8; opacity: .33 }
  .imports .circle { stroke: #c62828 }
"""


@dataclass(frozen=True)
class Module:
    """A file of the package: its dotted name, the names that it imports, and its length."""

    name: str
    imports: frozenset[str]
    lines: int


def read(package: Path) -> dict[str, Module]:
    """The modules of a package by dotted name, without the package's own `__init__.py`."""
    modules = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if not parts:
            continue
        source = path.read_text(encoding="utf-8")
        found = frozenset(_imported(ast.parse(source), package.name))
        name = ".".join(parts)
        modules[name] = Module(name, found, source.count("\n"))
    return modules


def _imported(tree: ast.AST, package: str) -> Iterator[str]:
    """Names inside the package that a file imports, without the package's name."""
    inside = f"{package}."
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue  # never run
        waiting.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.removeprefix(inside) for name in names if name.startswith(inside))


def between_modules(modules: Mapping[str, Module]) -> Graph:
    """For each module those that it imports. `from a.b import c` is `a.b.c` if there is such a module."""
    graph: Graph = {}
    for module in modules.values():
        homes = {name if name in modules else name.rpartition(".")[0] for name in module.imports}
        graph[module.name] = {home for home in homes if home in modules and home != module.name}
    return graph


def between_rooms(modules: Mapping[str, Module]) -> Graph:
    """For each room the other rooms that it imports."""
    graph: Graph = {room_of(name): set() for name in modules}
    for name, others in between_modules(modules).items():
        graph[room_of(name)] |= {room_of(other) for other in others} - {room_of(name)}
    return graph


def room_of(name: str) -> str:
    """The room of a module."""
    return name.partition(".")[0]


def circles(graph: Graph) -> list[list[str]]:
    """Groups of nodes that reach each other, each sorted; single nodes are left out."""
    reached = {node: _reachable(graph, node) for node in graph}
    groups = {
        frozenset({node} | {other for other in reached[node] if node in reached[other]})
        for node in graph
    }
    return sorted(sorted(group) for group in groups if len(group) > 1)


def _reachable(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        node = ahead.pop()
        if node not in seen:
            seen.add(node)
            ahead.extend(graph[node])
    return seen


def floors(graph: Graph) -> dict[str, int]:
    """The floor of each room: 0 imports nothing, others stand above all that they import."""
    group = {node: frozenset({node}) for node in graph}
    for circle in circles(graph):
        group |= dict.fromkeys(circle, frozenset(circle))
    height: dict[frozenset[str], int] = {}

    def of(members: frozenset[str]) -> int:
        if members not in height:
            below = {group[other] for node in members for other in graph[node]} - {members}
            height[members] = 1 + max(map(of, below), default=-1)
        return height[members]

    return {node: of(group[node]) for node in graph}


def implied(graph: Graph) -> set[tuple[str, str]]:
    """Arrows between rooms that a longer way along other arrows shows as well."""
    reached = {node: _reachable(graph, node) for node in graph}
    return {
        (node, other)
        for node in graph
        for other in graph[node]
        if any(other in reached[way] for way in graph[node] - {other} if node not in reached[way])
    }


def places(graph: Graph) -> dict[str, tuple[float, float]]:
    """The centre of each room's box, in pixels; the highest floor is on top.

    Rooms of a floor are ordered by the mean place of the rooms that they are joined with, in a few
    sweeps down and up, so that few arrows cross.
    """
    floor = floors(graph)
    rows = [sorted(n for n in graph if floor[n] == i) for i in range(max(floor.values()) + 1)]
    joined = {n: graph[n] | {o for o in graph if n in graph[o]} for n in graph}
    widest = max(map(len, rows))
    x: dict[str, float] = {}

    def spread(row: list[str]) -> None:
        for i, node in enumerate(row):
            x[node] = (i + 0.5) * widest / len(row)

    for row in rows:
        spread(row)
    for _ in range(8):
        for row in [*rows, *reversed(rows)]:
            row.sort(key=lambda n: (sum(x[o] for o in joined[n]) / max(len(joined[n]), 1), n))
            spread(row)
    top = len(rows) - 1
    return {
        node: (
            MARGIN + x[node] * (BOX[0] + GAP),
            MARGIN + BOX[1] / 2 + (top - floor[node]) * FLOOR,
        )
        for node in graph
    }


def draw(modules: Mapping[str, Module]) -> str:
    """The picture, as the text of an SVG."""
    graph = between_rooms(modules)
    place, pale = places(graph), implied(graph)
    together = {node: set(circle) for circle in circles(graph) for node in circle}
    width = max(x for x, _ in place.values()) + BOX[0] / 2 + GAP / 2 + MARGIN
    height = max(y for _, y in place.values()) + BOX[1] / 2 + MARGIN

    arrows = []
    for node in sorted(graph):
        for other in sorted(graph[node]):
            if other in together.get(node, ()):
                kind = "circle"
            else:
                kind = "implied" if (node, other) in pale else "needed"
            arrows.append((kind, _arrow(place[node], place[other], kind, f"{node} → {other}")))
    arrows.sort(key=lambda arrow: ("implied", "needed", "circle").index(arrow[0]))

    boxes = [_box(node, place[node], _size(modules, node)) for node in sorted(graph)]
    return "\n".join(
        [
            '<svg class="imports" xmlns="http://www.w3.org/2000/svg" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img" '
            'style="max-width: 100%; height: auto" '
            'aria-label="Imports between the rooms of the package">',
            f"<style>{STYLE}</style>",
            *map(_head, ("needed", "implied", "circle")),
            f'<rect class="paper" width="{width:.0f}" height="{height:.0f}"/>',
            *(text for _, text in arrows),
            *boxes,
            "</svg>\n",
        ]
    )


def _head(kind: str) -> str:
    colour = {"needed": "#4a72b0", "implied": "#c3cad6", "circle": "#c62828"}[kind]
    return (
        f'<marker id="{kind}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        f'orient="auto"><path d="M0 0L8 4L0 8z" style="fill: {colour}; stroke: none"/></marker>'
    )


def _arrow(start: tuple[float, float], end: tuple[float, float], kind: str, title: str) -> str:
    (x1, y1), (x2, y2) = start, end
    if y1 == y2:  # two rooms of one circle: an arc over the boxes, or under them on the way back
        side = -1 if x1 < x2 else 1
        y = y1 + side * BOX[1] / 2
        bow = y + side * (18 + abs(x2 - x1) / 12)
        curve = f"M{x1:.0f} {y:.0f}C{x1:.0f} {bow:.0f} {x2:.0f} {bow:.0f} {x2:.0f} {y:.0f}"
    else:
        down = 1 if y2 > y1 else -1
        y1, y2 = y1 + down * BOX[1] / 2, y2 - down * BOX[1] / 2
        bend = (y2 - y1) / 2
        # Past the boxes between, where it would run straight through them.
        aside = BOX[0] if abs(x2 - x1) < BOX[0] / 2 and abs(y2 - y1) > FLOOR else 0
        curve = (
            f"M{x1:.0f} {y1:.0f}C{x1 + aside:.0f} {y1 + bend:.0f} "
            f"{x2 + aside:.0f} {y2 - bend:.0f} {x2:.0f} {y2:.0f}"
        )
    return (
        f'<path class="arrow {kind}" d="{curve}" marker-end="url(#{kind})">'
        f"<title>{html.escape(title)}</title></path>"
    )


def _box(node: str, centre: tuple[float, float], size: str) -> str:
    x, y = centre
    return (
        f'<rect class="box" x="{x - BOX[0] / 2:.0f}" y="{y - BOX[1] / 2:.0f}" '
        f'width="{BOX[0]}" height="{BOX[1]}" rx="6"/>'
        f'<text x="{x:.0f}" y="{y - 1:.0f}">{html.escape(node)}</text>'
        f'<text class="small" x="{x:.0f}" y="{y + 13:.0f}">{size}</text>'
    )


def _size(modules: Mapping[str, Module], room: str) -> str:
    inside = [module for module in modules.values() if room_of(module.name) == room]
    lines = f"{sum(module.lines for module in inside):,} lines"
    return lines if len(inside) == 1 else f"{len(inside)} files, {lines}"


def main(arguments: Iterable[str] | None = None) -> None:
    """Write the picture, or list what imports itself in a circle."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, help="the SVG; standard output without it")
    parser.add_argument("--package", type=Path, default=PACKAGE, help="folder of the package")
    parser.add_argument("--circles", action="store_true", help="list circles instead of drawing")
    chosen = parser.parse_args(None if arguments is None else list(arguments))

    modules = read(chosen.package)
    if chosen.circles:
        for what, graph in (
            ("rooms", between_rooms(modules)),
            ("modules", between_modules(modules)),
        ):
            found = circles(graph)
            print(f"{len(found)} circles of {what}")
            for circle in found:
                print("  " + ", ".join(circle))
    elif chosen.output:
        chosen.output.write_text(draw(modules), encoding="utf-8")
    else:
        print(draw(modules), end="")


if __name__ == "__main__":
    main()
