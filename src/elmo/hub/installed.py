"""Models that are installed: with this package, or as packages of their own."""

from __future__ import annotations

import importlib.util
from importlib.metadata import entry_points
from pathlib import Path

from elmo.system.errors import FormatError

GROUP = "elmo.models"
_PACKAGED = Path(__file__).with_name("packaged")


def installed() -> dict[str, Path]:
    """The folders of the installed models by name, those of this package first.

    An entry point whose package is not there is left out; `find` says so of it.

    A package brings a model by an entry point whose name is the model's and whose value is the module
    in whose folder the model's files lie:

    ```
    [project.entry-points."elmo.models"]
    novels-de = "elmo_novels_de"
    ```

    Nothing of that module is run.

    Example:
        >>> "novels-en" in installed()
        True
    """
    folders = ((name, _folder(module)) for name, module in _entry_points().items())
    return _packaged() | {name: folder for name, folder in folders if folder is not None}


def find(name: str) -> Path | None:
    """The folder of an installed model, or None where none has this name.

    Raises:
        FormatError: the package that its entry point names is not there.

    Example:
        >>> find("novels-en").name
        'novels-en'
    """
    module = _entry_points().get(name)
    if module is None:
        return _packaged().get(name)
    folder = _folder(module)
    if folder is None:
        raise FormatError(
            f"{name}: its entry point in {GROUP} names {module}, which is no installed package; "
            "install the model's package again"
        )
    return folder


def _packaged() -> dict[str, Path]:
    return {path.name: path for path in sorted(_PACKAGED.iterdir()) if path.is_dir()}


def _entry_points() -> dict[str, str]:
    """Modules by the names of models; a name of this package's models is not taken."""
    packaged = _packaged()
    modules: dict[str, str] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name not in packaged:
            modules.setdefault(point.name, point.value)
    return modules


def _folder(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # no such package, or no name of one
        spec = None
    folders = None if spec is None else spec.submodule_search_locations
    return Path(next(iter(folders))) if folders else None
