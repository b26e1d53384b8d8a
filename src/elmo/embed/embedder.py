"""Text to vectors: an `Embedder` runs a network over sentences of any number and length."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from elmo.bilm.embedding import find_encoder
from elmo.bilm.encoder import BiLMEncoder
from elmo.bilm.weights import digest_of, get_weights, set_weights
from elmo.embed.carried_state import CarriedState
from elmo.embed.results import Layers, Pool, Result, State, check_choices, result_shape
from elmo.embed.token_cache import TokenCache
from elmo.embed.windows import ROWS, read_windows
from elmo.embed.word_cache import WordCache
from elmo.engines.choosing import EngineName, Precision, new_engine
from elmo.engines.engine import Engine
from elmo.layers.initial_values import blank_weights
from elmo.text.sentences import check_sentences, token_list

TokenVectors = Callable[[np.ndarray], np.ndarray]

CARRIED_ROWS = 32  # of a batch with carried state, where none is given
CHUNK_BYTES = 1 << 27  # of results that are worked on together
CHUNK_POSITIONS = (1 << 12, 1 << 16)  # the least and the most, boundaries included


class Embedder:
    """Contextual vectors of sentences from a biLM.

    Sentences are sorted by length within chunks of bounded size, each distinct token goes through
    the token encoder once, and the recurrence runs in windows, so that memory does not grow with
    the number of sentences. Boundaries are read and dropped; padding never counts. Results do not
    depend on batch size or order (but for rounding, below 1e-5).

    The weights are read once; after the network was trained on, call `refresh`. Several threads may use
    one embedder, but for `state="carry"`, which belongs to the first that carries it. An embedder can be
    pickled, with its weights and what it carries.

    Args:
        network: a `BiLanguageModel`, a `BiLMEncoder`, or an object with one under `network`.
        sentence_encoder: has `encode(tokens)`, ids with boundaries: `SentenceEncoder` or
            `ManyLangsCharacters`.
        token_cache: a `TokenCache`, or the path of one: vectors of words that need not go through
            the character CNN.
        cache_size: how many distinct tokens are remembered.
        precision: `"float32"`, `"bfloat16"` or `"int8"`; see `elmo.engines.choosing`.
        engine: `"keras"`, `"torch"`, or None for the faster one; or an object that computes in their
            place (see `elmo.engines.keras_engine`).

    Example:
        >>> from elmo.bilm.encoder import BiLMEncoder
        >>> from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
        >>> from elmo.text.encoding import SentenceEncoder
        >>> characters = CharCNNConfig(embedding_dim=2, filters=[[1, 4], [2, 4]])
        >>> lstm = LSTMConfig(dim=8, projection_dim=4)
        >>> encoder = BiLMEncoder(BiLMConfig(lstm=lstm, char_cnn=characters))
        >>> embedder = Embedder(encoder, SentenceEncoder(characters=50))
        >>> [v.shape for v in embedder.embed([["The", "bank", "closed"], "split at spaces", []])]
        [(3, 3, 8), (3, 3, 8), (3, 0, 8)]
        >>> embedder.embed(["one vector per sentence"], layers="top", pool="mean")[0].shape
        (8,)
    """

    def __init__(
        self,
        network: Any,
        sentence_encoder: Any,
        *,
        token_cache: Any = None,
        cache_size: int = 1 << 16,
        precision: Precision = "float32",
        engine: EngineName | Engine | None = None,
    ) -> None:
        self._encoder: BiLMEncoder | None = find_encoder(network)
        self._digest: str | None = None  # of a network that was let go
        self.sentence_encoder = sentence_encoder
        self.config = self._encoder.config
        self.policy = self._encoder.dtype_policy.name
        self._ids_per_token = self._encoder.ids_per_token
        self.precision: Precision | None = None
        if engine is None or isinstance(engine, str):
            self.precision = precision
            engine = new_engine(self._encoder, precision, engine)
        self.engine: Engine = engine
        self.state = CarriedState(self.config)
        self.token_cache = None
        if token_cache is not None:
            if not isinstance(token_cache, TokenCache):
                token_cache = TokenCache.load(token_cache)
            self.token_cache = token_cache.prepared(self.config, sentence_encoder)
        dim = self.config.lstm.projection_dim
        self.word_cache = WordCache(self.token_vectors, dim, cache_size)

    def apart(self, token_vectors: TokenVectors | None = None) -> Embedder:
        """Another embedder on the same engine, with a word cache and a carried state of its own.

        Args:
            token_vectors: what gives the vectors of distinct tokens in place of `token_vectors`.
        """
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.state = CarriedState(self.config)
        dim, size = self.config.lstm.projection_dim, self.word_cache.capacity
        other.word_cache = WordCache(token_vectors or self.token_vectors, dim, size)
        return other

    def recipe(self) -> dict[str, Any]:
        """All that an embedder is made of but its weights, for `from_recipe`.

        Raises:
            PicklingError: its engine cannot be made anew, or it has let go of its network.
        """
        if self.precision is None:
            raise pickle.PicklingError(
                f"the engine {type(self.engine).__name__} cannot be made anew in another process"
            )
        if self._encoder is None:
            raise pickle.PicklingError("this embedder has let go of its network (`release`)")
        return {
            "config": self.config,
            "policy": self.policy,
            "sentence_encoder": self.sentence_encoder,
            "token_cache": self.token_cache,
            "cache_size": self.word_cache.capacity,
            "precision": self.precision,
            "engine": self.engine.name,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return from_recipe, (self.recipe(), self.weights(), self.state)

    @property
    def encoder(self) -> BiLMEncoder | None:
        """The `BiLMEncoder` whose weights these are; None after `release`."""
        return self._encoder

    def weights(self) -> dict[str, np.ndarray]:
        """The network's weights by name.

        Raises:
            ValueError: the network was let go.
        """
        if self._encoder is None:
            raise ValueError("weights: this embedder has let go of its network (`release`)")
        return get_weights(self._encoder)

    @property
    def weights_digest(self) -> str:
        """SHA-256 of the network's weights; see `elmo.bilm.weights.digest_of`."""
        if self._digest is not None:
            return self._digest
        assert self._encoder is not None  # else there is a digest
        return digest_of(self._encoder)

    def refresh(self) -> None:
        """Take the weights that the network has now.

        Raises:
            ValueError: the network was let go.
        """
        if self._encoder is None:
            raise ValueError("refresh: this embedder has let go of its network (`release`)")
        self.engine.refresh()
        self.word_cache.clear()

    def release(self) -> None:
        """Let go of the network, where the engine has all of it packed.

        Where nobody else holds the network, its memory is free for other things: for a large model as
        much as the packed weights take. There is no `refresh` afterwards, and no `jobs`.
        """
        if self._encoder is not None and hasattr(self.engine, "release"):
            self._digest = self.weights_digest
            self.engine.release()
            self._encoder = None

    def reset_state(self) -> None:
        """Forget the state that `state="carry"` left behind."""
        self.state.reset()

    def token_vectors(self, ids: np.ndarray) -> np.ndarray:
        """Context-free vectors of distinct tokens, `(tokens, projection_dim)`, from their ids."""
        if self.token_cache is None:
            return self.engine.token_vectors(ids)
        return self.token_cache.vectors(ids, self.engine.token_vectors)

    def embed(
        self, sentences: Iterable[Sequence[str] | str], *choices: Any, **options: Any
    ) -> list[np.ndarray]:
        """Vectors of sentences, all of them; takes what `embed_iter` takes."""
        return list(self.embed_iter(sentences, *choices, **options))

    def embed_iter(
        self,
        sentences: Iterable[Sequence[str] | str],
        layers: Layers = "all",
        pool: Pool | None = None,
        state: State = "reset",
        batch_size: int | None = None,
    ) -> Iterator[np.ndarray]:
        """Vectors of sentences, one result after the other in their order.

        Sentences are read as they are needed: memory is bounded by a chunk of them.

        Args:
            sentences: lists of tokens, or strings, which are split at ASCII whitespace.
            layers: `"all"`, the token's and each layer's; `"top"`; `"average"`, the plain mean of
                all; `"sum"` of all; or `"token"`, the context-free vector of each token, once.
            pool: `"mean"` for one vector per sentence, the mean over its tokens.
            state: `"reset"`: each sentence from zero state. `"carry"`: the published behaviour:
                batches of `batch_size` sentences in order, row k going on from row k of the batch
                before, in this call or an earlier one, until `reset_state`. (Nothing is read for
                `layers="token"`, so the state stays.)
            batch_size: sentences per batch: at most that many with `"reset"`, where it changes no
                result; 32 by default with `"carry"`, where it is part of the result.

        Returns:
            A float32 array for each sentence: `(n_layers + 1, tokens, output_dim)` for `"all"`,
            `(tokens, output_dim)` for `"top"`, `"average"` and `"sum"`, `(tokens, projection_dim)`
            for `"token"`; without the axis of tokens where they are pooled. A sentence without tokens
            has zero of them; pooled it is a vector of zeros.

        Raises:
            ValueError: an argument is no choice.
            TypeError: `sentences` is one string, or holds something that is no token; says
                which one.
        """
        check_choices(layers, pool, state, batch_size)
        check_sentences(sentences)
        encoded = (self._encode(sentence, i) for i, sentence in enumerate(sentences))
        if state == "carry":
            return self._carried(encoded, layers, pool, batch_size or CARRIED_ROWS)
        return self._stateless(encoded, layers, pool, batch_size or ROWS[-1])

    def _carried(
        self, encoded: Iterator[np.ndarray], layers: str, pool: str | None, batch_size: int
    ) -> Iterator[np.ndarray]:
        while batch := list(itertools.islice(encoded, batch_size)):
            table, sentences = self._distinct(batch)
            results = self._results(table, sentences, layers, pool)
            if layers != "token":
                before = self.state.take(len(batch))
                self.state.put(self._read(table, sentences, layers, results, before))
            yield from (result.finish() for result in results)

    def _stateless(
        self, encoded: Iterator[np.ndarray], layers: str, pool: str | None, batch_size: int
    ) -> Iterator[np.ndarray]:
        for chunk in self._chunks(encoded, layers, pool):
            table, sentences = self._distinct(chunk)
            results = self._results(table, sentences, layers, pool)
            order = np.argsort([-len(sentence) for sentence in sentences], kind="stable")
            for start in range(0, len(order) if layers != "token" else 0, batch_size):
                batch = order[start : start + batch_size].tolist()
                chosen = [results[i] for i in batch]
                self._read(table, [sentences[i] for i in batch], layers, chosen)
            del table, sentences
            results.reverse()
            while results:  # what was taken need not be kept
                yield results.pop().finish()

    def _chunks(
        self, encoded: Iterator[np.ndarray], layers: str, pool: str | None
    ) -> Iterator[list[np.ndarray]]:
        """Sentences by the bytes of their results, and at most so many positions."""
        least, most = CHUNK_POSITIONS
        per_token = 4 * int(np.prod(result_shape(self.config, layers, None, 1)))
        limit = most if pool else min(most, max(least, CHUNK_BYTES // per_token))
        chunk, positions = [], 0
        for ids in encoded:
            chunk.append(ids)
            positions += len(ids)
            if positions >= limit:
                yield chunk
                chunk, positions = [], 0
        if chunk:
            yield chunk

    def _encode(self, sentence: Sequence[str] | str, number: int) -> np.ndarray:
        ids = self.sentence_encoder.encode(token_list(sentence, number))
        wanted, width = self._ids_per_token, ids.shape[1] if ids.ndim == 2 else None
        if wanted != width:
            raise ValueError(
                f"the sentence encoder gives {width or 'one'} ids per token, and the network reads "
                f"{wanted or 'one'}"
            )
        return ids

    def _distinct(self, encoded: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Vectors of the distinct tokens of sentences, and each sentence as rows of them."""
        ids = np.ascontiguousarray(np.concatenate(encoded), np.int32)
        keys = ids.view(f"V{ids[0].nbytes}").ravel() if ids.ndim == 2 else ids
        _, first, places = np.unique(keys, return_index=True, return_inverse=True)
        distinct = ids[first]
        if self.config.char_cnn is None:
            table = self.engine.token_vectors(distinct)
        else:
            table = self.word_cache.vectors(distinct)
        return table, np.split(places, np.cumsum([len(one) for one in encoded])[:-1])

    def _results(
        self, table: np.ndarray, sentences: list[np.ndarray], layers: str, pool: str | None
    ) -> list[Result]:
        return [Result(self.config, layers, pool, table[s[1:-1]]) for s in sentences]

    def _read(
        self,
        table: np.ndarray,
        sentences: list[np.ndarray],
        layers: str,
        results: list[Result],
        state: Any = None,
    ) -> Any:
        wanted = "average" if layers == "sum" else layers  # an engine sums; `Result` divides
        return read_windows(
            self.engine, table, sentences, wanted, lambda w: results[w.row].receive(w), state
        )


def from_recipe(
    recipe: Mapping[str, Any],
    weights: Mapping[str, np.ndarray],
    state: CarriedState | None = None,
) -> Embedder:
    """The embedder of a `recipe` and its weights by name."""
    recipe = dict(recipe)
    with blank_weights():
        encoder = BiLMEncoder(recipe.pop("config"), dtype=recipe.pop("policy"))
        encoder.build()
    set_weights(encoder, weights)
    embedder = Embedder(encoder, recipe.pop("sentence_encoder"), **recipe)
    if state is not None:
        embedder.state = state
    return embedder
