"""Keras finds our layers in a saved model after `import elmo` alone, which does not import Keras.

Keras looks a class up by a name under which it was registered when its module was imported. Under these
names stand, from the moment that Keras is imported, objects that import the module when they are asked to
make a layer; the import puts the class itself in their place.

A model that was compiled on PyTorch names its optimizer by a module that only that backend has. On others
the name leads to Keras's own.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

LAYERS = {
    "ElmoEmbedding": "elmo.bilm.embedding",
    "BiLMEncoder": "elmo.bilm.encoder",
    "BiLanguageModel": "elmo.bilm.language_model",
    "ScalarMix": "elmo.layers.scalar_mix",
    "Elmo": "elmo.compat.allennlp_layer",
}


OPTIMIZERS = (
    *("Adadelta", "Adagrad", "Adam", "Adamax", "AdamW", "Lion", "Nadam", "RMSprop", "SGD"),
)
TORCH_OPTIMIZERS = "keras.src.backend.torch.optimizers.torch_{}"
"""Where the optimizer of a model saved on PyTorch is; other backends cannot use that one."""


class LaterClass:
    """Stands for a class whose module is imported when a layer is made of its settings.

    Args:
        name: of the class.
        module: that has it.
    """

    def __init__(self, name: str, module: str) -> None:
        self.__name__ = name
        self._module = module

    def from_config(self, config: dict[str, Any]) -> object:
        """As the class's own."""
        return getattr(importlib.import_module(self._module), self.__name__).from_config(config)


def register() -> None:
    """Make the layers known: now where Keras is imported, else when it is."""
    keras = sys.modules.get("keras")
    if keras is not None and hasattr(keras, "saving"):
        _tell(keras)
    else:
        sys.meta_path.insert(0, _AfterKeras())


def _tell(keras: ModuleType) -> None:
    known = keras.saving.get_custom_objects()
    for name, module in LAYERS.items():
        known.setdefault(f"elmo>{name}", LaterClass(name, module))
    if keras.backend.backend() != "torch":
        for name in OPTIMIZERS:
            place = ModuleType(TORCH_OPTIMIZERS.format(name.lower()))
            setattr(place, name, getattr(keras.optimizers, name))
            sys.modules.setdefault(place.__name__, place)


class _AfterKeras(importlib.abc.MetaPathFinder):
    """Finds `keras` as everybody else does, and calls `_tell` once it is imported."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != "keras":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Telling(spec.loader)
        return spec


class _Telling(importlib.abc.Loader):
    """A loader that tells Keras of our layers behind another one's work."""

    def __init__(self, loader: importlib.abc.Loader) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._loader  # as if we had not been there
        _tell(module)
