"""An `Embedder` on its way to another process: written to a folder, and made anew from it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from elmo.bilm.encoder import BiLMEncoder
from elmo.bilm.weights import get_weights, set_weights
from elmo.embed.embedder import Embedder
from elmo.embed.token_cache import TokenCache
from elmo.layers.first_values import blank_weights

WEIGHTS, REST = "weights.npz", "embedder.pickle"


def pack(embedder: Embedder, folder: Path) -> None:
    """Write what an embedder is made of.

    Raises:
        ValueError: its engine or its sentence encoder cannot be made anew elsewhere.
    """
    if embedder.precision is None:
        raise ValueError(
            f"jobs: the engine {type(embedder.engine).__name__} cannot be sent to another process; "
            "leave jobs out"
        )
    encoder, cache = embedder.encoder, embedder.token_cache
    if encoder is None:
        raise ValueError("jobs: this embedder has let go of its network; leave jobs out")
    rest = {
        "config": embedder.config,
        "policy": embedder.policy,
        "sentence_encoder": embedder.sentence_encoder,
        "token_cache": None if cache is None else (cache.tokens, _packed_rows(cache.rows)),
        "cache_size": embedder.word_cache.capacity,
        "precision": embedder.precision,
        "engine": embedder.engine.name,
    }
    try:
        (folder / REST).write_bytes(pickle.dumps(rest))
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise ValueError(
            f"jobs: the sentence encoder cannot be sent to another process ({error}); leave jobs out"
        ) from error
    np.savez(folder / WEIGHTS, **get_weights(encoder))


def unpack(folder: Path) -> Embedder:
    """The embedder that was packed."""
    rest: dict[str, Any] = pickle.loads((folder / REST).read_bytes())
    with blank_weights():
        encoder = BiLMEncoder(rest["config"], dtype=rest["policy"])
        encoder.build()
    with np.load(folder / WEIGHTS) as weights:
        set_weights(encoder, dict(weights))
    cache = rest["token_cache"]
    if cache is not None:
        tokens, rows = cache
        cache = TokenCache(
            tokens, h5py.File(rows[0], "r")[rows[1]] if type(rows) is tuple else rows
        )
    return Embedder(
        encoder,
        rest["sentence_encoder"],
        token_cache=cache,
        cache_size=rest["cache_size"],
        precision=rest["precision"],
        engine=rest["engine"],
    )


def _packed_rows(rows: Any) -> Any:
    return (rows.file.filename, rows.name) if isinstance(rows, h5py.Dataset) else rows
