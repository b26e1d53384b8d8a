"""AllenNLP's `ElmoTokenEmbedder`: one mix, brought to another size where that is wanted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import keras

from elmo.bilm.torch_module import TorchModule
from elmo.compat.allennlp_layer import Elmo, Module
from elmo.embed.results import State


@keras.saving.register_keras_serializable(package="elmo.allennlp")
class ElmoTokenEmbedder(TorchModule, keras.layers.Layer):
    """The vectors of `Elmo` with one mix, as a tensor.

    Args:
        options_file, weight_file, do_layer_norm, dropout, requires_grad, vocab_to_cache,
            scalar_mix_parameters, module, state: as in `Elmo`.
        projection_dim: size to which a linear layer brings the vectors; None leaves them.

    Call arguments:
        inputs: character ids `(batch, tokens, M)`; more axes in front are allowed.
        word_inputs: with `vocab_to_cache`, as in `Elmo`.

    Returns:
        `(batch, tokens, get_output_dim())`.

    Example:
        >>> from elmo.compat.byte_ids import batch_to_ids
        >>> from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
        >>> characters = CharCNNConfig(embedding_dim=2, filters=[[1, 4], [2, 4]])
        >>> config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), char_cnn=characters)
        >>> embed = ElmoTokenEmbedder(None, None, projection_dim=5, module=config)
        >>> tuple(embed(batch_to_ids([["First", "sentence", "."]])).shape)
        (1, 3, 5)
    """

    def __init__(
        self,
        options_file: str | os.PathLike[str] | None = None,
        weight_file: str | os.PathLike[str] | None = None,
        do_layer_norm: bool = False,
        dropout: float = 0.5,
        requires_grad: bool = False,
        projection_dim: int | None = None,
        vocab_to_cache: Sequence[str] | None = None,
        scalar_mix_parameters: Sequence[float] | None = None,
        *,
        module: Module | None = None,
        state: State = "carry",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.elmo = Elmo(
            options_file,
            weight_file,
            1,
            requires_grad=requires_grad,
            do_layer_norm=do_layer_norm,
            dropout=dropout,
            vocab_to_cache=vocab_to_cache,
            scalar_mix_parameters=scalar_mix_parameters,
            module=module,
            state=state,
            name="elmo",
            dtype=self.dtype_policy,
        )
        self.output_dim = projection_dim or self.elmo.get_output_dim()
        self.projection = None
        if projection_dim:
            self.projection = keras.layers.Dense(
                projection_dim, name="projection", dtype=self.dtype_policy
            )
        self.build()
        self.follow_torch(mode_given=True)

    def stable_weights(self) -> dict[str, Any]:
        found = {f"elmo.{name}": variable for name, variable in self.elmo.stable_weights().items()}
        if self.projection is not None:
            found |= {f"projection.{v.name}": v for v in self.projection.variables}
        return found

    def build(self, input_shape: Any = None) -> None:
        # Here and not at the first call: an optimizer of PyTorch is made before it.
        self.elmo.build()
        if self.projection is not None:
            self.projection.build((None, self.elmo.get_output_dim()))
        self.built = True

    @classmethod
    def from_params(cls, vocab: Any, params: Any) -> ElmoTokenEmbedder:
        """From a configuration of AllenNLP.

        Args:
            vocab: asked for the words of `namespace_to_cache`, where that is given.
            params: a dict, or AllenNLP's `Params`.
        """
        if hasattr(params, "add_file_to_archive"):  # AllenNLP packs these with a trained model
            for name in ("options_file", "weight_file"):
                params.add_file_to_archive(name)
        params = dict(params.as_dict() if hasattr(params, "as_dict") else params)
        params.pop("type", None)
        namespace = params.pop("namespace_to_cache", None)
        if namespace is not None:
            params["vocab_to_cache"] = list(vocab.get_token_to_index_vocabulary(namespace))
        return cls(**params)

    @property
    def _elmo(self) -> Elmo:
        return self.elmo  # its name in AllenNLP, by which programs forget the state

    def get_output_dim(self) -> int:
        """Size of a vector."""
        return self.output_dim

    def reset_state(self) -> None:
        """Forget the state that earlier calls left."""
        self.elmo.reset_state()

    def call(self, inputs: Any, word_inputs: Any = None) -> Any:
        (vectors,) = self.elmo(inputs, word_inputs)["elmo_representations"]
        return vectors if self.projection is None else self.projection(vectors)

    def compute_output_spec(self, inputs: Any, word_inputs: Any = None) -> Any:
        return keras.KerasTensor((*inputs.shape[:-1], self.output_dim), dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        elmo = self.elmo.get_config()
        names = ("do_layer_norm", "dropout", "requires_grad", "vocab_to_cache")
        return {
            **super().get_config(),
            **{name: elmo[name] for name in (*names, "scalar_mix_parameters", "module", "state")},
            "projection_dim": None if self.projection is None else self.output_dim,
        }
