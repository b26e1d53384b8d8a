"""Names for the types of what layers take and give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

Tensor: TypeAlias = Any
"""A tensor of Keras's backend, or what it makes one of (a variable, an array of NumPy): there is no class
that all of them have."""

State: TypeAlias = tuple[Tensor, Tensor]
"""The state of LSTMs, `(h, c)`."""

Shape: TypeAlias = Sequence[int | None]
"""A shape; None where an axis is free."""
