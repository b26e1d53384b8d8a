"""An `Embedder` on its way to another process: written to a folder, and made anew from it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from elmo.embed.embedder import Embedder, from_recipe

WEIGHTS, REST = "weights.npz", "embedder.pickle"


def pack(embedder: Embedder, folder: Path) -> None:
    """Write what an embedder is made of.

    Raises:
        ValueError: its engine or its sentence encoder cannot be made anew elsewhere.
    """
    try:
        (folder / REST).write_bytes(pickle.dumps(embedder.recipe()))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise ValueError(
            f"jobs: this embedder cannot be sent to another process ({error}); leave jobs out"
        ) from error
    weights: dict[str, Any] = embedder.weights()
    np.savez(folder / WEIGHTS, **weights)


def unpack(folder: Path) -> Embedder:
    """The embedder that was packed."""
    recipe = pickle.loads((folder / REST).read_bytes())
    with np.load(folder / WEIGHTS) as weights:
        return from_recipe(recipe, dict(weights))
