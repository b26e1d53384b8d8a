"""A cache of token vectors, so that each token goes through the token encoder once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from elmo.system.threads import Lock


class WordCache:
    """A bounded LRU table from the ids of a token to its vector.

    Several threads may use one cache; while one computes, the others wait.

    Args:
        compute: from ids `(n, M)` or `(n,)`, all distinct, to float32 `(n, dim)`.
        dim: size of a vector.
        capacity: how many vectors are kept.

    Attributes:
        computed: tokens that went through `compute` so far.
        found: tokens that were there already.

    Example:
        >>> cache = WordCache(lambda ids: np.float32(ids)[:, None], dim=1, capacity=2)
        >>> cache.vectors(np.array([7, 8])).ravel().tolist()
        [7.0, 8.0]
        >>> cache.vectors(np.array([8, 9])).ravel().tolist(), cache.computed, cache.found
        ([8.0, 9.0], 3, 1)
    """

    def __init__(
        self, compute: Callable[[np.ndarray], np.ndarray], dim: int, capacity: int = 1 << 16
    ) -> None:
        if capacity < 1:
            raise ValueError(f"capacity={capacity!r}: must be 1 or more")
        self.compute = compute
        self.capacity = capacity
        self._slots: dict[bytes, int] = {}  # from the longest unused to the last used
        self._table = np.empty((0, dim), np.float32)
        self.computed = self.found = 0
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._slots)

    def clear(self) -> None:
        """Forget all vectors."""
        with self._lock:
            self._slots.clear()
            self._table = self._table[:0]

    def vectors(self, ids: np.ndarray) -> np.ndarray:
        """Vectors of distinct tokens, float32 `(n, dim)`.

        Args:
            ids: `(n, M)` or `(n,)`, no token twice.
        """
        with self._lock:
            return self._vectors(ids)

    def _vectors(self, ids: np.ndarray) -> np.ndarray:
        result = np.empty((len(ids), self._table.shape[1]), np.float32)
        keys = [row.tobytes() for row in np.ascontiguousarray(ids, np.int32)]
        known, slots, missing = [], [], []
        for number, key in enumerate(keys):
            slot = self._slots.pop(key, None)
            if slot is None:
                missing.append(number)
            else:
                self._slots[key] = slot
                known.append(number)
                slots.append(slot)
        result[known] = self._table[slots]
        if missing:
            result[missing] = self.compute(ids[missing])
            self._keep([keys[number] for number in missing], result[missing])
        self.found += len(known)
        self.computed += len(missing)
        return result

    def _keep(self, keys: list[bytes], vectors: np.ndarray) -> None:
        keys, vectors = keys[-self.capacity :], vectors[-self.capacity :]
        free = []
        for _ in range(len(self._slots) + len(keys) - self.capacity):
            free.append(self._slots.pop(next(iter(self._slots))))
        fresh = len(keys) - len(free)
        used = len(self._slots) + len(free)
        if used + fresh > len(self._table):
            size = min(self.capacity, max(used + fresh, 2 * len(self._table)))
            grown = np.empty((size, self._table.shape[1]), np.float32)
            grown[:used] = self._table[:used]
            self._table = grown
        free.extend(range(used, used + fresh))
        self._table[free] = vectors
        self._slots.update(zip(keys, free, strict=True))
