"""Dropout of whole tokens, and dropout with one mask for a whole sequence.

Dropout of single values is `keras.layers.Dropout`. Each direction of a biLM has dropout layers of its own
(`drop_each`), so that its masks do not depend on whether the other is run beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from elmo.layers.tensors import Shape, Tensor


def drop_each(layers: Sequence[keras.layers.Layer], inputs: Tensor, training: bool) -> Tensor:
    """Dropout of directions, each by a layer of its own.

    Args:
        layers: one for each direction; none, or not in training: nothing is dropped.
        inputs: `(directions, batch, time, dim)`, as many directions as layers or the first ones.
        training: whether anything is dropped.

    Example:
        >>> import numpy as np
        >>> layers = [VariationalDropout(0.5, seed=k) for k in range(2)]
        >>> tuple(drop_each(layers, np.ones((2, 4, 5, 3), "float32"), training=True).shape)
        (2, 4, 5, 3)
    """
    if not layers or not training:
        return inputs
    layers = layers[: inputs.shape[0]]
    return ops.stack([layer(inputs[k], training=True) for k, layer in enumerate(layers)])


class _MaskedDropout(keras.layers.Layer):
    """What both kinds share: a rate, a seed, and a mask that is the same along one axis."""

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"rate={rate!r}: must be 0 or more and below 1")
        self.rate = rate
        self.seed = seed
        self.supports_masking = True
        if rate > 0:
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True  # there is nothing to build; `fit` looks for layers that are not

    def _kept(self, shape: Sequence[Tensor | int]) -> Tensor:
        """A mask of that shape, true with probability 1 − rate."""
        drawn = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return drawn >= self.rate

    def compute_output_shape(self, input_shape: Shape) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}


@keras.saving.register_keras_serializable(package="elmo")
class WordDropout(_MaskedDropout):
    r"""Whole tokens dropped in training: their vector is zero (Iyyer et al. 2015).

    .. math:: y_t = m_t x_t, \quad m_t \sim \mathrm{Bernoulli}(1 - rate)

    Kept tokens are not rescaled, neither in training nor at inference, as is usual for words (and unlike
    dropout of values).

    Args:
        rate: share of tokens dropped, 0 or more and below 1.
        seed: of the masks.

    Call arguments:
        inputs: `(…, time, dim)`, each token's vector last.
        training: whether anything is dropped.

    Returns:
        The shape of the inputs. Padding stays padding; a mask passes through.

    Example:
        >>> import numpy as np
        >>> layer = WordDropout(0.5, seed=0)
        >>> tuple(layer(np.ones((2, 5, 3), "float32"), training=True).shape)
        (2, 5, 3)
    """

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        kept = self._kept((*ops.shape(inputs)[:-1], 1))  # (…, time, 1)
        return ops.where(kept, inputs, ops.zeros_like(inputs))


@keras.saving.register_keras_serializable(package="elmo")
class VariationalDropout(_MaskedDropout):
    r"""Dropout with one mask for all positions of a sequence (Gal & Ghahramani 2016).

    .. math:: y_t = \frac{m \odot x_t}{1 - rate}, \quad m_j \sim \mathrm{Bernoulli}(1 - rate)

    Also called spatial or locked dropout: a feature is dropped from a whole sequence or from none
    of it.

    Args:
        rate: share of features dropped, 0 or more and below 1.
        seed: of the masks.

    Call arguments:
        inputs: `(…, time, dim)`; every index of the leading axes has a mask of its own.
        training: whether anything is dropped.

    Returns:
        The shape of the inputs. Padding stays padding; a mask passes through.

    Example:
        >>> import numpy as np
        >>> layer = VariationalDropout(0.5, seed=0)
        >>> tuple(layer(np.ones((2, 5, 3), "float32"), training=True).shape)
        (2, 5, 3)
    """

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        shape = ops.shape(inputs)
        kept = self._kept((*shape[:-2], 1, shape[-1]))  # (…, 1, dim)
        return ops.where(kept, inputs / (1 - self.rate), ops.zeros_like(inputs))
