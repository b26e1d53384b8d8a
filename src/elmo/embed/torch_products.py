"""Products with weights that PyTorch has packed: float32, bfloat16 or int8; float32 in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

Product = Callable[[Tensor], Tensor]

ROWS = 64  # for which oneDNN chooses its layout
TINY = 1e-30


def pack_float32(kernel: np.ndarray) -> Product:
    """`x · kernel` as it is.

    Args:
        kernel: `(n, m)`.
    """
    return _packed(_transposed(kernel))


def pack_bfloat16(kernel: np.ndarray) -> Product:
    """`x · kernel` with both rounded to bfloat16: summed in float32 and rounded once more.

    Args:
        kernel: `(n, m)`.

    Example:
        >>> product = pack_bfloat16(np.array([[1.0], [0.5]], np.float32))
        >>> product(torch.tensor([[2.0, 1.0]])).tolist()
        [[2.5]]
    """
    multiply = _packed(_transposed(kernel).bfloat16())
    return lambda x: multiply(x.bfloat16()).float()


def pack_int8(kernel: np.ndarray) -> Product:
    r"""`x · kernel` in whole numbers, with a scale for each column of the kernel and each row of x.

    .. math:: x_i w_j \approx \frac{a_i s_j}{127^2} \sum_k q_{ik} v_{kj}, \quad
        a_i = \max_k |x_{ik}|, \; s_j = \max_k |w_{kj}|

    The sum is exact.

    Args:
        kernel: `(n, m)`.
    """
    matrix = torch.from_numpy(np.array(kernel, np.float32))
    largest = matrix.abs().amax(0).clamp_(min=TINY)
    scale = largest / 127**2
    numbers = matrix.mul_(127 / largest).round_().to(torch.int8)

    def multiply(x: Tensor) -> Tensor:
        largest = x.abs().amax(1, keepdim=True).clamp_(min=TINY)
        rounded = (x * (127 / largest)).round_().to(torch.int8)
        return torch._int_mm(rounded, numbers).float().mul_(scale).mul_(largest)

    return multiply


class Packing(NamedTuple):
    """How the weights of each kind are packed.

    Attributes:
        gates: the two kernels of the gates, and the dense layers of the token encoder.
        projection: the LSTM's projection. What it reads is far from evenly spread over its range,
            which whole numbers bear badly.
        filters: the type of the character CNN's filters.
    """

    gates: Callable[[np.ndarray], Product]
    projection: Callable[[np.ndarray], Product]
    filters: torch.dtype


PACKINGS = {
    "float32": Packing(pack_float32, pack_float32, torch.float32),
    "bfloat16": Packing(pack_bfloat16, pack_bfloat16, torch.bfloat16),
    "int8": Packing(pack_int8, pack_bfloat16, torch.bfloat16),
}


def _transposed(kernel: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.transpose(kernel), np.float32))


def _packed(weight: Tensor) -> Product:
    """A product with `weight` (m, n), in oneDNN's own layout where this build of PyTorch has it.

    Otherwise each call lays the weights out anew, which for few rows takes longer than the product.
    """
    plain = lambda x: torch.nn.functional.linear(x, weight)  # noqa: E731
    try:
        reorder, linear = (
            torch.ops.mkldnn._reorder_linear_weight,
            torch.ops.mkldnn._linear_pointwise,
        )
        packed = reorder(weight, ROWS)
        multiply = lambda x: linear(x, packed, None, "none", [], "")  # noqa: E731
        multiply(torch.zeros((1, weight.shape[1]), dtype=weight.dtype))
    except (AttributeError, NotImplementedError, RuntimeError):
        return plain
    return multiply
