"""Exports that a backend writes: in a process of its own, whatever backend this one has."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elmo.config import BiLMConfig
from elmo.formats.contents import Pretrained

if TYPE_CHECKING:
    from elmo.bilm.encoder import BiLMEncoder

CONFIG, WEIGHTS = "config.json", "weights.npz"


def write_with(backend: str, module: str, pretrained: Pretrained, output: Path) -> None:
    """Let a module write an encoder, `python -m MODULE SOURCE OUTPUT`, under a backend of Keras.

    Args:
        backend: `"tensorflow"` or `"jax"`.
        module: of this package; it calls `read_encoder(SOURCE)`.
        pretrained: the model.
        output: what it is to write.

    Raises:
        ImportError: the backend is not installed; names the extra.
        OSError: it could not be written; says why.
    """
    if importlib.util.find_spec(backend) is None:
        package = {"tensorflow": '"elmo-keras[tensorflow]"'}.get(backend, backend)
        raise ImportError(f"this format is written by {backend}: pip install {package}")
    weights: dict[str, Any] = {
        name: array for name, array in pretrained.weights.items() if not name.startswith("softmax/")
    }
    path = os.pathsep.join(filter(None, sys.path))
    environment = {"KERAS_BACKEND": backend, "PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryDirectory(prefix="elmo-") as source:
        Path(source, CONFIG).write_text(json.dumps(pretrained.config.to_dict()))
        np.savez(Path(source, WEIGHTS), **weights)
        done = subprocess.run(
            [sys.executable, "-m", module, source, os.fspath(output)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise OSError(f"{output.name}: {backend} could not write it: {said[-1]}")


def read_encoder(source: str) -> BiLMEncoder:
    """The `BiLMEncoder` that `write_with` put into a folder."""
    from elmo.bilm.encoder import BiLMEncoder
    from elmo.bilm.weights import set_weights

    config = BiLMConfig.from_dict(json.loads(Path(source, CONFIG).read_text()))
    encoder = BiLMEncoder(config)
    encoder.build()
    with np.load(Path(source, WEIGHTS)) as weights:
        set_weights(encoder, dict(weights))
    return encoder
