"""Checkpoints: everything that a training needs to go on as if it had not been stopped.

A checkpoint is a folder `step-000000123` with `arrays.npz` and `progress.json`. It is written aside and
renamed when it is whole, by a thread while training goes on, so that a crash at any moment leaves the
ones before as they were. What is saved: every variable of the model (weights, seeds of the dropout
masks), the optimizer's, what is carried between steps, and the number of the next batch; batches
themselves depend on that number alone.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import zipfile
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import keras
import numpy as np
from keras import ops

from elmo.layers.tensors import Tensor
from elmo.system.files import sync_folder
from elmo.training.steps.step import Step
from elmo.training.steps.values import Carry

_log = logging.getLogger("elmo")

NAME = re.compile(r"step-(\d{9})")


class CheckpointError(ValueError):
    """A checkpoint that is damaged or belongs to another training."""


def snapshot(step: Step) -> dict[str, np.ndarray]:
    """Copies of all that changes in training, by name."""
    return {name: _copy(value) for name, value in _named_values(step).items()}


def restore(step: Step, arrays: dict[str, np.ndarray]) -> None:
    """Put a snapshot back.

    Raises:
        CheckpointError: naming what is missing, left over or of another shape.
    """
    current = _named_values(step)
    faults = [f"missing {n}" for n in sorted(set(current) - set(arrays))]
    faults += [f"left over {n}" for n in sorted(set(arrays) - set(current))]
    for name in sorted(set(current) & set(arrays)):
        if tuple(current[name].shape) != arrays[name].shape:
            faults.append(f"{name} is {arrays[name].shape}, not {tuple(current[name].shape)}")
    if faults:
        raise CheckpointError("the checkpoint is of another model: " + "; ".join(faults))
    for name, variable in _variables(step).items():
        variable.assign(arrays[name])
    step.carry = keras.tree.map_structure(
        lambda value, name: ops.convert_to_tensor(arrays[name], dtype=value.dtype),
        step.carry,
        _carry_names(step),
    )


def _variables(step: Step) -> dict[str, keras.Variable]:
    named = {f"weights/{n}": v for n, v in step.network.named_weights().items()}
    others = {f"others/{k}": v for k, v in enumerate(step.network.non_trainable_variables)}
    optimizer = {f"optimizer/{k}": v for k, v in enumerate(step.optimizer.variables)}
    return {**named, **others, **optimizer}


def _carry_names(step: Step) -> Carry:
    """A structure like the carry's, of names."""
    flat = keras.tree.flatten(step.carry)
    return keras.tree.pack_sequence_as(step.carry, [f"carry/{k}" for k in range(len(flat))])


def _named_values(step: Step) -> dict[str, Tensor]:
    values = {name: variable.value for name, variable in _variables(step).items()}
    names = keras.tree.flatten(_carry_names(step))
    return {**values, **dict(zip(names, keras.tree.flatten(step.carry), strict=True))}


def _copy(value: Tensor) -> np.ndarray:
    # A copy even where NumPy could look into the array: the next step reuses its memory.
    return np.array(ops.convert_to_numpy(value), copy=True)


class Checkpoints:
    """The checkpoints of a run.

    Args:
        folder: where they are; made if need be.
        keep: how many of the last are kept, besides the best.
        on_failure: called with the error when one could not be written, and training continues; without
            it `save`,
            `wait` and `close` raise.

    Attributes:
        error: why the last one could not be written, or None.
    """

    def __init__(
        self,
        folder: str | Path,
        keep: int = 2,
        on_failure: Callable[[OSError], None] | None = None,
    ) -> None:
        self.folder = Path(folder)
        self.keep = keep
        self.on_failure = on_failure
        self.error: OSError | None = None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self._pending: Future[None] | None = None

    def save(
        self,
        number: int,
        arrays: dict[str, np.ndarray],
        progress: dict[str, Any],
        best: int | None = None,
    ) -> None:
        """Write a checkpoint in the background; one that is still being written is waited for.

        Args:
            number: of the step.
            arrays: a `snapshot`.
            progress: what JSON can hold.
            best: number of the checkpoint that stays, however many follow it.
        """
        self.wait()
        self._pending = self._pool.submit(self._write, number, arrays, progress, best)

    def wait(self) -> None:
        """Until nothing is being written.

        Raises:
            OSError: what went wrong in the background, a full disk for one; unless `on_failure` is told.
        """
        if self._pending is not None:
            pending, self._pending = self._pending, None
            self.error = None
            try:
                pending.result()
            except OSError as error:
                self.error = error
                if self.on_failure is None:
                    raise
                self.on_failure(error)

    def close(self) -> None:
        """Wait, and end the thread."""
        try:
            self.wait()
        finally:
            self._pool.shutdown()

    def _write(
        self,
        number: int,
        arrays: dict[str, np.ndarray],
        progress: dict[str, Any],
        best: int | None,
    ) -> None:
        aside = self.folder / f".step-{number:09d}.part"
        shutil.rmtree(aside, ignore_errors=True)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            aside.mkdir()
            with open(aside / "arrays.npz", "wb") as file:
                named: dict[str, Any] = dict(arrays)  # `savez` has an option of its own, too
                np.savez(file, **named)
                _to_disk(file)
            with open(aside / "progress.json", "w", encoding="utf-8") as file:
                json.dump(progress, file, indent=1)
                _to_disk(file)
            target = self.folder / f"step-{number:09d}"
            shutil.rmtree(target, ignore_errors=True)
            os.replace(aside, target)
            sync_folder(self.folder)
        except OSError as error:
            shutil.rmtree(aside, ignore_errors=True)
            raise OSError(
                f"{self.folder}: the checkpoint of step {number} could not be written "
                f"({error.strerror or error}); the ones before it are whole"
            ) from error
        for old in self._steps()[: -self.keep]:
            if old != best:
                shutil.rmtree(self.folder / f"step-{old:09d}", ignore_errors=True)

    def _steps(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        matches = (NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(match[1]) for match in matches if match)

    def latest(self) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
        """Arrays and progress of the newest whole checkpoint; a damaged one is passed over.

        Returns:
            None where there is no checkpoint.

        Raises:
            CheckpointError: where there are some and all are damaged.
        """
        steps = self._steps()
        for step in reversed(steps):
            path = self.folder / f"step-{step:09d}"
            try:
                with np.load(path / "arrays.npz", allow_pickle=False) as file:
                    arrays = {name: file[name] for name in file.files}  # checks every CRC
                progress = json.loads((path / "progress.json").read_text(encoding="utf-8"))
            except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
                _log.warning("%s: damaged (%s); going back to the one before", path, error)
                continue
            return arrays, progress
        if steps:
            raise CheckpointError(f"{self.folder}: every checkpoint is damaged")
        return None


def _to_disk(file: IO) -> None:
    file.flush()
    os.fsync(file.fileno())
