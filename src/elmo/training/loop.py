"""`train`: Keras's `fit` with exact resume, exact validation and reports."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeAlias

import keras
import numpy as np

from elmo.bilm.language_model import BiLanguageModel
from elmo.settings.training import TrainingConfig
from elmo.system.progress import Progress, progress_for, warn
from elmo.text.vocabulary import Vocabulary
from elmo.training.advice import after_epoch
from elmo.training.batches.batches import Batch, Batches, Tokens, prefetch
from elmo.training.checkpoint import Checkpoints, restore, snapshot
from elmo.training.evaluation import Evaluator, evaluate
from elmo.training.report import STEPS, Logs, Metrics, Row, beside, epochs, plot_curve
from elmo.training.steps.schedule import learning_rate
from elmo.training.steps.slots import set_slots
from elmo.training.steps.step import Step, TrainingModel

if TYPE_CHECKING:
    from elmo.training.steps.jax_mesh import Mesh

FEWEST_STEPS, MOST_LINES = 50, 400  # between two lines of metrics, and about how many there are
CURVE_SECONDS = 300  # between two drawings of the curve within an epoch
EVALUATED = ("forward", "backward", "both", "unigram", "per_character", "unknown_share")

Handler: TypeAlias = Callable[[int, FrameType | None], Any] | int | None


class NonFiniteLossError(ArithmeticError):
    """The loss or its gradient is no longer a number; the weights are those from before."""


class TrainingInterrupted(KeyboardInterrupt):
    """Training was asked to stop and has saved a checkpoint first."""


def train(
    network: BiLanguageModel,
    batches: Batches,
    config: TrainingConfig,
    *,
    folder: str | Path,
    save_model: Callable[[], object],
    valid: Mapping[str, Tokens] | None = None,
    test: Mapping[str, Tokens] | None = None,
    vocabulary: Vocabulary | None = None,
    further: bool = False,
    resume: bool = False,
    initial_slots: Mapping[str, np.ndarray] | None = None,
    begun: Callable[[], object] | None = None,
    progress: bool | Progress = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    mesh: Mesh | None = None,
) -> list[dict[str, Any]]:
    """Train a network in place.

    After each epoch the validation text is evaluated exactly (in stream mode in `batch_size` rows)
    and, where the perplexity of both directions is the best so far (or there is no validation text),
    `save_model` is called. At the end the network holds the weights of the last step.

    Args:
        network: a built model with a softmax.
        batches: of the training text.
        config: settings.
        folder: for `metrics.csv`, `steps.csv`, `curve.png` and `checkpoints/`.
        save_model: writes the network as it is now.
        valid: encoded validation texts by name.
        test: further texts to evaluate after each epoch; they choose nothing.
        vocabulary: the model's, for the unigram perplexity of these texts.
        further: the network was trained before.
        resume: continue from the newest whole checkpoint in `folder`, if there is one.
        initial_slots: Adagrad's accumulators by the names of the weights, of the training that the
            network comes from; see `set_slots`. A checkpoint that is resumed has its own.
        begun: called once, when the checkpoint is loaded and before the first step.
        progress: a bar or lines, nothing, or your own `Progress`.
        callbacks: Keras callbacks; `logs` of an epoch, and of a step that has a line in `steps.csv`, hold
            its columns.
        mesh: the devices that share each step (`elmo.training.steps.jax_mesh`); None for one.

    Returns:
        The lines of `metrics.csv`, one per epoch.

    Raises:
        NonFiniteLossError: the loss is no longer finite; saved as far as it was.
        TrainingInterrupted: on Ctrl-C or SIGTERM, after a checkpoint was written.
        OSError: the best model could not be written; a checkpoint that could not is warned of, and
            training goes on.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"valid": valid, "test": test}
    run = _Run(network, batches, config, folder, save_model, texts, progress, vocabulary, mesh)
    run.further = further
    try:
        if initial_slots is not None:
            set_slots(run.step, initial_slots)
        if resume:
            run.go_on()
        if begun is not None:
            begun()
        with _Signals() as signals:
            run.fit(signals, callbacks)
    finally:
        run.close()
    if run.unsaved is not None:
        raise run.unsaved
    return epochs(run.metrics.rows)


