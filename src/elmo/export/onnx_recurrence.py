"""The LSTMs in an ONNX graph: for each layer one `Scan` over time, both directions in it.

The arithmetic is that of `elmo.layers.recurrence`. Padding stands behind each row and no state
leaves the graph, so a row may run on over its padding: what comes of that is zeroed at the end.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from elmo.config import BiLMConfig, LSTMConfig
from elmo.export.onnx_graph import Graph
from elmo.export.onnx_products import Products

Weights = Mapping[str, np.ndarray]


def recurrent_layers(
    graph: Graph,
    products: Products,
    vectors: str,
    lengths: str,
    weights: Weights,
    config: BiLMConfig,
) -> list[str]:
    """Every layer's output, `(time, batch, directions · P)` in text order.

    Args:
        graph: it is added to.
        products: how weights are multiplied with.
        vectors: of the tokens, `(time, batch, P)`.
        lengths: of the rows, int64 `(batch,)`.
        weights: by their names.
        config: the model.
    """
    lstm, directions = config.lstm, config.direction_names
    batch = graph.node("Shape", lengths)
    zeros = {}
    for size in {lstm.projection_dim, lstm.dim}:
        shape = graph.node("Concat", batch, graph.array([size]), axis=0)
        zeros[size] = graph.node("ConstantOfShape", shape)

    def turned(x: str, direction: str) -> str:
        if direction == "forward":
            return x
        return graph.node("ReverseSequence", x, lengths, time_axis=0, batch_axis=1)

    inputs = [turned(vectors, direction) for direction in directions]
    layers = []
    for number in range(lstm.n_layers):
        names = [f"{direction}/layer_{number}" for direction in directions]
        gates = [
            _input_gates(graph, products, x, weights, name, lstm)
            for x, name in zip(inputs, names, strict=True)
        ]
        states = [zeros[lstm.projection_dim], zeros[lstm.dim]] * len(directions)
        outputs = graph.nodes_out(
            "Scan",
            [*states, *gates],
            3 * len(directions),
            body=_step(products, weights, names, lstm).build(),
            num_scan_inputs=len(directions),
        )[-len(directions) :]
        if number and lstm.use_skip_connections:
            pairs = zip(inputs, outputs, strict=True)
            outputs = tuple(graph.node("Add", x, y) for x, y in pairs)
        inputs = list(outputs)
        halves = [turned(y, direction) for y, direction in zip(inputs, directions, strict=True)]
        layers.append(graph.node("Concat", *halves, axis=-1) if len(halves) > 1 else halves[0])
    return layers


def _input_gates(
    graph: Graph, products: Products, x: str, weights: Weights, name: str, lstm: LSTMConfig
) -> str:
    """The half of the gates that does not wait for the recurrence, `(time, batch, 4D)`."""
    bias = np.array(weights[f"{name}/bias"], np.float32)
    bias[2 * lstm.dim : 3 * lstm.dim] += lstm.forget_bias
    product = products.product(graph, x, weights[f"{name}/kernel"], f"{name}/kernel")
    return graph.node("Add", product, graph.array(bias, f"{name}/bias"))


def _step(products: Products, weights: Weights, names: list[str], lstm: LSTMConfig) -> Graph:
    """The body of a layer's scan: a position of every direction."""
    body = Graph(f"step of {', '.join(names)}", prefix=f"{names[0]}/step/")
    states = [
        (body.input(f"h_{i}", "float32", ["batch", lstm.projection_dim]),
         body.input(f"c_{i}", "float32", ["batch", lstm.dim]))
        for i in range(len(names))
    ]  # fmt: skip
    gates = [
        body.input(f"gates_{i}", "float32", ["batch", 4 * lstm.dim]) for i in range(len(names))
    ]
    outputs = []
    for i, (name, (h, c), given) in enumerate(zip(names, states, gates, strict=True)):
        h, c = _cell(body, products, weights, name, lstm, given, h, c)
        body.output(f"h_{i}_after", h, "float32", ["batch", lstm.projection_dim])
        body.output(f"c_{i}_after", c, "float32", ["batch", lstm.dim])
        outputs.append(h)
    for i, h in enumerate(outputs):
        body.output(f"y_{i}", h, "float32", ["batch", lstm.projection_dim])
    return body


def _cell(
    body: Graph,
    products: Products,
    weights: Weights,
    name: str,
    lstm: LSTMConfig,
    gates: str,
    h: str,
    c: str,
) -> tuple[str, str]:
    kernel = f"{name}/recurrent_kernel"
    recurrent = products.product(body, h, weights[kernel], kernel)
    z = body.node("Add", gates, recurrent)
    i, j, f, o = body.nodes_out("Split", [z], 4, axis=1, num_outputs=4)
    kept = body.node("Mul", body.node("Sigmoid", f), c)
    new = body.node("Mul", body.node("Sigmoid", i), body.node("Tanh", j))
    c = _clip(body, body.node("Add", kept, new), lstm.cell_clip)
    h = body.node("Mul", body.node("Sigmoid", o), body.node("Tanh", c))
    if lstm.projects:
        kernel = f"{name}/projection_kernel"
        h = _clip(body, products.product(body, h, weights[kernel], kernel), lstm.proj_clip)
    return h, c


def _clip(body: Graph, x: str, limit: float | None) -> str:
    if limit is None:
        return x
    return body.node("Clip", x, body.array(np.float32(-limit)), body.array(np.float32(limit)))
