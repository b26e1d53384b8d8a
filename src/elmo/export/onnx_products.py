r"""Products with weights and look-ups in tables, in float32 or int8.

In int8 each column w of a kernel has a scale of its own, s = max|w| / 127, fixed in the graph; what
it is multiplied with is quantized as it comes (`DynamicQuantizeLinear`, unsigned, with one scale a
and zero point z for the whole array):

.. math:: x w \approx a\, s \sum_k (q_k - z)\, w_k / s

The sum is of whole numbers and exact. A table has a scale for each row.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np

from elmo.export.onnx_graph import Graph


class Products(Protocol):
    """How a graph multiplies with weights."""

    def product(self, graph: Graph, x: str, kernel: np.ndarray, name: str) -> str:
        """`x · kernel`, `(…, n)` · `(n, m)`."""

    def rows(self, graph: Graph, ids: str, table: np.ndarray, name: str) -> str:
        """Rows `ids - 1` of a table, zeros for id 0."""


class Float32:
    """Products as the model has them."""

    def product(self, graph: Graph, x: str, kernel: np.ndarray, name: str) -> str:
        return graph.node("MatMul", x, graph.array(np.float32(kernel), name))

    def rows(self, graph: Graph, ids: str, table: np.ndarray, name: str) -> str:
        rows = graph.node("Gather", graph.array(np.float32(table), name), _places(graph, ids))
        return _zero_padding(graph, ids, rows)


class Int8:
    """Weights of 8 bits, a scale per column; a scale per row in tables."""

    def product(self, graph: Graph, x: str, kernel: np.ndarray, name: str) -> str:
        values, scales = quantized(kernel, axis=0)
        numbers, scale, zero = graph.nodes_out("DynamicQuantizeLinear", [x], 3)
        sums = graph.node("MatMulInteger", numbers, graph.array(values, f"{name}/int8"), zero)
        sums = graph.node("Cast", sums, to=1)  # to float32
        columns = graph.array(scales.reshape(-1), f"{name}/scale")
        return graph.node("Mul", sums, graph.node("Mul", scale, columns))

    def rows(self, graph: Graph, ids: str, table: np.ndarray, name: str) -> str:
        values, scales = quantized(table, axis=1)
        places = _places(graph, ids)
        rows = graph.node("Gather", graph.array(values, f"{name}/int8"), places)
        factors = graph.node("Gather", graph.array(scales, f"{name}/scale"), places)
        rows = graph.node("Mul", graph.node("Cast", rows, to=1), factors)
        return _zero_padding(graph, ids, rows)


PRODUCTS: dict[Literal["int8"] | None, Products] = {None: Float32(), "int8": Int8()}


def quantized(matrix: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """A matrix in 8 bits: whole numbers in ±127 and float32 scales, so that their product is it.

    Args:
        matrix: two axes.
        axis: along which all numbers share a scale: 0 for a scale per column, 1 for one per row.

    Example:
        >>> values, scales = quantized(np.array([[1.0, -0.5], [0.5, 0.0]]), axis=0)
        >>> values.tolist(), (values * scales).round(3)
        ([[127, -127], [64, 0]], array([[ 1.   , -0.5  ], [ 0.504,  0.   ]], dtype=float32))
    """
    largest = np.abs(matrix).max(axis=axis, keepdims=True)
    scales = np.where(largest > 0, largest / 127, 1).astype(np.float32)
    return np.rint(matrix / scales).clip(-127, 127).astype(np.int8), scales


def _places(graph: Graph, ids: str) -> str:
    """`ids - 1`; 0 is padding and picks the first row, which is then zeroed."""
    return graph.node(
        "Max",
        graph.node("Sub", ids, graph.array(np.int32(1))),
        graph.array(np.int32(0)),
    )


def _zero_padding(graph: Graph, ids: str, rows: str) -> str:
    real = graph.node("Greater", ids, graph.array(np.int32(0)))
    real = graph.node("Unsqueeze", real, graph.array(np.array([-1])))
    return graph.node("Where", real, rows, graph.array(np.float32(0)))
