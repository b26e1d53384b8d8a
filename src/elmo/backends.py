"""Which backend Keras computes with, and what to do where it cannot."""

from __future__ import annotations

import importlib.util
import os
import sys

PACKAGES = {"jax": "jax", "tensorflow": "tensorflow", "torch": "torch"}


class BackendError(ImportError):
    """Keras's backend is none that this package knows, or is not installed; says what would do."""


def check() -> None:
    """To be called before Keras is imported: its own errors do not say what to install.

    Raises:
        BackendError: the backend that is chosen cannot be used.
    """
    if "keras" in sys.modules:
        name, whose = _chosen(), "Keras was imported with the backend"
    else:
        name, whose = os.environ.get("KERAS_BACKEND") or "jax", "KERAS_BACKEND is"
    if name not in PACKAGES:
        raise BackendError(
            f"{whose} {name!r}: must be jax, tensorflow or torch; set KERAS_BACKEND before Keras is "
            "imported, or leave it out for jax"
        )
    if importlib.util.find_spec(PACKAGES[name]) is None:
        raise BackendError(
            f"{whose} {name!r}, and the package {PACKAGES[name]} is not installed: "
            f"pip install {_what(name)}, or leave KERAS_BACKEND out for jax"
        )


def _chosen() -> str:
    backend = getattr(sys.modules["keras"], "backend", None)
    return "jax" if backend is None else str(backend.backend())


def _what(name: str) -> str:
    return "jax" if name == "jax" else f"'elmo-keras[{name}]'"
