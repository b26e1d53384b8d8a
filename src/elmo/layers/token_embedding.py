"""The table of word vectors of a model that reads whole words."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from elmo.layers.initial_values import Initializer, drawn
from elmo.layers.tensors import Shape, Tensor


def embed(table: Tensor, ids: Tensor, dtype: str | None = None) -> Tensor:
    """Rows `ids − 1` of a table `(rows, dim)`; zeros for id 0, which is padding.

    Rows are picked before they are cast to `dtype`: the table itself is never copied.
    """
    ids = ops.cast(ids, "int32")
    rows = ops.take(table, ops.maximum(ids - 1, 0), axis=0)  # (…, dim)
    if dtype is not None:
        rows = ops.cast(rows, dtype)
    return ops.where(ops.expand_dims(ids > 0, -1), rows, ops.zeros_like(rows))


@keras.saving.register_keras_serializable(package="elmo")
class TokenEmbedding(keras.layers.Layer):
    r"""A vector for each type of a vocabulary.

    .. math:: y = E_{id - 1} \text{ for } id > 0, \quad y = 0 \text{ for padding}, id = 0

    The table has no row for padding, as in the published files.

    Args:
        vocabulary_size: number of types, V.
        projection_dim: size of a vector, P.
        embeddings_initializer: of the table; uniform in ±1 by default, as in the published
            training.

    Call arguments:
        ids: integers of any shape, number in the vocabulary + 1.

    Returns:
        `(…, projection_dim)`. Nothing is masked further on: zeros are what padding gives.

    Example:
        >>> import numpy as np
        >>> layer = TokenEmbedding(vocabulary_size=10, projection_dim=4)
        >>> tuple(layer(np.array([[1, 10, 0]], "int32")).shape)
        (1, 3, 4)
    """

    def __init__(
        self,
        vocabulary_size: int,
        projection_dim: int,
        embeddings_initializer: Initializer | dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (
            ("vocabulary_size", vocabulary_size),
            ("projection_dim", projection_dim),
        ):
            if value < 1:
                raise ValueError(f"{name}={value!r}: must be 1 or more")
        self.vocabulary_size = vocabulary_size
        self.projection_dim = projection_dim
        if embeddings_initializer is None:
            embeddings_initializer = keras.initializers.RandomUniform(-1.0, 1.0)
        self.embeddings_initializer = keras.initializers.get(embeddings_initializer)

    def build(self, input_shape: Shape | None = None) -> None:
        self.embedding = self.add_weight(
            name="embedding",
            shape=(self.vocabulary_size, self.projection_dim),
            initializer=drawn(self.embeddings_initializer),
            autocast=False,
        )
        self.built = True

    def call(self, ids: Tensor) -> Tensor:
        return embed(self.embedding, ids, self.compute_dtype)  # (…, projection_dim)

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        return (*input_shape, self.projection_dim)

    def named_weights(self) -> dict[str, keras.Variable]:
        """The variable under its name in saved models, without `token_encoder/`."""
        return {"embedding": self.embedding}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "projection_dim": self.projection_dim,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }
