"""`LMDataGenerator` of ELMo-keras: a text as batches for a language model."""

from __future__ import annotations

import os
from typing import Any

import keras
import numpy as np

from elmo.config import BiLMConfig, plain
from elmo.text.corpus import Corpus
from elmo.text.encoded_corpus import encode_corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.vocabulary import Vocabulary
from elmo.text.vocabulary_files import ALIASES
from elmo.training.batches.batches import Tokens
from elmo.training.batches.rows import BOS, EOS, PADDING

ENCODINGS = ("word", "char")


def same_as_file(vocabulary: Vocabulary) -> bool:
    """Whether word ids here are the file's own: there `<pad>` is 0, so 0 can be padding."""
    return vocabulary.pad_id == 0


class LMDataGenerator(keras.utils.PyDataset):
    """A text as batches of padded sentences, each word with its neighbours.

    One line is one sentence; blank lines are none. A sentence with more than `sentence_maxlen − 2`
    tokens is split, so that each part fits with its boundaries. Where the vocabulary is
    lower-cased, as the `token id` files are, tokens are lower-cased before they are looked up or
    spelled.

    Word ids are the vocabulary file's own where `<pad>` has the id 0 there, as in the `token id`
    files; else they are one more. Character ids are byte ids + 1, as everywhere in this package.
    0 is padding for both.

    Args:
        corpus: a text file, or whatever `elmo.Corpus` reads.
        vocab: a vocabulary file in either layout, or a `Vocabulary`.
        sentence_maxlen: T, positions of a sentence, its boundaries `<S>` and `</S>` included.
        token_maxlen: bytes of a token, its begin and end included (`"char"`).
        batch_size: sentences of a batch, B; the last batch has what is left.
        shuffle: take the sentences in another order after each epoch (`on_epoch_end`).
        token_encoding: `"word"`, ids of words, or `"char"`, ids of their bytes.
        seed: of the orders.

    Attributes:
        corpus: the text, split.
        vocabulary: the words.
        encoded: the text as ids, an `EncodedCorpus`.
        order: number of the sentence in each row, batch after batch.

    Raises:
        ValueError: an argument is no choice, or the text or vocabulary is none; each says which.
        FileNotFoundError: a file is missing.

    Example:
        >>> import pathlib, tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> text = pathlib.Path(folder.name, "text.tokens")
        >>> _ = text.write_text("A rose is a rose\\n \\nis it\\n")
        >>> words = Vocabulary(["<pad>", "<UNK>", "<S>", "</S>", "rose", "is", "a"], lowercase=True)
        >>> data = LMDataGenerator(text, words, sentence_maxlen=6, batch_size=4)
        >>> [tokens, next_ids, previous_ids], _ = data[0]
        >>> tokens  # "A rose is a", "rose", "is it"
        array([[2, 6, 4, 5, 6, 3],
               [2, 4, 3, 0, 0, 0],
               [2, 5, 1, 3, 0, 0]], dtype=int32)
        >>> next_ids[1, :, 0], previous_ids[1, :, 0]
        (array([4, 3, 0, 0, 0, 0], dtype=int32), array([0, 2, 4, 0, 0, 0], dtype=int32))
        >>> folder.cleanup()
    """

    def __init__(
        self,
        corpus: str | os.PathLike[str],
        vocab: str | os.PathLike[str] | Vocabulary,
        sentence_maxlen: int = 100,
        token_maxlen: int = 50,
        batch_size: int = 32,
        shuffle: bool = True,
        token_encoding: str = "word",
        seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        sentence_maxlen, token_maxlen, batch_size, shuffle, seed = plain(
            [sentence_maxlen, token_maxlen, batch_size, shuffle, seed]
        )
        if token_encoding not in ENCODINGS:
            raise ValueError(f"token_encoding={token_encoding!r}: must be 'word' or 'char'")
        for name, value, least in (
            ("sentence_maxlen", sentence_maxlen, 3),
            ("token_maxlen", token_maxlen, 3),
            ("batch_size", batch_size, 1),
        ):
            if not (isinstance(value, int) and not isinstance(value, bool) and value >= least):
                raise ValueError(f"{name}={value!r}: must be a whole number, {least} or more")
        self.sentence_maxlen = sentence_maxlen
        self.token_maxlen = token_maxlen
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.token_encoding = token_encoding
        self.vocabulary = vocab if isinstance(vocab, Vocabulary) else Vocabulary.load(vocab)
        self.corpus = Corpus(corpus, max_sentence_tokens=sentence_maxlen - 2)
        encoder = SentenceEncoder(
            self.vocabulary,
            token_maxlen if token_encoding == "char" else None,
            lowercase=self.vocabulary.lowercase,
        )
        self.encoded = encode_corpus(encoder, self.corpus)
        self.tokens = Tokens(self.encoded)
        self.order = np.arange(self.encoded.n_sentences)
        self._random = np.random.default_rng(seed)

    def __len__(self) -> int:
        """The number of batches."""
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index: int) -> list[list[Any]]:
        """The batch of that number.

        Returns:
            `[[tokens, next_ids, previous_ids], []]`, int32: `tokens` `(B, T)` or `(B, T,
            token_maxlen)`; `next_ids` and `previous_ids` `(B, T, 1)`, what the forward and the
            backward language model predict at each position, 0 where there is nothing. The targets
            are among the inputs; there is nothing beside them.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"batch {index}: must be from 0 to {len(self) - 1}")
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        places = self._places(rows)  # (B, T)
        words = self.tokens.targets(places)
        if same_as_file(self.vocabulary):
            words = np.maximum(words - 1, 0)
        words = words.astype(np.int32)
        nothing = np.zeros((len(rows), 1), np.int32)
        next_ids = np.concatenate([words[:, 1:], nothing], axis=1)[..., None]
        before = np.concatenate([nothing, words[:, :-1]], axis=1)
        previous_ids = np.where(places == PADDING, 0, before)[..., None]  # none behind </S>
        if self.token_encoding == "char":
            distinct, index_of = self.tokens.inputs(places)
            return [[distinct[index_of], next_ids, previous_ids], []]
        return [[words, next_ids, previous_ids], []]

    def _places(self, sentences: np.ndarray) -> np.ndarray:
        """The place in the encoded text of what stands at each position, `(B, T)`."""
        offsets = self.encoded.offsets
        starts = offsets[sentences][:, None]
        lengths = offsets[sentences + 1][:, None] - starts
        positions = np.arange(self.sentence_maxlen)
        places = np.where(positions <= lengths, starts + positions - 1, PADDING)
        places[:, 0] = BOS
        return np.where(positions == lengths + 1, EOS, places)

    def on_epoch_end(self) -> None:
        """Called after each epoch: another order, with `shuffle`."""
        if self.shuffle:
            self.order = self._random.permutation(self.order)

    @property
    def vocab(self) -> dict[str, int]:
        """The id of each word, as the vocabulary's file has them.

        Example:
            >>> import pathlib, tempfile
            >>> folder = tempfile.TemporaryDirectory()
            >>> text = pathlib.Path(folder.name, "text.tokens")
            >>> _ = text.write_text("a rose is a rose\\n")
            >>> words = Vocabulary(["<pad>", "<UNK>", "<S>", "</S>", "rose"], layout="token_id")
            >>> LMDataGenerator(text, words).vocab
            {'<pad>': 0, '<unk>': 1, '<bos>': 2, '<eos>': 3, 'rose': 4}
            >>> folder.cleanup()
        """
        names = {}
        if self.vocabulary.layout == "token_id":
            names = {canonical: alias for alias, canonical in ALIASES.items()}
        return {names.get(token, token): i for i, token in enumerate(self.vocabulary.tokens)}

    @property
    def indices(self) -> np.ndarray:
        """The number of each row's line from 0, as in ELMo-keras: `lines` less 1.

        ELMo-keras takes every second line of the file, as WikiText has a blank one between two;
        here every line with a token in it counts.
        """
        return self.lines - 1

    @property
    def lines(self) -> np.ndarray:
        """The number of each row's line, from 1; parts of a split sentence share it."""
        numbers = [number for _, number, _ in self.corpus.with_line_numbers()]
        return np.array(numbers)[self.order]


