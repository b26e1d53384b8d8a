"""ELMo as living software: train, evaluate, load and use deep contextualized word representations.

`import elmo` loads neither Keras nor its backend; the names below do so when they are first used. Where
nothing else is set and Keras is not imported yet, the backend is JAX.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from elmo._version import __version__
from elmo.registering import register

if TYPE_CHECKING:  # for editors and type checkers; at run time each comes when it is asked for
    from elmo import usages
    from elmo.api import BiLM, load
    from elmo.bilm.embedding import ElmoEmbedding
    from elmo.config import BiLMConfig, CharCNNConfig, DropoutConfig, LSTMConfig
    from elmo.layers.scalar_mix import ScalarMix
    from elmo.runs.train import train
    from elmo.settings.training import TrainingConfig
    from elmo.text import datasets
    from elmo.text.corpus import Corpus
    from elmo.text.vocabulary import Vocabulary
    from elmo.vectors.reading import read_vectors

_HOMES = {
    "BiLM": "elmo.api",
    "BiLMConfig": "elmo.config",
    "CharCNNConfig": "elmo.config",
    "Corpus": "elmo.text.corpus",
    "DropoutConfig": "elmo.config",
    "ElmoEmbedding": "elmo.bilm.embedding",
    "LSTMConfig": "elmo.config",
    "ScalarMix": "elmo.layers.scalar_mix",
    "TrainingConfig": "elmo.settings.training",
    "Vocabulary": "elmo.text.vocabulary",
    "load": "elmo.api",
    "read_vectors": "elmo.vectors.reading",
    "train": "elmo.runs.train",
}
_MODULES = {"datasets": "elmo.text.datasets", "usages": "elmo.usages"}

__all__ = [
    "BiLM",
    "BiLMConfig",
    "CharCNNConfig",
    "Corpus",
    "DropoutConfig",
    "ElmoEmbedding",
    "LSTMConfig",
    "ScalarMix",
    "TrainingConfig",
    "Vocabulary",
    "__version__",
    "datasets",
    "load",
    "read_vectors",
    "train",
    "usages",
]


def _choose_backend() -> None:
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "jax")


_choose_backend()
register()


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in _HOMES:
            return getattr(importlib.import_module(_HOMES[name]), name)
        if name in _MODULES:
            return importlib.import_module(_MODULES[name])
        raise AttributeError(f"module 'elmo' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
