"""What the bytes of an output depend on, by name: only the same run may continue where one stopped."""

from __future__ import annotations

import hashlib
import json
import os
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np

from elmo._version import __version__
from elmo.embed.token_cache import TokenCache, encoded_tokens
from elmo.vectors.choices import Choices
from elmo.vectors.plan import types_of

DIGITS = 16
BLOCK = 1 << 14  # rows that are read at a time


def fingerprint(
    embedder: Any, choices: Choices, text: str, folder: Path, threads: int | None
) -> dict[str, Any]:
    """Names and values, each short.

    Args:
        embedder: the `Embedder`.
        choices: what was chosen.
        text: digest of the text.
        folder: where the plan is.
        threads: of a worker; None for all of this process.
    """
    chosen = {**vars(choices), "only": _digest_of(choices.only)}
    state = embedder.state.h.tobytes() + embedder.state.c.tobytes()
    if choices.state == "carry" and state:
        chosen["state"] = f"carry, from {hashlib.sha256(state).hexdigest()[:DIGITS]}"
    cache = embedder.token_cache
    engine = getattr(embedder.engine, "name", type(embedder.engine).__name__)
    return {
        "model": model_digest(embedder),
        "text": text[:DIGITS],
        "encoding": _encoding(embedder.sentence_encoder, types_of(folder)),
        "token_cache": None if cache is None else _vectors(cache),
        **chosen,
        "precision": embedder.precision,
        "engine": engine,
        "backend": _backend(engine),
        "threads": f"{_threads(engine)} of one process"
        if threads is None
        else f"{threads} a worker",
        "version": __version__,
    }


def difference(old: dict[str, Any], new: dict[str, Any]) -> str | None:
    """A sentence about the first value that is not the same.

    Example:
        >>> difference({"layers": "all", "model": "a1"}, {"layers": "top", "model": "b2"})
        "begun with layers='all', and this run has layers='top'"
        >>> difference({"model": "a1"}, {"model": "b2"})
        'begun with another model'
    """
    for name, value in new.items():
        if old.get(name) != value and name not in HASHED:
            return f"begun with {name}={old.get(name)!r}, and this run has {name}={value!r}"
    for name, title in HASHED.items():
        if old.get(name) != new.get(name):
            return f"begun with {title}"
    return None


HASHED = {
    "model": "another model",
    "text": "another text",
    "only": "other words of only",
    "encoding": "another vocabulary",
    "token_cache": "another token_cache",
}


def _digest_of(value: Any) -> str | None:
    if value is None:
        return None
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:DIGITS]


def model_digest(embedder: Any) -> str:
    """What tells models apart: the architecture, the policy of its numbers and the weights."""
    found = hashlib.sha256(json.dumps(embedder.config.to_dict(), sort_keys=True).encode())
    found.update(f"{embedder.policy} {embedder.weights_digest}".encode())
    return found.hexdigest()[:DIGITS]


def _encoding(sentence_encoder: Any, types: list[str]) -> str:
    """What becomes of the text's own tokens; two vocabularies may well agree on it."""
    found = hashlib.sha256()
    for _, rows in encoded_tokens(types, sentence_encoder):
        found.update(np.ascontiguousarray(rows, "<i4").data)
    return found.hexdigest()[:DIGITS]


def _vectors(cache: TokenCache) -> str:
    found = hashlib.sha256("\n".join(cache.tokens).encode("utf-8", "surrogatepass"))
    for start in range(0, len(cache), BLOCK):
        found.update(np.ascontiguousarray(cache.rows[start : start + BLOCK], "<f4").data)
    return found.hexdigest()[:DIGITS]


def _backend(engine: str) -> str:
    name = "torch" if engine == "torch" else keras.backend.backend()
    device = "cpu"
    if engine == "torch":
        pass  # always on the processor
    elif name == "jax":
        import jax

        device = jax.devices()[0].device_kind
    elif name == "torch":
        import torch

        device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    elif name == "tensorflow":
        import tensorflow as tf

        device = "gpu" if tf.config.list_physical_devices("GPU") else "cpu"
    packages = {"tensorflow": ("tensorflow", "tensorflow_cpu", "tensorflow-cpu")}
    for package in packages.get(name, (name,)):
        try:
            return f"{name} {metadata.version(package)} on {device}"
        except metadata.PackageNotFoundError:
            continue
    return f"{name} on {device}"


def _threads(engine: str) -> int:
    if engine == "torch":
        import torch

        return torch.get_num_threads()
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
