"""From spaCy's documents to vectors, and onto them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from spacy.tokens import Doc, Span, Token

from elmo.api import BiLM
from elmo.embed.results import Layers

EXTENSION = "elmo"


def pieces(doc: Doc) -> list[list[str]]:
    """The sequences that are read apart: sentences where the document has them, or all of it.

    Example:
        >>> import spacy
        >>> nlp = spacy.blank("en")
        >>> pieces(nlp("It closed. We left.")), pieces(nlp(""))
        ([['It', 'closed', '.', 'We', 'left', '.']], [])
        >>> _ = nlp.add_pipe("sentencizer")
        >>> pieces(nlp("It closed. We left."))
        [['It', 'closed', '.'], ['We', 'left', '.']]
    """
    if not len(doc):
        return []
    if doc.has_annotation("SENT_START"):
        return [[token.text for token in sentence] for sentence in doc.sents]
    return [[token.text for token in doc]]


def embed_docs(model: BiLM, docs: Sequence[Doc], layers: Layers) -> list[np.ndarray]:
    """Vectors of the tokens of documents, all in one batch.

    Returns:
        For each document float32 `(layers, tokens, dim)` with `layers="all"`, otherwise
        `(tokens, dim)`.
    """
    found = [pieces(doc) for doc in docs]
    sentences = [sentence for piece in found for sentence in piece]
    vectors = iter(model.embed([*sentences, []], layers=layers))  # the last one for empty documents
    results: list[list[np.ndarray]] = [[next(vectors) for _ in piece] for piece in found]
    nothing = next(vectors)
    return [np.concatenate(parts, axis=-2) if parts else nothing for parts in results]


def one_layer(all_layers: np.ndarray, layers: Layers, token_dim: int) -> np.ndarray:
    """What `layers` stands for, from all layers `(layers, tokens, dim)`.

    Example:
        >>> stacked = np.arange(12, dtype=np.float32).reshape(3, 1, 4)
        >>> one_layer(stacked, "average", 2), one_layer(stacked, "token", 2)
        (array([[4., 5., 6., 7.]], dtype=float32), array([[0., 1.]], dtype=float32))
    """
    if layers == "top":
        return all_layers[-1]
    if layers == "token":
        return all_layers[0, :, :token_dim]
    if layers == "sum":
        return all_layers.sum(axis=0)
    return all_layers.mean(axis=0)


def set_vectors(doc: Doc, tensor: np.ndarray) -> None:
    """`doc.tensor`, and the hooks through which tokens, spans and the document give vectors."""
    doc.tensor = np.ascontiguousarray(tensor)
    doc.user_token_hooks.update(
        vector=_token_vector, has_vector=_has_vector, vector_norm=_norm, similarity=_similarity
    )
    doc.user_span_hooks.update(
        vector=_span_vector, has_vector=_has_vector, vector_norm=_norm, similarity=_similarity
    )
    doc.user_hooks.update(
        vector=_doc_vector, has_vector=_has_vector, vector_norm=_norm, similarity=_similarity
    )


def _token_vector(token: Token) -> np.ndarray:
    return token.doc.tensor[token.i]


def _span_vector(span: Span) -> np.ndarray:
    return _mean(span.doc.tensor[span.start : span.end])


def _doc_vector(doc: Doc) -> np.ndarray:
    return _mean(doc.tensor)


def _mean(rows: np.ndarray) -> np.ndarray:
    """The mean of rows; zeros where there are none."""
    return rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1:], np.float32)


def _has_vector(one: Doc | Span | Token) -> bool:
    return one.doc.tensor.size > 0


def _norm(one: Doc | Span | Token) -> float:
    return float(np.linalg.norm(one.vector))


def _similarity(one: Doc | Span | Token, other: Doc | Span | Token) -> float:
    """The cosine of two vectors; 0 where one of them is zero."""
    norms = _norm(one) * float(np.linalg.norm(other.vector))
    return float(np.dot(one.vector, other.vector)) / norms if norms else 0.0