def check_data(
    config: BiLMConfig, vocabulary: Vocabulary | None, data: LMDataGenerator, name: str
) -> None:
    """Refuse data that a model cannot read.

    Args:
        config: the model's.
        vocabulary: the model's, if it has one already.
        data: what is to be a generator.
        name: what errors call it.

    Raises:
        TypeError, ValueError: saying what does not fit.
    """
    if not isinstance(data, LMDataGenerator):
        raise TypeError(f"{name} is of type {type(data).__name__}: must be an LMDataGenerator")
    encoding = "word" if config.char_cnn is None else "char"
    if data.token_encoding != encoding:
        raise ValueError(
            f"{name}: token_encoding={data.token_encoding!r}: must be {encoding!r}, as the model's"
        )
    if config.char_cnn is not None:
        length = config.char_cnn.max_characters_per_token
        if data.token_maxlen != length:
            raise ValueError(
                f"{name}: token_maxlen={data.token_maxlen}: must be {length}, as the model's"
            )
    size = config.vocabulary_size
    if size is not None and len(data.vocabulary) != size:
        raise ValueError(
            f"vocab_size={size}: must be {len(data.vocabulary)}, the number of entries of the "
            f"vocabulary of {name}"
        )
    if vocabulary is not None and data.vocabulary != vocabulary:
        raise ValueError(
            f"{name}: its vocabulary has other entries than the model's; give LMDataGenerator the "
            "same vocabulary"
        )
