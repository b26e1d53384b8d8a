"""What others reach for behind AllenNLP's public names: the biLM as a module, and its state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from elmo.api import BiLM
from elmo.embed.embedder import Embedder


class PrivateParts:
    """Answers to `elmo._elmo_lstm._elmo_lstm.reset_states()` and to `…._states`.

    AllenNLP has no public way to forget the state, so its users take this one.

    Args:
        reset: forgets the state.
    """

    def __init__(self, reset: Callable[[], None]) -> None:
        self._reset = reset

    @property
    def _elmo_lstm(self) -> PrivateParts:
        return self

    @property
    def _states(self) -> tuple[Any, ...]:
        """No tensors: the state stays on the processor."""
        return ()

    @_states.setter
    def _states(self, states: Any) -> None:
        """None forgets the state; the empty tuple, as it was given, changes nothing."""
        if states is None:
            self._reset()
        elif len(states):
            raise ValueError("_states: only None can be put here; it forgets the state")

    def reset_states(self) -> None:
        """Forget the state."""
        self._reset()


class EmbedderModel(BiLM):
    """The `elmo_bilm` of an `ElmoEmbedder`: a `BiLM` that also takes the calls of a PyTorch module.

    Args:
        model: what it is.
        embedder: has the state that goes on from call to call.
    """

    def __init__(self, model: BiLM, embedder: Embedder) -> None:
        self.__dict__.update(model.__dict__)
        self._carrying = embedder

    @property
    def _elmo_lstm(self) -> PrivateParts:
        return PrivateParts(self._carrying.reset_state)

    def to(self, *args: Any, **kwargs: Any) -> EmbedderModel:
        """Itself: Keras's backend chooses the device."""
        return self

    cuda = cpu = eval = to
