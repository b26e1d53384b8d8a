"""LSTM state that goes on from batch to batch, as in the published programs."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from elmo.config import BiLMConfig
from elmo.system.files import written_whole


class CarriedState:
    """The state `(h, c)` of the rows of batches: row k goes on from where row k ended before.

    A row that is asked for the first time starts from zero; the rows beyond a smaller batch stay
    as they are. The steps of `<S>` and `</S>` are part of it. As in bilm-tf, AllenNLP and
    ELMoForManyLangs.

    A state belongs to the thread that first asks for rows, until it is reset: two that went on from one
    state would each read in the other's context.

    Args:
        config: the model.

    Example:
        >>> from elmo.config import LSTMConfig
        >>> lstm = LSTMConfig(dim=8, projection_dim=4)
        >>> state = CarriedState(BiLMConfig(vocabulary_size=5, lstm=lstm))
        >>> h, c = state.take(3)
        >>> h.shape, c.shape
        ((2, 2, 3, 4), (2, 2, 3, 8))
        >>> state.put((h[:, :, :1] + 1, c[:, :, :1]))
        >>> state.rows, state.take(4)[0][0, 0, :, 0].tolist()
        (3, [1.0, 0.0, 0.0, 0.0])
    """

    def __init__(self, config: BiLMConfig) -> None:
        lstm = config.lstm
        self._outer = (len(config.direction_names), lstm.n_layers)
        self._sizes = (lstm.projection_dim, lstm.dim)
        self.reset()

    def reset(self) -> None:
        """Forget everything: every row starts from zero."""
        self._thread: int | None = None
        self.h, self.c = (np.zeros((*self._outer, 0, n), np.float32) for n in self._sizes)

    @property
    def rows(self) -> int:
        """How many rows there are so far."""
        return self.h.shape[2]

    def take(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Where the first `n` rows stand; new ones are added as zeros.

        Raises:
            RuntimeError: another thread carries this state.
        """
        thread = threading.get_ident()
        if self._thread is None:
            self._thread = thread
        elif self._thread != thread:
            raise RuntimeError(
                "state='carry': another thread carries this state; give each thread an embedder of its "
                "own (model.new_embedder()), take state='reset', or reset the state between them"
            )
        if n > self.rows:
            extra = [(0, 0), (0, 0), (0, n - self.rows), (0, 0)]
            self.h, self.c = np.pad(self.h, extra), np.pad(self.c, extra)
        return self.h[:, :, :n].copy(), self.c[:, :, :n].copy()

    def put(self, state: tuple[np.ndarray, np.ndarray]) -> None:
        """Where the first rows stand now, as many as `state` has."""
        n = state[0].shape[2]
        self.take(n)
        self.h[:, :, :n], self.c[:, :, :n] = state

    def save(self, path: Path) -> None:
        """Write the state to a file (`.npz`)."""
        with written_whole(path) as file:
            np.savez(file, h=self.h, c=self.c)

    def load(self, path: Path) -> None:
        """Take the state of a file that `save` wrote."""
        with np.load(path) as found:
            self.h, self.c = found["h"], found["c"]

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_thread": None}
