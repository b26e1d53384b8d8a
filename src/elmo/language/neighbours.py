"""Neighbours: the types whose vectors are most like that of a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

import numpy as np

from elmo.embed.embedder import Embedder
from elmo.embed.results import LAYERS, Layers
from elmo.language.candidates import Words, allowed_types, words_of
from elmo.system.threads import Lock
from elmo.text.marked import marked
from elmo.text.sentences import token_list
from elmo.text.vocabulary import Vocabulary

BLOCK = 4096  # types that are embedded at a time


class Neighbour(NamedTuple):
    """A type and how much it is like the word that was asked for.

    Attributes:
        word: the type.
        cosine: of the two vectors, −1 to 1.
    """

    word: str
    cosine: float


class Neighbours:
    """Answers which types are most like a word, exactly.

    A type has a vector of its own, the token encoder's (layer 0), or that of any other layer where it is
    embedded alone, as a sentence of one token. The vectors of the whole vocabulary are made when they are
    first needed and kept, float32 `(V, dim)` per layer, of the weights that the model has then.

    Args:
        embedder: from sentences to vectors.
        vocabulary: its types; None where they are not known.
    """

    def __init__(self, embedder: Embedder, vocabulary: Vocabulary | None) -> None:
        self._embedder, self._vocabulary = embedder, vocabulary
        config = embedder.config
        self._reads_words = config.char_cnn is None
        self._lowercase = config.lowercase or (vocabulary is not None and vocabulary.lowercase)
        self._tables: dict[str | int, np.ndarray] = {}
        self._lock = Lock()  # of the tables

    def of(
        self,
        word: str,
        sentence: str | Sequence[str] | None = None,
        among: int | Words | None = None,
        top_k: int = 10,
        layer: str | int | None = None,
    ) -> list[Neighbour]:
        """The nearest types; arguments and errors as in `elmo.BiLM.neighbours`."""
        if top_k < 1:
            raise ValueError(f"top_k={top_k!r}: must be 1 or more")
        chosen = self._layer(("token" if sentence is None else "top") if layer is None else layer)
        tokens, position = [word], 0
        if isinstance(sentence, str):
            tokens, position = marked(sentence, word)
        elif sentence is not None:
            tokens = token_list(sentence)
            if tokens.count(word) != 1:
                raise ValueError(
                    f"word={word!r}: occurs {tokens.count(word)} times in the sentence; it must occur "
                    "once, or be marked as [word] in a string"
                )
            position = tokens.index(word)
        self._check_known(word)
        types = self._types(among)
        table = self._whole(chosen, types) if among is None else self._table(types, chosen)
        (vectors,) = self._vectors([tokens], chosen)
        cosines = table @ _unit(vectors[position])
        order = np.argsort(-cosines, kind="stable")
        nearest = (Neighbour(types[i], float(cosines[i])) for i in order.tolist())
        return [one for one, _ in zip(self._others(nearest, word), range(top_k), strict=False)]

    def _others(self, nearest: Iterator[Neighbour], word: str) -> Iterator[Neighbour]:
        key = word.lower() if self._lowercase else word
        for one in nearest:
            if (one.word.lower() if self._lowercase else one.word) != key:
                yield one

    def _layer(self, layer: str | int) -> str | int:
        top = self._embedder.config.lstm.n_layers
        if isinstance(layer, str) and layer.isascii() and layer.isdigit():
            layer = int(layer)
        names = [name for name in LAYERS if name != "all"]
        if layer not in (*names, *range(top + 1)):
            raise ValueError(
                f"layer={layer!r}: must be {', '.join(names)}, or a number from 0 (the token's) to {top}"
            )
        return "token" if layer == 0 else layer

    def _check_known(self, word: str) -> None:
        if self._reads_words and not self._is_type(word):
            raise ValueError(
                f"word={word!r}: is not in the model's vocabulary; take one that is, or a model that "
                "reads characters"
            )

    def _is_type(self, word: str) -> bool:
        vocabulary = self._vocabulary
        if vocabulary is None or word not in vocabulary:
            return False
        return vocabulary.id(word) not in vocabulary.special_ids

    def _types(self, among: int | Words | None) -> list[str]:
        vocabulary = self._vocabulary
        if among is not None and not isinstance(among, int):
            words = words_of(among)
            if self._reads_words:
                words = [word for word in words if self._is_type(word)]
                if not words:
                    raise ValueError(
                        "among: no word is in the model's vocabulary; give one that is"
                    )
            return words
        if vocabulary is None:
            raise ValueError(f"among={among!r}: the model has no vocabulary; give a list of words")
        types = np.flatnonzero(allowed_types(vocabulary))
        if among is not None:
            if among < 1:
                raise ValueError(f"among={among!r}: must be 1 or more types, or a list of words")
            types = types[np.argsort(vocabulary.ranks()[types], kind="stable")][:among]
        return [vocabulary.tokens[i] for i in types.tolist()]

    def _whole(self, layer: str | int, types: list[str]) -> np.ndarray:
        with self._lock:
            if layer not in self._tables:
                self._tables[layer] = self._table(types, layer)
            return self._tables[layer]

    def _table(self, types: list[str], layer: str | int) -> np.ndarray:
        """Unit vectors of types alone, float32 `(types, dim)`, embedded block by block."""
        config = self._embedder.config
        size = config.lstm.projection_dim if layer == "token" else config.output_dim
        table = np.empty((len(types), size), np.float32)
        for first in range(0, len(types), BLOCK):
            block = [[word] for word in types[first : first + BLOCK]]
            table[first : first + len(block)] = _unit(np.concatenate(self._vectors(block, layer)))
        return table

    def _vectors(self, sentences: list[list[str]], layer: str | int) -> list[np.ndarray]:
        if isinstance(layer, int):
            return [found[layer] for found in self._embedder.embed_iter(sentences, layers="all")]
        return self._embedder.embed(sentences, layers=cast(Layers, layer))


def _unit(vectors: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: np.ndarray = vectors / np.maximum(norms, 1e-12)
    return unit
