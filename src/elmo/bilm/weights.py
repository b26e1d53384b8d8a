"""Plain arrays in and out of a network, under the names of `named_weights`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Protocol

import keras
import numpy as np
from keras import ops

from elmo.layers.initial_values import copied


class Network(Protocol):
    """A layer or a model whose weights have names."""

    def named_weights(self) -> Mapping[str, keras.Variable]:
        """The variables under these names."""
        ...


def to_numpy(variable: keras.Variable) -> np.ndarray:
    """A variable's value as a NumPy array, for now; no copy where the backend can do without."""
    if keras.backend.backend() == "jax":  # Keras would copy
        return np.asarray(variable.value)
    return np.asarray(ops.convert_to_numpy(variable.value))


def get_weights(network: Network) -> dict[str, np.ndarray]:
    """A copy of every weight, `{name: float32 array}`."""
    return {
        name: np.array(ops.convert_to_numpy(variable.value), copy=True)
        for name, variable in network.named_weights().items()
    }


def set_weights(network: Network, arrays: Mapping[str, np.ndarray]) -> None:
    """Give every weight its array; nothing may be missing, left over or of another shape.

    Raises:
        ValueError: naming all that does not fit.

    Example:
        >>> from elmo.layers.lm_head import LMHead
        >>> head = LMHead(vocabulary_size=3, projection_dim=2)
        >>> head.build()
        >>> set_weights(head, {"kernel": np.ones((2, 3))})
        Traceback (most recent call last):
        ...
        ValueError: weights do not fit the network: missing bias; kernel is (2, 3), not (3, 2)
    """
    variables = network.named_weights()
    faults = []
    if missing := sorted(set(variables) - set(arrays)):
        faults.append(f"missing {', '.join(missing)}")
    if extra := sorted(set(arrays) - set(variables)):
        faults.append(f"left over {', '.join(extra)}")
    for name in sorted(set(variables) & set(arrays)):
        wanted, shape = tuple(variables[name].shape), tuple(np.shape(arrays[name]))
        if wanted != shape:
            faults.append(f"{name} is {shape}, not {wanted}")
    if faults:
        raise ValueError(f"weights do not fit the network: {'; '.join(faults)}")
    for name, variable in variables.items():
        variable.assign(arrays[name])
        copied(variable.value)


def digest_of(network: Network) -> str:
    """SHA-256 over every weight's name, shape, type and bytes, in hexadecimal."""
    found = hashlib.sha256()
    for name, variable in sorted(network.named_weights().items()):
        array = to_numpy(variable)  # one after the other: all together are as large as the model
        found.update(f"{name} {array.shape} {array.dtype}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
