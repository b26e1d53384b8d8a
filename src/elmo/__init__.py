"""ELMo as living software: train, evaluate, load and use deep contextualized word representations.

`import elmo` loads neither Keras nor its backend; the names below do so when they are first used. Where
nothing else is set and Keras is not imported yet, the backend is JAX.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from elmo._version import __version__

_HOMES = {
    "BiLM": "elmo.api",
    "BiLMConfig": "elmo.config",
    "CharCNNConfig": "elmo.config",
    "Corpus": "elmo.text.corpus",
    "DropoutConfig": "elmo.config",
    "ElmoEmbedding": "elmo.bilm.embedding",
    "LSTMConfig": "elmo.config",
    "ScalarMix": "elmo.layers.scalar_mix",
    "TrainingConfig": "elmo.training.config",
    "Vocabulary": "elmo.text.vocabulary",
    "load": "elmo.api",
    "read_vectors": "elmo.embed.stores.reading",
    "train": "elmo.runs",
}
_MODULES = {"datasets": "elmo.text.datasets"}

__all__ = [*sorted(_HOMES), "__version__", "datasets"]


def _choose_backend() -> None:
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "jax")


_choose_backend()


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    raise AttributeError(f"module 'elmo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
