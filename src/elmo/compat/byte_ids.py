"""Byte ids as AllenNLP and bilm-tf make them, where a token may be spelled like a boundary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elmo.text.encoding import SentenceEncoder
from elmo.text.sentences import token_lists

BOS, EOS = "<S>", "</S>"


class PublishedEncoder:
    """Ids of sentences between their boundaries; a token `<S>` or `</S>` is read as a boundary.

    (Our own encoder spells such tokens out, as it does all others.)

    Args:
        max_characters_per_token: M, of which two mark begin and end of the word.
        lowercase: lower-case tokens first.

    Attributes:
        begin, end: the ids of `<S>` and `</S>`, int32 `(M,)`.

    Example:
        >>> ids = PublishedEncoder(5).encode(["a", "</S>"])
        >>> ids.tolist()[1:]
        [[259, 98, 260, 261, 261], [259, 258, 260, 261, 261], [259, 258, 260, 261, 261]]
    """

    def __init__(self, max_characters_per_token: int = 50, lowercase: bool = False) -> None:
        self._encoder = SentenceEncoder(characters=max_characters_per_token, lowercase=lowercase)
        self.begin, self.end = self._encoder.encode([])

    def encode(self, tokens: Sequence[str]) -> np.ndarray:
        """Ids of one sentence, int32 `(tokens + 2, M)`."""
        ids = self._encoder.encode(tokens)
        for number, token in enumerate(tokens, 1):
            if token in (BOS, EOS):
                ids[number] = self.begin if token == BOS else self.end
        return ids


def batch_to_ids(batch: Sequence[Sequence[str]]) -> np.ndarray:
    """Character ids of sentences, as AllenNLP's function of this name.

    Args:
        batch: lists of tokens.

    Returns:
        int32 `(batch, longest, 50)`: without boundaries, which `Elmo` adds, and 0 for padding. (In
        AllenNLP a tensor of PyTorch.)

    Example:
        >>> ids = batch_to_ids([["First", "sentence", "."], ["Another", "."]])
        >>> ids.shape, int(ids[1, 2].sum())
        ((2, 3, 50), 0)
    """
    encoder = PublishedEncoder()
    encoded = [encoder.encode(sentence)[1:-1] for sentence in token_lists(batch, split=False)]
    ids = np.zeros((len(encoded), max(map(len, encoded), default=0), len(encoder.begin)), np.int32)
    for row, sentence in zip(ids, encoded, strict=True):
        row[: len(sentence)] = sentence
    return ids
