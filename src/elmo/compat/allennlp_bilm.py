"""AllenNLP's biLM as a module, `_ElmoBiLm`, and what takes the boundaries off its layers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras

from elmo.bilm.encoder import BiLMEncoder
from elmo.bilm.torch_module import TorchModule
from elmo.compat.allennlp_layer import Elmo, Module, as_mask, mask_dtype, prefix
from elmo.compat.private_parts import PrivateParts
from elmo.embed.results import State
from elmo.layers.sequence import trim_boundaries


@keras.saving.register_keras_serializable(package="elmo.allennlp")
class ElmoBiLm(TorchModule, keras.layers.Layer):
    """All layers of a biLM, boundaries included, without a mix.

    Args:
        options_file, weight_file, requires_grad, vocab_to_cache, module, state: as in `Elmo`.

    Call arguments:
        inputs, word_inputs: as in `Elmo`, `(batch, tokens, M)` and `(batch, tokens)`.

    Returns:
        `{"activations": [...], "mask": ...}`: for each layer `(batch, tokens + 2, 2P)`, the first
        that of the tokens twice; and which positions are real, `(batch, tokens + 2)`.

    Example:
        >>> from elmo.compat.byte_ids import batch_to_ids
        >>> from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
        >>> characters = CharCNNConfig(embedding_dim=2, filters=[[1, 4], [2, 4]])
        >>> config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), char_cnn=characters)
        >>> found = ElmoBiLm(module=config)(batch_to_ids([["First", "sentence", "."]]))
        >>> [tuple(layer.shape) for layer in found["activations"]]
        [(1, 5, 8), (1, 5, 8), (1, 5, 8)]
    """

    def __init__(
        self,
        options_file: str | os.PathLike[str] | None = None,
        weight_file: str | os.PathLike[str] | None = None,
        requires_grad: bool = False,
        vocab_to_cache: Sequence[str] | None = None,
        *,
        module: Module | None = None,
        state: State = "carry",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.elmo = Elmo(
            options_file,
            weight_file,
            0,
            requires_grad=requires_grad,
            dropout=0.0,
            vocab_to_cache=vocab_to_cache,
            module=module,
            state=state,
            name="elmo",
            dtype=self.dtype_policy,
        )
        self.num_layers = self.elmo.config.lstm.n_layers + 1
        self.build()
        self.follow_torch(mode_given=True)

    def stable_weights(self) -> dict[str, Any]:
        return {f"elmo.{name}": variable for name, variable in self.elmo.stable_weights().items()}

    def build(self, input_shape: Any = None) -> None:
        self.elmo.build()
        self.built = True

    @property
    def encoder(self) -> BiLMEncoder:
        """Whose weights these are, for `Elmo(module=…)`, which takes a copy."""
        return self.elmo.encoder

    @property
    def _elmo_lstm(self) -> PrivateParts:
        return PrivateParts(self.elmo)

    def get_output_dim(self) -> int:
        """Size of a vector, 2P."""
        return self.elmo.get_output_dim()

    def reset_state(self) -> None:
        """Forget the state that earlier calls left."""
        self.elmo.reset_state()

    def call(self, inputs: Any, word_inputs: Any = None) -> Any:
        layers, mask, _ = self.elmo.activations(inputs, word_inputs)
        activations = [layers[:, number] for number in range(self.num_layers)]
        return {"activations": activations, "mask": as_mask(mask)}

    def compute_output_spec(self, inputs: Any, word_inputs: Any = None) -> Any:
        batch, time, _ = inputs.shape
        time = None if time is None else time + 2
        one = (batch, time, self.get_output_dim())
        return {
            "activations": [keras.KerasTensor(one, self.compute_dtype)] * self.num_layers,
            "mask": keras.KerasTensor((batch, time), mask_dtype()),
        }

    def get_config(self) -> dict[str, Any]:
        elmo = self.elmo.get_config()
        names = ("requires_grad", "vocab_to_cache", "module", "state")
        return {**super().get_config(), **{name: elmo[name] for name in names}}


def remove_sentence_boundaries(tensor: Any, mask: Any) -> tuple[Any, Any]:
    """A layer without begin and end of sentence.

    Args:
        tensor: `(batch, tokens + 2, dim)`.
        mask: `(batch, tokens + 2)`.

    Returns:
        `(batch, tokens, dim)`, zeros behind a sentence, and its mask `(batch, tokens)`.
    """
    trimmed, words = trim_boundaries(tensor, prefix(mask))
    return trimmed, as_mask(words)
