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

    A package brings a model by an entry point whose name is the model's and whose value is the module
    in whose folder the model's files lie:

    ```
    [project.entry-points."elmo.models"]
    novels-de = "elmo_novels_de"
    ```

    Nothing of that module is run.

    Raises:
        FormatError: the module of an entry point is not there.

    Example:
        >>> "novels-en" in installed()
        True
    """
    found = {path.name: path for path in sorted(_PACKAGED.iterdir()) if path.is_dir()}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        if point.name not in found:
            found[point.name] = _folder(point.name, point.value)
    return found


def _folder(name: str, module: str) -> Path:
    try:
        spec = importlib.util.find_spec(module)
    except ImportError:
        spec = None
    folders = None if spec is None else spec.submodule_search_locations
    if not folders:
        raise FormatError(
            f"{name}: the entry point in {GROUP} names {module}, which is no installed package"
        )
    return Path(next(iter(folders)))
