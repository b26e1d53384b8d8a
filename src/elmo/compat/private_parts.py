"""What others reach for behind AllenNLP's public names: the biLM as a module, and its state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from elmo.embed.results import State


class Carrying(Protocol):
    """What has a state that goes on from call to call."""

    state: State

    def reset_state(self) -> None: ...


class PrivateParts:
    """Answers to `elmo._elmo_lstm._elmo_lstm.reset_states()`, and to `stateful` and `_states` there.

    AllenNLP has no public way to forget the state, so its users take these.

    Args:
        owner: whose state it is.
    """

    _owner: Carrying

    def __init__(self, owner: Carrying) -> None:
        self.__dict__["_owner"] = owner

    def __setattr__(self, name: str, value: Any) -> None:
        if not isinstance(getattr(type(self), name, None), property):
            raise AttributeError(f"_elmo_lstm.{name}: AllenNLP's private parts are not here")
        super().__setattr__(name, value)

    @property
    def _elmo_lstm(self) -> PrivateParts:
        return self

    @property
    def stateful(self) -> bool:
        """Whether the state goes on from call to call."""
        return self._owner.state == "carry"

    @stateful.setter
    def stateful(self, value: bool) -> None:
        self._owner.state = "carry" if value else "reset"

    @property
    def _states(self) -> tuple[object, ...]:
        """No tensors: the state stays on the processor."""
        return ()

    @_states.setter
    def _states(self, states: Sequence[object] | None) -> None:
        """None forgets the state; the empty tuple, as it was given, changes nothing."""
        if states is None:
            self.reset_states()
        elif len(states):
            raise ValueError("_states: only None can be put here; it forgets the state")

    def reset_states(self) -> None:
        """Forget the state."""
        self._owner.reset_state()
