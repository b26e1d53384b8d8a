"""ELMo as a layer of users' own Keras models."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, TypedDict

import keras
from keras import ops

from elmo.bilm.encoder import BiLMEncoder
from elmo.bilm.ids import check_shape, check_values
from elmo.bilm.torch_module import TorchModule
from elmo.bilm.weights import get_weights, set_weights
from elmo.config import BiLMConfig
from elmo.layers.scalar_mix import ScalarMix
from elmo.layers.sequence import trim_boundaries
from elmo.layers.tensors import Shape, Tensor


class HasEncoder(Protocol):
    """As a `BiLanguageModel` and an `ElmoEmbedding`."""

    @property
    def encoder(self) -> BiLMEncoder: ...


class HasNetwork(Protocol):
    """As an `elmo.api.BiLM`."""

    @property
    def network(self) -> BiLMEncoder | HasEncoder: ...


Source: TypeAlias = BiLMEncoder | HasEncoder | HasNetwork


class _MixSettings(TypedDict):
    """What all the mixes of a layer have in common."""

    do_layer_norm: bool | str
    initial_weights: Sequence[float] | None
    initial_gamma: float
    l2_coef: float
    use_top_only: bool


def find_encoder(model: Source) -> BiLMEncoder:
    """The `BiLMEncoder` in a model, built.

    Args:
        model: a `BiLMEncoder`, a `BiLanguageModel`, an `ElmoEmbedding`, or an object that has one
            of these under `network`.

    Raises:
        TypeError: there is none.
    """
    found: object = model
    for _ in range(3):
        if isinstance(found, BiLMEncoder):
            if not found.built:
                found.build()
            return found
        found = getattr(found, "network", None) or getattr(found, "encoder", None)
    raise TypeError(
        f"network of type {type(model).__name__}: must be a BiLanguageModel, a BiLMEncoder or an "
        "object with one of them under `network`"
    )


@keras.saving.register_keras_serializable(package="elmo")
class ElmoEmbedding(TorchModule, keras.layers.Layer):
    r"""Contextual word vectors, a learned mix of a biLM's layers (Peters et al. 2018, equation 1).

    .. math:: y_t = \gamma \sum_k s_k h_{k,t}, \quad s = \mathrm{softmax}(w)

    The layer holds a copy of the biLM's weights, so that neither freezing nor fine-tuning it
    touches the model it was made from; both are saved inside the `.keras` file of a model that it
    is part of. The mix is learned in any case, unless the whole layer is frozen later
    (`layer.trainable = False`); `layer.trainable = True` fine-tunes the biLM too, and
    `layer.unfreeze(n)` its top n layers. As anywhere in Keras, compile the model again after such a
    change.

    Args:
        model: the biLM: a `BiLanguageModel`, a `BiLMEncoder` or an object with one under
            `network`; or a `BiLMConfig` or its dict, for random weights (as when a saved model is
            made again, before its weights are loaded).
        trainable: whether the biLM is fine-tuned, its dropout included; it is frozen by default.
        n_mixes: how many mixes of its own weights; with more than one a list of them is returned.
        dropout: rate on the mixed vectors.
        do_layer_norm, initial_weights, initial_gamma, l2_coef, use_top_only: as in `ScalarMix`, for
            each mix.
        seed: of dropout.

    Call arguments:
        ids: `(batch, time)` or `(batch, time, M)`, boundaries included, 0 for padding, as
            `SentenceEncoder.encode_batch` makes them.
        training: whether dropout is active; by default as the model around the layer says. Inside a
            `torch.nn.Module` (Keras on PyTorch) it follows `train()` and `eval()`.

    Returns:
        `(batch, time - 2, output_dim)`, the words alone; zeros where there is none. A mask of the
        words goes on to the layers that follow.

    Example:
        >>> import numpy as np
        >>> from elmo.config import LSTMConfig
        >>> lstm = LSTMConfig(dim=8, projection_dim=4)
        >>> layer = ElmoEmbedding(BiLMConfig(lstm=lstm, vocabulary_size=10))
        >>> ids = np.array([[1, 5, 6, 2], [1, 7, 2, 0]], "int32")
        >>> vectors = layer(ids)
        >>> tuple(vectors.shape), keras.ops.convert_to_numpy(layer.compute_mask(ids)).tolist()
        ((2, 2, 8), [[True, True], [True, False]])
        >>> len(layer.trainable_variables)  # the weights of the mix and its scale
        2

    Raises:
        ValueError: ids of another shape than the model reads, or beyond its tables (these are found
            outside of compiled functions; inside, such an id gives NaN on JAX).
    """

    def __init__(
        self,
        model: BiLMConfig | dict[str, Any] | Source,
        trainable: bool = False,
        n_mixes: int = 1,
        dropout: float = 0.0,
        do_layer_norm: bool | str = False,
        initial_weights: list[float] | None = None,
        initial_gamma: float = 1.0,
        l2_coef: float = 0.0,
        seed: int | None = None,
        use_top_only: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if n_mixes < 1:
            raise ValueError(f"n_mixes={n_mixes!r}: must be 1 or more")
        if not 0 <= dropout < 1:
            raise ValueError(f"dropout={dropout!r}: must be 0 or more and below 1")
        source = None
        self.config: BiLMConfig
        if isinstance(model, dict):
            self.config = BiLMConfig.from_dict(model)
        elif isinstance(model, BiLMConfig):
            self.config = model
        else:
            source = find_encoder(model)
            self.config = source.config
        self.supports_masking = True
        self.n_mixes = n_mixes
        self.dropout = dropout
        self.seed = seed
        self._mix_settings: _MixSettings = {
            "do_layer_norm": do_layer_norm,
            "initial_weights": None if initial_weights is None else list(initial_weights),
            "initial_gamma": initial_gamma,
            "l2_coef": l2_coef,
            "use_top_only": use_top_only,
        }
        self.encoder = BiLMEncoder(self.config, seed=seed, name="encoder", dtype=self.dtype_policy)
        self.encoder.build()
        if source is not None:
            set_weights(self.encoder, get_weights(source))
        self.encoder.trainable = bool(trainable)
        self.mixes = [
            ScalarMix(
                n_layers=self.config.lstm.n_layers + 1,
                **self._mix_settings,
                name=f"mix_{number}",
                dtype=self.dtype_policy,
            )
            for number in range(n_mixes)
        ]
        self.drops = []
        if dropout:
            self.drops = [
                keras.layers.Dropout(dropout, seed=None if seed is None else seed + 1 + number)
                for number in range(n_mixes)
            ]
        self.build()  # an optimizer of PyTorch is made before the first call
        self.follow_torch()

    def stable_weights(self) -> dict[str, keras.Variable]:
        named = self.encoder.named_weights().items()
        found = {f"encoder.{name.replace('/', '.')}": variable for name, variable in named}
        for number, mix in enumerate(self.mixes):
            found |= {f"mixes.{number}.{v.name}": v for v in mix.variables}
        return found

    @property
    def fine_tuned(self) -> bool:
        """Whether the biLM learns now; `trainable` of the layer or of its `encoder` changes it."""
        return self.encoder.trainable

    @property
    def _depths(self) -> list[list[keras.layers.Layer]]:
        """What makes each layer of the biLM, from the top to the token encoder."""
        return [*reversed(self.encoder.stack.lstms), [self.encoder.token_encoder]]

    @property
    def unfrozen(self) -> int:
        """How many layers of the biLM are fine-tuned, counted from the top; see `unfreeze`."""
        learning = (all(part.trainable for part in depth) for depth in self._depths)
        return sum(itertools.takewhile(bool, learning)) if self.fine_tuned else 0

    def unfreeze(self, layers: int | None = None) -> None:
        """Fine-tune the top layers of the biLM and the mix; freeze the layers below.

        To unfreeze one more layer per stage is gradual unfreezing (Howard and Ruder 2018, section 3.3).
        Compile the model again afterwards.

        Args:
            layers: how many, counted from the top; the token encoder is the last. 0 freezes the biLM,
                None fine-tunes all of it.

        Raises:
            ValueError: the biLM does not have so many.

        Example:
            >>> from elmo.config import LSTMConfig
            >>> lstm = LSTMConfig(dim=8, projection_dim=4, n_layers=2)
            >>> layer = ElmoEmbedding(BiLMConfig(lstm=lstm, vocabulary_size=10))
            >>> layer.unfreeze(1)
            >>> layer.unfrozen, len(layer.trainable_variables)  # 4 of each direction, 2 of the mix
            (1, 10)
        """
        depths = self._depths
        count = len(depths) if layers is None else layers
        if not 0 <= count <= len(depths):
            raise ValueError(
                f"layers={layers!r}: must be 0 to {len(depths)}, where the last is the token encoder, or "
                "None for all"
            )
        self.trainable = True
        self.encoder.trainable = count > 0
        for number, depth in enumerate(depths):
            for part in depth:
                part.trainable = number < count

    def build(self, input_shape: Shape | None = None) -> None:
        for mix in self.mixes:
            if not mix.built:
                mix.build()
        self.built = True

    def call(self, ids: Tensor, training: bool | None = None) -> Tensor:
        training = self.dropout_acts(training)
        ids = ops.cast(ids, "int32")
        check_shape(ids, self.config)
        check_values(ids, self.config)
        mask = self.encoder.mask(ids)
        layers = self.encoder(ids, training=training and self.fine_tuned)
        if not self.fine_tuned:
            layers = ops.stop_gradient(layers)
        mixed = []
        for number, mix in enumerate(self.mixes):
            # Statistics of a layer norm take in the boundaries, so they are cut off afterwards.
            vectors, words = trim_boundaries(mix(layers, mask=mask), mask)
            if self.drops:
                vectors = self.drops[number](vectors, training=training)
            vectors = vectors * ops.expand_dims(ops.cast(words, vectors.dtype), -1)
            mixed.append(vectors)  # (batch, time - 2, output_dim)
        return mixed if self.n_mixes > 1 else mixed[0]

    def compute_mask(self, ids: Tensor, previous_mask: Tensor | None = None) -> Tensor:
        words = self.encoder.mask(ids)[:, 2:]  # word t stands before position t + 1
        return [words] * self.n_mixes if self.n_mixes > 1 else words

    def compute_output_spec(self, ids: Tensor, training: bool | None = None) -> Tensor:
        check_shape(ids, self.config)
        batch, time = ids.shape[:2]
        shape = (batch, None if time is None else time - 2, self.config.output_dim)
        mixed = [keras.KerasTensor(shape, dtype=self.compute_dtype) for _ in self.mixes]
        return mixed if self.n_mixes > 1 else mixed[0]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "model": self.config.to_dict(),
            "trainable": self.fine_tuned,
            "n_mixes": self.n_mixes,
            "dropout": self.dropout,
            **self._mix_settings,
            "seed": self.seed,
            "frozen": not self.trainable,
            "unfrozen": self.unfrozen,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ElmoEmbedding:
        config = dict(config)
        frozen = config.pop("frozen", False)  # the mix as well
        unfrozen = config.pop("unfrozen", 0)
        layer = super().from_config(config)
        if unfrozen:
            layer.unfreeze(unfrozen)
        if frozen:
            layer.trainable = False
        return layer
