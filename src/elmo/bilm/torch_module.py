"""What makes a Keras layer a module as PyTorch's users know them, where Keras computes with PyTorch.

Keras registers the parameters of a layer several times, under names that count the layers of a process
(`elmo_2/…`). Here a state dict has each weight once, under a name of its own; a layer follows `train()`
and `eval()`. On other backends none of this does anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import keras

from elmo.layers.tensors import Tensor

if TYPE_CHECKING:
    from typing import Self

ON_TORCH = keras.backend.backend() == "torch"

if ON_TORCH:
    import torch

    @torch.compiler.disable
    def _as_it_is(call: Callable[..., Tensor], *args: Any, **options: Any) -> Tensor:
        """A call that `torch.compile` leaves alone: it would unroll the recurrence, and take minutes."""
        return call(*args, **options)


if TYPE_CHECKING:

    class _Module:
        """What is asked of the layer behind `TorchModule`: it is a module of PyTorch."""

        training: bool

        def __call__(self, *args: Any, **options: Any) -> Tensor: ...

        def train(self, mode: bool = True) -> Self: ...

        def named_modules(self, *, remove_duplicate: bool) -> Iterator[tuple[str, object]]: ...

        def _register_state_dict_hook(self, hook: Callable[..., None]) -> object: ...

        def register_load_state_dict_pre_hook(self, hook: Callable[..., None]) -> object: ...
else:
    _Module = object


class TorchModule(_Module):
    """To be inherited before `keras.layers.Layer`.

    A layer calls `follow_torch` at the end of its constructor, when all its weights are there, and asks
    `dropout_acts` what `training` means in a call. `stable_weights` says how its weights are called.
    """

    _mode_given = False  # by train() or eval()

    def __call__(self, *args: Any, **options: Any) -> Tensor:
        call = super().__call__
        return _as_it_is(call, *args, **options) if ON_TORCH else call(*args, **options)

    def stable_weights(self) -> Mapping[str, keras.Variable]:
        """The layer's Keras variables by names that are the same in every process."""
        raise NotImplementedError

    def follow_torch(self, mode_given: bool = False) -> None:
        """Give the state dict its names.

        Args:
            mode_given: dropout acts from the start, as in a module of PyTorch; without it first when
                `train()` was called, and until then as in Keras.
        """
        if not ON_TORCH:
            return
        self._mode_given = mode_given
        self._register_state_dict_hook(_rename)
        self.register_load_state_dict_pre_hook(_spread)

    def train(self, mode: bool = True) -> Self:
        """As `torch.nn.Module.train`; `eval()` comes here, too."""
        self._mode_given = True
        return super().train(mode)

    def dropout_acts(self, training: bool | None) -> bool:
        """Whether this call is one of training: as it says, else as `train()` and `eval()` said."""
        if training is None:
            return bool(ON_TORCH and self._mode_given and self.training)
        return bool(training)


def _registered(module: TorchModule) -> dict[str, Tensor]:
    """Every parameter under each name that PyTorch has for it, below the module."""
    found = {}
    for place, inner in module.named_modules(remove_duplicate=False):
        parameters = inner.__dict__.get("_modules", {}).get("_torch_params")
        if parameters is not None:
            prefix = f"{place}." if place else ""
            found.update({f"{prefix}_torch_params.{n}": p for n, p in parameters.items()})
    return found


def _names(module: TorchModule) -> dict[int, str]:
    return {id(variable.value): name for name, variable in module.stable_weights().items()}


def _rename(module: TorchModule, state: dict[str, Tensor], prefix: str, metadata: object) -> None:
    """After a state dict was made: each weight once, by its stable name; seeds are left out."""
    names = _names(module)
    stable = {}
    for registered, parameter in _registered(module).items():
        value = state.pop(prefix + registered, None)
        name = names.get(id(parameter))
        if name is not None and value is not None:
            stable[prefix + name] = value
    state.update(stable)


def _spread(module: TorchModule, state: dict[str, Tensor], prefix: str, *rest: object) -> None:
    """Before a state dict is loaded: each weight under every name that PyTorch looks for."""
    names = _names(module)
    given = {name: state.pop(prefix + name) for name in names.values() if prefix + name in state}
    for registered, parameter in _registered(module).items():
        name = names.get(id(parameter))
        if name is None:
            state[prefix + registered] = parameter.data  # a seed's counter stays
        elif name in given:
            state[prefix + registered] = given[name]
