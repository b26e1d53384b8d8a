"""README and documents: their links lead somewhere, their commands parse, the site's tools are true."""

import importlib.util
import re
import shlex
import sys
from pathlib import Path

import click
import pytest

from elmo.cli.main import cli

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
    *(ROOT / "docs" / "guides").glob("*.md"),
    *(ROOT / "examples").rglob("*.md"),
    *ROOT.glob("benchmarks/*.md"),
    *ROOT.glob("benchmarks/results/*/*.md"),
]


def draw_imports():
    spec = importlib.util.spec_from_file_location("draw_imports", ROOT / "docs" / "draw_imports.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "draw_imports", module)  # dataclasses look there
        spec.loader.exec_module(module)
    return module


def parts(path):
    """A document's prose as a text, and its blocks of code as pairs of a language and lines."""
    prose, blocks, fence = [], [], False
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            fence = not fence
            if fence:
                blocks.append((line[3:], []))
        else:
            (blocks[-1][1] if fence else prose).append(line)
    return "\n".join(prose), blocks


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_to_files_lead_to_files(path):
    prose = re.sub(r"`[^`]+`", "code", parts(path)[0])
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def commands_in(path):
    for _, lines in parts(path)[1]:
        for line in lines:
            if line.startswith("elmo "):
                yield shlex.split(line, comments=True)[1:]


@pytest.mark.parametrize(
    "name", ["README.md", "docs/training.md", "docs/embedding.md", "docs/guides/hub.md"]
)
def test_commands_have_options_that_exist(name):
    found = list(commands_in(ROOT / name))
    assert len(found) > 1
    for words in found:
        command = cli.get_command(click.Context(cli), words[0])
        assert command, words
        command.make_context(words[0], words[1:])  # parses; runs nothing


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/find-the-room.md"])
def test_places_to_open_are_there(name):
    package = ROOT / "src" / "elmo"
    prose, _ = parts(ROOT / name)
    roots = (package, ROOT, ROOT / "tests" / "formats")
    named = re.findall(r"`([\w./-]+(?:/|\.py|\.toml|\.md))`", prose)
    assert len(named) > 10
    for place in named:
        assert any((root / place).exists() for root in roots), f"{name}: {place}"


def test_the_readme_is_short():
    assert (ROOT / "README.md").read_text(encoding="utf-8").count("\n") <= 130


@pytest.fixture
def package(tmp_path):
    """Rooms `ground`, `walls` over it, and `left` and `right`, which import each other."""
    files = {
        "__init__.py": "",
        "ground.py": "import json\n",
        "walls/__init__.py": "",
        "walls/one.py": "from house.walls import two\nfrom house import ground\n",
        "walls/two.py": "def later():\n    import house.walls.one\n",
        "left.py": "from house.right import thing\nfrom house.walls.one import thing\n",
        "right.py": "import house.left\nfrom house import ground, lazily_exported\n",
    }
    for name, text in files.items():
        path = tmp_path / "house" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "house"


def test_imports_are_read_as_python_resolves_them(package):
    drawing = draw_imports()
    modules = drawing.read(package)
    rooms = drawing.between_rooms(modules)
    assert rooms == {
        "ground": set(),
        "walls": {"ground"},
        "left": {"right", "walls"},
        "right": {"left", "ground"},
    }
    assert drawing.circles(rooms) == [["left", "right"]]
    assert drawing.circles(drawing.between_modules(modules)) == [
        ["left", "right"],
        ["walls.one", "walls.two"],
    ]
    assert drawing.floors(rooms) == {"ground": 0, "walls": 1, "left": 2, "right": 2}
    assert ("right", "ground") not in drawing.implied(rooms)


def test_every_arrow_of_the_picture_points_down():
    drawing = draw_imports()
    modules = drawing.read(drawing.PACKAGE)
    rooms, place = drawing.between_rooms(modules), drawing.places(drawing.between_rooms(modules))
    for room, others in rooms.items():
        for other in others:
            assert place[room][1] < place[other][1], f"{room} → {other}"
    picture = drawing.draw(modules)
    for room in rooms:
        assert f">{room}</text>" in picture
