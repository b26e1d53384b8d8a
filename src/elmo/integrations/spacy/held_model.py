"""The model of a component: opened when it is first needed, saved inside or by its path."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import srsly

from elmo.api import BiLM, load
from elmo.integrations.packed_model import model_from_bytes, model_to_bytes

SAVES = ("inside", "path")


class HeldModel:
    """A `BiLM`, or the path or name of one that is opened on first use.

    spaCy makes every component from its config before it reads the files that were saved, so that the
    path in the config need not exist when a pipeline with its model inside is loaded.

    Args:
        source: what `elmo.load` takes, or a `BiLM`.
        save: `"inside"`: what is saved holds the weights; `"path"`: it holds `source` alone.

    Raises:
        TypeError: `source` is neither.
        ValueError: `save` is neither, or is `"path"` with a `BiLM`, which has none.
    """

    def __init__(self, source: BiLM | str | os.PathLike[str], save: str = "inside") -> None:
        if not isinstance(source, BiLM | str | os.PathLike):
            raise TypeError(
                f"model={source!r}: must be the path or the name of a model as elmo.load takes it, "
                'as in config={"model": "my-elmo"}'
            )
        if save not in SAVES:
            raise ValueError(f"save={save!r}: must be 'inside' or 'path'")
        self._opened = source if isinstance(source, BiLM) else None
        self.source = None if isinstance(source, BiLM) else os.fspath(source)
        self.save = save
        if save == "path" and self.source is None:
            raise ValueError("save='path': give the model by its path, not as a BiLM")

    @property
    def model(self) -> BiLM:
        """The model itself.

        Raises:
            FormatError, DownloadError: as `elmo.load` raises them.
        """
        if self._opened is None:
            assert self.source is not None
            self._opened = load(self.source)
        return self._opened

    def to_bytes(self) -> bytes:
        """The model, or its path."""
        message: dict[str, Any] = {"save": self.save, "source": self.source, "model": None}
        if self.save == "inside":
            message["model"] = model_to_bytes(self.model)
        return srsly.msgpack_dumps(message)

    def from_bytes(self, data: bytes) -> HeldModel:
        """Take what `to_bytes` gave."""
        message = srsly.msgpack_loads(data)
        self.save, self.source = message["save"], message["source"]
        self._opened = None if message["model"] is None else model_from_bytes(message["model"])
        return self

    def to_disk(self, folder: Path) -> None:
        """`model/` in a folder, or `model.json` with the path; what an earlier save left is replaced."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.save == "inside":
            self.model.save(folder / "model", overwrite=True)
        srsly.write_json(folder / "model.json", {"save": self.save, "source": self.source})

    def from_disk(self, folder: Path) -> HeldModel:
        """Take what `to_disk` wrote; a model inside is opened at once."""
        message = srsly.read_json(folder / "model.json")
        self.save, self.source = message["save"], message["source"]
        self._opened = load(folder / "model") if self.save == "inside" else None
        return self
