"""The model class of simple_elmo: change the import, keep the script.

`from simple_elmo import ElmoModel` becomes `from elmo.compat.simple_elmo import ElmoModel`. Neither
simple_elmo nor TensorFlow is needed.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, get_args

import numpy as np

from elmo.api import BiLM, load
from elmo.compat.byte_ids import PublishedEncoder
from elmo.embed.carried_state import CarriedState
from elmo.embed.embedder import Embedder
from elmo.embed.results import State
from elmo.language.model import LanguageModel
from elmo.language.substitutes import outputs
from elmo.system.threads import Lock
from elmo.text.encoding import SentenceEncoder
from elmo.text.sentences import check_sentences, token_lists

__all__ = ["ElmoModel", "weight_layers"]

Texts = Sequence[Sequence[str]]

Layers = Literal["average", "top", "all"]
LAYERS = get_args(Layers)
_LAYERS = "layers={!r}: must be 'average', 'top' or 'all'"
_NOT_LOADED = "no model yet: call load(directory) first"
_SESSIONS: MutableMapping[object, MutableMapping[BiLM, CarriedState]] = weakref.WeakKeyDictionary()
"""The states that models have in sessions."""
_NAMELESS = type("Nameless", (), {})()


@dataclass(frozen=True)
class ChosenLayers:
    """What stands for an op: which layers are asked for."""

    layers: Layers


class WeightedOps(TypedDict):
    """What `weight_layers` gives."""

    weighted_op: ChosenLayers
    regularization_op: float


def weight_layers(
    name: str,
    bilm_ops: object,
    l2_coef: float | None = 0.0,
    use_layers: Layers = "average",
    do_layer_norm: bool = False,
) -> WeightedOps:
    """The choice of layers for calls with a session, with simple_elmo's arguments.

    Args:
        name, l2_coef: have no effect: nothing is learned here.
        bilm_ops: `sentence_embeddings_op` of an `ElmoModel`.
        use_layers: `"average"`, `"top"` or `"all"`.
        do_layer_norm: must be False; `elmo.ElmoEmbedding` has it.

    Returns:
        `{"weighted_op": …, "regularization_op": 0.0}`, for `elmo_sentence_input` of the model.

    Raises:
        ValueError: another choice of layers, or `do_layer_norm`.

    Example:
        >>> weight_layers("input", None, use_layers="top")["weighted_op"]
        ChosenLayers(layers='top')
    """
    if use_layers not in LAYERS:
        raise ValueError(f"use_layers={use_layers!r}: must be 'average', 'top' or 'all'")
    if do_layer_norm:
        raise ValueError(
            "do_layer_norm=True: not here; elmo.ElmoEmbedding(model, do_layer_norm='bilm-tf') has it"
        )
    return {"weighted_op": ChosenLayers(use_layers), "regularization_op": 0.0}


class ElmoModel:
    """Vectors and substitutes from an ELMo, with the methods of simple_elmo.

    As there, a call starts from zero state, reads its first batch once to warm up, and carries the
    state from batch to batch, so that vectors depend on the batch size and on what stands before.
    `state="reset"` switches all of that off: each sentence is read from zero state.

    With a `session` a call goes on from where the last one with that session ended. Any object does,
    one of TensorFlow too: the recipe in simple_elmo's README runs as it is, and TensorFlow computes
    nothing in it.

    Args:
        state: `"carry"` or `"reset"`.

    Attributes:
        sentence_embeddings_op: for `weight_layers`.
        elmo_sentence_input: what `weight_layers` gave; where it is set it says which layers calls
            with a session return.

    Example (needs a model's folder)::

        model = ElmoModel()
        model.load("folder")
        model.get_elmo_vectors([["The", "bank", "closed"]])  # (1, 3, 1024)
    """

    def __init__(self, state: State = "carry") -> None:
        if state not in ("carry", "reset"):
            raise ValueError(f"state={state!r}: must be 'carry' or 'reset'")
        self.state: State = state
        self.batch_size = 32
        self.vector_size: int | None = None
        self.n_layers: int | None = None
        self.sentence_embeddings_op: ChosenLayers | None = None
        self.elmo_sentence_input: WeightedOps | None = None
        self._model: BiLM | None = None
        self._embedder: Embedder | None = None
        self._lock = Lock()  # of the embedder's state

    @property
    def model(self) -> BiLM:
        """The model, with everything else that it can do."""
        if self._model is None:
            raise ValueError(_NOT_LOADED)
        return self._model

    def load(
        self,
        directory: str | os.PathLike[str],
        max_batch_size: int = 32,
        limit: int = 100,
        full: bool = False,
    ) -> str:
        """Load a model.

        Args:
            directory: a folder or a zip archive, or whatever else `elmo.load` takes.
            max_batch_size: sentences per batch.
            limit: has no effect. It says how many words of the vocabulary simple_elmo keeps the
                bytes of; vectors are the same.
            full: has no effect: a checkpoint is read with its softmax in any case.

        Returns:
            A sentence that says so.

        Raises:
            FormatError: there is no model, or it is damaged.
            ValueError: `max_batch_size` is below 1.
        """
        if max_batch_size < 1:
            raise ValueError(f"max_batch_size={max_batch_size!r}: must be 1 or more")
        self._model = load(directory)
        self._prepare()
        config = self.model.config
        self.batch_size = max_batch_size
        self.vector_size = config.output_dim
        self.n_layers = config.lstm.n_layers + 1
        self.sentence_embeddings_op = ChosenLayers("all")
        return "The model is now loaded."

    def _prepare(self) -> None:
        network, config = self.model.network, self.model.config
        encoder = self.model.sentence_encoder
        if isinstance(encoder, SentenceEncoder) and config.char_cnn is not None:
            encoder = PublishedEncoder(config.char_cnn.max_characters_per_token, config.lowercase)
        self._embedder = Embedder(network, encoder)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_embedder": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if self._model is not None:
            self._prepare()

    def get_elmo_vectors(
        self, texts: Texts, warmup: bool = True, layers: Layers = "average", session: Any = None
    ) -> np.ndarray:
        """Vectors of the tokens of sentences, zeros behind the shorter ones.

        (simple_elmo's layer 0 has the vector of a token without characters there.)

        Args:
            texts: lists of tokens.
            warmup: read the first batch once before (with carried state alone).
            layers: `"average"`, `"top"` or `"all"`.
            session: go on from the state that the call before left in this session; None for zero
                state.

        Returns:
            float64 `(texts, longest, 2P)`; with `"all"` `(texts, n_layers + 1, longest, 2P)`.
        """
        layers = self._layers(layers, session)
        found = self._vectors(texts, warmup, layers, session)
        longest = max((vectors.shape[-2] for vectors in found), default=0)
        outer = (self.n_layers,) if layers == "all" else ()
        result = np.zeros((len(found), *outer, longest, self.vector_size))
        for row, vectors in zip(result, found, strict=True):
            row[..., : vectors.shape[-2], :] = vectors
        return result

    def get_elmo_vector_average(
        self, texts: Texts, warmup: bool = True, layers: Layers = "average", session: Any = None
    ) -> np.ndarray:
        """One vector per sentence: the sum over its tokens, brought to length 1.

        simple_elmo also adds what stands behind a sentence that is shorter than the longest of its
        batch; with `max_batch_size=1` the numbers are the same. With `"all"` it is summed layer by
        layer and the layers together have length 1; simple_elmo mixes layers and tokens up there. A
        sentence without tokens gives zeros.

        Args:
            texts, warmup, layers, session: as in `get_elmo_vectors`.

        Returns:
            float64 `(texts, 2P)`; with `"all"` `(texts, n_layers + 1, 2P)`.
        """
        layers = self._layers(layers, session)
        found = self._vectors(texts, warmup, layers, session)
        outer = (self.n_layers,) if layers == "all" else ()
        result = np.zeros((len(found), *outer, self.vector_size))
        for row, vectors in zip(result, found, strict=True):
            row[...] = vectors.sum(axis=-2, dtype=np.float64)
            row /= np.linalg.norm(row) or 1.0
        return result

    def _layers(self, layers: Layers, session: Any) -> Layers:
        if session is None or self.elmo_sentence_input is None:
            return layers
        return self.elmo_sentence_input["weighted_op"].layers

    def _state(self, session: Any) -> CarriedState:
        """The state of a session; a new one without."""
        if session is None:
            return CarriedState(self.model.config)
        try:
            states = _SESSIONS.setdefault(session, weakref.WeakKeyDictionary())
        except TypeError:  # a number or a bare `object()`: all of these are one session
            states = _SESSIONS.setdefault(_NAMELESS, weakref.WeakKeyDictionary())
        return states.setdefault(self.model, CarriedState(self.model.config))

    def _vectors(
        self, texts: Texts, warmup: bool, layers: Layers, session: Any
    ) -> list[np.ndarray]:
        if layers not in LAYERS:
            raise ValueError(_LAYERS.format(layers))
        if self._embedder is None:
            raise ValueError(_NOT_LOADED)
        texts = token_lists(texts)
        options = {"layers": layers, "state": self.state, "batch_size": self.batch_size}
        with self._lock:
            self._embedder.state = self._state(session)
            if warmup and self.state == "carry":
                self._embedder.embed(texts[: self.batch_size], **options)
            return self._embedder.embed(texts, **options)

    def get_elmo_substitutes(
        self, data: Sequence[str], topn: int = 3, nodelimiters: bool = True
    ) -> list[list[dict[str, Any]]]:
        """What each direction expects in the place of each word.

        The forward predictions for a word come from the words before it, the backward ones from
        those behind it, each sentence from zero state. (simple_elmo gives its model zero state for
        each word, so that it sees one word of context; it wants as many sentences as the batch has
        rows, and returns them in the order in which they end.)

        Args:
            data: sentences, words separated by spaces.
            topn: how many words.
            nodelimiters: leave out `<S>` and `</S>`.

        Returns:
            For each sentence and each of its words `{"word", "forward", "backward"}`, the latter
            with `candidates` (ids), `candidate_words` and `logp` (natural logarithms, of four
            digits), the best first; None for a direction that the model lacks. A word outside the
            vocabulary is named `<UNK>`.

        Raises:
            ValueError: the model has no softmax or no vocabulary.
        """
        check_sentences(data)
        model = self.model
        if not model.has_softmax or model.vocabulary is None:
            lacks = "vocabulary" if model.has_softmax else "softmax"
            raise ValueError(
                f"get_elmo_substitutes: this model has no {lacks}; load one of ours or a training "
                "checkpoint"
            )
        sentences = token_lists([t.split() if isinstance(t, str) else t for t in data])
        language_model = model.language_model("get_elmo_substitutes")
        return [
            _substitutes(language_model, tokens, topn, nodelimiters) if tokens else []
            for tokens in sentences
        ]


def _substitutes(
    model: LanguageModel, tokens: list[str], topn: int, nodelimiters: bool
) -> list[dict[str, Any]]:
    vocabulary, n = model.vocabulary, len(tokens)
    result: list[dict[str, Any]] = [
        {"word": vocabulary.tokens[number], "forward": None, "backward": None}
        for number in vocabulary.ids(tokens)
    ]
    # what was read before a word: those before it, or those behind it
    read = {"forward": range(n), "backward": range(n - 1, -1, -1)}
    asked = {name: [(0, before) for before in read[name]] for name in model.directions}
    topn = min(topn, len(vocabulary) - 2 * nodelimiters)
    for name, h in outputs(model, [tokens], asked).items():
        for place, one in zip(result, h, strict=True):
            row = model.log_probabilities(one[None])[0]
            if nodelimiters:
                row[[vocabulary.bos_id, vocabulary.eos_id]] = -np.inf
            best = np.argsort(-row, kind="stable")[:topn]
            place[name] = {
                "candidates": best.tolist(),
                "candidate_words": [vocabulary.tokens[number] for number in best],
                "logp": np.round(row[best].astype(float), 4).tolist(),
            }
    return result
