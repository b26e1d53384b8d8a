"""Initial weight values.

To draw them, a backend that compiles spends some seconds per network and keeps one program per shape in
memory. Callers that load every weight can skip this.
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
    """A context in which new weights are zeros, for networks whose weights are loaded next.

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
    """An initializer for `add_weight`: the given one, or zeros inside `blank_weights`."""
    return _zeros if _blank.get() else initializer


def _zeros(shape: Sequence[int], dtype: str | None = None) -> Tensor:
    return copied(ops.convert_to_tensor(np.zeros(shape, np.float32)))


def copied(tensor: Tensor) -> Tensor:
    """Wait until the tensor's data has been copied.

    JAX copies arrays in the background and keeps the originals until then: those of a whole network would
    double its memory.
    """
    wait = getattr(tensor, "block_until_ready", None)
    return tensor if wait is None else wait()
