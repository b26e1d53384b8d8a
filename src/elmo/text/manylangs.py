"""Tokens to ids as ELMoForManyLangs has them: code points and words out of two dictionaries.

A dictionary is a `.dic` file, `entry TAB id` a line. Nothing is normalised or lower-cased. A token
is cut to M - 2 characters, the look-up of its word included. Its characters stand between the ids
of `<eow>` and `<bow>` (the names are swapped in every published model), then `<pad>` up to M; the
pad character is a character like others there, with a vector of its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from elmo.text.sentences import token_list, token_lists

CHARACTER_FILE = "char.dic"
WORD_FILE = "word.dic"
_SPECIAL_CHARACTERS = ("<bos>", "<eos>", "<oov>", "<pad>", "<bow>", "<eow>")
_SPECIAL_WORDS = ("<oov>", "<bos>", "<eos>", "<pad>")
_IDEOGRAPHIC_SPACE = "\u3000"
_MAX_BYTES = 1 << 30
_MAX_ID = 1 << 30


class DictionaryError(ValueError):
    """A `.dic` file that is damaged or lacks an entry; names the file and the line."""


def read_dictionary(path: str | os.PathLike[str]) -> dict[str, int]:
    """The entries of a `.dic` file and their ids.

    A line that has only an id left once it is stripped belongs to U+3000, as in the original; of
    entries that occur twice the last counts.

    Args:
        path: the file, UTF-8.

    Raises:
        DictionaryError: it cannot be read, is not UTF-8, or a line is not `entry TAB id`.
    """
    try:
        if os.path.getsize(path) > _MAX_BYTES:
            raise DictionaryError(f"{path}: too large for a dictionary")
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise DictionaryError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise DictionaryError(f"{path}: not UTF-8 text (byte {error.start})") from error
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    entries: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        fields = line.strip().split("\t")
        if len(fields) == 1:
            fields.insert(0, _IDEOGRAPHIC_SPACE)
        ok = len(fields) == 2 and fields[1].isascii() and fields[1].isdigit()
        if not ok or len(fields[1]) > 10 or int(fields[1]) > _MAX_ID:
            raise DictionaryError(f"{path}:{number}: not an entry, a tab and an id")
        entries[fields[0]] = int(fields[1])
    return entries


def write_dictionary(path: str | os.PathLike[str], entries: Mapping[str, int]) -> None:
    """Writes a `.dic` file, in the order of the ids.

    Args:
        path: the file.
        entries: `{entry: id}`.

    Raises:
        OSError: it cannot be written.
    """
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for entry, number in sorted(entries.items(), key=lambda item: item[1]):
            file.write(f"{entry}\t{number}\n")


class ManyLangsCharacters:
    """Encodes tokens for a model of ELMoForManyLangs.

    Args:
        characters: ids of the characters, with `<bos> <eos> <oov> <pad> <bow> <eow>` among them.
        words: ids of the words, with `<oov> <bos> <eos> <pad>` among them; None for a model
            without word vectors.
        max_characters_per_token: M; a token keeps M - 2 characters.

    Example:
        >>> special = ["<bos>", "<eos>", "<oov>", "<pad>", "<bow>", "<eow>"]
        >>> characters = {c: i for i, c in enumerate(["a", "b", *special])}
        >>> words = {"<oov>": 0, "<bos>": 1, "<eos>": 2, "<pad>": 3, "ab": 4}
        >>> ManyLangsCharacters(characters, words, 5).encode(["ab", "ax"])
        array([[2, 8, 3, 7, 6, 6],
               [5, 8, 1, 2, 7, 6],
               [1, 8, 1, 5, 7, 6],
               [3, 8, 4, 7, 6, 6]], dtype=int32)
    """

    def __init__(
        self,
        characters: Mapping[str, int],
        words: Mapping[str, int] | None,
        max_characters_per_token: int = 50,
    ) -> None:
        for name, entries, wanted in (
            (CHARACTER_FILE, characters, _SPECIAL_CHARACTERS),
            (WORD_FILE, words, _SPECIAL_WORDS),
        ):
            lacking = [entry for entry in wanted if entries is not None and entry not in entries]
            if lacking:
                raise DictionaryError(f"{name}: lacks {', '.join(lacking)}")
        if max_characters_per_token < 3:
            raise DictionaryError(
                f"max_characters_per_token={max_characters_per_token}: must be 3 or more"
            )
        self.characters = dict(characters)
        self.words = None if words is None else dict(words)
        self.max_characters_per_token = max_characters_per_token

    @classmethod
    def load(
        cls,
        folder: str | os.PathLike[str],
        max_characters_per_token: int = 50,
        words: bool = True,
    ) -> ManyLangsCharacters:
        """Reads `char.dic` and, for a model with word vectors, `word.dic`.

        Args:
            folder: where they lie.
            max_characters_per_token: M.
            words: whether the model has word vectors.

        Raises:
            DictionaryError: a file is missing, damaged, or lacks a special entry.
        """
        return cls(
            read_dictionary(Path(folder, CHARACTER_FILE)),
            read_dictionary(Path(folder, WORD_FILE)) if words else None,
            max_characters_per_token,
        )

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes `char.dic` and, if there are words, `word.dic`."""
        write_dictionary(Path(folder, CHARACTER_FILE), self.characters)
        if self.words is not None:
            write_dictionary(Path(folder, WORD_FILE), self.words)

    @property
    def width(self) -> int:
        """Ids of a token: M, and one more for its word where there are words."""
        return self.max_characters_per_token + (self.words is not None)

    def encode(self, tokens: Sequence[str]) -> np.ndarray:
        """Ids of a sentence between its boundaries.

        Args:
            tokens: the words; one that is spelled `<bos>` or `<eos>` is the special one.

        Returns:
            int32 (tokens + 2, 1 + M): the word's id, then its characters', all + 1; (tokens + 2,
            M) for a model without words.
        """
        tokens = token_list(tokens, split=False)
        cut = (token[: self.max_characters_per_token - 2] for token in tokens)
        return np.array([self._row(token) for token in ("<bos>", *cut, "<eos>")], np.int32) + 1

    def encode_batch(self, sentences: Sequence[Sequence[str]]) -> np.ndarray:
        """Ids of sentences, padded behind with 0, int32 (batch, time, 1 + M)."""
        encoded = [self.encode(tokens) for tokens in token_lists(sentences, split=False)]
        batch = np.zeros((len(encoded), max(map(len, encoded), default=0), self.width), np.int32)
        for row, ids in zip(batch, encoded, strict=True):
            row[: len(ids)] = ids
        return batch

    def _row(self, token: str) -> list[int]:
        ids, limit = self.characters, self.max_characters_per_token
        if token in ("<bos>", "<eos>"):
            spelled = [ids[token]]
        else:
            spelled = [ids.get(character, ids["<oov>"]) for character in token]
        row = [] if self.words is None else [self.words.get(token, self.words["<oov>"])]
        row += [ids["<eow>"], *spelled, ids["<bow>"]]
        return row + [ids["<pad>"]] * (limit - len(spelled) - 2)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ManyLangsCharacters):
            return NotImplemented
        return vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # Python's own way to say that it has none
