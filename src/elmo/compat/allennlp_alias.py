"""AllenNLP's own module names for what `elmo.compat.allennlp` has."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType

_HOME = "elmo.compat.allennlp"
_BILM = "elmo.compat.allennlp_bilm"
_EMBEDDER = {
    "ElmoEmbedder": _HOME,
    "DEFAULT_OPTIONS_FILE": _HOME,
    "DEFAULT_WEIGHT_FILE": _HOME,
    "DEFAULT_BATCH_SIZE": _HOME,
    "batch_to_ids": _HOME,
}
_TOKEN_EMBEDDER = {"ElmoTokenEmbedder": _HOME}
_INDEXER = {"ELMoCharacterMapper": _HOME, "ELMoTokenCharactersIndexer": _HOME}
MODULES: dict[str, Mapping[str, str]] = {
    "allennlp": {},
    "allennlp.commands": {},
    "allennlp.commands.elmo": _EMBEDDER,
    "allennlp.common": {},
    "allennlp.common.checks": {"ConfigurationError": "builtins:ValueError"},
    "allennlp.data": {},
    "allennlp.data.token_indexers": _INDEXER,
    "allennlp.data.token_indexers.elmo_indexer": _INDEXER,
    "allennlp.modules": {"Elmo": _HOME, "ScalarMix": _HOME},
    "allennlp.modules.elmo": {
        "Elmo": _HOME,
        "ScalarMix": _HOME,
        "batch_to_ids": _HOME,
        "_ElmoBiLm": f"{_BILM}:ElmoBiLm",
        "remove_sentence_boundaries": _BILM,
        **_INDEXER,
    },
    "allennlp.modules.scalar_mix": {"ScalarMix": _HOME},
    "allennlp.modules.token_embedders": _TOKEN_EMBEDDER,
    "allennlp.modules.token_embedders.elmo_token_embedder": _TOKEN_EMBEDDER,
    "allennlp.nn": {},
    "allennlp.nn.util": {"remove_sentence_boundaries": _BILM},
}
"""Modules that stand in, and where each of their names is: in a module under that name, or another."""


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the modules of the table, and says of AllenNLP's others that they are not there."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name.partition(".")[0] != "allennlp":
            return None
        if name not in MODULES:
            raise ModuleNotFoundError(
                f"No module named {name!r}: elmo.compat.as_allennlp stands in for AllenNLP's ELMo "
                f"alone ({', '.join(name for name, names in MODULES.items() if names)})",
                name=name,
            )
        is_package = any(other.startswith(f"{name}.") for other in MODULES)
        return importlib.machinery.ModuleSpec(name, self, origin=__file__, is_package=is_package)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        names = MODULES[module.__name__]
        if module.__name__.startswith(("allennlp.modules", "allennlp.nn")):
            _must_be_pytorch(module.__name__)
        module.__doc__ = "Stands in for AllenNLP; see elmo.compat.as_allennlp."
        if module.__name__ == "allennlp":
            vars(module)["__version__"] = "0.9.0"
        for name, home in names.items():
            home, _, original = home.partition(":")
            setattr(module, name, getattr(importlib.import_module(home), original or name))
        if names:
            vars(module)["__all__"] = list(names)


def _must_be_pytorch(name: str) -> None:
    import keras

    backend = keras.backend.backend()
    if backend != "torch":
        raise ImportError(
            f"{name} has modules of PyTorch, and Keras's backend is {backend!r}: set "
            "KERAS_BACKEND=torch in the environment before Keras or elmo is imported",
            name=name,
        )


def install() -> None:
    """Let `import allennlp.commands.elmo`, `from allennlp.modules.elmo import Elmo` and so on find ours.

    Raises:
        ImportError: AllenNLP is installed. Nothing is put in its place.
    """
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    found = sys.modules.get("allennlp") or importlib.util.find_spec("allennlp")
    if found is not None:
        spec = found.__spec__ if isinstance(found, ModuleType) else found
        places = getattr(spec, "submodule_search_locations", None)
        place = next(iter(places or [getattr(spec, "origin", None)]))
        raise ImportError(
            f"AllenNLP is here ({place}), and elmo.compat.as_allennlp replaces nothing: uninstall it, "
            "or import from elmo.compat.allennlp",
            name="allennlp",
        )
    sys.meta_path.insert(0, _Finder())


def uninstall() -> None:
    """Take the names away again; what was imported under them stays with those who have it."""
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _Finder)]
    for name in MODULES:
        module = sys.modules.get(name)
        if module is not None and isinstance(getattr(module, "__loader__", None), _Finder):
            del sys.modules[name]
