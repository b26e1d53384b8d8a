"""The model under AllenNLP's `ElmoEmbedder`, as a module and with its state."""

from __future__ import annotations

from typing import Any, Protocol

from elmo.api import BiLM
from elmo.compat.allennlp_bilm import ElmoBiLm
from elmo.compat.private_parts import Carrying, PrivateParts
from elmo.embed.carried_state import CarriedState


class Owner(Carrying, Protocol):
    """Whose state it is, with the state itself."""

    @property
    def carried_state(self) -> CarriedState: ...


class EmbedderModel(BiLM):
    """The `elmo_bilm` of an `ElmoEmbedder`: a `BiLM` that also takes the calls of AllenNLP's module.

    Args:
        model: what it is.
        owner: has the state that goes on from call to call.
    """

    def __init__(self, model: BiLM, owner: Owner) -> None:
        self.__dict__.update(model.__dict__)
        self._owner = owner
        self._module: ElmoBiLm | None = None

    def __call__(self, inputs: Any, word_inputs: Any = None) -> dict[str, Any]:
        """As `elmo.compat.allennlp_bilm.ElmoBiLm`, with the embedder's state."""
        if self._module is None:
            self._module = ElmoBiLm(module=self)
        self._module.elmo.use_state(self._owner.state, self._owner.carried_state)
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
