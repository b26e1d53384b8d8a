"""The floors of docs/architecture.md: a module imports from its own floor and from those below."""

import ast
import graphlib
import pathlib

import pytest

import elmo

PACKAGE = pathlib.Path(elmo.__file__).parent

ROOMS = (  # from the ground up; a room imports from itself and from those before it
    *("_version", "registering", "system", "config", "text", "settings", "layers", "bilm"),
    *(
        "formats",
        "hub",
        "training",
        "engines",
        "embed",
        "vectors",
        "bulk",
        "export",
        "language",
        "api",
        "runs",
    ),
    *("usages", "serve", "integrations", "compat", "cli", "__main__"),
)
FLOORS = {room: floor for floor, room in enumerate(ROOMS)}
FACADE = {"model", "lm_generator", "custom_layers"}
HEAVY = {"keras", "jax", "tensorflow", "torch"}


def modules():
    return sorted(
        p for p in PACKAGE.rglob("*.py") if p.name != "__init__.py" or p.parent != PACKAGE
    )


def room(path):
    """The part of the package that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path, for_types=True):
    """Names of modules that a file imports, wherever in it; `for_types`: for a type checker too."""
    waiting = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if not for_types and isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        waiting.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield node.lineno, node.module
            if node.module.split(".")[0] == "elmo":
                for alias in node.names:
                    yield node.lineno, f"{node.module}.{alias.name}"


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
            assert other == "compat", f"{path}:{line}: the facade is names of elmo.compat alone"
        return
    assert here in FLOORS, f"{here} stands on no floor; say in docs/architecture.md on which"
    for line, other in own(path):
        if other not in FLOORS and other not in FACADE:
            continue  # a name that elmo exports lazily; tests/test_package.py
        assert other not in FACADE, f"{path}:{line}: nothing imports the facade"
        assert FLOORS[other] <= FLOORS[here], f"{path}:{line}: {here} is below {other}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_nothing_inside_goes_through_the_front_door(path):
    exported = set(elmo.__all__) - {"__version__", "datasets", "usages"}
    for line, name in own(path):
        assert name not in exported, f"{path}:{line}: import {name} from its home"


@pytest.mark.parametrize("name", ["system", "config", "text", "settings", "formats", "hub", "cli"])
def test_floors_that_know_no_keras(name):
    base = PACKAGE / f"{name}.py"
    for path in [base] if base.exists() else sorted((PACKAGE / name).rglob("*.py")):
        for line, module in imports(path):
            assert module.split(".")[0] not in HEAVY, f"{path}:{line}: imports {module}"


def test_layers_know_neither_configs_nor_files():
    for path in sorted((PACKAGE / "layers").rglob("*.py")):
        for line, name in own(path):
            assert name in ("layers", "system"), f"{path}:{line}: a layer imports elmo.{name}"


def test_no_circle_of_files():
    """Whoever imports a module gets a module that is whole: no file comes back to itself."""
    names = {".".join(p.relative_to(PACKAGE.parent).with_suffix("").parts): p for p in modules()}
    graph = {}
    for name, path in names.items():
        found = {target for _, target in imports(path, for_types=False)}
        graph[name] = sorted(found & set(names) - {name})
    sorter = graphlib.TopologicalSorter(graph)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        pytest.fail(" → ".join(reversed(error.args[1])))


def test_every_module_says_what_it_is():
    for path in modules():
        source = path.read_text(encoding="utf-8")
        if path.name in ("__init__.py", "_version.py"):
            continue
        assert ast.get_docstring(ast.parse(source)), f"{path}: no docstring"
