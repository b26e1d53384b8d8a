"""The bytes of tokens as ids, in the numbers of the published files.

A token is its UTF-8 bytes (0–255) between `BEGIN_WORD` and `END_WORD`, padded behind with
`PADDING`; a boundary of a sentence is one special number in the place of the bytes. What enters a
network is one more than these (see `elmo.text.encoding`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BEGIN_SENTENCE, END_SENTENCE, BEGIN_WORD, END_WORD, PADDING = 256, 257, 258, 259, 260
N_CHARACTERS = 261


def columns_needed(rows: np.ndarray, widest: int) -> np.ndarray:
    """How many columns of each row a convolution has to see, given its widest filter.

    A row ends in a run of one and the same id. Windows that lie in it are all alike, and as long as one
    of them is left the max over windows does not change.

    Args:
        rows: ids, `(n, M)`.
        widest: width of the widest filter.

    Returns:
        `(n,)`, at most M.

    Example:
        >>> columns_needed(np.array([[1, 2, 3, 0, 0, 0, 0, 0], [1, 2, 3, 4, 5, 6, 0, 0]]), 3)
        array([6, 8])
    """
    m = rows.shape[1]
    differs = rows != rows[:, -1:]
    last = np.where(differs.any(axis=1), m - np.argmax(differs[:, ::-1], axis=1), 0)
    return np.minimum(last + widest, m)


class Characters:
    """From tokens to rows of byte ids.

    Args:
        max_characters_per_token: M, the length of a row, begin and end of the word included; a
            longer token is cut to M − 2 bytes, as in the published models.

    Raises:
        ValueError: M is below 3.

    Example:
        >>> Characters(6).table(["he", "élan"])
        array([[258, 104, 101, 259, 260, 260],
               [258, 195, 169, 108,  97, 259]], dtype=int16)
        >>> Characters(6).is_cut(["he", "élan"])
        array([False,  True])
    """

    def __init__(self, max_characters_per_token: int = 50):
        size = max_characters_per_token
        if not (isinstance(size, int) and not isinstance(size, bool) and size >= 3):
            raise ValueError(
                f"max_characters_per_token={size!r}: must be 3 or more (begin, a byte, end)"
            )
        self.max_characters_per_token = size

    @property
    def begin_sentence(self) -> np.ndarray:
        """The row of `<S>`, int16 (M,)."""
        return self._boundary(BEGIN_SENTENCE)

    @property
    def end_sentence(self) -> np.ndarray:
        """The row of `</S>`, int16 (M,)."""
        return self._boundary(END_SENTENCE)

    def _boundary(self, number: int) -> np.ndarray:
        row = np.full(self.max_characters_per_token, PADDING, np.int16)
        row[:3] = BEGIN_WORD, number, END_WORD
        return row

    def ids(self, token: str) -> np.ndarray:
        """The row of one token, int32 (M,).

        Example:
            >>> Characters(5).ids("a")
            array([258,  97, 259, 260, 260], dtype=int32)
        """
        return self.table([token])[0].astype(np.int32)

    def table(self, tokens: Sequence[str]) -> np.ndarray:
        """The rows of tokens, int16 (n, M); a token is always spelled, never a boundary."""
        size = self.max_characters_per_token
        words = [_bytes(token)[: size - 2] for token in tokens]
        lengths = np.fromiter(map(len, words), np.int64, len(words))  # (n,)
        table = np.full((len(words), size), PADDING, np.int16)  # (n, M)
        position = np.arange(size)  # (M,)
        table[:, 0] = BEGIN_WORD
        inside = (position >= 1) & (position <= lengths[:, None])  # (n, M)
        table[inside] = np.frombuffer(b"".join(words), np.uint8)
        table[np.arange(len(words)), lengths + 1] = END_WORD
        return table

    def is_cut(self, tokens: Sequence[str]) -> np.ndarray:
        """Which tokens have more than M − 2 bytes, bool (n,)."""
        room = self.max_characters_per_token - 2
        return np.fromiter((len(_bytes(token)) > room for token in tokens), bool, len(tokens))

    def __repr__(self) -> str:
        return f"Characters({self.max_characters_per_token})"


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "surrogatepass")  # only tokens from memory can hold surrogates
