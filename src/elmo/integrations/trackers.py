"""Keras callbacks that send a training's figures to TensorBoard and to Weights & Biases.

What is sent are the columns of `metrics.csv`, once an epoch. Keras's own callback for TensorBoard needs
TensorFlow; this one needs the package `tensorboard` alone.

Example:
    elmo.train("corpus.txt", output="my-elmo", callbacks=[tensorboard("my-elmo/run/tensorboard")])
"""

from __future__ import annotations

import os
from typing import Any

import keras

from elmo.config import ConfigError


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
    return WandbMetricsLogger(log_freq="epoch")


def _missing(what: str, extra: str) -> ConfigError:
    return ConfigError(
        f"{what} needs the package {extra!r}, which is not installed: "
        f"pip install 'elmo-keras[{extra}]'"
    )


class _TensorBoard(keras.callbacks.Callback):
    """Scalars of an epoch at its step."""

    def __init__(self, open_writer: Any) -> None:
        super().__init__()
        self.open_writer = open_writer
        self.writer: Any = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        if self.writer is None:
            self.writer = self.open_writer()
        for name, value in logs.items():
            if name != "step":
                self.writer.add_scalar(name, float(value), step=int(logs.get("step", epoch)))
        self.writer.flush()

    def on_train_end(self, logs: Any = None) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None
