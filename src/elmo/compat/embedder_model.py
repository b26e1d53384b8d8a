"""The model under AllenNLP's `ElmoEmbedder`, as a module and with its state."""

from __future__ import annotations

from typing import Any

from elmo.api import BiLM
from elmo.compat.allennlp_bilm import ElmoBiLm
from elmo.compat.private_parts import PrivateParts
from elmo.embed.carried_state import CarriedState


class EmbedderModel(BiLM):
    """The `elmo_bilm` of an `ElmoEmbedder`: a `BiLM` that also takes the calls of AllenNLP's module.

    Args:
        model: what it is.
        owner: has the state that goes on from call to call.
    """

    def __init__(self, model: BiLM, owner: Any) -> None:
        self.__dict__.update(model.__dict__)
        self._owner = owner
        self._module: Any = None

    def __call__(self, inputs: Any, word_inputs: Any = None) -> dict[str, Any]:
        """As `elmo.compat.allennlp_bilm.ElmoBiLm`, with the embedder's state."""
        if self._module is None:
            self._module = ElmoBiLm(module=self)
        carried: CarriedState = self._owner.carried_state
        self._module.elmo.use_state(self._owner.state, carried)
        return self._module(inputs, word_inputs)

    @property
    def num_layers(self) -> int:
        """Layers, that of the tokens among them."""
        return self.config.lstm.n_layers + 1

    def get_output_dim(self) -> int:
        """Size of a vector."""
        return self.config.output_dim

    @property
    def _elmo_lstm(self) -> PrivateParts:
        return PrivateParts(self._owner)

    def to(self, *args: Any, **kwargs: Any) -> EmbedderModel:
        """Itself: Keras's backend chooses the device."""
        return self

    cuda = cpu = eval = to
