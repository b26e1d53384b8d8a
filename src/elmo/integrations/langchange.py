"""ELMo as a contextualized model of langchange (PyPI `langchange`, module `languagechange`)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

try:
    from languagechange.models.representation.contextualized import ContextualizedModel
except ImportError as error:
    from elmo.text.files import MissingExtraError

    raise MissingExtraError(
        "elmo.integrations.langchange needs the package langchange: pip install langchange"
    ) from error

from elmo.api import BiLM, load
from elmo.usages.layouts.encoding import encode_spans


class ElmoEncoder(ContextualizedModel):
    """Vectors of target usages, for langchange's pipelines and its `DWUG` and `SemEval2020Task1` data.

    A usage is a text with the offsets of the target in characters; a target of several tokens has the
    mean of their vectors. Nothing is cached on disk.

    Args:
        model: a `BiLM`, or a path or name as `elmo.load` takes it.
        layer: `"top"`, `"average"`, `"sum"`, `"token"`, or a number from 0 (the token's).

    Example:
        >>> from languagechange.usages import TargetUsage  # doctest: +SKIP
        >>> encoder = ElmoEncoder("my-elmo")  # doctest: +SKIP
        >>> encoder.encode([TargetUsage("by the bank of it", [7, 11])]).shape  # doctest: +SKIP
        (1, 1024)
    """

    def __init__(self, model: BiLM | str | os.PathLike[str], layer: str | int = "top") -> None:
        # The base's own __init__ sets a device and makes a folder for its cache: neither is used here.
        self.model = model if isinstance(model, BiLM) else load(model)
        self.layer = layer
        self.name = "ELMo" if isinstance(model, BiLM) else f"ELMo {os.fspath(model)}"

    def encode(self, target_usages: Any, batch_size: int = 8) -> np.ndarray:
        """The vector of each usage's target.

        Args:
            target_usages: a `TargetUsage`, or a list of them.
            batch_size: not looked at; ELMo forms its batches itself.

        Returns:
            float32 `(usages, dim)`.

        Raises:
            ValueError: offsets are not within the text.
        """
        one = hasattr(target_usages, "offsets")
        usages: Sequence[Any] = [target_usages] if one else list(target_usages)
        spans = [(int(usage.offsets[0]), int(usage.offsets[1])) for usage in usages]
        return encode_spans(self.model, [usage.text() for usage in usages], spans, self.layer)
