"""Products with weights that PyTorch has packed: float32, bfloat16 or int8; float32 in and out."""

from __future__ import annotations

import math
import mmap
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

ROWS = 64  # for which oneDNN chooses its layout
TINY = 1e-30

Rows = Callable[[slice], Tensor]
"""Rows of a product in float32, each asked for once; what is returned may be written to."""


class Product(Protocol):
    """`x · kernel + bias` for `x` (rows, n)."""

    def __call__(self, x: Tensor) -> Rows:
        """Multiply. What is left to do with a row (its type, its scale) is done when it is asked
        for, so that it can go on while it lies in the processor's cache."""


class Float32:
    """`x · kernel + bias` as it is.

    Args:
        kernel: `(n, m)`.
        bias: `(m,)`.
        factors: of the kernel's columns, `(m,)`.
    """

    def __init__(
        self, kernel: np.ndarray, bias: np.ndarray | None = None, factors: np.ndarray | None = None
    ) -> None:
        self._linear = packed_linear(
            _passing(np.transpose(kernel), torch.float32, factors), _bias(bias)
        )

    def __call__(self, x: Tensor) -> Rows:
        return self._linear(x).__getitem__


class Bfloat16:
    """`x · kernel + bias`, all rounded to bfloat16: summed in float32 and rounded once more.

    Args:
        kernel: `(n, m)`.
        bias: `(m,)`.
        factors: of the kernel's columns, `(m,)`.

    Example:
        >>> product = Bfloat16(np.array([[1.0], [0.5]]), np.array([2.0]))
        >>> product(torch.tensor([[2.0, 1.0]]))(slice(None)).tolist()
        [[4.5]]
    """

    def __init__(
        self, kernel: np.ndarray, bias: np.ndarray | None = None, factors: np.ndarray | None = None
    ) -> None:
        rounded = None if bias is None else aligned(bias).bfloat16()
        weight = _passing(np.transpose(kernel), torch.bfloat16, factors)
        self._linear = packed_linear(weight, rounded)

    def __call__(self, x: Tensor) -> Rows:
        values = self._linear(x.bfloat16())
        return lambda rows: values[rows].float()


class Int8:
    r"""`x · kernel + bias`, the product in whole numbers: a scale for each column and each row of x.

    .. math:: x_i w_j \approx \frac{a_i s_j}{127^2} \sum_k q_{ik} v_{kj}, \quad
        a_i = \max_k |x_{ik}|, \; s_j = \max_k |w_{kj}|

    The sum is exact.

    Args:
        kernel: `(n, m)`.
        bias: `(m,)`.
        factors: of the kernel's columns, `(m,)`.
    """

    def __init__(
        self, kernel: np.ndarray, bias: np.ndarray | None = None, factors: np.ndarray | None = None
    ) -> None:
        matrix = _passing(np.asarray(kernel), torch.float32)
        largest = matrix.abs().amax(0).clamp_(min=TINY)
        self._scale = largest / 127**2
        if factors is not None:
            self._scale *= aligned(factors)
        self._numbers = matrix.mul_(127 / largest).round_().to(torch.int8)
        self._bias = _bias(bias)

    def __call__(self, x: Tensor) -> Rows:
        largest = x.abs().amax(1, keepdim=True).clamp_(min=TINY)
        sums = torch._int_mm((x * (127 / largest)).round_().to(torch.int8), self._numbers)

        def finish(rows: slice) -> Tensor:
            values = sums[rows].float().mul_(self._scale)
            if self._bias is None:
                return values.mul_(largest[rows])
            return torch.addcmul(self._bias, values, largest[rows])

        return finish


class Packing(NamedTuple):
    """How the weights of each kind are packed.

    Attributes:
        gates: the two kernels of the gates, and the dense layers of the token encoder.
        projection: the LSTM's projection. What it reads is far from evenly spread over its range,
            which whole numbers bear badly.
        filters: the type of the character CNN's filters.
    """

    gates: Callable[..., Product]
    projection: Callable[..., Product]
    filters: torch.dtype


PACKINGS = {
    "float32": Packing(Float32, Float32, torch.float32),
    "bfloat16": Packing(Bfloat16, Bfloat16, torch.bfloat16),
    "int8": Packing(Int8, Bfloat16, torch.bfloat16),
}


def packed_linear(weight: Tensor, bias: Tensor | None) -> Callable[[Tensor], Tensor]:
    """`x · weightᵀ + bias`, with `weight` (m, n) in oneDNN's layout where PyTorch can do that.

    Otherwise each call lays the weights out anew, which for few rows takes longer than the product.
    """
    try:
        reorder = torch.ops.mkldnn._reorder_linear_weight
        linear = torch.ops.mkldnn._linear_pointwise
        packed = reorder(weight, ROWS)
        linear(torch.zeros((1, weight.shape[1]), dtype=weight.dtype), packed, bias, "none", [], "")
    except (AttributeError, NotImplementedError, RuntimeError):
        return lambda x: torch.nn.functional.linear(x, weight, bias)
    return lambda x: linear(x, packed, bias, "none", [], "")


def _passing(array: np.ndarray, dtype: torch.dtype, factors: np.ndarray | None = None) -> Tensor:
    """A tensor in pages of its own, which go back to the system with it.

    Freed among the packed weights, blocks of their size would be holes that are never filled again.
    """
    exact = _pages(array.shape, torch.float32)
    np.copyto(exact.numpy(), array)
    if factors is not None:
        exact *= aligned(factors)[:, None]
    return exact if dtype == torch.float32 else _pages(array.shape, dtype).copy_(exact)


def _pages(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    count = math.prod(shape)
    memory = mmap.mmap(-1, count * dtype.itemsize)
    return torch.frombuffer(memory, dtype=dtype, count=count).view(shape)


def aligned(array: np.ndarray) -> Tensor:
    """A float32 copy where PyTorch puts its tensors: the sums of a product may be rounded otherwise
    where an operand begins elsewhere in a cache line, and NumPy leaves that to chance."""
    result = torch.empty(np.shape(array))
    result.numpy()[...] = array
    return result


def _bias(bias: np.ndarray | None) -> Tensor | None:
    return None if bias is None else aligned(bias)
