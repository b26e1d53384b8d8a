"""The types that a model knows, their ids and how often they occur."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from elmo.system.notebook import html_grid
from elmo.text.corpus import Corpus
from elmo.text.counting import count_tokens
from elmo.text.vocabulary_files import (
    BOS,
    EOS,
    PAD,
    UNK,
    Layout,
    MissingVocabularyError,
    VocabularyError,
    read_counts,
    read_vocabulary,
    write_vocabulary,
)

__all__ = ["MissingVocabularyError", "Vocabulary", "VocabularyError"]

_log = logging.getLogger("elmo")

_SPECIAL = frozenset((BOS, EOS, UNK))


class Vocabulary:
    """Tokens numbered from 0, as in the vocabulary's file.

    `<S>`, `</S>` (the boundaries of a sentence) and `<UNK>` (any word that is not listed) are
    always there; `<pad>` is padding in the `token_id` layout, or where it is the first of all.
    `id` and `ids` look up whatever they are given, the special tokens too. That a word of a text
    spelled like a boundary is no boundary but unknown is seen to in `from_corpus` and in
    `SentenceEncoder`; a word spelled `<UNK>` is `<UNK>`. WikiText's `<unk>` is a word like any
    other unless `unk_token` maps it.

    Args:
        tokens: in the order of their ids.
        counts: how often each occurs, in the same order; None where that is not known.
        lowercase: look words up lower-cased (special tokens excepted).
        layout: in which layout `save` writes by default, `"published"` or `"token_id"`.

    Raises:
        VocabularyError: a special token is missing, a token comes twice, counts do not fit.

    Example:
        >>> vocabulary = Vocabulary.from_corpus([["a", "rose", "is", "a", "rose"], ["a", "bud"]])
        >>> vocabulary.tokens
        ['<S>', '</S>', '<UNK>', 'a', 'rose', 'bud', 'is']
        >>> vocabulary.ids(["a", "daisy"])
        array([3, 2], dtype=int32)
        >>> vocabulary.counts
        array([2, 2, 0, 3, 2, 1, 1])
    """

    def __init__(
        self,
        tokens: Iterable[str],
        counts: Sequence[int] | np.ndarray | None = None,
        *,
        lowercase: bool = False,
        layout: Layout = "published",
    ):
        self.tokens = list(tokens)
        self.lowercase = lowercase
        self.layout = layout
        self._index = {token: i for i, token in enumerate(self.tokens)}
        if len(self._index) != len(self.tokens):
            twice, n = Counter(self.tokens).most_common(1)[0]
            raise VocabularyError(f"the token {twice!r} comes {n} times; every token must be one")
        missing = [token for token in (BOS, EOS, UNK) if token not in self._index]
        if missing:
            raise VocabularyError(
                f"the vocabulary lacks {', '.join(missing)}; it must hold {BOS}, {EOS} and {UNK} "
                "(in a file of tokens and ids: <bos>, <eos> and <unk>)"
            )
        self.bos_id = self._index[BOS]
        self.eos_id = self._index[EOS]
        self.unk_id = self._index[UNK]
        pad = self._index.get(PAD)
        self.pad_id: int | None = pad if pad == 0 or layout == "token_id" else None
        self.counts: np.ndarray | None = None
        if counts is not None:
            self.counts = np.array(counts, np.int64)
            if self.counts.shape != (len(self.tokens),) or (self.counts < 0).any():
                raise VocabularyError(
                    f"counts of shape {self.counts.shape}: must be one for each of the "
                    f"{len(self.tokens)} tokens, 0 or more"
                )

    @classmethod
    def from_corpus(
        cls,
        corpus: Corpus | Iterable[Sequence[str]],
        min_count: int = 1,
        max_size: int | None = None,
        lowercase: bool = False,
        processes: int | None = None,
        unk_token: str | None = None,
    ) -> Vocabulary:
        """The types of a corpus by falling frequency; equally frequent ones in code point order.

        Args:
            corpus: a `Corpus` or lists of tokens.
            min_count: rarer types are left out.
            max_size: the largest number of tokens, the three special ones included.
            lowercase: count lower-cased (as a corpus with `lowercase=True` does of itself).
            processes: how many count at once; the result does not depend on it.
            unk_token: a word that stands for unknown ones in the text, such as WikiText's `<unk>`;
                it is counted as `<UNK>`.

        Returns:
            A vocabulary with counts: `<S>` and `</S>` once a sentence, `<UNK>` for each token of
            the corpus that is not listed.
        """
        if not (type(min_count) is int and min_count >= 1):
            raise VocabularyError(f"min_count={min_count!r}: must be 1 or more")
        if max_size is not None and not (type(max_size) is int and max_size >= 4):
            raise VocabularyError(
                f"max_size={max_size!r}: must be 4 or more (three special tokens and a word)"
            )
        counts, sentences = _text_counts(corpus, lowercase, processes)
        total = counts.total()
        lowercase = lowercase or getattr(corpus, "lowercase", False)
        if unk_token is None and (n := counts.get("<unk>")):
            _log.warning(
                "the text has '<unk>' %s times, which is a word like any other here; with "
                "unk_token='<unk>' (--unk-token '<unk>') it is the unknown word",
                f"{n:,}",
            )
        if unk_token is not None:
            counts.pop(unk_token.lower() if lowercase else unk_token, None)
        for word in _SPECIAL:
            counts.pop(word, None)
        ordered = sorted(
            (item for item in counts.items() if item[1] >= min_count),
            key=lambda item: (-item[1], item[0]),
        )
        if max_size is not None:
            del ordered[max_size - 3 :]
        if not ordered:
            raise VocabularyError(
                f"min_count={min_count}: no token of the corpus occurs that often; take a lower one"
            )
        unknown = total - sum(n for _, n in ordered)
        return cls(
            [BOS, EOS, UNK, *(token for token, _ in ordered)],
            [sentences, sentences, unknown, *(n for _, n in ordered)],
            lowercase=lowercase,
        )

    @classmethod
    def load(
        cls,
        path: str | os.PathLike[str],
        *,
        layout: Layout | None = None,
        lowercase: bool | None = None,
        most: int | None = None,
    ) -> Vocabulary:
        """Read either layout, packed or not, and the counts beside it where they are.

        Args:
            path: the file; `vocab.txt` has its counts in `vocab.counts.txt`.
            layout: None to tell by the first line.
            lowercase: None for False, but True for a `token_id` file in which no token has a
                capital letter.
            most: how many types there can be; a file of more is not read to its end.

        Raises:
            VocabularyError, MissingVocabularyError: with the file and the line.
        """
        tokens, layout = read_vocabulary(path, layout, most)
        if lowercase is None:
            small = all(t == t.lower() or t in _SPECIAL for t in tokens)
            lowercase = small and layout == "token_id"
        counts = read_counts(path, tokens)
        try:
            return cls(tokens, counts, lowercase=lowercase, layout=layout)
        except VocabularyError as error:
            raise VocabularyError(f"{os.fspath(path)}: {error}") from None

    def save(self, path: str | os.PathLike[str], *, layout: Layout | None = None) -> None:
        """Write the vocabulary, and its counts beside it, each aside first and then renamed.

        Args:
            path: the file; its folder must exist.
            layout: `"published"`, `"token_id"`, or None for the layout it came in.
        """
        counts = None if self.counts is None else self.counts.tolist()
        write_vocabulary(path, self.tokens, layout or self.layout, counts)

    @property
    def special_ids(self) -> list[int]:
        """The ids of both boundaries, of `<UNK>`, and of padding where it has one."""
        ids = (self.bos_id, self.eos_id, self.unk_id, self.pad_id)
        return [number for number in ids if number is not None]

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, token: object) -> bool:
        return isinstance(token, str) and self._key(token) in self._index

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocabulary):
            return NotImplemented
        return self.tokens == other.tokens and self.lowercase == other.lowercase

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} tokens{', lower-cased' if self.lowercase else ''})"

    def _repr_html_(self) -> str:
        rows = [
            [number, token, None if self.counts is None else int(self.counts[number])]
            for number, token in enumerate(self.tokens[:12])
        ]
        return html_grid(f"{self!r}, the first", ["id", "token", "count"], rows)

    def _key(self, token: str) -> str:
        if not self.lowercase or token in _SPECIAL:
            return token
        return token.lower()

    def id(self, token: str) -> int:
        """The id of a token; that of `<UNK>` where it is not listed."""
        return self._index.get(self._key(token), self.unk_id)

    def ids(self, tokens: Iterable[str]) -> np.ndarray:
        """The ids of tokens, int32 (n,); that of `<UNK>` for those that are not listed."""
        find, unknown = self._index.get, self.unk_id
        if self.lowercase:
            tokens = map(self._key, tokens)
        return np.fromiter((find(token, unknown) for token in tokens), np.int32)

    def ranks(self) -> np.ndarray:
        """The frequency rank of each id, int32 (V,), 0 for the most frequent.

        By counts, equal ones by their ids. Without counts the ids are the ranks where the file has
        the published order, `<S>`, `</S>`, `<UNK>` first.

        Raises:
            VocabularyError: there are no counts, and the ids are in no known order.
        """
        if self.counts is not None:
            ranks = np.empty(len(self), np.int32)
            ranks[np.argsort(-self.counts, kind="stable")] = np.arange(len(self), dtype=np.int32)
            return ranks
        published = set(self.tokens[:3]) == _SPECIAL and self.layout == "published"
        if not published:
            raise VocabularyError(
                "the vocabulary has no counts and its ids are not in order of frequency; count the "
                "training text: vocabulary.with_counts(corpus)"
            )
        return np.arange(len(self), dtype=np.int32)

    def with_counts(
        self, corpus: Corpus | Iterable[Sequence[str]], processes: int | None = None
    ) -> Vocabulary:
        """The same vocabulary with the counts of a corpus.

        Example:
            >>> vocabulary = Vocabulary(["<S>", "</S>", "<UNK>", "a", "b"])
            >>> vocabulary.with_counts([["b", "b", "c"], ["a"]]).counts
            array([2, 2, 1, 1, 2])
        """
        return self._counted(*_text_counts(corpus, self.lowercase, processes))

    def extended(
        self,
        corpus: Corpus | Iterable[Sequence[str]],
        min_count: int = 1,
        max_size: int | None = None,
        unk_token: str | None = None,
        processes: int | None = None,
    ) -> Vocabulary:
        """With the words of a corpus that it lacks behind its own, and the counts of that corpus.

        The ids of its own tokens stay what they are; new words follow by falling frequency.

        Args:
            corpus: a `Corpus` or lists of tokens.
            min_count: rarer words are not added.
            max_size: add no word beyond so many tokens in all.
            unk_token: a word that stands for unknown ones in the text; it is not added.
            processes: how many count at once.

        Example:
            >>> vocabulary = Vocabulary(["<S>", "</S>", "<UNK>", "a", "b"])
            >>> longer = vocabulary.extended([["b", "d", "c"], ["c", "a"]], max_size=6)
            >>> longer.tokens[5:], longer.counts
            (['c'], array([2, 2, 1, 1, 1, 2]))
        """
        found, sentences = _text_counts(corpus, self.lowercase, processes)
        left_out = {PAD, None if unk_token is None else self._key(unk_token)}
        new = sorted(
            (token for token, n in found.items() if n >= min_count and token not in self),
            key=lambda token: (-found[token], token),
        )
        new = [token for token in new if token not in left_out]
        if max_size is not None:
            new = new[: max(0, max_size - len(self))]
        longer = Vocabulary([*self.tokens, *new], lowercase=self.lowercase, layout=self.layout)
        return longer._counted(found, sentences)

    def _counted(self, found: Counter[str], sentences: int) -> Vocabulary:
        counts = np.zeros(len(self), np.int64)
        special = {self.bos_id, self.eos_id, self.unk_id, self.pad_id}
        for i, token in enumerate(self.tokens):
            if i not in special:
                counts[i] = found.get(token, 0)
        counts[self.unk_id] = found.total() - counts.sum()
        counts[[self.bos_id, self.eos_id]] = sentences
        return Vocabulary(self.tokens, counts, lowercase=self.lowercase, layout=self.layout)


def _text_counts(
    corpus: Corpus | Iterable[Sequence[str]], lowercase: bool, processes: int | None
) -> tuple[Counter[str], int]:
    counts, sentences = count_tokens(corpus, processes)
    if sentences == 0:
        raise VocabularyError("the corpus holds no sentence to count")
    if lowercase and not getattr(corpus, "lowercase", False):
        lowered: Counter[str] = Counter()
        for token, n in counts.items():
            lowered[token if token in _SPECIAL else token.lower()] += n
        counts = lowered
    return counts, sentences
