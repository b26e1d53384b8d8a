"""AllenNLP's module `Elmo` as a Keras layer."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from elmo.api import BiLM
from elmo.bilm.embedding import ElmoEmbedding, find_encoder
from elmo.bilm.encoder import BiLMEncoder
from elmo.bilm.ids import check_values
from elmo.bilm.language_model import BiLanguageModel
from elmo.bilm.torch_module import TorchModule
from elmo.bilm.weights import get_weights, set_weights
from elmo.compat.byte_ids import PublishedEncoder
from elmo.compat.private_parts import PrivateParts
from elmo.config import BiLMConfig, CharCNNConfig
from elmo.embed.carried_state import CarriedState
from elmo.embed.results import State
from elmo.formats.options import PUBLISHED_CHARACTERS
from elmo.formats.pretrained import read
from elmo.hub.resolving import resolve
from elmo.layers.scalar_mix import ScalarMix
from elmo.layers.sequence import trim_boundaries

Module = BiLMConfig | BiLMEncoder | BiLanguageModel | ElmoEmbedding | BiLM | dict[str, Any]
"""What has a biLM in it, or describes one."""

_log = logging.getLogger("elmo")


@keras.saving.register_keras_serializable(package="elmo")
class Elmo(TorchModule, keras.layers.Layer):
    """ELMo vectors for a model: learned mixes of a biLM's layers, as AllenNLP 0.9 has them.

    As in AllenNLP the LSTM state goes on from call to call, row by row. Python keeps it, so a
    compiled function (`fit`, `predict`, `jit`) cannot carry it and says so: build the layer with
    `state="reset"` for these, which also makes results independent of what was read before.

    Args:
        options_file, weight_file: paths or addresses of a published model.
        num_output_representations: how many mixes of their own weights.
        requires_grad: whether the biLM is fine-tuned; it is frozen by default.
        do_layer_norm: bring the layers to one scale before they are mixed.
        dropout: rate on the mixed vectors while training.
        vocab_to_cache: words whose vectors are worked out once; `word_inputs` counts them from 0.
            The first stands for padding, as in AllenNLP's vocabularies.
        keep_sentence_boundaries: keep `<S>` and `</S>` in the result.
        scalar_mix_parameters: the weights of every mix before the softmax, then not learned.
        module: in place of the files, a `BiLM`, a network of one, or a `BiLMConfig` for random
            weights.
        state: `"carry"` or `"reset"`.

    Call arguments:
        inputs: character ids `(batch, tokens, M)` from `batch_to_ids`, 0 for padding; more axes in
            front are allowed.
        word_inputs: with `vocab_to_cache`: `(batch, tokens)`, 0 for padding. Where one is not in
            the list, the whole batch is read by its characters.
        training: whether dropout is active; on PyTorch by default as `train()` and `eval()` say, and
            as in any module it is before either was called.

    Returns:
        `{"elmo_representations": [...], "mask": ...}`: for each mix `(batch, tokens, 2P)`, and which
        tokens are real, `(batch, tokens)` (on PyTorch 1 and 0, as in AllenNLP); two more positions
        with `keep_sentence_boundaries`.

    Raises:
        ValueError: files and `module` are both given, or neither; or the model reads no bytes.

    Example:
        >>> from elmo.compat.byte_ids import batch_to_ids
        >>> from elmo.config import CharCNNConfig, LSTMConfig
        >>> characters = CharCNNConfig(embedding_dim=2, filters=[[1, 4], [2, 4]])
        >>> config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), char_cnn=characters)
        >>> elmo = Elmo(None, None, 2, dropout=0, module=config)
        >>> found = elmo(batch_to_ids([["First", "sentence", "."], ["Another", "."]]))
        >>> [tuple(one.shape) for one in found["elmo_representations"]]
        [(2, 3, 8), (2, 3, 8)]
        >>> keras.ops.convert_to_numpy(found["mask"]).astype(int).tolist()
        [[1, 1, 1], [1, 1, 0]]
    """

    def __init__(
        self,
        options_file: str | os.PathLike[str] | None = None,
        weight_file: str | os.PathLike[str] | None = None,
        num_output_representations: int = 1,
        requires_grad: bool = False,
        do_layer_norm: bool = False,
        dropout: float = 0.5,
        vocab_to_cache: Sequence[str] | None = None,
        keep_sentence_boundaries: bool = False,
        scalar_mix_parameters: Sequence[float] | None = None,
        module: Module | None = None,
        *,
        state: State = "carry",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if state not in ("carry", "reset"):
            raise ValueError(f"state={state!r}: must be 'carry' or 'reset'")
        self.config, weights = _module(options_file, weight_file, module)
        characters = _must_read_bytes(self.config)
        self.num_output_representations = num_output_representations
        self.requires_grad = bool(requires_grad)
        self.keep_sentence_boundaries = keep_sentence_boundaries
        self.state: State = state
        self.vocab_to_cache = None if vocab_to_cache is None else list(vocab_to_cache)
        start = (
            None
            if scalar_mix_parameters is None
            else [float(value) for value in scalar_mix_parameters]
        )
        self._settings = {
            "do_layer_norm": bool(do_layer_norm),
            "dropout": dropout,
            "scalar_mix_parameters": start,
        }
        self.encoder = BiLMEncoder(self.config, name="encoder", dtype=self.dtype_policy)
        self.encoder.build()
        if weights is not None:
            set_weights(self.encoder, weights)
        self.encoder.trainable = self.requires_grad
        self.mixes = [
            ScalarMix(
                n_layers=self.config.lstm.n_layers + 1,
                do_layer_norm="allennlp" if do_layer_norm else False,
                initial_weights=start,
                trainable=scalar_mix_parameters is None,
                name=f"scalar_mix_{number}",
                dtype=self.dtype_policy,
            )
            for number in range(num_output_representations)
        ]
        self.drop = keras.layers.Dropout(dropout)
        self._ids_per_token = characters.max_characters_per_token
        self._ids = PublishedEncoder(self._ids_per_token, self.config.lowercase)
        self._carried = CarriedState(self.config)
        self._cache = None
        if self.vocab_to_cache:
            self._cache = self._cached(self.vocab_to_cache)
        self.build()  # an optimizer of PyTorch is made before the first call
        self.follow_torch(mode_given=True)

    def stable_weights(self) -> dict[str, Any]:
        named = self.encoder.named_weights().items()
        found = {f"encoder.{name.replace('/', '.')}": variable for name, variable in named}
        for number, mix in enumerate(self.mixes):
            found |= {f"scalar_mix_{number}.{v.name}": v for v in mix.variables}
        if self._cache is not None:
            found["vocab_cache"] = self._cache
        return found

    def build(self, input_shape: Any = None) -> None:
        for mix in self.mixes:
            if not mix.built:
                mix.build()
        self.built = True

    def get_output_dim(self) -> int:
        """Size of a vector, 2P."""
        return self.config.output_dim

    @property
    def stateful(self) -> bool:
        """Whether a call goes on from the one before; what walks over modules asks it."""
        return self.state == "carry"

    def reset_states(self) -> None:
        """`reset_state`, by the name that AllenNLP's modules have."""
        self.reset_state()

    def reset_state(self) -> None:
        """Forget the state that earlier calls left."""
        self._carried.reset()

    def use_state(self, state: State, carried: CarriedState) -> None:
        """Read with somebody else's state from now on."""
        self.state, self._carried = state, carried

    @property
    def _elmo_lstm(self) -> PrivateParts:
        return PrivateParts(self)

    def _cached(self, words: list[str]) -> Any:
        """Token vectors of words, the boundaries' first, as a variable `(2 + V, P)`."""
        if self.requires_grad:
            _log.warning("vectors in vocab_to_cache stay as they are while the biLM is fine-tuned")
        # <S> </S> w1 … from <S> w1 … </S>
        ids = self._ids.encode(words)
        ids = np.concatenate([ids[:1], ids[-1:], ids[1:-1]])
        rows = [
            ops.convert_to_numpy(self.encoder.encode_tokens(ids[first : first + 256]))
            for first in range(0, len(ids), 256)
        ]
        table = np.concatenate(rows).astype(np.float32)
        return self.add_weight(
            name="vocab_cache",
            shape=table.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(table, dtype=dtype),
            trainable=False,
        )

    def activations(self, inputs: Any, word_inputs: Any = None) -> tuple[Any, Any, Any]:
        """The biLM's layers between boundaries, as far as each row is read.

        Args:
            inputs, word_inputs: as for a call; axes in front of the batch are made one.

        Returns:
            `(batch, n_layers + 1, tokens + 2, 2P)`; which positions have ids; and which are read,
            `(batch, tokens + 2)`. A row with a token without ids inside is read as far as it has
            tokens, as in AllenNLP.
        """
        ids = ops.cast(inputs, "int32")
        self._check(ids)
        check_values(ids, self.config)
        if word_inputs is not None and self._cache is None:
            _log.warning("word_inputs: not used, the layer has no vocab_to_cache")
        if len(ids.shape) > 3:
            ids = ops.reshape(ids, (-1, *ops.shape(ids)[-2:]))
        vectors, mask = self._token_vectors(ids, word_inputs)
        read = prefix(mask)
        layers = _hide(self._read(vectors, read), vectors, mask)
        if not self.requires_grad:
            layers = ops.stop_gradient(layers)
        return layers, mask, read

    def call(self, inputs: Any, word_inputs: Any = None, training: bool | None = None) -> Any:
        training = self.dropout_acts(training)
        outer = ops.shape(inputs)[:-2]
        layers, mask, read = self.activations(inputs, word_inputs)
        found = []
        words, shown = mask, mask | read
        for mix in self.mixes:
            mixed = mix(layers, mask=mask)
            if not self.keep_sentence_boundaries:
                mixed, words = trim_boundaries(mixed, read)
                shown = words
            mixed = mixed * ops.expand_dims(ops.cast(shown, mixed.dtype), -1)
            mixed = self.drop(mixed, training=training)
            found.append(ops.reshape(mixed, (*outer, *ops.shape(mixed)[1:])))
        if not found and not self.keep_sentence_boundaries:
            words = trim_boundaries(layers[:, 0], read)[1]
        words = ops.reshape(words, (*outer, ops.shape(words)[1]))
        return {"elmo_representations": found, "mask": as_mask(words)}

    def _check(self, ids: Any) -> None:
        width, shape = self._ids_per_token, tuple(ids.shape)
        if len(shape) < 3 or shape[-1] not in (None, width):
            raise ValueError(
                f"inputs of shape {shape}: must be character ids (batch, tokens, {width}), as "
                "batch_to_ids gives them"
            )

    def _token_vectors(self, ids: Any, word_inputs: Any) -> tuple[Any, Any]:
        """Vectors of tokens between boundaries, `(batch, tokens + 2, P)`, and their mask."""
        if word_inputs is None or self.vocab_to_cache is None or self._cache is None:
            bounded = _between(ids, ops.any(ids != 0, axis=-1), self._ids.begin, self._ids.end)
            return self.encoder.encode_tokens(bounded), ops.any(bounded != 0, axis=-1)
        words = ops.reshape(ops.cast(word_inputs, "int32"), ops.shape(ids)[:2])
        real = words > 0
        # Rows of the cache + 1, so that 0 is padding: 1 is <S>, 2 is </S>, then the list.
        rows = ops.where(real, words + 3, 0)[..., None]
        rows = _between(rows, real, np.array([1]), np.array([2]))[..., 0]
        mask = rows > 0
        vectors = ops.cond(
            ops.all(words < len(self.vocab_to_cache)),
            lambda: self._from_cache(rows),
            lambda: self.encoder.encode_tokens(_between(ids, real, self._ids.begin, self._ids.end)),
        )
        return vectors, mask

    def _from_cache(self, rows: Any) -> Any:
        table = ops.cast(self._cache, self.compute_dtype)
        vectors = ops.take(table, ops.clip(rows - 1, 0, table.shape[0] - 1), axis=0)
        return vectors * ops.expand_dims(ops.cast(rows > 0, vectors.dtype), -1)

    def _read(self, vectors: Any, mask: Any) -> Any:
        if self.state == "reset":
            return self.encoder.contextualize(vectors, mask)[0]
        if not (_is_concrete(vectors) and _is_concrete(mask)):
            raise ValueError(
                "state='carry': a compiled function cannot carry the state from call to call; build "
                "the layer with state='reset'"
            )
        before = self._carried.take(mask.shape[0])
        layers, after = self.encoder.contextualize(vectors, mask, before)
        self._carried.put(tuple(ops.convert_to_numpy(part) for part in after))
        return layers

    def compute_output_spec(
        self, inputs: Any, word_inputs: Any = None, training: bool | None = None
    ) -> Any:
        self._check(inputs)
        *outer, time, _ = inputs.shape
        if self.keep_sentence_boundaries and time is not None:
            time += 2
        one = (*outer, time, self.config.output_dim)
        return {
            "elmo_representations": [
                keras.KerasTensor(one, dtype=self.compute_dtype) for _ in self.mixes
            ],
            "mask": keras.KerasTensor((*outer, time), dtype=mask_dtype()),
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "module": self.config.to_dict(),
            "num_output_representations": self.num_output_representations,
            "requires_grad": self.requires_grad,
            "vocab_to_cache": self.vocab_to_cache,
            "keep_sentence_boundaries": self.keep_sentence_boundaries,
            "state": self.state,
            **self._settings,
        }


