"""Vectors read back from any store, a sentence at a time."""

from __future__ import annotations

import bisect
import contextlib
import functools
import json
import os
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from elmo.vectors.numbers import from_dtype
from elmo.vectors.stores.hdf5 import SENTENCE_INDEX
from elmo.vectors.stores.names import META
from elmo.vectors.stores.parquet import columns, pyarrow
from elmo.vectors.stores.store import LABEL

SAFETENSORS = {"F32": "<f4", "F16": "<f2", "I8": "i1", "I64": "<i8", "I32": "<i4", "U8": "u1"}


class StoreError(ValueError):
    """A file or folder that is no store of vectors; says why."""


@contextlib.contextmanager
def _of(path: Path) -> Iterator[None]:
    """What the libraries under a store say of a damaged one, as a `StoreError`."""
    try:
        yield
    except (StoreError, ImportError, MemoryError):
        raise
    except FileNotFoundError as error:
        raise StoreError(f"{error.filename or path}: no such file") from error
    except Exception as error:  # each library has errors of its own
        text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise StoreError(
            f"{path}: cannot be read, and may be cut or damaged ({text}); make it again or fetch it anew"
        ) from error


class Vectors(Sequence):
    """The vectors in a store; only what is asked for is read.

    `vectors[i]` is what `Embedder.embed` gives for sentence i: `(n_layers + 1, tokens, dim)`, or
    without the axis of layers or of tokens where there is none. Of a store of listed words it is the
    vector of use i, and `sentences[i]` and `positions[i]` say where that use is. The numbers are of the
    type that they have in the store, those of `int8` made float32 by their scales. Sentences with
    names are found by them as well: `vectors["P69905"]`.

    Attributes:
        label: what the store says about itself: `fingerprint` with all settings, `sentences`,
            `tokens`, `vectors`; empty for a file of another program.
    """

    def __init__(self, path: Path, label: dict[str, Any] | None) -> None:
        self.path = path
        self.label = label or {}

    def _settings(self) -> dict[str, Any]:
        return self.label.get("fingerprint", {})

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self._numbers:
                raise KeyError(f"{self.path}: no sentence is named {key!r}")
            return self._one(self._numbers[key])
        if isinstance(key, slice):
            return [self._one(number) for number in range(*key.indices(len(self)))]
        number = range(len(self))[key]  # negative ones too, and the right error
        return self._one(number)

    def _one(self, number: int) -> np.ndarray:
        with _of(self.path):
            return self._get(number)

    def tokens(self, number: int) -> list[str]:
        """The tokens of a sentence, or the one word of a use."""
        number = range(len(self))[number]
        with _of(self.path):
            return self._tokens(number)

    @functools.cached_property
    def _numbers(self) -> Mapping[str, int]:
        return {name: number for number, name in enumerate(self.names or ())}

    # What a kind of store has to say.

    def __len__(self) -> int:
        raise NotImplementedError

    def _get(self, number: int) -> np.ndarray:
        raise NotImplementedError

    def _tokens(self, number: int) -> list[str]:
        raise StoreError(f"{self.path}: this layout does not keep tokens")

    @functools.cached_property
    def names(self) -> list[str] | None:
        """The names of the sentences; None where they are numbers."""
        return None

    @property
    def sentences(self) -> np.ndarray:
        """Of listed words: the number of the sentence of each use."""
        raise StoreError(f"{self.path}: holds whole sentences")

    @property
    def positions(self) -> np.ndarray:
        """Of listed words: the position in its sentence of each use."""
        raise StoreError(f"{self.path}: holds whole sentences")


class ArrayVectors(Vectors):
    """A store of a few large arrays; see `elmo.vectors.stores.arrays`."""

    def __init__(self, path: Path, label: dict[str, Any] | None, arrays: Mapping[str, Any]) -> None:
        super().__init__(path, label)
        self.arrays = arrays
        if "vectors" not in arrays or "text_offsets" not in arrays:
            raise StoreError(f"{path}: there are no vectors in it")
        if "sentences" not in arrays and "offsets" not in arrays:
            raise StoreError(f"{path}: where its sentences begin is missing")
        self._by_word = "sentences" in arrays
        self._pooled = bool(self._settings().get("pool"))

    def __len__(self) -> int:
        if self._by_word:
            return len(self.arrays["vectors"])
        return len(self.arrays["offsets"]) - 1

    def _get(self, number: int) -> np.ndarray:
        if self._by_word or self._pooled:
            return self._rows(number)
        begin, end = map(int, self.arrays["offsets"][number : number + 2])
        rows = self._rows(slice(begin, end))
        return rows.swapaxes(0, 1) if rows.ndim == 3 else rows

    def _rows(self, which: Any) -> np.ndarray:
        scales = self.arrays["scales"][which] if "scales" in self.arrays else None
        return from_dtype(self.arrays["vectors"][which], scales)

    def _texts(self, name: str, begin: int, end: int) -> list[str]:
        offsets = self.arrays[f"{name}_offsets"][begin : end + 1]
        whole = np.asarray(self.arrays["names" if name == "name" else name])
        return [
            whole[a:b].tobytes().decode("utf-8", "surrogatepass")
            for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
        ]

    def _tokens(self, number: int) -> list[str]:
        if self._by_word:
            return self._texts("text", number, number + 1)
        begin, end = map(int, self.arrays["offsets"][number : number + 2])
        return self._texts("text", begin, end)

    @functools.cached_property
    def names(self) -> list[str] | None:
        if "name_offsets" not in self.arrays or self._by_word:
            return None
        return self._texts("name", 0, len(self))

    @property
    def sentences(self) -> np.ndarray:
        return self.arrays["sentences"][:] if self._by_word else super().sentences

    @property
    def positions(self) -> np.ndarray:
        return self.arrays["positions"][:] if self._by_word else super().positions


