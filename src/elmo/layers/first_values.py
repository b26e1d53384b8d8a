"""The values that weights have before they are given others.

Drawing them takes a backend that compiles some seconds for a network, a program a shape, and the memory
of these programs. Who loads all weights anyhow can do without.
"""

from __future__ import annotations

import contextlib
import contextvars
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from keras import ops

from elmo.layers.tensors import Tensor

Initializer: TypeAlias = "str | Callable[..., Tensor]"
"""What Keras starts a weight with: a name, or a function of a shape and a type."""

_blank = contextvars.ContextVar("blank", default=False)


@contextlib.contextmanager
def blank_weights() -> Iterator[None]:
    """Within it weights are made as zeros.

    Example:
        >>> from elmo.layers.highway import Highway
        >>> with blank_weights():
        ...     highway = Highway()
        ...     highway.build((None, 3))
        >>> [float(np.abs(weight).sum()) for weight in highway.get_weights()]
        [0.0, 0.0, 0.0, 0.0]
    """
    token = _blank.set(True)
    try:
        yield
    finally:
        _blank.reset(token)


def drawn(initializer: Initializer) -> Initializer:
    """What `add_weight` is to start a weight with: `initializer`, or zeros in `blank_weights`."""
    return _zeros if _blank.get() else initializer


def _zeros(shape: Sequence[int], dtype: str | None = None) -> Tensor:
    return there(ops.convert_to_tensor(np.zeros(shape, np.float32)))


def there(tensor: Tensor) -> Tensor:
    """The tensor, once it is made of what it is made of.

    JAX copies arrays on the side and keeps them meanwhile: a whole network's at once are another network
    in memory.
    """
    wait = getattr(tensor, "block_until_ready", None)
    return tensor if wait is None else wait()
