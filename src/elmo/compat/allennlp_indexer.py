"""AllenNLP's classes that make byte ids of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elmo.compat.byte_ids import BOS, EOS
from elmo.compat.tensors import as_tensor

MAX_WORD_LENGTH = 50
BEGIN_SENTENCE, END_SENTENCE, BEGIN_WORD, END_WORD, PADDING = range(256, 261)


def _spelled(characters: Sequence[int]) -> list[int]:
    """Ids of one token, before the 1 is added: its characters between the marks of a word."""
    spelled = [BEGIN_WORD, *characters, END_WORD]
    return spelled + [PADDING] * (MAX_WORD_LENGTH - len(spelled))


class ELMoCharacterMapper:
    """Ids of a token's bytes, 50 a token, each 1 above the byte, so that 0 is left for padding.

    Args:
        tokens_to_add: tokens that are read as one character of their own: `{token: id}`, an id
            before the 1 is added. 1 to 31 are free in text; a model learns them when fine-tuned.

    Raises:
        ValueError: an id is not 0 to 260.

    Example:
        >>> ELMoCharacterMapper({"<first>": 1}).convert_word_to_char_ids("<first>")[:4]
        [259, 2, 260, 261]
    """

    max_word_length = MAX_WORD_LENGTH
    beginning_of_sentence_character = BEGIN_SENTENCE
    end_of_sentence_character = END_SENTENCE
    beginning_of_word_character = BEGIN_WORD
    end_of_word_character = END_WORD
    padding_character = PADDING
    beginning_of_sentence_characters = _spelled([BEGIN_SENTENCE])
    end_of_sentence_characters = _spelled([END_SENTENCE])
    bos_token, eos_token = BOS, EOS

    def __init__(self, tokens_to_add: Mapping[str, int] | None = None) -> None:
        self.tokens_to_add = dict(tokens_to_add or {})
        for token, number in self.tokens_to_add.items():
            if not 0 <= number <= PADDING:
                raise ValueError(f"tokens_to_add={{{token!r}: {number!r}}}: must be 0 to {PADDING}")

    def convert_word_to_char_ids(self, word: str) -> list[int]:
        """The 50 ids of a token."""
        if word in self.tokens_to_add:
            characters: Sequence[int] = [self.tokens_to_add[word]]
        elif word in (BOS, EOS):
            characters = [BEGIN_SENTENCE if word == BOS else END_SENTENCE]
        else:
            characters = word.encode("utf-8", "ignore")[: MAX_WORD_LENGTH - 2]
        return [number + 1 for number in _spelled(characters)]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ELMoCharacterMapper):
            return NotImplemented
        return self.tokens_to_add == other.tokens_to_add


class ELMoTokenCharactersIndexer:
    """Byte ids of lists of tokens, and their padding.

    Args:
        namespace: has no effect; there is no vocabulary of characters.
        tokens_to_add: see `ELMoCharacterMapper`.
        token_min_padding_length: has no effect.

    Example:
        >>> indexer = ELMoTokenCharactersIndexer()
        >>> ids = indexer.tokens_to_indices(["Second", "."], None, "elmo")
        >>> tuple(indexer.as_padded_tensor(ids, {"elmo": 3}, {})["elmo"].shape)
        (3, 50)
    """

    def __init__(
        self,
        namespace: str = "elmo_characters",
        tokens_to_add: Mapping[str, int] | None = None,
        token_min_padding_length: int = 0,
    ) -> None:
        self.namespace = namespace
        self.token_min_padding_length = token_min_padding_length
        self._mapper = ELMoCharacterMapper(tokens_to_add)

    def tokens_to_indices(
        self, tokens: Sequence[Any], vocabulary: Any = None, index_name: str = "elmo"
    ) -> dict[str, list[list[int]]]:
        """Ids of tokens, which are strings or have a `text`.

        Args:
            tokens: of one sentence.
            vocabulary: has no effect.
            index_name: the key in what is returned.

        Raises:
            ValueError: a token has no text.
        """
        texts = [token if isinstance(token, str) else token.text for token in tokens]
        if None in texts:
            raise ValueError(f"tokens: number {texts.index(None)} has no text")
        return {index_name: [self._mapper.convert_word_to_char_ids(text) for text in texts]}

    def as_padded_tensor(
        self,
        tokens: Mapping[str, Sequence[Sequence[int]]],
        desired_num_tokens: Mapping[str, int],
        padding_lengths: Mapping[str, int] | None = None,
    ) -> dict[str, Any]:
        """Each list of ids cut or filled with zeros, `(desired_num_tokens[key], 50)`.

        An array; a tensor where Keras's backend is PyTorch.
        """
        padded = {}
        for key, rows in tokens.items():
            ids = np.zeros((desired_num_tokens[key], MAX_WORD_LENGTH), np.int64)
            kept = rows[: len(ids)]
            if len(kept):
                ids[: len(kept)] = kept
            padded[key] = as_tensor(ids)
        return padded

    def get_padding_lengths(self, token: Sequence[int]) -> dict[str, int]:
        """Nothing: every token has 50 ids."""
        return {}

    def count_vocab_items(self, token: Any, counter: Any) -> None:
        """Nothing: bytes need no vocabulary."""
