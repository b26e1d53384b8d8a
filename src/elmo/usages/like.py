"""Uses like one in a sentence of your own: the model reads it, and the index is searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from elmo.hub.resolving import DownloadError
from elmo.system.errors import FormatError
from elmo.text.marked import marked
from elmo.usages.layers import chosen_layer
from elmo.usages.use import Use, phrases_once

if TYPE_CHECKING:
    from elmo.api import BiLM
    from elmo.hub.resolving import Source
    from elmo.usages.index import UsageIndex
    from elmo.usages.search import Searcher

_MORE = 4  # as many uses are searched for each that is shown: the same phrase is shown once


class UsageModel:
    """The model that made an index, loaded when it is first asked.

    Args:
        index: of uses.
        source: where the model is now; None for where it was.
    """

    def __init__(self, index: UsageIndex, source: BiLM | Source | None = None) -> None:
        self.index, self._source = index, source
        self._model: BiLM | None = None

    def vector(self, tokens: Sequence[str], place: int) -> np.ndarray:
        """The vector of a token in its sentence, as those of the index were made.

        Raises:
            ValueError: the model is another one.
            FileNotFoundError: it is not where it was.
        """
        model, made = self._loaded(), self.index.description
        chosen = chosen_layer(made.layer, model.config.lstm.n_layers)
        read = [token.lower() for token in tokens] if made.lowercase else list(tokens)
        (vectors,) = model.embed([read], layers=chosen.layers, precision=made.precision)
        return (vectors if chosen.number is None else vectors[chosen.number])[place]

    def _loaded(self) -> BiLM:
        from elmo.bulk.fingerprint import model_digest

        if self._model is None:
            self._model = self._load()
            if model_digest(self._model.embedder) != self.index.description.model_digest:
                raise ValueError(
                    f"{self.index.folder}: was made by another model than {self._source}; give the one "
                    f"that made it ({self.index.description.model})"
                )
        return self._model

    def _load(self) -> BiLM:
        from elmo.api import BiLM, load

        if isinstance(self._source, BiLM):
            return self._source
        made: Any = self.index.description
        source = self._source or made.model
        if source is None:
            raise ValueError(
                f"{self.index.folder}: does not know where its model is, which was in memory; give it "
                "(--model)"
            )
        try:
            return load(tuple(source) if isinstance(source, list) else source, made.vocabulary)
        except (FormatError, DownloadError, OSError) as error:
            if self._source is not None:
                raise
            raise FileNotFoundError(
                f"{self.index.folder}: its model cannot be loaded from {source}, where it was ({error}); "
                "say where it is (--model)"
            ) from error


def like(
    index: UsageIndex,
    model: UsageModel,
    searcher: Searcher,
    sentence: str | Sequence[str],
    place: int | None = None,
    *,
    across: bool = False,
    k: int = 20,
    period: str | None = None,
) -> tuple[Use, list[Use]]:
    """The use that was asked about, and the uses like it, nearest first, each phrase once.

    Args, Raises: see `UsageIndex.like`.
    """
    if isinstance(sentence, str):
        tokens, place = marked(sentence)
    else:
        tokens = list(sentence)
    if place is None or not 0 <= place < len(tokens):
        raise ValueError(f"place={place!r}: must be from 0 to {len(tokens) - 1}, of the sentence")
    if type(k) is not int or k < 1:
        raise ValueError(f"k={k!r}: must be 1 or more")
    word = tokens[place].lower() if index.description.lowercase else tokens[place]
    if across and period is not None:
        raise ValueError("period=…: goes with the uses of one word; leave out across or period")
    if not across and word not in index:
        raise index.unknown(word)
    asked = Use(tokens, place)
    vector = model.vector(tokens, place)
    if across:
        found = searcher.across(vector, _MORE * k + 10)
        uses = index.located(found.numbers)
    else:
        found = searcher.within(word, vector, _MORE * k + 10, period)
        uses = index.shown(word, found.numbers)
    scored = (
        use._replace(similarity=float(similarity))
        for use, similarity in zip(uses, found.similarities, strict=True)
    )
    return asked, phrases_once(scored, k, but=tokens)
