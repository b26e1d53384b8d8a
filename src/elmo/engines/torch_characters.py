"""The character CNN of the PyTorch engine."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from elmo.config import BiLMConfig
from elmo.engines.torch_products import Packing, Product, aligned


class Characters:
    """The character CNN with its weights packed: ids `(n, M)` to float32 vectors `(n, P)`.

    Args:
        pack: how weights are packed.
        take: a weight by its name.
        config: the model.
    """

    def __init__(
        self, pack: Packing, take: Callable[[str], np.ndarray], config: BiLMConfig
    ) -> None:
        def get(name: str) -> Tensor:
            return aligned(take(f"token_encoder/{name}"))

        def affine(name: str) -> Product:
            name = f"token_encoder/{name}"
            return pack.gates(take(f"{name}kernel"), take(f"{name}bias"))

        characters = config.char_cnn
        assert characters is not None  # of a model that reads characters
        self._activation = characters.activation
        self._table = get("char_embed").to(pack.filters)
        self._words = get("word_embed") if characters.word_dim else None
        self._filters = []
        for i, (width, number) in enumerate(characters.filters):
            kernel = get(f"cnn_{i}/kernel").reshape(width * characters.embedding_dim, number)
            self._filters.append((width, kernel.to(pack.filters)))
        self._bias = torch.cat([get(f"cnn_{i}/bias") for i in range(len(characters.filters))])
        self._highways = [
            (affine(f"highway_{k}/carry_"), affine(f"highway_{k}/transform_"))
            for k in range(characters.n_highway)
        ]
        features = characters.n_filters + characters.word_dim
        projects = characters.always_project or features != config.lstm.projection_dim
        self._projection = affine("projection/") if projects else None

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        read = torch.from_numpy(np.array(ids, np.int64))
        words = None
        if self._words is not None:
            words, read = _rows(self._words, read[:, 0]), read[:, 1:]
        x = self._features(read)
        whole = slice(None)
        for carry, transform in self._highways:
            gate = carry(x)(whole).sigmoid_()
            new = transform(x)(whole).relu_()
            x = torch.addcmul(x, gate, new.sub_(x))
        if words is not None:
            x = torch.cat([words, x], dim=-1)
        if self._projection is not None:
            x = self._projection(x)(whole)
        return x.numpy()

    def _features(self, ids: Tensor) -> Tensor:
        """Each filter's best match, `(tokens, F)`."""
        characters = _rows(self._table, ids)  # (tokens, M, C)
        tokens, length, size = characters.shape
        features = []
        for width, kernel in self._filters:
            positions = length - width + 1
            windows = characters.as_strided(
                (tokens, positions, width * size), (length * size, size, 1)
            )
            scores = windows.reshape(-1, width * size) @ kernel
            features.append(scores.view(tokens, positions, -1).amax(dim=1))
        x = torch.cat(features, dim=-1).float().add_(self._bias)
        return x.relu_() if self._activation == "relu" else x.tanh_()


def _rows(table: Tensor, ids: Tensor) -> Tensor:
    """Rows `ids - 1`, zeros for padding."""
    rows = table[(ids - 1).clamp_(min=0)]
    return rows if bool((ids > 0).all()) else rows * (ids > 0)[..., None]
