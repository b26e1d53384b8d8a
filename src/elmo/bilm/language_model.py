"""The bidirectional language model: encoder, softmax and the loss of both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from elmo.bilm.encoder import BiLMEncoder
from elmo.config import BiLMConfig
from elmo.layers.dropout import VariationalDropout, drop_each
from elmo.layers.exact_softmax import Predictions
from elmo.layers.lm_head import LMHead
from elmo.layers.sampled_softmax import sampled_nats
from elmo.layers.tensors import Shape, State, Tensor


@keras.saving.register_keras_serializable(package="elmo")
class BiLanguageModel(keras.Model):
    r"""A biLM (Peters et al. 2018): each direction predicts the next token in its reading order.

    .. math::
        \sum_{k=1}^{n+1} \ln \vec p(w_k \mid w_0 \ldots w_{k-1})
        + \sum_{k=0}^{n} \ln \overleftarrow p(w_k \mid w_{k+1} \ldots w_{n+1}),
        \qquad w_0 = \texttt{<S>},\ w_{n+1} = \texttt{</S>}

    The directions share the token encoder and the softmax, nothing else. Called on ids the model gives
    the layers of its encoder; `sampled_loss` and `nats` are the language model.

    Args:
        config: the architecture, a `BiLMConfig` or its dict. Without a `vocabulary_size` there is no
            softmax, only the encoder.
        seed: of the dropout masks.

    Call arguments:
        ids, training: as in `BiLMEncoder`.

    Returns:
        `(batch, n_layers + 1, time, output_dim)`.

    Example:
        >>> import numpy as np
        >>> from elmo.config import LSTMConfig
        >>> lstm = LSTMConfig(dim=8, projection_dim=4)
        >>> model = BiLanguageModel(BiLMConfig(lstm=lstm, vocabulary_size=10, directions="forward"))
        >>> tuple(model(np.array([[1, 5, 2, 0]], "int32")).shape)
        (1, 3, 4, 4)
        >>> sorted(model.named_weights())[-2:]
        ['softmax/kernel', 'token_encoder/embedding']
    """

    def __init__(
        self, config: BiLMConfig | dict[str, Any], seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.config = config if isinstance(config, BiLMConfig) else BiLMConfig.from_dict(config)
        self.seed = seed
        self.encoder = BiLMEncoder(self.config, seed=seed, name="encoder", dtype=self.dtype_policy)
        self.head: LMHead | None = None
        if self.config.vocabulary_size is not None:
            self.head = LMHead(
                vocabulary_size=self.config.vocabulary_size,
                projection_dim=self.config.lstm.projection_dim,
                tied=self.config.weight_tying,
                name="softmax",
                dtype=self.dtype_policy,
            )
        self.output_dropouts = []  # one per direction
        if self.config.dropout.output:
            dropout = (
                VariationalDropout if self.config.dropout.variational else keras.layers.Dropout
            )
            self.output_dropouts = [
                dropout(
                    self.config.dropout.output,
                    seed=None if seed is None else seed + 1000 + number,
                    dtype=self.dtype_policy,
                )
                for number in range(len(self.config.direction_names))
            ]

    def build(self, input_shape: Shape | None = None) -> None:
        self.encoder.build(input_shape)
        if self.head is not None:
            self.head.build()
        self.built = True

    def call(self, ids: Tensor, training: bool = False) -> Tensor:
        return self.encoder(ids, training=training)

    @property
    def softmax_kernel(self) -> keras.Variable:
        """The variable (V, P) that the softmax uses: the head's, or the embedding it is tied to."""
        head = self._softmax()
        return self.encoder.token_encoder.embedding if head.tied else head.kernel

    def _softmax(self) -> LMHead:
        if self.head is None:
            raise ValueError("this model has no softmax: its vocabulary is not known")
        return self.head

    def top(
        self,
        tokens: Tensor,
        inputs: Tensor,
        mask: Tensor | None,
        state: State | None = None,
        training: bool = False,
        first_direction: int = 0,
    ) -> tuple[Tensor, State]:
        """Outputs of the top layer in reading order.

        Args:
            tokens: ids of the distinct tokens of a batch, `(u,)` or `(u, M)`.
            inputs: which of them is read where, `(directions, batch, time)`; with fewer directions
                than the model has, they are run alone.
            mask: `(directions, batch, time)`; None where every position is real.
            state: `(h, c)`; zeros by default.
            training: whether dropout is active.
            first_direction: which direction the first of `inputs` is, counted from 0.

        Returns:
            `(directions, batch, time, projection_dim)` and the last state.
        """
        vectors = self.encoder.encode_tokens(tokens)
        return self.top_from_vectors(vectors, inputs, mask, state, training, first_direction)

    def top_from_vectors(
        self,
        vectors: Tensor,
        inputs: Tensor,
        mask: Tensor | None,
        state: State | None = None,
        training: bool = False,
        first_direction: int = 0,
    ) -> tuple[Tensor, State]:
        """As `top`, from the vectors `(u, projection_dim)` of the distinct tokens."""
        read = ops.take(vectors, inputs, axis=0)  # (directions, batch, time, P)
        if mask is not None:
            read = read * ops.expand_dims(ops.cast(mask, read.dtype), -1)
        outputs, state = self.encoder.read(read, mask, state, training, first_direction)
        return drop_each(self.output_dropouts[first_direction:], outputs[-1], training), state

    def nats(self, h: Tensor, targets: Tensor, block: int | None = None) -> Tensor:
        """Exact −ln P of targets: `h` is `(n, P)`, `targets` `(n,)` counts types from 0.

        With `block` the scores of so many types are held at a time: faster, and for evaluation.
        """
        head = self._softmax()
        return head.nats(h, targets, self.softmax_kernel if head.tied else None, block)

    def predictions(self, h: Tensor, targets: Tensor, block: int = 1024) -> Predictions:
        """Exact nats and ranks of targets, and entropies; arguments as in `nats`."""
        head = self._softmax()
        return head.predictions(h, targets, self.softmax_kernel if head.tied else None, block)

    def log_probabilities(self, h: Tensor) -> Tensor:
        """ln P of every type, float32 `(n, V)`, for `h` `(n, P)`."""
        head = self._softmax()
        scores = head(h, self.softmax_kernel if head.tied else None)
        return ops.log_softmax(ops.cast(scores, "float32"), axis=-1)

    @staticmethod
    def sampled_loss(
        h: Tensor, kernel_rows: Tensor, bias_rows: Tensor, batch: Mapping[str, Tensor]
    ) -> Tensor:
        """Summed nats of each direction over a batch's candidates.

        Args:
            h: `(directions, batch, time, P)`.
            kernel_rows, bias_rows: rows of the softmax that the batch names, `(r, P)` and `(r,)`.
            batch: `targets` and `mask` `(directions, batch, time)`, `negatives` `(directions or 1, k)`
                (places among the rows), `target_log_expected`, `negative_log_expected`.

        Returns:
            `(directions,)` float32: the sum over real targets.
        """
        n_directions, size = h.shape[0], h.shape[-1]
        shared = batch["negatives"].shape[0] == 1 and n_directions > 1
        groups = 1 if shared else n_directions
        h = ops.reshape(h, (groups, -1, size))
        targets = ops.reshape(batch["targets"], (groups, -1))
        log_expected = ops.reshape(batch["target_log_expected"], (groups, -1))
        nats = []
        for group in range(groups):
            negatives = batch["negatives"][group]
            nats.append(
                sampled_nats(
                    h[group],
                    ops.take(kernel_rows, targets[group], axis=0),
                    ops.take(bias_rows, targets[group], axis=0),
                    log_expected[group],
                    ops.take(kernel_rows, negatives, axis=0),
                    ops.take(bias_rows, negatives, axis=0),
                    batch["negative_log_expected"][group],
                    ops.equal(targets[group][:, None], negatives[None, :]),
                )
            )
        nats = ops.reshape(ops.stack(nats), (n_directions, -1))
        weights = ops.reshape(ops.cast(batch["mask"], "float32"), (n_directions, -1))
        return ops.sum(nats * weights, axis=1)

    def of_direction(self, number: int) -> list[keras.Variable]:
        """The variables of a direction alone, weights and seeds, in the same order for each."""
        last = [v for layer in self.output_dropouts[number : number + 1] for v in layer.variables]
        return [*self.encoder.of_direction(number), *last]

    def named_weights(self) -> dict[str, keras.Variable]:
        """The variables under the names that formats and checkpoints use."""
        head = {} if self.head is None else self.head.named_weights()
        return {
            **self.encoder.named_weights(),
            **{f"softmax/{name}": variable for name, variable in head.items()},
        }

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "config": self.config.to_dict(), "seed": self.seed}
