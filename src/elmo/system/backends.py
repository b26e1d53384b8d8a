"""Which Keras computes, with which backend, and what to do where it cannot."""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import sys

OLDEST_KERAS = "3.15"
"""Older ones leave layers in lists of lists out of a saved file, without a word."""
PACKAGES = {"jax": "jax", "tensorflow": "tensorflow", "torch": "torch"}


class BackendError(ImportError):
    """Keras is too old, or its backend unknown or not installed; says what would do."""


def check() -> None:
    """To be called before Keras is imported: its own errors do not say what to install.

    Raises:
        BackendError: the backend that is chosen, or Keras itself, cannot be used.
    """
    _check_keras(_keras_version())
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


def _keras_version() -> str | None:
    if "keras" in sys.modules:
        return getattr(sys.modules["keras"], "__version__", None)
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # keras-nightly, or none
        return importlib.metadata.version("keras")
    return None


def _check_keras(version: str | None) -> None:
    numbers = [list(map(int, re.findall(r"\d+", v)[:2])) for v in (version or "", OLDEST_KERAS)]
    if version and numbers[0] < numbers[1]:
        raise BackendError(
            f"Keras {version} is installed: must be {OLDEST_KERAS} or newer, for older ones save models "
            f"without their LSTM weights; pip install 'keras>={OLDEST_KERAS}'"
        )


def _chosen() -> str:
    backend = getattr(sys.modules["keras"], "backend", None)
    return "jax" if backend is None else str(backend.backend())


def _what(name: str) -> str:
    return "jax" if name == "jax" else f"'elmo-keras[{name}]'"
