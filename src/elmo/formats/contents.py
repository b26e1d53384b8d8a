"""What every format hands over: plain arrays, a configuration and a vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from elmo.config import BiLMConfig
from elmo.text.encoding import SentenceEncoder

if TYPE_CHECKING:
    from elmo.text.manylangs import ManyLangsCharacters
    from elmo.text.vocabulary import Vocabulary


@dataclass
class Pretrained:
    """A model as it is on disk.

    Args:
        config: what the network is.
        weights: float32 arrays under the names of docs/architecture.md: all of the encoder's, and
            `softmax/kernel`, `softmax/bias` where the files have them.
        vocabulary: the types, in the order of their ids; None where it is not known.
        optimizer_slots: Adagrad's accumulators under the names of the weights (bilm-tf training
            checkpoints), or None.
        step: the number of training steps so far, where known.
        dictionaries: what a model of ELMoForManyLangs reads characters and words by; None for one that
            reads words, or bytes (where the configuration has a character CNN).
        extra: `"format"`: the name of the layout it was read from; `"options"`: settings of the
            training that the configuration has no place for (bilm-tf); `"settings"`: what upper
            floors want kept with the model (anything that JSON holds); `"vocabulary_refused"`: why
            the list beside a published model that reads characters is not its vocabulary;
            `"unfinished"`: where its training stands, if that has not come to its end.
    """

    config: BiLMConfig
    weights: dict[str, np.ndarray]
    vocabulary: Vocabulary | None = None
    optimizer_slots: dict[str, np.ndarray] | None = None
    step: int | None = None
    dictionaries: ManyLangsCharacters | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def has_softmax(self) -> bool:
        """Whether the softmax is known, so that the model can predict words."""
        return "softmax/bias" in self.weights

    @property
    def sentence_encoder(self) -> SentenceEncoder | ManyLangsCharacters:
        """From tokens to the model's ids."""
        if self.dictionaries is not None:
            return self.dictionaries
        return SentenceEncoder.for_model(self.config, self.vocabulary)
