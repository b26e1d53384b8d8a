"""The class of ELMoForManyLangs: change the import, keep the script.

`from elmoformanylangs import Embedder` becomes `from elmo.compat.elmoformanylangs import Embedder`.
Neither ELMoForManyLangs nor PyTorch is needed.
"""

from __future__ import annotations

import os
import random
from collections.abc import Sequence

import numpy as np

from elmo.api import BiLM, load
from elmo.embed.results import State
from elmo.text.sentences import check_sentences, token_lists

__all__ = ["Embedder"]


class Embedder:
    """Vectors by a model of ELMoForManyLangs, or any other.

    As there, sentences are sorted by falling length into batches, the batches are taken in an order
    that `random` draws (`random.seed` fixes it), and the LSTM state goes on from batch to batch and from
    call to call: row k of a batch begins where row k of the batch before ended. So a sentence's
    vectors depend on what was read before. `state="reset"` reads each sentence from zero state, as a new
    `Embedder` reads a single batch.

    Args:
        model_dir: whatever `elmo.load` takes, or a `BiLM`.
        batch_size: sentences of a batch.
        state: `"carry"` or `"reset"`.

    Raises:
        ValueError: `batch_size` or `state` is no choice.

    Example (needs a download)::

        embedder = Embedder("manylangs-en")
        embedder.sents2elmo([["We", "sat", "on", "the", "bank", "."]])[0].shape  # (6, 1024)
    """

    def __init__(
        self,
        model_dir: str | os.PathLike[str] | tuple[str, str] | BiLM,
        batch_size: int = 64,
        *,
        state: State = "carry",
    ) -> None:
        if not (type(batch_size) is int and batch_size >= 1):
            raise ValueError(f"batch_size={batch_size!r}: must be 1 or more")
        if state not in ("carry", "reset"):
            raise ValueError(f"state={state!r}: must be 'carry' or 'reset'")
        self.model_dir: str | os.PathLike[str] | tuple[str, str] | None = None
        if not isinstance(model_dir, BiLM):
            self.model_dir = model_dir
        self.model = model_dir if isinstance(model_dir, BiLM) else load(model_dir)
        self.batch_size = batch_size
        self.state: State = state
        self._embedder = self.model.new_embedder()

    def sents2elmo(
        self, sents: Sequence[Sequence[str]], output_layer: int = -1
    ) -> list[np.ndarray]:
        """Vectors of sentences, in their order.

        Args:
            sents: lists of tokens.
            output_layer: -1 for the mean of all layers, -2 for all of them, 0 for the tokens' own
                vectors, 1, 2 and so on for an LSTM layer.

        Returns:
            A float32 array for each sentence, `(tokens, 2P)`, or `(layers + 1, tokens, 2P)` for -2.

        Raises:
            ValueError: there is no such layer.
            TypeError: a sentence is a string.
        """
        depth = self.model.config.lstm.n_layers
        if isinstance(output_layer, bool) or output_layer not in range(-2, depth + 1):
            raise ValueError(f"output_layer={output_layer!r}: must be a number from -2 to {depth}")
        check_sentences(sents)
        for sentence in sents:
            if isinstance(sentence, str):
                raise TypeError(
                    f"{sentence[:40]!r} is a string: a sentence must be a list of tokens "
                    "(there, a string is read as its characters; list(…) gives these)"
                )
        sents = token_lists(sents, split=False)
        layers = {-1: "average", depth: "top"}.get(int(output_layer), "all")
        order = sorted(range(len(sents)), key=lambda number: -len(sents[number]))
        size = self.batch_size
        batches = [order[start : start + size] for start in range(0, len(order), size)]
        random.shuffle(batches)
        found: dict[int, np.ndarray] = {}
        for batch in batches:
            vectors = self._embedder.embed(
                [sents[number] for number in batch], layers, state=self.state, batch_size=size
            )
            found.update(zip(batch, vectors, strict=True))
        chosen = [found[number] for number in range(len(sents))]
        if layers == "all" and output_layer != -2:
            return [vectors[output_layer] for vectors in chosen]
        return chosen

    def reset_state(self) -> None:
        """Forget the state; the next batch begins as a new `Embedder` does."""
        self._embedder.reset_state()
