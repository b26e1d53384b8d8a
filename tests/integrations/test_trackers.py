"""Figures of a training where other programs show them."""

import sys
import types

import keras
import pytest

from elmo.config import ConfigError
from elmo.integrations import trackers


def test_tensorboard_gets_the_columns_of_an_epoch(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    callback = trackers.tensorboard(tmp_path)
    for epoch, valid in enumerate((90.0, 70.5)):
        callback.on_epoch_end(epoch, {"step": 10 * (epoch + 1), "valid_both": valid})
    callback.on_train_end()
    callback.on_train_end()
    events = accumulator.EventAccumulator(str(tmp_path)).Reload()
    (name,) = events.Tags()["tensors"] or events.Tags()["scalars"]
    assert name == "valid_both"
    found = events.Tensors(name) if events.Tags()["tensors"] else events.Scalars(name)
    assert [event.step for event in found] == [10, 20]


def test_wandb_begins_a_run_once(monkeypatch):
    begun, logged, metrics = [], [], []

    class Logger(keras.callbacks.Callback):
        def __init__(self, log_freq):
            assert log_freq == "epoch"
            super().__init__()

    package = types.ModuleType("wandb")
    package.run = None

    def init(**how):
        begun.append(how)
        package.run = object()

    package.init, package.log = init, logged.append
    package.define_metric = lambda name, step_metric: metrics.append((name, step_metric))
    integration = types.ModuleType("wandb.integration.keras")
    integration.WandbMetricsLogger = Logger
    monkeypatch.setitem(sys.modules, "wandb", package)
    monkeypatch.setitem(sys.modules, "wandb.integration", types.ModuleType("wandb.integration"))
    monkeypatch.setitem(sys.modules, "wandb.integration.keras", integration)
    callback = trackers.wandb("elmo", name="a", config={"dim": 4})
    assert isinstance(callback, Logger)
    assert isinstance(trackers.wandb("elmo"), Logger)
    callback.on_train_batch_end(0, {"loss": 1.0})
    callback.on_train_batch_end(49, {"step": 50, "train_both": 90.0})
    assert logged == [{"step/step": 50, "step/train_both": 90.0}]
    assert metrics[0] == ("step/*", "step/step")
    assert begun == [{"project": "elmo", "name": "a", "config": {"dim": 4}}]


@pytest.mark.parametrize("name", ["tensorboard", "wandb"])
def test_a_missing_package_names_its_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, f"{name}.summary", None)
    with pytest.raises(ConfigError, match=rf"pip install 'elmo-keras\[{name}\]'"):
        getattr(trackers, name)("somewhere")
