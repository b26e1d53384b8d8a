"""The spellings of a batch's distinct tokens, as arrays of few shapes with little padding.

A character CNN computes every row and every column that it is given, padding too, and each new shape is
compiled anew. So rows are padded to usual sizes, and columns are cut where only padding stands. In a
long training, where a few more shapes are worth it, the longest tokens lie in an array of their own: a
few long words would else widen all rows, and the widest filters cost most.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elmo.text.characters import columns_needed

LONGEST = 128  # tokens of a batch that have an array of their own
GRID = 64


class Spellings:
    """Lays out the rows of character ids of batches.

    Args:
        samples: the distinct tokens of some batches, `(u, M)` each; what is usual is seen from them.
        widest: width of the widest filter; None where no column may be cut.
        tightly: whether little padding is worth more shapes.

    Example:
        >>> tokens = np.array([[1, 2, 3, 9, 9, 9], [1, 9, 9, 9, 9, 9]])
        >>> arrays, places = Spellings([tokens], widest=2, tightly=False)(tokens)
        >>> arrays["tokens"].shape, places.tolist()
        ((64, 5), [0, 1])
    """

    def __init__(self, samples: Sequence[np.ndarray], widest: int | None, tightly: bool) -> None:
        self.widest = widest
        rows = [len(tokens) for tokens in samples]
        needed = [self._needed(tokens) for tokens in samples]
        self.columns = max(int(columns.max()) for columns in needed)
        self.rows = _on_grid(max(rows) * 17 // 16)
        # The rest of a batch is shorter than its longest tokens.
        self.few = tightly and widest is not None and np.median(rows) >= 2 * LONGEST
        if self.few:
            self.few_columns = max(
                int(np.sort(columns)[-LONGEST - 1]) for columns in needed if len(columns) > LONGEST
            )
            self.rows = max(GRID, (int(np.median(rows)) - LONGEST) // GRID * GRID)

    def __call__(self, tokens: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """The arrays of a batch, and the place of each token among all their rows.

        Args:
            tokens: distinct ones, `(u, M)`.

        Returns:
            `tokens`; in a long training before them `long_tokens`, whose rows count first.
        """
        columns = self._needed(tokens)
        if not self.few:
            needed, rows = int(columns.max()), self.rows
            while rows < len(tokens):
                rows = _on_grid(rows * 9 // 8)
            return {"tokens": _laid_out(tokens, rows, needed, self.columns)}, np.arange(len(tokens))
        order = np.argsort(-columns, kind="stable")
        places = np.empty(len(tokens), np.int64)
        places[order] = np.arange(len(tokens))
        first, rest = tokens[order[:LONGEST]], tokens[order[LONGEST:]]
        left = int(columns[order[LONGEST:]].max(initial=0))
        rows = max(self.rows, _on_grid(len(rest)))
        return {
            "long_tokens": _laid_out(first, LONGEST, int(columns.max()), self.columns),
            "tokens": _laid_out(rest, rows, left, self.few_columns),
        }, places

    def _needed(self, tokens: np.ndarray) -> np.ndarray:
        if self.widest is None:
            return np.full(len(tokens), tokens.shape[1])
        return columns_needed(tokens, self.widest)


def _on_grid(number: int) -> int:
    return -(-number // GRID) * GRID


def _laid_out(tokens: np.ndarray, rows: int, needed: int, usual: int) -> np.ndarray:
    """Rows of zeros behind, and the usual columns, or all where more are needed."""
    columns = usual if needed <= usual else tokens.shape[1]
    out = np.zeros((rows, columns), np.int32)
    out[: len(tokens)] = tokens[:, :columns]
    return out
