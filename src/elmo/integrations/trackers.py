"""Keras callbacks that send a training's figures to TensorBoard and to Weights & Biases.

What is sent are the lines of `metrics.csv` and `steps.csv`. Keras's own callback for
TensorBoard needs TensorFlow; this one needs the package `tensorboard` alone.

Example:
    elmo.train("corpus.txt", output="my-elmo", callbacks=[tensorboard("my-elmo/run/tensorboard")])
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Protocol

import keras

from elmo.config import ConfigError
from elmo.training.report import Logs


def tensorboard(folder: str | os.PathLike[str]) -> keras.callbacks.Callback:
    """A callback that writes events for TensorBoard (extra `tensorboard`).

    Args:
        folder: for its files; look at them with `tensorboard --logdir FOLDER`.

    Raises:
        ConfigError: the package is missing.
    """
    try:
        from tensorboard.summary import Writer
    except ImportError as error:
        raise _missing("TensorBoard", "tensorboard") from error
    return _TensorBoard(lambda: Writer(os.fspath(folder)))


def wandb(
    project: str, *, name: str | None = None, config: dict[str, Any] | None = None
) -> keras.callbacks.Callback:
    """A callback that logs to a project of Weights & Biases (extra `wandb`); the run begins here.

    Args:
        project: its name.
        name: of the run.
        config: settings to show beside it.

    Raises:
        ConfigError: the package is missing.
    """
    try:
        import wandb
        from wandb.integration.keras import WandbMetricsLogger
    except ImportError as error:
        raise _missing("Weights & Biases", "wandb") from error
    if wandb.run is None:
        wandb.init(project=project, name=name, config=config or {})
    wandb.define_metric("step/*", step_metric="step/step")
    return _steps_of(WandbMetricsLogger, wandb.log)(log_freq="epoch")


def _missing(what: str, extra: str) -> ConfigError:
    return ConfigError(
        f"{what} needs the package {extra!r}, which is not installed: "
        f"pip install 'elmo-keras[{extra}]'"
    )


def _steps_of(
    logger: type[keras.callbacks.Callback], log: Callable[[dict[str, float]], None]
) -> type[keras.callbacks.Callback]:
    """The logger of epochs, which logs the lines between them as well, as `step/…`."""

    class Steps(logger):
        def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
            super().on_train_batch_end(batch, logs)
            if logs and "step" in logs:
                log({f"step/{name}": value for name, value in logs.items()})

    return Steps


class _Writer(Protocol):
    """What is asked of TensorBoard's writer."""

    def add_scalar(self, tag: str, data: float, step: int) -> object: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...


class _TensorBoard(keras.callbacks.Callback):
    """Scalars of the lines of `metrics.csv` and `steps.csv` at their steps."""

    def __init__(self, open_writer: Callable[[], _Writer]) -> None:
        super().__init__()
        self.open_writer = open_writer
        self.writer: _Writer | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._write(logs or {}, epoch)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if logs and "step" in logs:  # a step that has a line
            self._write(logs, batch)

    def _write(self, logs: Logs, step: int) -> None:
        if self.writer is None:
            self.writer = self.open_writer()
        for name, value in logs.items():
            if name != "step":
                self.writer.add_scalar(name, float(value), step=int(logs.get("step", step)))
        self.writer.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None