def _module(
    options_file: str | os.PathLike[str] | None,
    weight_file: str | os.PathLike[str] | None,
    module: Module | None,
) -> tuple[BiLMConfig, dict[str, np.ndarray] | None]:
    """The architecture and, unless they are to be random, the encoder's weights."""
    if module is not None:
        if options_file is not None or weight_file is not None:
            raise ValueError("module: give options_file and weight_file, or a module, not both")
        if isinstance(module, dict):
            return BiLMConfig.from_dict(module), None
        if isinstance(module, BiLMConfig):
            return module, None
        encoder = find_encoder(module)
        return encoder.config, get_weights(encoder)
    if options_file is None or weight_file is None:
        raise ValueError("options_file, weight_file: both must be given where there is no module")
    found = read(resolve((options_file, weight_file)))
    weights = {n: a for n, a in found.weights.items() if not n.startswith("softmax/")}
    return found.config, weights


def _must_read_bytes(config: BiLMConfig) -> CharCNNConfig:
    characters = config.char_cnn
    if characters is None or characters.word_dim or characters.n_characters != PUBLISHED_CHARACTERS:
        raise ValueError(
            "Elmo reads the bytes of words, as batch_to_ids gives them, and this model does not; "
            "take elmo.load and ElmoEmbedding for it"
        )
    return characters


