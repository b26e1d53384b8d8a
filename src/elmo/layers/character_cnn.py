"""From the spelling of a token to its vector: the character CNN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from elmo.layers.highway import Highway
from elmo.layers.initial_values import drawn
from elmo.layers.tensors import Shape, Tensor
from elmo.layers.token_embedding import embed

ACTIVATIONS = {"relu": ops.relu, "tanh": ops.tanh}


@keras.saving.register_keras_serializable(package="elmo")
class CharacterCNN(keras.layers.Layer):
    r"""Character CNN with highway layers (Kim et al. 2016; Peters et al. 2018).

    .. math::
        f_i = \phi\bigl(\max_t (K_i * E)_t + b_i\bigr), \quad
        y = \mathrm{highway}([f_1; f_2; \dots]) W + b

    E holds the vectors of a token's characters, K_i the filters of one width, * is the valid
    convolution. With `word_dim` a vector of the whole word goes before the character features into
    the projection (ELMoForManyLangs, Che et al. 2018).

    The number of characters M is free: windows that hold the same characters count once in the
    max, so a batch whose tokens all end early may leave out columns of padding, and the result is
    the same as long as the widest filter still finds a window of padding alone behind the longest
    token (or the columns are all there).

    Args:
        embedding_dim: size of a character's vector, C.
        filters: pairs (width, number of filters); F is the sum of the numbers.
        n_highway: number of highway layers.
        activation: `"relu"` or `"tanh"`, after the max over positions.
        projection_dim: size of a token's vector, P.
        n_characters: rows of the character table; there is none for "no character", id 0.
        word_dim: size of the word vector; 0 for none.
        n_words: rows of the word table.
        always_project: project even where F + word_dim is already P.

    Call arguments:
        ids: `(…, M)`, the number of each character + 1; `(…, 1 + M)` with `word_dim`, the number of
            the word + 1 first. A token of zeros alone is padding; its vector is that of a spelling
            of zero vectors, for the caller to mask. A list of arrays `(tokens, M)`, each with an M of
            its own, is read as one.

    Returns:
        `(…, projection_dim)`.

    Example:
        >>> import numpy as np
        >>> layer = CharacterCNN(embedding_dim=4, filters=[[1, 4], [3, 8]], projection_dim=6)
        >>> tuple(layer(np.ones((2, 5, 50), "int32")).shape)
        (2, 5, 6)
        >>> sorted(layer.named_weights())[:4]
        ['char_embed', 'cnn_0/bias', 'cnn_0/kernel', 'cnn_1/bias']
    """

    def __init__(
        self,
        embedding_dim: int,
        filters: Sequence[Sequence[int]],
        n_highway: int = 1,
        activation: str = "relu",
        projection_dim: int = 512,
        n_characters: int = 261,
        word_dim: int = 0,
        n_words: int = 0,
        always_project: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation={activation!r}: must be {' or '.join(ACTIVATIONS)}")
        if not filters:
            raise ValueError(f"filters={filters!r}: must hold at least one pair (width, number)")
        if bool(word_dim) != bool(n_words):
            raise ValueError(f"n_words={n_words!r}: must be given together with word_dim")
        self.embedding_dim = embedding_dim
        self.filters = tuple((int(width), int(number)) for width, number in filters)
        self.n_highway = n_highway
        self.activation = activation
        self.projection_dim = projection_dim
        self.n_characters = n_characters
        self.word_dim = word_dim
        self.n_words = n_words
        self.always_project = always_project
        self.n_filters = sum(number for _, number in self.filters)
        self.projects = always_project or self.n_filters + word_dim != projection_dim
        self.highways = [
            Highway(name=f"highway_{k}", dtype=self.dtype_policy) for k in range(n_highway)
        ]

    def build(self, input_shape: Shape | None = None) -> None:
        uniform, normal = keras.initializers.RandomUniform, keras.initializers.RandomNormal
        self.char_embed = self.add_weight(
            name="char_embed",
            shape=(self.n_characters, self.embedding_dim),
            initializer=drawn(uniform(-1.0, 1.0)),
            autocast=False,
        )
        if self.word_dim:
            self.word_embed = self.add_weight(
                name="word_embed",
                shape=(self.n_words, self.word_dim),
                initializer=drawn(uniform(-1.0, 1.0)),
                autocast=False,
            )
        self.kernels, self.biases = [], []
        for i, (width, number) in enumerate(self.filters):
            relu = self.activation == "relu"
            start = (
                uniform(-0.05, 0.05)
                if relu
                else normal(stddev=(width * self.embedding_dim) ** -0.5)
            )
            shape = (width, self.embedding_dim, number)
            self.kernels.append(
                self.add_weight(name=f"cnn_{i}_kernel", shape=shape, initializer=drawn(start))
            )
            self.biases.append(
                self.add_weight(name=f"cnn_{i}_bias", shape=(number,), initializer=drawn("zeros"))
            )
        for highway in self.highways:
            highway.build((None, self.n_filters))
        if self.projects:
            features = self.n_filters + self.word_dim
            self.projection_kernel = self.add_weight(
                name="projection_kernel",
                shape=(features, self.projection_dim),
                initializer=drawn(normal(stddev=features**-0.5)),
            )
            self.projection_bias = self.add_weight(
                name="projection_bias", shape=(self.projection_dim,), initializer=drawn("zeros")
            )
        self.built = True

    def call(self, ids: Tensor) -> Tensor:
        if isinstance(ids, list | tuple):  # (tokens, M) each, M at its own
            leading, parts = (-1,), [ops.convert_to_tensor(part) for part in ids]
        else:
            ids = ops.convert_to_tensor(ids)
            leading = ops.shape(ids)[:-1]
            parts = [ops.reshape(ids, (-1, ops.shape(ids)[-1]))]  # (tokens, M) or (tokens, 1 + M)
        words = None
        if self.word_dim:
            words = ops.concatenate([part[:, 0] for part in parts])
            parts = [part[:, 1:] for part in parts]

        x = [self._features(part) for part in parts]
        x = ops.concatenate(x) if len(x) > 1 else x[0]  # (tokens, F)
        for highway in self.highways:
            x = highway(x)
        if words is not None:
            words = embed(self.word_embed, words, self.compute_dtype)  # (tokens, word_dim)
            x = ops.concatenate([words, x], axis=-1)  # (tokens, word_dim + F)
        if self.projects:
            x = ops.matmul(x, self.projection_kernel) + self.projection_bias
        return ops.reshape(x, (*leading, self.projection_dim))

    def _features(self, ids: Tensor) -> Tensor:
        """Each filter's best match in `ids` (tokens, M): (tokens, F)."""
        n_characters = ops.shape(ids)[1]
        characters = embed(self.char_embed, ids, self.compute_dtype)  # (tokens, M, C)
        features = []
        for (width, number), kernel, bias in zip(
            self.filters, self.kernels, self.biases, strict=True
        ):
            # One large matrix product over unfolded windows; on CPUs its gradient is faster than
            # that of a convolution.
            positions = n_characters - width + 1
            windows = ops.concatenate(
                [characters[:, start : start + positions] for start in range(width)], axis=-1
            )  # (tokens, positions, width · C)
            size = width * self.embedding_dim
            scores = ops.matmul(
                ops.reshape(windows, (-1, size)), ops.reshape(kernel, (size, number))
            )  # (tokens · positions, n)
            scores = ops.reshape(scores, (-1, positions, number))
            features.append(ops.max(scores, axis=1) + bias)  # (tokens, n)
        return ACTIVATIONS[self.activation](ops.concatenate(features, axis=-1))

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.projection_dim)

    def named_weights(self) -> dict[str, keras.Variable]:
        """The variables under their names in saved models, without `token_encoder/`."""
        named = {"char_embed": self.char_embed}
        if self.word_dim:
            named["word_embed"] = self.word_embed
        for i, (kernel, bias) in enumerate(zip(self.kernels, self.biases, strict=True)):
            named[f"cnn_{i}/kernel"], named[f"cnn_{i}/bias"] = kernel, bias
        for k, highway in enumerate(self.highways):
            for name, variable in highway.named_weights().items():
                named[f"highway_{k}/{name}"] = variable
        if self.projects:
            named["projection/kernel"] = self.projection_kernel
            named["projection/bias"] = self.projection_bias
        return named

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "embedding_dim": self.embedding_dim,
            "filters": [list(pair) for pair in self.filters],
            "n_highway": self.n_highway,
            "activation": self.activation,
            "projection_dim": self.projection_dim,
            "n_characters": self.n_characters,
            "word_dim": self.word_dim,
            "n_words": self.n_words,
            "always_project": self.always_project,
        }