class KeyedVectors(Vectors):
    """One array a sentence, in HDF5 or `.npz`."""

    def __init__(self, path: Path, label: dict[str, Any] | None, arrays: Mapping[str, Any]) -> None:
        super().__init__(path, label)
        self.arrays = arrays
        self._length = len(arrays) - (SENTENCE_INDEX in arrays)
        named = self.label.get("named")
        if named is None:  # of another program: names may look like numbers
            named = self._length > 0 and not ("0" in arrays and str(self._length - 1) in arrays)
        self._numbered = not named

    def __len__(self) -> int:
        return self._length

    @functools.cached_property
    def names(self) -> list[str] | None:
        if self._numbered:
            return None
        return [name for name in self.arrays if name != SENTENCE_INDEX]  # in the file's order

    def _get(self, number: int) -> np.ndarray:
        names = self.names
        key = str(number) if names is None else names[number]
        return np.asarray(self.arrays[key][()])


class ParquetVectors(Vectors):
    """A folder of Parquet files, or one; a row group is read at a time."""

    def __init__(self, path: Path) -> None:
        self._arrow = pyarrow()
        self._files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        if not self._files:
            raise StoreError(f"{path}: there is no .parquet file in it")
        self._groups: list[tuple[int, int]] = []  # (file, row group)
        self._begins = [0]  # the first row of each group, and the end
        for number, file in enumerate(self._files):
            try:
                found = self._arrow.parquet.read_metadata(file)
            except self._arrow.ArrowInvalid as error:
                raise StoreError(f"{file}: no Parquet file") from error
            for group in range(found.num_row_groups):
                self._groups.append((number, group))
                self._begins.append(self._begins[-1] + found.row_group(group).num_rows)
        schema = self._arrow.parquet.read_schema(self._files[0])
        text = (schema.metadata or {}).get(LABEL.encode())
        super().__init__(path, None if text is None else json.loads(text))
        self._fields = schema.names
        layers = sum(name.startswith("layer_") and "scale" not in name for name in self._fields)
        self._columns = columns(layers)
        if self._columns[0] not in self._fields:
            raise StoreError(f"{path}: there are no vectors in it")
        self._group = functools.lru_cache(maxsize=2)(self._read)

    def __len__(self) -> int:
        return self._begins[-1]

    def _find(self, number: int) -> tuple[Any, int]:
        group = bisect.bisect_right(self._begins, number) - 1
        return self._group(group), number - self._begins[group]

    def _read(self, number: int) -> Any:
        file, group = self._groups[number]
        with self._arrow.parquet.ParquetFile(self._files[file]) as opened:
            return opened.read_row_group(group).combine_chunks()

    def _get(self, number: int) -> np.ndarray:
        table, row = self._find(number)
        layers = [self._column(table, name, row) for name in self._columns]
        return layers[0] if self._columns == columns(0) else np.stack(layers)

    def _column(self, table: Any, name: str, row: int) -> np.ndarray:
        values = self._numbers_of(table[name].chunk(0), row)
        scales = f"{name}_scale"
        if scales not in self._fields:
            return values
        array = table[scales].chunk(0)
        found = array[row].as_py()
        return from_dtype(values, np.array(0 if found is None else found, np.float32))

    def _numbers_of(self, array: Any, row: int) -> np.ndarray:
        dim = array.type
        one = array.slice(row, 1)
        if self._arrow.types.is_fixed_size_list(dim):
            return one.flatten().to_numpy(zero_copy_only=False)
        vectors = one.flatten()
        numbers = vectors.flatten().to_numpy(zero_copy_only=False)
        return numbers.reshape(len(vectors), vectors.type.list_size)

    def _tokens(self, number: int) -> list[str]:
        table, row = self._find(number)
        if "token" in self._fields:
            return [table["token"][row].as_py()]
        return table["tokens"][row].as_py()

    def _whole(self, name: str) -> Any:
        read = self._arrow.parquet.read_table
        return self._arrow.concat_tables([read(f, columns=[name]) for f in self._files])[name]

    @functools.cached_property
    def names(self) -> list[str] | None:
        if "name" not in self._fields or "token" in self._fields:
            return None
        return self._whole("name").to_pylist()

    @property
    def sentences(self) -> np.ndarray:
        return self._whole("sentence").to_numpy() if "token" in self._fields else super().sentences

    @property
    def positions(self) -> np.ndarray:
        return self._whole("position").to_numpy() if "token" in self._fields else super().positions


