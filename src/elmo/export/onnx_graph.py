"""An ONNX graph that grows node by node."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

OPSET = 18
IR_VERSION = 9  # that of ONNX 1.14 and ONNX Runtime 1.15, which know this opset


def library() -> ModuleType:
    """The package onnx.

    Raises:
        ImportError: it is not installed; names the extra.
    """
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            'an ONNX graph wants the package onnx: pip install "elmo-keras[onnx]"'
        ) from error
    return onnx


class Graph:
    """Nodes and constants of a graph, or of the body of a loop in it.

    Args:
        name: of the graph; a body's names begin with it, so that none comes twice.

    Example:
        >>> graph = Graph("sum")
        >>> graph.node("Add", graph.input("x", "float32", ["n"]), graph.array(np.float32(1)))
        'add_1'
        >>> graph.output("y", "add_1", "float32", ["n"])
        >>> [node.op_type for node in graph.build().node]
        ['Add', 'Identity']
    """

    def __init__(self, name: str, prefix: str = "") -> None:
        self._onnx = library()
        self.name, self.prefix = name, prefix
        self._numbers = itertools.count()
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def _unique(self, kind: str) -> str:
        return f"{self.prefix}{kind.lower()}_{next(self._numbers)}"

    def _value(self, name: str, dtype: str, shape: Sequence[int | str]) -> Any:
        element = self._onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        return self._onnx.helper.make_tensor_value_info(name, element, list(shape))

    def input(self, name: str, dtype: str, shape: Sequence[int | str]) -> str:
        """An input of the graph; a string in its shape is a free size."""
        self.inputs.append(self._value(self.prefix + name, dtype, shape))
        return self.prefix + name

    def output(self, name: str, value: str, dtype: str, shape: Sequence[int | str]) -> None:
        """An output of the graph, which is `value`."""
        name = self.prefix + name
        self.nodes.append(self._onnx.helper.make_node("Identity", [value], [name]))
        self.outputs.append(self._value(name, dtype, shape))

    def array(self, values: Any, name: str | None = None) -> str:
        """A constant; whole numbers of Python become int64, as the operators want them."""
        array = np.asarray(values)
        name = self._unique("constant") if name is None else self.prefix + name
        array = np.ascontiguousarray(array).reshape(array.shape)
        self.initializers.append(self._onnx.numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """A node with one output, whose name is returned."""
        return self.nodes_out(kind, inputs, 1, **attributes)[0]

    def nodes_out(
        self, kind: str, inputs: Sequence[str], n: int, **attributes: Any
    ) -> tuple[str, ...]:
        """A node with `n` outputs."""
        number = self._unique(kind)
        outputs = [number] if n == 1 else [f"{number}_{i}" for i in range(n)]
        self.nodes.append(
            self._onnx.helper.make_node(kind, list(inputs), outputs, number, **attributes)
        )
        return tuple(outputs)

    def build(self) -> Any:
        """The graph as onnx has it."""
        return self._onnx.helper.make_graph(
            self.nodes, self.name, self.inputs, self.outputs, self.initializers
        )
