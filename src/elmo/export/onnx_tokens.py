"""From ids to vectors of tokens in an ONNX graph: a table of words, or the character CNN."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from elmo.config import BiLMConfig, CharCNNConfig
from elmo.export.onnx_graph import Graph
from elmo.export.onnx_products import Float32, Products

Weights = Mapping[str, np.ndarray]
FLOAT32 = Float32()


def word_vectors(graph: Graph, products: Products, ids: str, weights: Weights) -> str:
    """Vectors of word ids `(batch, time)`: `(batch, time, P)`, zero at padding."""
    name = "token_encoder/embedding"
    return products.rows(graph, ids, weights[name], name)


def spelled_vectors(
    graph: Graph, products: Products, ids: str, weights: Weights, config: BiLMConfig
) -> str:
    """Vectors of character ids `(batch, time, M)`: `(batch, time, P)`.

    Each distinct token goes through the CNN once (`Unique`), and columns that are padding in all of
    them are left out as far as the widest filter allows: neither changes the result. Its products
    are float32 in any case: an error here is in every layer.
    """
    characters = config.char_cnn
    assert characters is not None
    width = characters.max_characters_per_token + bool(characters.word_dim)
    p = config.lstm.projection_dim
    # Unique has no int32 in ONNX Runtime.
    rows = graph.node("Reshape", ids, graph.array([-1, width]))
    rows = graph.node("Cast", rows, to=7)  # to int64
    distinct, _, places, _ = graph.nodes_out("Unique", [rows], 4, axis=0, sorted=1)
    distinct = graph.node("Cast", distinct, to=6)  # to int32
    words = None
    if characters.word_dim:
        first, rest = graph.nodes_out("Split", [distinct, graph.array([1, width - 1])], 2, axis=1)
        words = graph.node("Squeeze", first, graph.array([1]))
        distinct = rest
    distinct = _used_columns(graph, distinct, characters)
    x = _features(graph, distinct, weights, characters)  # (tokens, F)
    for k in range(characters.n_highway):
        x = _highway(graph, x, weights, f"token_encoder/highway_{k}")
    if words is not None:
        name = "token_encoder/word_embed"
        words = products.rows(graph, words, weights[name], name)  # (tokens, word_dim)
        x = graph.node("Concat", words, x, axis=-1)
    if "token_encoder/projection/kernel" in weights:
        x = _affine(graph, x, weights, "token_encoder/projection/", "")
    vectors = graph.node("Gather", x, places)  # (batch · time, P)
    shape = graph.node("Shape", ids, end=2)
    shape = graph.node("Concat", shape, graph.array([p]), axis=0)
    return graph.node("Reshape", vectors, shape)


def _used_columns(graph: Graph, ids: str, characters: CharCNNConfig) -> str:
    """`ids` (tokens, M) without columns in which every token repeats its last id.

    A window over such columns alone is left for the widest filter; further ones would be like it.
    """
    last = graph.node("Slice", ids, *map(graph.array, ([-1], [1 << 31], [1])))  # (tokens, 1)
    differs = graph.node("Not", graph.node("Equal", ids, last))  # (tokens, M)
    differs = graph.node("Cast", differs, to=6)
    columns = graph.node("ReduceMax", differs, graph.array([0]), keepdims=0)  # (M,)
    m = characters.max_characters_per_token
    ends = graph.node("Mul", columns, graph.array(np.arange(1, m + 1, dtype=np.int32)))
    used = graph.node("ReduceMax", ends, graph.array([0]), keepdims=1)  # (1,)
    widest = max(width for width, _ in characters.filters)
    needed = graph.node("Add", used, graph.array(np.array([widest], np.int32)))
    needed = graph.node("Min", needed, graph.array(np.array([m], np.int32)))
    needed = graph.node("Cast", needed, to=7)
    return graph.node("Slice", ids, graph.array([0]), needed, graph.array([1]))


def _features(graph: Graph, ids: str, weights: Weights, characters: CharCNNConfig) -> str:
    """Each filter's best match, `(tokens, F)`."""
    name = "token_encoder/char_embed"
    vectors = FLOAT32.rows(graph, ids, weights[name], name)  # (tokens, M, C)
    vectors = graph.node("Transpose", vectors, perm=[0, 2, 1])  # (tokens, C, M)
    features = []
    for i in range(len(characters.filters)):
        name = f"token_encoder/cnn_{i}"
        kernel = weights[f"{name}/kernel"].transpose(2, 1, 0)  # (n, C, width)
        scores = graph.node(
            "Conv",
            vectors,
            graph.array(np.float32(kernel), f"{name}/kernel"),
            graph.array(np.float32(weights[f"{name}/bias"]), f"{name}/bias"),
        )  # (tokens, n, positions)
        features.append(graph.node("ReduceMax", scores, graph.array([2]), keepdims=0))
    joined = graph.node("Concat", *features, axis=1)
    return graph.node({"relu": "Relu", "tanh": "Tanh"}[characters.activation], joined)


def _affine(graph: Graph, x: str, weights: Weights, name: str, part: str) -> str:
    kernel, bias = f"{name}{part}kernel", f"{name}{part}bias"
    product = FLOAT32.product(graph, x, weights[kernel], kernel)
    return graph.node("Add", product, graph.array(np.float32(weights[bias]), bias))


def _highway(graph: Graph, x: str, weights: Weights, name: str) -> str:
    """x + σ(carry)·(relu(transform) − x)."""
    gate = graph.node("Sigmoid", _affine(graph, x, weights, f"{name}/", "carry_"))
    new = graph.node("Relu", _affine(graph, x, weights, f"{name}/", "transform_"))
    return graph.node("Add", x, graph.node("Mul", gate, graph.node("Sub", new, x)))