def _between(ids: Any, real: Any, begin: np.ndarray, end: np.ndarray) -> Any:
    """Ids `(batch, tokens, M)` between boundaries, `(batch, tokens + 2, M)`, padded behind.

    The end stands after as many positions as there are real tokens, in place of what stood there.
    """
    batch, time, width = ops.shape(ids)
    lengths = ops.sum(ops.cast(real, "int32"), axis=1)  # (batch,)
    row = ops.ones((batch, 1, 1), "int32")
    begin_row = row * ops.cast(ops.convert_to_tensor(begin), "int32")
    after = ops.zeros((batch, 1, width), "int32")
    bounded = ops.concatenate([begin_row, ops.cast(ids, "int32"), after], axis=1)
    place = ops.expand_dims(ops.arange(time + 2, dtype="int32"), 0)
    is_end = ops.expand_dims(place == ops.expand_dims(lengths + 1, 1), -1)
    return ops.where(is_end, ops.cast(ops.convert_to_tensor(end), "int32"), bounded)


def as_mask(mask: Any) -> Any:
    """A mask as it is returned."""
    return ops.cast(mask, mask_dtype())


def mask_dtype() -> str:
    """Of the mask that is returned: on PyTorch integers, with which AllenNLP's users compute."""
    return "int64" if keras.backend.backend() == "torch" else "bool"


def prefix(mask: Any) -> Any:
    """As many positions of each row as `mask` `(batch, time)` has, from the first on."""
    lengths = ops.sum(ops.cast(mask, "int32"), axis=1, keepdims=True)
    return ops.expand_dims(ops.arange(ops.shape(mask)[1], dtype="int32"), 0) < lengths


def _hide(layers: Any, vectors: Any, mask: Any) -> Any:
    """`layers` `(batch, n_layers, time, 2P)`, layer 0 made of `vectors` where `mask` is true."""
    vectors = vectors * ops.expand_dims(ops.cast(mask, vectors.dtype), -1)
    copies = layers.shape[-1] // vectors.shape[-1]
    bottom = ops.concatenate([vectors] * copies, axis=-1)
    return ops.concatenate([ops.expand_dims(bottom, 1), layers[:, 1:]], axis=1)


def _is_concrete(value: Any) -> bool:
    try:
        ops.convert_to_numpy(value)
    except Exception:
        return False
    return True
