"""What every format hands over: plain arrays, a configuration and a vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from elmo.config import BiLMConfig

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
        characters: how tokens become ids: `"bytes"`, a `ManyLangsCharacters`, or None for a model
            that reads whole words.
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
    characters: str | ManyLangsCharacters | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def has_softmax(self) -> bool:
        """Whether the softmax is known, so that the model can predict words."""
        return "softmax/bias" in self.weights
