"""Vectors of documents, computed in this process or by several."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np

from elmo.api import BiLM
from elmo.embed.results import Layers, Pool
from elmo.engines.choosing import EngineName, Precision
from elmo.vectors.reading import read_vectors

CHUNK_TOKENS = 1 << 15  # whose vectors are in memory together, where they are not pooled
PART_TOKENS = 1 << 12, 1 << 16  # the least and the most of a part
PARTS_PER_JOB = 4

_log = logging.getLogger("elmo")


@dataclass(frozen=True)
class Computing:
    """How vectors are computed; see `ElmoVectorizer`."""

    layers: Layers
    precision: Precision
    engine: EngineName | None
    batch_size: int | None
    n_jobs: int | None

    def vectors(
        self, model: BiLM, documents: Sequence[list[str]], pool: Pool | None
    ) -> Iterator[np.ndarray]:
        """Vectors of documents in their order, as `BiLM.embed` gives them."""
        jobs = joblib.effective_n_jobs(self.n_jobs)
        if jobs > 1 and documents:
            return self._by_jobs(model, documents, pool, jobs)
        return self._here(model, documents, pool)

    def _here(
        self, model: BiLM, documents: Sequence[list[str]], pool: Pool | None
    ) -> Iterator[np.ndarray]:
        for chunk in [documents] if pool else _chunks(documents):
            yield from model.embed(
                chunk,
                layers=self.layers,
                pool=pool,
                batch_size=self.batch_size,
                precision=self.precision,
                engine=self.engine,
            )

    def _by_jobs(
        self, model: BiLM, documents: Sequence[list[str]], pool: Pool | None, jobs: int
    ) -> Iterator[np.ndarray]:
        least, most = PART_TOKENS
        share = sum(map(len, documents)) // (PARTS_PER_JOB * jobs)
        with tempfile.TemporaryDirectory(prefix="elmo-") as folder:
            path = Path(folder) / "vectors.npy"
            report = model.embed_file(
                documents,
                path,
                layers=self.layers,
                pool=pool,
                batch_size=self.batch_size,
                dtype="float32",
                part_tokens=min(most, max(least, share)),
                precision=self.precision,
                engine=self.engine,
                jobs=jobs,
            )
            if report.encoding is not None and report.encoding.cut:
                _log.warning(
                    "tokens are longer than the model reads, and cut: %s",
                    f"{report.encoding.cut:,}",
                )
            yield from map(np.array, read_vectors(path))


def _chunks(documents: Sequence[list[str]]) -> Iterator[list[list[str]]]:
    """Documents in order, by their number of tokens."""
    chunk: list[list[str]] = []
    tokens = 0
    for document in documents:
        chunk.append(document)
        tokens += len(document)
        if tokens >= CHUNK_TOKENS:
            yield chunk
            chunk, tokens = [], 0
    if chunk:
        yield chunk
