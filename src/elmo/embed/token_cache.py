"""Vectors of a vocabulary's words, worked out once and kept in a file.

Two layouts are read and written:

- bilm-tf's: HDF5 with one dataset `embedding` `(V, projection_dim)`, the words in a vocabulary
  file beside it, one per line in the order of the rows, `<S>`, `</S>` and `<UNK>` among them;
- AllenNLP's: text, packed by gzip where the name ends so, a line `word v1 v2 …` for each word, the
  unknown word first and then `<S>` and `</S>`; a vocabulary file in the same order goes with it.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from elmo.config import BiLMConfig
from elmo.system.output import OutputFile
from elmo.text.files import open_text

BOS, EOS, UNK = "<S>", "</S>", "<UNK>"
SPECIAL = (BOS, EOS, UNK)
DATASET = "embedding"
HDF5 = (".hdf5", ".h5")
WORD_MODEL = "the model reads whole words: its vectors are a table already"


class TokenCacheError(ValueError):
    """A file of token vectors that cannot be read or does not fit; says why."""


class TokenCache:
    """Words and their context-free vectors.

    Args:
        tokens: the words, special ones included.
        rows: `(V, projection_dim)`, an array or an open HDF5 dataset, of which only the rows that
            are needed are read.

    Example:
        >>> cache = TokenCache(["<S>", "</S>", "<UNK>", "a"], np.eye(4, 2, dtype="float32"))
        >>> len(cache), cache.dim
        (4, 2)
    """

    def __init__(self, tokens: Sequence[str], rows: Any) -> None:
        if len(rows.shape) != 2 or rows.shape[0] != len(tokens):
            raise TokenCacheError(
                f"{len(tokens)} words and vectors of shape {tuple(rows.shape)}: must be one vector "
                "a word"
            )
        self.tokens = list(tokens)
        self.rows = rows
        self._places: dict[bytes, int] = {}

    def __getstate__(self) -> dict[str, Any]:
        state = dict(vars(self))
        if isinstance(self.rows, h5py.Dataset):  # goes by its name, and is opened anew
            state["rows"] = (self.rows.file.filename, self.rows.name)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        if isinstance(self.rows, tuple):
            path, name = self.rows
            self.rows = h5py.File(path, "r")[name]

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def dim(self) -> int:
        """Size of a vector."""
        return int(self.rows.shape[1])

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], vocabulary: str | os.PathLike[str] | None = None
    ) -> TokenCache:
        """Read either layout.

        Args:
            path: `.hdf5` (or `.h5`), which stays open; anything else is text.
            vocabulary: of the HDF5 layout: its vocabulary file; None for the only one of
                `NAME.vocab.txt` and `vocab*.txt` beside it.

        Raises:
            TokenCacheError: there is no such file, or it is something else.
        """
        path = Path(path)
        if not path.is_file():
            raise TokenCacheError(f"{path}: no such file")
        if path.suffix not in HDF5:
            return cls._load_text(path)
        try:
            rows = h5py.File(path, "r")[DATASET]
            shape = rows.shape
        except (OSError, KeyError, AttributeError) as error:
            raise TokenCacheError(f"{path}: no HDF5 file with a dataset {DATASET!r}") from error
        words = _find_vocabulary(path) if vocabulary is None else Path(vocabulary)
        try:
            tokens = words.read_text(encoding="utf-8").removesuffix("\n").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise TokenCacheError(f"{words}: cannot be read ({error})") from error
        if len(shape) != 2 or len(tokens) != shape[0]:
            raise TokenCacheError(
                f"{path}: {DATASET!r} of shape {shape} does not fit the {len(tokens)} words of "
                f"{words}"
            )
        return cls(tokens, rows)

    @classmethod
    def _load_text(cls, path: Path) -> TokenCache:
        tokens: list[str] = []
        rows: list[np.ndarray] = []
        with open_text(os.fspath(path)) as file:
            for number, line in enumerate(file, 1):
                try:
                    word, *values = line.decode("utf-8").removesuffix("\n").split(" ")
                except UnicodeDecodeError:
                    raise TokenCacheError(
                        f"{path}, line {number}: not UTF-8; must be a word and its numbers, as "
                        "cache-tokens writes them"
                    ) from None
                try:
                    row = np.array(values, np.float32)
                except ValueError:
                    row = np.empty(0, np.float32)
                if not len(row) or len(row) != len(rows[0] if rows else row):
                    raise TokenCacheError(
                        f"{path}, line {number}: must be a word and as many numbers as on line 1"
                    )
                tokens.append(word)
                rows.append(row)
        if not rows:
            raise TokenCacheError(f"{path}: is empty")
        return cls(tokens, np.stack(rows))

    def prepared(self, config: BiLMConfig, sentence_encoder: Any) -> TokenCache:
        """Ready for a model: every word is known by the ids that the model's encoder gives it.

        Raises:
            TokenCacheError: the vectors have another size, or the model reads whole words.
        """
        if config.char_cnn is None:
            raise TokenCacheError(WORD_MODEL)
        if self.dim != config.lstm.projection_dim:
            raise TokenCacheError(
                f"vectors of size {self.dim} do not fit a model with projection_dim="
                f"{config.lstm.projection_dim}"
            )
        cache = TokenCache(self.tokens, self.rows)
        for start, rows in encoded_tokens(self.tokens, sentence_encoder):
            for number, ids in enumerate(rows, start):
                cache._places.setdefault(_key(ids), number)
        return cache

    def vectors(self, ids: np.ndarray, otherwise: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Vectors of distinct tokens, float32 `(n, dim)`.

        Args:
            ids: `(n, M)`.
            otherwise: gives the vectors of those that the file does not have.
        """
        places = np.array([self._places.get(_key(row), -1) for row in ids])
        result = np.empty((len(ids), self.dim), np.float32)
        known = np.flatnonzero(places >= 0)
        known = known[np.argsort(places[known])]
        if len(known):
            # HDF5 wants rising row numbers, each once; two words may share a row.
            rows, back = np.unique(places[known], return_inverse=True)
            result[known] = self.rows[rows][back]
        unknown = np.flatnonzero(places < 0)
        if len(unknown):
            result[unknown] = otherwise(ids[unknown])
        return result


