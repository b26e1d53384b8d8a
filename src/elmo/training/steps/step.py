"""The compiled training step, under Keras's `fit`.

`TrainingModel` is what `fit` drives. Its `Step` fetches the batch of the next number, and carries from
step to step what no saved model should hold: the LSTM state, the slots of the tables, sums for reports.

Tables (word vectors, the softmax) go past Keras's optimizer: the rows that a batch names are gathered
before the loss, are differentiated as inputs, and are written back with `RowOptimizer`. So a step costs
the same for 30,000 and for 800,000 words.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import keras
import numpy as np
from keras import ops

from elmo.bilm.language_model import BiLanguageModel
from elmo.layers.tensors import State, Tensor
from elmo.settings.training import TrainingConfig
from elmo.training.steps.optimizers import RowOptimizer, global_norm, make_optimizer
from elmo.training.steps.schedule import LearningRate
from elmo.training.steps.values import Batch, Carried, Carry, Result, Rows, Slots, TrainFunction

if TYPE_CHECKING:
    from elmo.training.steps.jax_mesh import Mesh


class Step:
    """The arithmetic of a training step, and what one step hands to the next.

    Args:
        network: a built model with a softmax.
        config: settings of the training.
        learning_rate: a number or a Keras schedule.
        batch_of: from a number to a batch (see `Batches.batch`); called in order, from `position` on.
        steps_until_pause: how many steps there are before control returns to the caller; without it a
            call makes `steps_per_execution` steps each time.
        mesh: the devices that share each step; None for one.

    Attributes:
        position: the number of the next batch.
        waiting: seconds spent waiting for batches.
        tables: variables of which a step touches few rows: name of the rows in a batch → variable.
        dense: the other trainable variables.
        carry: `h`, `c`, `slots` of the tables, `sums`.
    """

    def __init__(
        self,
        network: BiLanguageModel,
        config: TrainingConfig,
        learning_rate: LearningRate,
        batch_of: Callable[[int], Batch],
        steps_until_pause: Callable[[int], int] | None = None,
        mesh: Mesh | None = None,
    ) -> None:
        self.network = network
        self.mesh = mesh
        self.config = config
        self.batch_of = batch_of
        self.position = 0
        self.waiting = 0.0
        self.steps_until_pause = steps_until_pause
        self.tables = self._find_tables()
        table_ids = {id(variable) for variable in self.tables.values()}
        self.dense = [v for v in network.trainable_variables if id(v) not in table_ids]
        self.optimizer = make_optimizer(
            config.optimizer,
            learning_rate,
            initial_accumulator=config.initial_accumulator,
            weight_decay=config.weight_decay,
        )
        self.optimizer.build(self.dense)
        self.row_optimizer = RowOptimizer(self.optimizer)
        self.carry = self.initial_carry()

    def _find_tables(self) -> dict[str, keras.Variable]:
        network, head = self.network, self.network.head
        assert head is not None  # a network with a softmax
        tables = {}
        words = network.config.char_cnn is None
        if self.config.negatives:
            tables["softmax"] = network.softmax_kernel
            tables["bias"] = head.bias
        if words and not head.tied:
            tables["tokens"] = network.encoder.token_encoder.embedding
        return tables

    def initial_carry(self) -> Carry:
        """Zero state, fresh slots, empty sums."""
        lstm = self.network.config.lstm
        n = len(self.network.config.direction_names)
        shape = (n, lstm.n_layers, self.config.batch_size)
        return {
            "h": ops.zeros((*shape, lstm.projection_dim)),
            "c": ops.zeros((*shape, lstm.dim)),
            "slots": {
                name: self.row_optimizer.initial_slots(tuple(variable.shape))
                for name, variable in self.tables.items()
            },
            "sums": {
                "nats": ops.zeros((n,)),
                "targets": ops.zeros((n,)),
                "norm": ops.zeros(()),
                "bad": ops.zeros((), dtype="int32"),
            },
        }

    def take_sums(self) -> dict[str, np.ndarray]:
        """Sums since the last call: nats and targets of each direction, gradient norm, bad steps."""
        sums = {name: ops.convert_to_numpy(v).copy() for name, v in self.carry["sums"].items()}
        self.carry = {
            **self.carry,
            "sums": {name: ops.zeros_like(v) for name, v in self.carry["sums"].items()},
        }
        return sums

    def next_batches(self) -> list[Batch]:
        """The batches of one call: `steps_per_execution`, or what is left of them."""
        steps = self.config.steps_per_execution
        if self.steps_until_pause is not None:
            steps = max(1, min(steps, self.steps_until_pause(self.position)))
        return [self.next_batch() for _ in range(steps)]

    def next_batch(self) -> Batch:
        """The batch at `self.position`, which moves on by one."""
        start = time.perf_counter()
        batch = self.batch_of(self.position)
        self.waiting += time.perf_counter() - start
        self.position += 1
        return batch

    @contextlib.contextmanager
    def on_one_device(self) -> Iterator[None]:
        """Within it, what is computed with the network is not computed by every device of the mesh."""
        if self.mesh is None:
            yield
        else:
            with self.mesh.on_one_device(self.network.variables):
                yield

    def gather(self, tables: Mapping[str, Tensor], batch: Batch) -> Rows:
        """The touched rows of tables or slots."""
        return {
            name: ops.take(
                table, ops.maximum(ops.cast(self.row_ids(name, batch), "int32"), 0), axis=0
            )
            for name, table in tables.items()
        }

    @staticmethod
    def row_ids(name: str, batch: Batch) -> Tensor:
        """Rows of a table from 0; padding stands for row 0 or below."""
        return batch["tokens"] - 1 if name == "tokens" else batch["rows"]

    @staticmethod
    def mask_name(name: str) -> str:
        """What in a batch tells a table's real rows from padding."""
        return "token_mask" if name == "tokens" else "row_mask"

    def state(self, carry: Carried, batch: Batch) -> State | None:
        """`(h, c)` that the rows of a batch begin from; None for zero."""
        if self.config.mode == "sentence":
            return None
        keep = 1.0 - ops.reshape(batch["reset"], (1, 1, -1, 1))
        return carry["h"] * keep, carry["c"] * keep

    def weights(self, batch: Batch) -> Tensor:
        """What a direction's summed nats are divided by to be a mean.

        The last windows of a stream hold few targets: they count as what they are, not as a whole
        batch, whose step would be as long.
        """
        if self.config.mode == "stream":
            return float(np.prod(batch["mask"].shape[1:]))
        return ops.maximum(ops.sum(ops.cast(batch["mask"], "float32"), axis=(1, 2)), 1.0)

    def encodes(self, batch: Batch) -> bool:
        """Whether the token vectors are computed, not looked up among rows of a table."""
        return "tokens" in batch and "tokens" not in self.tables

    def encode(self, batch: Batch) -> Tensor:
        """Vectors of the batch's distinct tokens, `(u, projection_dim)`."""
        arrays = [batch[name] for name in ("long_tokens", "tokens") if name in batch]
        vectors = self.network.encoder.encode_tokens(arrays if len(arrays) > 1 else arrays[0])
        return vectors if self.mesh is None else self.mesh.gathered(vectors)

    def loss(
        self, rows: Rows, state: State | None, batch: Batch, weights: Tensor
    ) -> tuple[Tensor, tuple[Tensor, Tensor, State]]:
        """The loss to differentiate, and `(nats, targets, state)` of the step.

        Args:
            rows: the touched rows of tables; and `vectors` of the batch's distinct tokens, where they
                were encoded before.
            state: see `state`.
            batch: a batch, or a part of its rows.
            weights: of the whole batch; see `weights`.
        """
        network = self.network
        if "vectors" in rows:
            vectors = rows["vectors"]
        elif self.encodes(batch):
            vectors = self.encode(batch)
        else:  # tied and sampled: the softmax's rows are what is read, too
            vectors = rows["tokens"] if "tokens" in rows else rows["softmax"]
        vectors = ops.cast(vectors, network.compute_dtype)
        # In a stream padding stands behind a row's end alone, and the next epoch begins from zero
        # state: what is computed there is read by nobody, and a scan without a mask is faster.
        mask = None if self.config.mode == "stream" else batch["mask"]
        h, (end_h, end_c) = network.top_from_vectors(
            vectors, batch["inputs"], mask, state, training=True
        )
        targets = ops.sum(ops.cast(batch["mask"], "float32"), axis=(1, 2))
        if self.config.negatives:
            kernel = ops.cast(rows["softmax"], h.dtype)
            nats = network.sampled_loss(h, kernel, rows["bias"], batch)
        else:
            flat = network.nats(
                ops.reshape(h, (-1, h.shape[-1])), ops.reshape(batch["targets"], (-1,))
            )
            nats = ops.reshape(flat, batch["mask"].shape) * ops.cast(batch["mask"], "float32")
            nats = ops.sum(nats, axis=(1, 2))
        end = ops.stop_gradient(end_h), ops.stop_gradient(end_c)
        return ops.mean(nats / weights) * self.config.loss_scale, (nats, targets, end)

    def clip(self, gradients: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Gradients cut by value and by their common norm, and that norm."""
        if self.config.clip_value is not None:
            limit = self.config.clip_value
            gradients = [ops.clip(g, -limit, limit) for g in gradients]
        norm = global_norm(gradients)
        if self.config.clip_norm is not None:
            scale = self.config.clip_norm / ops.maximum(norm, self.config.clip_norm)
            gradients = [g * scale for g in gradients]
        return gradients, norm

    def row_deltas(
        self,
        rows: Rows,
        slots: Slots,
        gradients: Rows,
        batch: Batch,
        learning_rate: Tensor,
        good: Tensor,
    ) -> dict[str, list[Tensor]]:
        """What is added to the touched rows of each table and of its slots."""
        deltas = {}
        for name, gradient in gradients.items():
            mask = batch[self.mask_name(name)]
            mask = ops.reshape(mask, (-1,) + (1,) * (len(gradient.shape) - 1))
            keep = ops.logical_and(mask > 0, good)
            changes = self.row_optimizer.deltas(rows[name], slots[name], gradient, learning_rate)
            deltas[name] = [ops.where(keep, d, 0.0) for d in changes]
        return deltas

    def next_carry(
        self, carry: Carry, slots: Slots, result: Result, norm: Tensor, good: Tensor
    ) -> Carry:
        """What the next step starts from; a step that was not finite leaves no trace but its count."""
        sums, (nats, targets, state) = carry["sums"], result
        h, c = carry["h"], carry["c"]
        if self.config.mode == "stream":
            assert state is not None
            h, c = ops.where(good, state[0], h), ops.where(good, state[1], c)
        return {
            "h": h,
            "c": c,
            "slots": slots,
            "sums": {
                "nats": sums["nats"] + ops.where(good, nats, 0.0),
                "targets": sums["targets"] + ops.where(good, targets, 0.0),
                "norm": sums["norm"] + ops.where(good, norm, 0.0),
                "bad": sums["bad"] + ops.cast(ops.logical_not(good), "int32"),
            },
        }


class TrainingModel(keras.Model):
    """What Keras drives: a network under a `Step`, which fetches its own batches by their number.

    So Keras's data adapters, which would copy each array of a batch, see none of them, and a run is
    resumed at any step. Callbacks, `stop_training` and the state of the backend are Keras's.
    """

    train_function: TrainFunction | None

    def __init__(self, step: Step) -> None:
        super().__init__(name="training")
        self.network = step.network
        self.step = step
        self.built = True
        self.compile(optimizer=step.optimizer, loss=None)

    def call(self, ids: Tensor, training: bool = False) -> Tensor:
        return self.network(ids, training=training)

    def run(
        self, calls: int, epoch: int, last_epoch: int, callbacks: Sequence[keras.callbacks.Callback]
    ) -> None:
        """Train for some epochs.

        Args:
            calls: of the compiled function per epoch.
            epoch, last_epoch: numbers from 0; the last one is not run.
            callbacks: Keras callbacks.
        """
        tickets = np.zeros((calls, 1), np.float32)  # `fit` counts them; nobody reads them
        self.fit(
            tickets,
            batch_size=1,
            shuffle=False,
            initial_epoch=epoch,
            epochs=last_epoch,
            verbose=0,
            callbacks=list(callbacks),
        )

    def make_train_function(self, force: bool = False) -> None:
        """Called by `fit`: the function that makes one step."""
        if self.train_function is not None and not force:
            return
        backend = keras.backend.backend()
        if backend == "jax":
            from elmo.training.steps.jax_step import make_step
        elif backend == "tensorflow":
            from elmo.training.steps.tensorflow_step import make_step
        else:
            from elmo.training.steps.torch_step import make_step
        self.train_function = make_step(self.step)
