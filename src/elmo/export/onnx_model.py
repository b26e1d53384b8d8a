"""A biLM as an ONNX model: ids in, every layer and the mask out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from elmo._version import __version__
from elmo.config import BiLMConfig
from elmo.export.onnx_graph import IR_VERSION, OPSET, Graph, library
from elmo.export.onnx_products import PRODUCTS
from elmo.export.onnx_recurrence import recurrent_layers
from elmo.export.onnx_tokens import spelled_vectors, word_vectors

LARGEST = 1 << 30  # bytes of a model in one file; protobuf ends at 2 GiB


def build_model(
    config: BiLMConfig, weights: Mapping[str, np.ndarray], quantize: Literal["int8"] | None = None
) -> Any:
    """The encoder of a biLM as an `onnx.ModelProto`.

    Batch and time are free, and the time loop is a `Scan`. The result is that of `BiLMEncoder`.

    Args:
        config: the model.
        weights: under the names of docs/architecture.md; a softmax is left out.
        quantize: None for float32, or `"int8"` (see `elmo.export.onnx_products`).

    Returns:
        A model with the input `ids`, int32 `(batch, time)` or `(batch, time, M)`, and the outputs
        `layers`, float32 `(batch, n_layers + 1, time, output_dim)`, and `mask`, bool `(batch,
        time)`. For the time of a call it holds `8 · dim · 4` bytes a position and direction.

    Raises:
        ImportError: the package onnx is not installed.

    Example:
        >>> from elmo.config import LSTMConfig
        >>> lstm = LSTMConfig(dim=2, projection_dim=2, n_layers=1)
        >>> config = BiLMConfig(lstm=lstm, vocabulary_size=3, directions="forward")
        >>> shapes = {"kernel": (2, 8), "recurrent_kernel": (2, 8), "bias": (8,)}
        >>> weights = {f"forward/layer_0/{n}": np.ones(s, "float32") for n, s in shapes.items()}
        >>> weights["token_encoder/embedding"] = np.ones((3, 2), "float32")
        >>> [output.name for output in build_model(config, weights).graph.output]
        ['layers', 'mask']
    """
    onnx = library()
    products = PRODUCTS[quantize]
    graph = Graph("biLM")
    if config.char_cnn is None:
        ids = graph.input("ids", "int32", ["batch", "time"])
        real = graph.node("Greater", ids, graph.array(np.int32(0)))
        vectors = word_vectors(graph, products, ids, weights)
    else:
        width = config.char_cnn.max_characters_per_token + bool(config.char_cnn.word_dim)
        ids = graph.input("ids", "int32", ["batch", "time", width])
        largest = graph.node("ReduceMax", ids, graph.array([2]), keepdims=0)
        real = graph.node("Greater", largest, graph.array(np.int32(0)))
        vectors = spelled_vectors(graph, products, ids, weights, config)
    lengths = graph.node("Cast", real, to=7)
    lengths = graph.node("ReduceSum", lengths, graph.array([1]), keepdims=0)  # (batch,)
    by_time = graph.node("Transpose", real, perm=[1, 0])
    by_time = graph.node("Unsqueeze", by_time, graph.array([2]))  # (time, batch, 1)
    zero = graph.array(np.float32(0))
    x = graph.node("Transpose", vectors, perm=[1, 0, 2])  # (time, batch, P)
    x = graph.node("Where", by_time, x, zero)
    n = len(config.direction_names)
    layers = [graph.node("Concat", *[x] * n, axis=-1) if n > 1 else x]
    layers += recurrent_layers(graph, products, x, lengths, weights, config)
    layers = [graph.node("Unsqueeze", layer, graph.array([0])) for layer in layers]
    stacked = graph.node("Concat", *layers, axis=0)  # (n_layers + 1, time, batch, output_dim)
    stacked = graph.node("Where", by_time, stacked, zero)
    stacked = graph.node("Transpose", stacked, perm=[2, 0, 1, 3])
    shape: list[int | str] = ["batch", config.lstm.n_layers + 1, "time", config.output_dim]
    graph.output("layers", stacked, "float32", shape)
    graph.output("mask", real, "bool", ["batch", "time"])
    model = onnx.helper.make_model(
        graph.build(),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="elmo-keras",
        producer_version=__version__,
    )
    return model


def save_model(model: Any, path: str | os.PathLike[str]) -> None:
    """Write a model; one that is too large for a file has its numbers beside it, in `.data`."""
    onnx, path = library(), Path(path)
    apart = model.ByteSize() > LARGEST
    onnx.save_model(
        model, path, save_as_external_data=apart, location=f"{path.name}.data" if apart else None
    )