def write_token_cache(
    embedder: Any,
    tokens: Iterable[str],
    output: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> tuple[Path, Path]:
    """Work out the vectors of a vocabulary's words and write them.

    Args:
        embedder: an `Embedder` of a model that reads characters.
        tokens: the words, a `Vocabulary`'s `tokens` for example. In bilm-tf's layout a row has the
            number of its word, where `<S>` and `</S>` are among them; where they are not, special
            words come first. AllenNLP's has `<UNK>`, `<S>` and `</S>` first.
        output: `.hdf5` or `.h5` for bilm-tf's layout, `.txt` or `.txt.gz` for AllenNLP's.
        overwrite: whether files that exist are replaced.

    Returns:
        The file of vectors and the vocabulary beside it, `NAME.vocab.txt`.

    Raises:
        FileExistsError: one of them exists, and `overwrite` is off.
        ValueError: the name says no layout, or a word cannot stand on a line.
        OutputError: it cannot be written.
    """
    output = Path(output)
    is_text = output.name.endswith((".txt", ".txt.gz"))
    if not is_text and output.suffix not in HDF5:
        raise ValueError(f"output={str(output)!r}: must end in .hdf5, .h5, .txt or .txt.gz")
    if embedder.config.char_cnn is None:
        raise TokenCacheError(WORD_MODEL)
    words = list(tokens)
    if is_text:
        words = [UNK, BOS, EOS, *(word for word in words if word not in SPECIAL)]
    elif BOS not in words or EOS not in words:
        words = [*(word for word in SPECIAL if word not in words), *words]
    for word in words:
        if not word or "\n" in word or (is_text and " " in word):
            raise ValueError(f"the word {word!r} cannot stand on a line of {output}")
    write = _write_text if is_text else _write_hdf5
    vectors = _vectors(embedder, words)
    with _new_file(output, overwrite) as file, _new_file(beside(output), overwrite) as names:
        write(file, words, vectors, embedder.config.lstm.projection_dim)
        names.write("".join(f"{word}\n" for word in words).encode())
    return output, beside(output)


@contextlib.contextmanager
def _new_file(path: Path, overwrite: bool) -> Iterator[OutputFile]:
    output = OutputFile(path, overwrite)
    try:
        yield output
    except BaseException:
        output.discard()
        raise
    output.commit()


def _write_hdf5(
    file: OutputFile, words: list[str], vectors: Iterator[tuple[int, np.ndarray]], dim: int
) -> None:
    with h5py.File(file, "w") as hdf5:
        dataset = hdf5.create_dataset(DATASET, (len(words), dim), dtype="float32")
        for start, rows in vectors:
            dataset[start : start + len(rows)] = rows


def _write_text(
    file: OutputFile, words: list[str], vectors: Iterator[tuple[int, np.ndarray]], dim: int
) -> None:
    packs = file.path.suffix == ".gz"
    # No time and no name inside: the same vectors make the same bytes.
    packed = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if packs else None
    target = file if packed is None else packed
    for start, rows in vectors:
        for word, row in zip(words[start : start + len(rows)], rows, strict=True):
            target.write(f"{word} {' '.join(map(str, row))}\n".encode())
    if packed is not None:
        packed.close()


def _key(ids: np.ndarray) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(ids, np.int32).data, digest_size=16).digest()


def beside(path: Path) -> Path:
    """The vocabulary that goes with a file of vectors.

    Example:
        >>> beside(Path("tokens.txt.gz")).name
        'tokens.vocab.txt'
    """
    name = path.name.removesuffix(".gz")
    return path.with_name(f"{name.rsplit('.', 1)[0]}.vocab.txt")


def _find_vocabulary(path: Path) -> Path:
    if beside(path).exists():
        return beside(path)
    found = sorted(path.parent.glob("vocab*.txt"))
    if len(found) != 1:
        raise TokenCacheError(
            f"{path}: which words the vectors are of stands in a vocabulary file; give it "
            f"(found {len(found)} files vocab*.txt beside it)"
        )
    return found[0]


def encoded_tokens(
    tokens: Sequence[str], sentence_encoder: Any, step: int = 4096
) -> Iterator[tuple[int, np.ndarray]]:
    """Ids of words, some at a time, with the number of the first."""
    begin, end = sentence_encoder.encode([])
    for start in range(0, len(tokens), step):
        part = tokens[start : start + step]
        rows = sentence_encoder.encode(part)[1:-1].copy()
        for number, token in enumerate(part):
            if token in (BOS, EOS):
                rows[number] = begin if token == BOS else end
        yield start, rows


def _vectors(embedder: Any, tokens: Sequence[str]) -> Iterator[tuple[int, np.ndarray]]:
    for start, rows in encoded_tokens(tokens, embedder.sentence_encoder):
        yield start, embedder.engine.token_vectors(rows)
