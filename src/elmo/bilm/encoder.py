"""The biLM without its softmax: from ids to every layer's vectors."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from elmo.bilm.ids import check_shape, ids_width
from elmo.config import BiLMConfig
from elmo.layers.bidirectional_stack import BidirectionalStack
from elmo.layers.character_cnn import CharacterCNN
from elmo.layers.dropout import WordDropout, drop_each
from elmo.layers.sequence import reverse_within_length
from elmo.layers.tensors import Shape, State, Tensor
from elmo.layers.token_embedding import TokenEmbedding


@keras.saving.register_keras_serializable(package="elmo")
class BiLMEncoder(keras.layers.Layer):
    """Token encoder and recurrent stack of a biLM (Peters et al. 2018, section 3.1).

    Args:
        config: the architecture, a `BiLMConfig` or its dict.
        seed: of dropout masks.

    Call arguments:
        ids: `(batch, time)` word ids or `(batch, time, M)` character ids, boundaries included, 0 for
            padding and everything else + 1 (`elmo.text.encoding` makes them).
        training: whether dropout is active.

    Returns:
        All layers in text order, `(batch, n_layers + 1, time, output_dim)`. Layer 0 is the token
        vector, once for each direction; layer l is forward and backward output side by side. Vectors
        at padding are zero, but for layers above 0 no more than that is promised.

    Example:
        >>> import numpy as np
        >>> from elmo.config import LSTMConfig
        >>> lstm = LSTMConfig(dim=8, projection_dim=4)
        >>> encoder = BiLMEncoder(BiLMConfig(lstm=lstm, vocabulary_size=10))
        >>> tuple(encoder(np.array([[1, 5, 2, 0]], "int32")).shape)
        (1, 3, 4, 8)
    """

    def __init__(
        self, config: BiLMConfig | dict[str, Any], seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.config = config if isinstance(config, BiLMConfig) else BiLMConfig.from_dict(config)
        self.seed = seed
        lstm, dropout, characters = self.config.lstm, self.config.dropout, self.config.char_cnn
        self.token_encoder: TokenEmbedding | CharacterCNN
        if characters is None:
            assert self.config.vocabulary_size is not None  # `BiLMConfig` asks for it
            self.token_encoder = TokenEmbedding(
                vocabulary_size=self.config.vocabulary_size,
                projection_dim=lstm.projection_dim,
                name="token_encoder",
                dtype=self.dtype_policy,
            )
        else:
            self.token_encoder = CharacterCNN(
                embedding_dim=characters.embedding_dim,
                filters=characters.filters,
                n_highway=characters.n_highway,
                activation=characters.activation,
                projection_dim=lstm.projection_dim,
                n_characters=characters.n_characters,
                word_dim=characters.word_dim,
                n_words=characters.n_words,
                always_project=characters.always_project,
                name="token_encoder",
                dtype=self.dtype_policy,
            )
        self.word_dropouts = []  # one per direction
        if dropout.word:
            self.word_dropouts = [
                WordDropout(
                    dropout.word,
                    seed=None if seed is None else seed + 2000 + number,
                    dtype=self.dtype_policy,
                )
                for number in range(len(self.config.direction_names))
            ]
        self.stack = BidirectionalStack(
            dim=lstm.dim,
            projection_dim=lstm.projection_dim,
            n_layers=lstm.n_layers,
            directions=self.config.direction_names,
            cell_clip=lstm.cell_clip,
            proj_clip=lstm.proj_clip,
            forget_bias=lstm.forget_bias,
            always_project=lstm.always_project,
            use_skip_connections=lstm.use_skip_connections,
            input_dropout=dropout.input,
            recurrent_dropout=dropout.recurrent,
            weight_dropout=dropout.weight,
            variational=dropout.variational,
            seed=None if seed is None else seed + 1,
            name="stack",
            dtype=self.dtype_policy,
        )

    def build(self, input_shape: Shape | None = None) -> None:
        projection_dim = self.config.lstm.projection_dim
        width = () if self.config.char_cnn is None else (self.ids_per_token,)
        self.token_encoder.build((None, None, *width))
        self.stack.build((len(self.config.direction_names), None, None, projection_dim))
        self.built = True

    @property
    def ids_per_token(self) -> int | None:
        """Length of the last axis of character ids; None for a model that reads words."""
        return ids_width(self.config)

    def mask(self, ids: Tensor) -> Tensor:
        """`(batch, time)`, true at tokens and boundaries."""
        real = ops.not_equal(ids, 0)
        return real if self.config.char_cnn is None else ops.any(real, axis=-1)

    def encode_tokens(self, ids: Tensor) -> Tensor:
        """Token vectors, `(…, projection_dim)`, zero at padding."""
        return self.token_encoder(ids)

    def call(self, ids: Tensor, training: bool = False) -> Tensor:
        check_shape(ids, self.config)
        mask = self.mask(ids)
        return self.contextualize(self.encode_tokens(ids), mask, training=training)[0]

    def contextualize(
        self, vectors: Tensor, mask: Tensor, state: State | None = None, training: bool = False
    ) -> tuple[Tensor, State]:
        """All layers from token vectors.

        Args:
            vectors: `(batch, time, projection_dim)` in text order.
            mask: `(batch, time)`, true at real positions, which come first.
            state: `(h, c)` of `(directions, n_layers, batch, ·)`; zeros by default.
            training: whether dropout is active.

        Returns:
            `(batch, n_layers + 1, time, output_dim)` and the last state.
        """
        # Layer 0 is what the token encoder gives, whatever padding a CNN makes up.
        vectors = vectors * ops.expand_dims(ops.cast(mask, vectors.dtype), -1)
        read = [
            reverse_within_length(vectors, mask) if name == "backward" else vectors
            for name in self.config.direction_names
        ]
        masks = ops.stack([mask] * len(read))
        outputs, state = self.read(ops.stack(read), masks, state, training)
        halves = [  # (n_layers, batch, time, P) each, in text order
            self._in_text_order(outputs[:, number], mask)
            if name == "backward"
            else outputs[:, number]
            for number, name in enumerate(self.config.direction_names)
        ]
        bottom = ops.concatenate([vectors] * len(read), axis=-1)
        upper = ops.transpose(ops.concatenate(halves, axis=-1), (1, 0, 2, 3))
        return ops.concatenate([ops.expand_dims(bottom, 1), upper], axis=1), state

    def read(
        self,
        vectors: Tensor,
        mask: Tensor | None,
        state: State | None = None,
        training: bool = False,
        first_direction: int = 0,
    ) -> tuple[Tensor, State]:
        """Every recurrent layer, each direction in its own reading order.

        Args:
            vectors: `(directions, batch, time, projection_dim)`; with fewer directions than the model
                has, they are read alone.
            mask: `(directions, batch, time)`.
            state, training: as in `contextualize`.
            first_direction: which direction the first of `vectors` is, counted from 0.

        Returns:
            `(n_layers, directions, batch, time, projection_dim)` and the last state.
        """
        vectors = drop_each(self.word_dropouts[first_direction:], vectors, training)
        return self.stack(
            vectors, mask=mask, state=state, training=training, first_direction=first_direction
        )

    def _in_text_order(self, outputs: Tensor, mask: Tensor) -> Tensor:
        n_layers, batch, *rest = ops.shape(outputs)
        rows = ops.reshape(outputs, (n_layers * batch, *rest))
        turned = reverse_within_length(rows, ops.tile(mask, (n_layers, 1)))
        return ops.reshape(turned, (n_layers, batch, *rest))

    def of_direction(self, number: int) -> list[keras.Variable]:
        """The variables of a direction alone, weights and seeds, in the same order for each."""
        words = [v for layer in self.word_dropouts[number : number + 1] for v in layer.variables]
        return [*words, *self.stack.of_direction(number)]

    def named_weights(self) -> dict[str, keras.Variable]:
        """The variables under the names that formats and checkpoints use."""
        tokens = self.token_encoder.named_weights()
        return {
            **{f"token_encoder/{name}": variable for name, variable in tokens.items()},
            **self.stack.named_weights(),
        }

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "config": self.config.to_dict(), "seed": self.seed}