def read_vectors(path: str | os.PathLike[str]) -> Vectors:
    """Open what `elmo embed` has written, in whatever format.

    Args:
        path: `.parquet` or `.npy` (folders), `.safetensors`, `.hdf5` or `.npz`; by its content, not
            its name. HDF5 files of bilm-tf and AllenNLP are read as well.

    Raises:
        StoreError: it is none of them, or damaged; also when something of it is read.

    Example:
        >>> import tempfile
        >>> from elmo.bilm.encoder import BiLMEncoder
        >>> from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
        >>> from elmo.embed.embedder import Embedder
        >>> from elmo.bulk.embedding import embed_file
        >>> from elmo.vectors.stores.choosing import choose
        >>> from elmo.text.encoding import SentenceEncoder
        >>> characters = CharCNNConfig(embedding_dim=2, filters=[[1, 4]])
        >>> lstm = LSTMConfig(dim=8, projection_dim=4)
        >>> encoder = BiLMEncoder(BiLMConfig(lstm=lstm, char_cnn=characters))
        >>> embedder = Embedder(encoder, SentenceEncoder(characters=50))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "vectors.npy"
        ...     _ = embed_file(embedder, [["The", "bank", "closed"], []], path, choose(path))
        ...     vectors = read_vectors(path)
        ...     len(vectors), vectors[0].shape, vectors[0].dtype.name, vectors.tokens(0)
        (2, (3, 3, 8), 'float16', ['The', 'bank', 'closed'])
    """
    path = Path(path)
    with _of(path):
        return _opened(path)


def _opened(path: Path) -> Vectors:
    if path.is_dir():
        if (path / "vectors.npy").is_file():
            return ArrayVectors(path, label_of(path), _npy_arrays(path))
        return ParquetVectors(path)
    if not path.is_file():
        raise StoreError(f"{path}: no such file or folder")
    kind = _kind(path)
    if kind == "hdf5":
        file = h5py.File(path, "r")
        if "text_offsets" in file:
            return ArrayVectors(path, label_of(path), file)
        return KeyedVectors(path, label_of(path), file)
    if kind == "zip":
        return KeyedVectors(path, label_of(path), np.load(path))
    if kind == "parquet":
        return ParquetVectors(path)
    header, begin = _safetensors_header(path)
    if header is None:
        raise StoreError(f"{path}: neither HDF5, .npz, Parquet nor safetensors")
    return ArrayVectors(path, label_of(path), _safetensors_arrays(path, header, begin))


def _kind(path: Path) -> str | None:
    with open(path, "rb") as file:
        start = file.read(8)
    for name, magic in (("hdf5", b"\x89HDF\r\n\x1a\n"), ("zip", b"PK"), ("parquet", b"PAR1")):
        if start.startswith(magic):
            return name
    return None


def _npy_arrays(folder: Path) -> dict[str, np.ndarray]:
    arrays = {}
    for path in folder.glob("*.npy"):
        try:
            arrays[path.stem] = np.load(path, mmap_mode="r")
        except ValueError:  # nothing can be mapped where there is nothing
            arrays[path.stem] = np.load(path)
    return arrays


def _safetensors_header(path: Path) -> tuple[dict[str, Any] | None, int]:
    with open(path, "rb") as file:
        size = file.read(8)
        if len(size) < 8:
            return None, 0
        (length,) = struct.unpack("<Q", size)
        if length > path.stat().st_size - 8:
            return None, 0
        try:
            header = json.loads(file.read(length))
        except ValueError:
            return None, 0
    return (header if isinstance(header, dict) else None), 8 + length


def _safetensors_arrays(path: Path, header: dict[str, Any], begin: int) -> dict[str, np.ndarray]:
    whole = np.memmap(path, np.uint8, "r")
    arrays = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            dtype = SAFETENSORS.get(entry["dtype"])
            if dtype is None:
                raise StoreError(f"{path}: {name} is of the type {entry['dtype']}")
            arrays[name] = whole[begin + start : begin + end].view(dtype).reshape(entry["shape"])
    return arrays


def label_of(path: Path) -> dict[str, Any] | None:
    """What a store says about itself; None where it says nothing, or is none."""
    try:
        text = _label_text(Path(path))
        label = None if text is None else json.loads(text)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    return label if isinstance(label, dict) and "fingerprint" in label else None


def _label_text(path: Path) -> str | bytes | None:
    if path.is_dir():
        if (path / META).is_file():
            return (path / META).read_text(encoding="utf-8")
        first = min(path.glob("*.parquet"), default=None)
        return None if first is None else _label_text(first)
    kind = _kind(path)
    if kind == "hdf5":
        with h5py.File(path, "r") as file:
            return file.attrs.get(LABEL)
    if kind == "zip":
        with zipfile.ZipFile(path) as archive:
            return archive.comment
    if kind == "parquet":
        metadata = pyarrow().parquet.read_schema(path).metadata or {}
        return metadata.get(LABEL.encode())
    header, _ = _safetensors_header(path)
    return (header or {}).get("__metadata__", {}).get(LABEL)
