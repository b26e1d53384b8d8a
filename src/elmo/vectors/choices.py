"""A job: everything that decides what an output will hold, but for the vectors themselves."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np

from elmo.embed.results import Layers, Pool, State
from elmo.vectors.numbers import Dtype, to_dtype
from elmo.vectors.plan import Part, Plan, sentences_of

Format = Literal["hdf5", "npz", "parquet", "npy", "safetensors", "types"]
Layout = Literal["allennlp", "bilm-tf", "manylangs"]


@dataclass(frozen=True)
class Choices:
    """What is written, checked and complete; `elmo.vectors.stores.choosing.choose` makes it.

    `layer` is one layer by its number, where `layers` is `"all"`: the only one that is written.
    """

    layers: Layers = "all"
    pool: Pool | None = None
    state: State = "reset"
    batch_size: int | None = None
    format: Format = "hdf5"
    layout: Layout | Literal[""] = "allennlp"
    dtype: Dtype = "float32"
    only: tuple[str, ...] | None = None
    part_tokens: int = 1 << 16
    layer: int | None = None

    @property
    def row(self) -> str:
        """What has a vector of its own."""
        if self.only is not None:
            return "word"
        return "sentence" if self.pool else "token"


@dataclass(frozen=True)
class Job:
    """What is to be written.

    Attributes:
        choices: what the user chose.
        plan: the text.
        folder: where the plan's files and the unfinished output are.
        n_layers: layers of a vector; 0 where there is one and no axis for it.
        depth: layers of the model above the token's.
        dim: the size of a vector.
        named: whether sentences have names of their own.
        label: what a store keeps about itself.
    """

    choices: Choices
    plan: Plan
    folder: Path
    n_layers: int
    depth: int
    dim: int
    named: bool
    label: dict[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a row."""
        return (self.n_layers, self.dim) if self.n_layers else (self.dim,)

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, its scales included."""
        vectors = max(1, self.n_layers)
        scales = 4 * vectors if self.choices.dtype == "int8" else 0
        return vectors * self.dim * np.dtype(self.choices.dtype).itemsize + scales

    def sentences(self, part: Part) -> Iterator[tuple[str, list[str]]]:
        """The keys and tokens of a part."""
        return sentences_of(self.folder, part)

    def places(self, tokens: Sequence[str]) -> Sequence[int]:
        """The positions of a sentence that stand in the output."""
        if self.choices.only is None:
            return range(len(tokens))
        return [place for place, token in enumerate(tokens) if token in self._words]

    @functools.cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(self.choices.only or ())

    def rows(
        self, tokens: Sequence[str], vectors: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """What an `Embedder` gave for a sentence as rows of the output.

        Returns:
            `(rows, *shape)` in the type of the output, and the scales `(rows, …)` or None.
        """
        if self.choices.layer is not None:
            vectors = vectors[self.choices.layer]
        elif self.choices.pool:
            vectors = vectors[None]
        elif self.n_layers:
            vectors = vectors.swapaxes(0, 1)
        if self.choices.only is not None:
            vectors = vectors[list(self.places(tokens))]
        return to_dtype(vectors, self.choices.dtype)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `json` can write."""
        return {
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "choices": asdict(self.choices),
            "plan": self.plan.to_dict(),
            "folder": str(self.folder),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Job:
        choices = dict(values["choices"])
        if choices["only"] is not None:
            choices["only"] = tuple(choices["only"])
        return cls(
            **{
                **values,
                "choices": Choices(**choices),
                "plan": Plan.from_dict(values["plan"]),
                "folder": Path(values["folder"]),
            }
        )
