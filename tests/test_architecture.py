"""The floors of docs/architecture.md: a module imports from its own floor and from those below."""

import ast
import pathlib

import pytest

import elmo

PACKAGE = pathlib.Path(elmo.__file__).parent

FLOORS = {
    "_version": -1,
    "allocator": -1,
    "openmp": -1,
    "threads": -1,
    "backends": -1,
    "notebook": -1,
    "registering": -1,
    "config": 0,
    "text": 0,
    "layers": 1,
    "bilm": 2,
    "formats": 3,
    "training": 4,
    "embed": 5,
    "api": 6,
    "runs": 6,
    "run_folder": 6,
    "fine_tuning": 6,
    "uses": 6,
    "compat": 6,
    "integrations": 6,
    "serve": 6,
    "cli": 7,
    "__main__": 8,
}
FACADE = {"model", "lm_generator", "custom_layers", "_parameters"}
HEAVY = {"keras", "jax", "tensorflow", "torch"}


def modules():
    return sorted(
        p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE
    )


def room(path):
    """The part of the package that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path):
    """Names of modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield node.lineno, node.module
            if node.module == "elmo":
                for alias in node.names:
                    yield node.lineno, f"elmo.{alias.name}"


def own(path):
    """Rooms of the package that a file imports from."""
    for line, name in imports(path):
        parts = name.split(".")
        if parts[0] == "elmo" and len(parts) > 1:
            yield line, parts[1]


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_module_imports_from_its_floor_and_below(path):
    here = room(path)
    if here in FACADE:
        for line, other in own(path):
            assert other not in ("cli", "__main__"), f"{path}:{line}: the facade knows no commands"
        return
    assert here in FLOORS, f"{here} stands on no floor; say in docs/architecture.md on which"
    for line, other in own(path):
        if other not in FLOORS and other not in FACADE:
            continue  # a name that elmo exports lazily; tests/test_package.py
        assert other not in FACADE, f"{path}:{line}: nothing imports the facade"
        assert FLOORS[other] <= FLOORS[here], f"{path}:{line}: {here} is below {other}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_nothing_inside_goes_through_the_front_door(path):
    exported = set(elmo.__all__) - {"__version__", "datasets"}
    for line, name in own(path):
        assert name not in exported, f"{path}:{line}: import {name} from its home"


@pytest.mark.parametrize("name", ["config", "text", "formats", "cli"])
def test_floors_that_know_no_keras(name):
    base = PACKAGE / f"{name}.py"
    for path in [base] if base.exists() else sorted((PACKAGE / name).rglob("*.py")):
        for line, module in imports(path):
            assert module.split(".")[0] not in HEAVY, f"{path}:{line}: imports {module}"


def test_layers_know_neither_configs_nor_files():
    for path in sorted((PACKAGE / "layers").rglob("*.py")):
        for line, name in own(path):
            assert name in ("layers", "backends"), f"{path}:{line}: a layer imports elmo.{name}"


def test_every_module_says_what_it_is():
    for path in modules():
        source = path.read_text(encoding="utf-8")
        if path.name in ("__init__.py", "_version.py"):
            continue
        assert ast.get_docstring(ast.parse(source)), f"{path}: no docstring"