class _Run:
    """A training between its first step and its last."""

    def __init__(
        self,
        network: BiLanguageModel,
        batches: Batches,
        config: TrainingConfig,
        folder: Path,
        save_model: Callable[[], object],
        texts: Mapping[str, Mapping[str, Tokens] | None],
        progress: bool | Progress,
        vocabulary: Vocabulary | None,
        mesh: Mesh | None,
    ) -> None:
        self.config = config
        self.vocabulary, self.further = vocabulary, False
        self.per_epoch = len(batches)
        self.total = self.per_epoch * config.epochs
        if config.max_steps is not None:
            self.total = min(self.total, config.max_steps)
        self.report_steps = config.report_steps or max(FEWEST_STEPS, -(-self.total // MOST_LINES))
        self.batches = batches
        rate = learning_rate(config, self.total)
        self.step = Step(network, config, rate, self._batch, self._steps_until_pause, mesh)
        self.model = TrainingModel(self.step)
        self.checkpoints = Checkpoints(
            folder / "checkpoints", config.keep_checkpoints, on_failure=self._not_written
        )
        self.metrics = Metrics(folder / "metrics.csv")
        self.curve = folder / "curve.png"
        self.save_model = save_model
        self.texts = {name: text for name, text in texts.items() if text}
        self.evaluator = Evaluator(network, config.state, rows=config.batch_size)
        self.progress = progress_for(progress)
        self.best = math.inf
        self.best_step: int | None = None
        self.unsaved: OSError | None = None  # why the best model so far is not on disk
        self.epochs_without_better = 0
        self.seconds = 0.0  # of the runs before this one
        self.sums: dict[str, np.ndarray] = {}  # of the current epoch
        self.told: dict[str, np.ndarray] = {}  # what of these the lines so far have
        self.told_step = 0  # of the newest line
        self.closed = {"step": 0, "tokens": 0}  # where the current epoch begins
        self._feed: Generator[Batch, None, None] | None = None

    def _batch(self, number: int) -> Batch:
        if self._feed is None:
            self._feed = prefetch(self.batches, number, self.config.workers)
        return next(self._feed)

    def _steps_until_pause(self, position: int) -> int:
        """Steps to the end of the epoch, or of the training."""
        return min(self.per_epoch - position % self.per_epoch, self.total - position)

    def go_on(self) -> None:
        """Continue from the newest checkpoint."""
        found = self.checkpoints.latest()
        if found is None:
            self.progress.message("no checkpoint yet: training begins at its first step")
            return
        arrays, state = found
        restore(self.step, arrays)
        if state.get("learning_rate") != self.config.learning_rate:
            # A constant rate is a variable and came back with the others; one that is newly given wins.
            rate = learning_rate(self.config, self.total)
            if isinstance(rate, float | int):
                self.step.optimizer.learning_rate = rate
        self.step.position = state["step"]
        self.metrics = Metrics(self.metrics.path, state["metrics"])
        self.best = math.inf if state["best"] is None else state["best"]
        self.best_step = state.get("best_step")
        self.epochs_without_better = state["epochs_without_better"]
        self.seconds = state["seconds"]
        self.sums = {name: np.array(value) for name, value in state["sums"].items()}
        self.told = {name: np.array(value) for name, value in state.get("told", {}).items()}
        rows = self.metrics.rows
        if "closed" in state:
            self.closed = state["closed"]
        elif rows:  # a checkpoint from before there were lines between epochs
            _mark(rows)
            self.closed = {name: rows[-1][name] for name in self.closed}
        self.told_step = rows[-1]["step"] if rows else 0
        done = self.step.position
        self.progress.message(
            f"resumed after step {done:,} of {self.total:,} (epoch {done / self.per_epoch:.3g})"
        )

    def checkpoint(self, seconds: float) -> None:
        """Write a checkpoint of now, in the background."""
        state = {
            "step": self.step.position,
            "total": self.total,
            "finished": self.finished(),
            "metrics": self.metrics.rows,
            "learning_rate": self.config.learning_rate,
            "best": None if math.isinf(self.best) else self.best,
            "best_step": self.best_step,
            "epochs_without_better": self.epochs_without_better,
            "seconds": seconds,
            "sums": {name: np.asarray(value).tolist() for name, value in self.sums.items()},
            "told": {name: np.asarray(value).tolist() for name, value in self.told.items()},
            "closed": self.closed,
        }
        self.checkpoints.save(self.step.position, snapshot(self.step), state, best=self.best_step)

    def _not_written(self, error: OSError) -> None:
        warn(self.progress, f"{error}; training goes on, and will write the next one")

    def write(self, what: str, action: Callable[[], object]) -> OSError | None:
        """Write a file of the run; where the disk is full training goes on."""
        try:
            action()
        except OSError as error:
            why = error.strerror or error
            warn(self.progress, f"{what} could not be written ({why}); training goes on")
            return error
        return None

    def finished(self) -> bool:
        patience = self.config.patience
        enough = patience is not None and self.epochs_without_better >= patience
        return enough or self.step.position >= self.total

    def fit(self, signals: _Signals, callbacks: Sequence[keras.callbacks.Callback]) -> None:
        """All epochs that are left: the rest of a broken one first, then whole ones."""
        watch = _Watch(self, signals)
        self.progress.start(self.total, self.step.position)
        while not self.finished():
            epoch, done = divmod(self.step.position, self.per_epoch)
            last = epoch + 1 if done else self.config.epochs
            calls = -(-(self.per_epoch - done) // self.config.steps_per_execution)
            self.model.run(calls, epoch, last, [watch, *callbacks])
            watch.raise_if_stopped()

    def close(self) -> None:
        self.progress.stop()
        if self._feed is not None:
            self._feed.close()
        self.checkpoints.close()


def _mark(rows: list[dict[str, Any]]) -> None:
    """Say of lines of whole epochs which models were kept."""
    best = math.inf
    for row in rows:
        valid = row.get("valid_both")
        row["kept"] = int(valid is None or valid < best)
        best = min(best, math.inf if valid is None else valid)


class _Watch(keras.callbacks.Callback):
    """Callback: sums, progress, checkpoints, validation, stopping."""

    def __init__(self, run: _Run, signals: _Signals) -> None:
        super().__init__()
        self.run = run
        self.signals = signals
        self.started = time.monotonic()
        self.last_look = self.last_checkpoint = self.started
        self.last_waiting = run.step.waiting
        self.last_curve = self.started
        self.line: tuple[float, float, int] | None = None  # time, waiting, step that a line begins
        self.bad = False

    @property
    def seconds(self) -> float:
        return self.run.seconds + time.monotonic() - self.started

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self.epoch_started, self.waited = time.monotonic(), self.run.step.waiting
        self.epoch_targets = 0.0
        self.line = None

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        run, now = self.run, time.monotonic()
        if self.line is None:  # the first step of a kind is compiled: no measure of those to come
            self.line = now, run.step.waiting, run.step.position
        if now - self.last_look > 1.0:
            self._look()
        if self._line_is_due():
            self._look()
            if not self.bad:
                self._tell(logs)
        stop = self.bad or self.signals.asked or run.step.position >= run.total
        if stop:
            run.model.stop_training = True
        elif now - self.last_checkpoint > 60 * run.config.checkpoint_minutes:
            self._checkpoint()

    def _look(self) -> None:
        """Read the sums of the steps since the last look."""
        sums = self.run.step.take_sums()
        self.bad = self.bad or bool(sums.pop("bad"))
        for name, value in sums.items():
            self.run.sums[name] = self.run.sums.get(name, 0.0) + value.astype(np.float64)
        targets = float(sums["targets"].sum()) / len(sums["targets"])
        self.epoch_targets += targets
        now = time.monotonic()  # reading the sums has waited for the steps
        elapsed, waiting = max(now - self.last_look, 1e-9), self.run.step.waiting
        rate, waited = targets / elapsed, (waiting - self.last_waiting) / elapsed
        self.last_look, self.last_waiting = now, waiting
        if not targets:  # no step since the last look: nothing new to show
            return
        perplexities = self._training_perplexities()
        self.run.progress.update(
            self.run.step.position,
            **{f"train_{name}": value for name, value in perplexities.items()},
            tokens_per_second=rate,
            waiting_share=min(waited, 1.0),
        )

    def _line_is_due(self) -> bool:
        """A line within an epoch; its end has its own."""
        run, step = self.run, self.run.step.position
        every = run.report_steps
        inside = step % run.per_epoch != 0 and step < run.total
        return inside and step // every > run.told_step // every

    def _tell(self, logs: Logs | None) -> None:
        """Write a line on the steps since the one before."""
        _ = self.model  # on JAX this brings the variables up to date
        run, now = self.run, time.monotonic()
        since = {name: value - run.told.get(name, 0.0) for name, value in run.sums.items()}
        assert self.line is not None  # it has begun
        begun, waiting, first = self.line
        position = run.step.position
        steps = position - run.told_step
        targets = float(np.mean(since["targets"]))
        elapsed = max(now - begun, 1e-9)
        row: dict[str, Any] = {
            "epoch": position / run.per_epoch,
            "step": position,
            "kept": None,
            "tokens": run.closed["tokens"] + int(np.mean(run.sums["targets"])),
            "seconds": self.seconds,
            "learning_rate": float(run.step.optimizer.learning_rate),
            "gradient_norm": float(since["norm"]) / steps,
            "waiting_share": (run.step.waiting - waiting) / elapsed,
            **{f"train_{k}": v for k, v in self._perplexities(since).items()},
        }
        if position > first:
            row["tokens_per_second"] = targets / steps * (position - first) / elapsed
        run.write(STEPS, lambda: run.metrics.add(**row))
        if logs is not None:
            logs.update({name: value for name, value in row.items() if value is not None})
        if now - self.last_curve > CURVE_SECONDS:
            run.write(run.curve.name, lambda: plot_curve(run.metrics.rows, run.curve))
            self.last_curve = now
        run.told, run.told_step = dict(run.sums), position
        self.line = time.monotonic(), run.step.waiting, position

    def _training_perplexities(self) -> dict[str, float]:
        return self._perplexities(self.run.sums)

    def _perplexities(self, sums: Mapping[str, np.ndarray]) -> dict[str, float]:
        targets = np.asarray(sums.get("targets", 0.0))
        if not targets.any():
            return {}
        nats = sums["nats"] / np.maximum(targets, 1)
        names = self.run.step.network.config.direction_names
        values = dict(zip(names, nats.tolist(), strict=True))
        values["both"] = float(nats.mean())
        return {name: math.exp(min(value, 700.0)) for name, value in values.items()}

    def _checkpoint(self) -> None:
        _ = self.model  # on JAX this brings the variables up to date
        self._look()
        self.run.checkpoint(self.seconds)
        self.last_checkpoint = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        run = self.run
        self._look()
        if self.bad:
            run.checkpoint(self.seconds)
            return
        finished = run.step.position >= run.total or run.step.position % run.per_epoch == 0
        if not finished:  # stopped in the middle
            run.checkpoint(self.seconds)
            return
        self._report(logs if logs is not None else {})
        run.checkpoint(self.seconds)
        self.last_checkpoint = self.last_look = time.monotonic()
        if run.finished():
            run.model.stop_training = True

    def _report(self, logs: Logs) -> None:
        run = self.run
        elapsed = max(time.monotonic() - self.epoch_started, 1e-9)
        steps = max(1, run.step.position - run.closed["step"])
        row: dict[str, Any] = {
            "epoch": run.step.position / run.per_epoch,
            "step": run.step.position,
            "learning_rate": float(run.step.optimizer.learning_rate),
            "gradient_norm": float(run.sums.get("norm", 0.0)) / steps,
            "tokens_per_second": self.epoch_targets / elapsed,
            "waiting_share": (run.step.waiting - self.waited) / elapsed,
            **{f"train_{k}": v for k, v in self._training_perplexities().items()},
        }
        row["tokens"] = run.closed["tokens"] + int(np.mean(run.sums.get("targets", 0.0)))
        for name, text in run.texts.items():
            with run.step.on_one_device():
                result = evaluate(
                    run.step.network, text, evaluator=run.evaluator, vocabulary=run.vocabulary
                )
            row.update({f"{name}_{column}": getattr(result, column) for column in EVALUATED})
        valid = row.get("valid_both")
        # One whose validation is not finite is kept as long as there is no other.
        better = valid is None or valid < run.best or run.best_step is None
        run.epochs_without_better = 0 if better else run.epochs_without_better + 1
        row["seconds"] = self.seconds
        if better:
            run.unsaved = run.write("the best model so far", run.save_model)
            if run.unsaved is None and valid is not None:  # else one as good may still be written
                run.best = valid if math.isfinite(valid) else math.inf
                run.best_step = run.step.position
        row["kept"] = int(better and run.unsaved is None)
        run.write(run.metrics.path.name, lambda: run.metrics.add(**row))
        run.write(run.curve.name, lambda: plot_curve(run.metrics.rows, run.curve))
        self.last_curve = time.monotonic()
        run.sums, run.told, run.told_step = {}, {}, run.step.position
        run.closed = {"step": run.step.position, "tokens": row["tokens"]}
        logs.update({name: value for name, value in row.items() if value is not None})
        figures = {
            k: row.get(k) for k in ("train_both", "valid_both", "test_both", "tokens_per_second")
        }
        shown = "  ".join(
            f"{k.replace('_', ' ')} {v:,.1f}{self._beside(row, k)}" for k, v in figures.items() if v
        )
        kept = "  (kept: the best so far)" if better and valid and not run.unsaved else ""
        run.progress.message(f"epoch {row['epoch']:.3g}  {shown}{kept}")
        if valid is not None and not math.isfinite(valid):
            warn(
                run.progress,
                f"epoch {row['epoch']:.3g}: the validation perplexity is not finite: the model gives "
                "words of that text no probability at all; a lower learning_rate usually helps",
            )
        for advice in after_epoch(
            epochs(run.metrics.rows),
            run.config,
            steps_left=0 if run.finished() else run.total - run.step.position,
            further=run.further,
        ):
            warn(run.progress, advice)

    def _beside(self, row: Row, column: str) -> str:
        """What a perplexity of a line is read beside, in brackets."""
        if column == "train_both" and self.run.config.negatives:
            return f" (of {self.run.config.negatives:,} candidates)"
        found = beside(row, column.removesuffix("both")) if column.endswith("_both") else ""
        return f" ({found})" if found else ""

    def raise_if_stopped(self) -> None:
        """After `fit`: say why it stopped early."""
        if self.bad:
            config = self.run.config
            cures = [
                "a lower learning_rate usually helps (--resume --learning-rate "
                f"{config.learning_rate / 2:g})",
                "clip_norm=1" if config.clip_norm is None else "a lower clip_norm",
            ]
            if config.precision != "float32":
                cures.append("precision='float32'")
            raise NonFiniteLossError(
                f"step {self.run.step.position}: the loss or its gradient is not finite; the "
                f"weights are those from before: {', or '.join(cures)}"
            )
        if self.signals.asked and not self.run.finished():
            self.run.checkpoints.wait()
            if self.run.checkpoints.error is not None:
                raise self.run.checkpoints.error
            raise TrainingInterrupted(f"stopped at step {self.run.step.position}")


class _Signals:
    """Ctrl-C and SIGTERM ask for a stop; a second one means it."""

    def __init__(self) -> None:
        self.asked = False
        self._before: dict[int, Handler] = {}

    def __enter__(self) -> _Signals:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._ask)
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            self.__exit__()
            raise KeyboardInterrupt
        self.asked = True

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}
