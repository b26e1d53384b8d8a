"""What an `Embedder` computes with: vectors of tokens and windows of the recurrence.

`elmo.engines.keras_engine` and `elmo.engines.torch_engine` are two; another one (of reduced precision, or
an exported graph) can stand in their place. Everything is given and taken in reading order: an engine
knows no direction and no sentence.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from elmo.config import BiLMConfig
from elmo.layers.tensors import State, Tensor


class Engine(Protocol):
    """What is asked of an engine.

    One that can do without the network has `release()` as well, which lets go of it.
    """

    @property
    def name(self) -> str:
        """What `Embedder(engine=…)` calls it, where it can be made anew in another process."""
        ...

    @property
    def config(self) -> BiLMConfig:
        """The architecture of the model."""
        ...

    def token_vectors(self, ids: np.ndarray) -> np.ndarray:
        """Vectors of tokens, float32 `(n, projection_dim)`, from ids `(n, M)` or `(n,)`."""
        ...

    def zero_state(self, rows: int) -> State:
        """The state before anything was read: `(h, c)`, `(directions, n_layers, rows, projection_dim)`
        and `(…, dim)`."""
        ...

    def read(
        self, vectors: np.ndarray, mask: np.ndarray, state: State, layers: str
    ) -> tuple[Tensor, State]:
        """Read on by some positions.

        Args:
            vectors: `(directions, rows, time, projection_dim)`, each row in reading order.
            mask: `(directions, rows, time)`; where it is false the state stays as it is.
            state: where the rows stand.
            layers: `"all"` layers above the token's; `"top"`; or `"average"`, the sum of all above
                the token's.

        Returns:
            A tensor `(directions, rows, layers, time, projection_dim)`, perhaps still being
            computed, and the state behind the window.
        """
        ...

    def fetch(self, outputs: Tensor) -> np.ndarray:
        """The numbers of a tensor that `read` returned, float32; waits for them."""
        ...

    def refresh(self) -> None:
        """Take the network's weights anew."""
        ...
