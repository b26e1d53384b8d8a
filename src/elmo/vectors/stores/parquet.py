"""Parquet: a folder of numbered files, a row for each sentence, a column for each layer.

| column | type | holds |
|---|---|---|
| `sentence` | int64 | the number of the sentence |
| `name` | string | its name, where sentences have any |
| `tokens` | list of strings | its tokens |
| `vectors`, or `layer_0`, `layer_1`, … | list of fixed-size lists | a vector for each token |
| `…_scale` | list of float32 | of `int8`: what each vector is to be multiplied by |

Pooled, a column of vectors is a fixed-size list and a scale one number. Of listed words each use
has a row: `position` (int32) and `token` stand in place of `tokens`, and a vector is as if pooled.

Row groups are small, so that a reader takes out one sentence at the cost of a few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from elmo.system.files import written_whole
from elmo.text.files import MissingExtraError
from elmo.vectors.choices import Job
from elmo.vectors.plan import Part
from elmo.vectors.stores.store import LABEL, Item, data_folder, label_text

GROUP_BYTES = 1 << 20  # of vectors in a row group, before they are packed
ROW = 40  # bytes of a row beside its vectors and its text, about


def pyarrow() -> Any:
    """The package `pyarrow` with `pyarrow.parquet`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingExtraError(
            "Parquet needs pyarrow: pip install 'elmo-keras[stores]', or write .npy, .safetensors "
            "or .hdf5"
        ) from error
    return arrow


def columns(n_layers: int) -> list[str]:
    """The names of the columns that hold vectors.

    Example:
        >>> columns(0), columns(2)
        (['vectors'], ['layer_0', 'layer_1'])
    """
    return [f"layer_{number}" for number in range(n_layers)] or ["vectors"]


class ParquetStore:
    """A file for each part.

    Args:
        job, output: see `Store`.
    """

    def __init__(self, job: Job, output: Path) -> None:
        self.arrow = pyarrow()
        self.job, self.output = job, output
        self._folder = data_folder(job) / output.name
        self._flat = job.choices.row != "token"  # a row of the table is a row of vectors
        self._columns = columns(job.n_layers)

    def names(self) -> list[str]:
        return [self.output.name]

    def sizes(self) -> tuple[int, int]:
        totals = self.job.plan.totals
        return (
            totals.row * self.job.row_bytes + totals.text + totals.name + ROW * totals.sentence,
            0,
        )

    def prepare(self) -> None:
        self._folder.mkdir(exist_ok=True)

    def schema(self) -> Any:
        """The table's columns."""
        arrow, choices = self.arrow, self.job.choices
        fields = [arrow.field("sentence", arrow.int64(), nullable=False)]
        if self.job.named:
            fields.append(arrow.field("name", arrow.string()))
        if choices.row == "word":
            fields += [
                arrow.field("position", arrow.int32(), nullable=False),
                arrow.field("token", arrow.string(), nullable=False),
            ]
        else:
            fields.append(arrow.field("tokens", arrow.list_(arrow.string())))
        numbers = arrow.from_numpy_dtype(np.dtype(choices.dtype))
        vector, scale = arrow.list_(numbers, self.job.dim), arrow.float32()
        if not self._flat:
            vector, scale = arrow.list_(vector), arrow.list_(scale)
        for name in self._columns:
            fields.append(arrow.field(name, vector))
            if choices.dtype == "int8":
                fields.append(arrow.field(f"{name}_scale", scale))
        return arrow.schema(fields, metadata={LABEL: label_text(self.job.label)})

    def write(self, part: Part, items: Iterable[Item]) -> None:
        path = self._folder / f"part-{part.number:05d}.parquet"
        schema = self.schema()
        with (
            written_whole(path) as file,
            self.arrow.parquet.ParquetWriter(file, schema, **self._packing()) as writer,
        ):
            for group in self._groups(part, items):
                writer.write_table(group.table(schema))

    def _packing(self) -> dict[str, Any]:
        words = "token" if self.job.choices.row == "word" else "tokens.list.element"
        inner = "list.element" if self._flat else "list.element.list.element"
        # Bytes of numbers sorted by their place: the first of each are much alike.
        split = [f"{name}.{inner}" for name in self._columns]
        return {
            "compression": "zstd",
            "use_dictionary": [words],
            "use_byte_stream_split": split if self.job.choices.dtype != "int8" else False,
            "write_statistics": ["sentence"],
        }

    def _groups(self, part: Part, items: Iterable[Item]) -> Iterator[_Group]:
        most = max(1, GROUP_BYTES // self.job.row_bytes)
        group = _Group(self)
        for number, (key, tokens, vectors) in enumerate(items, part.sentence):
            group.add(number, key, tokens, vectors)
            if group.rows >= most:
                yield group
                group = _Group(self)
        if group.sentences or not part.rows:
            yield group

    def finish(self) -> None:
        if not len(self.job.plan):  # a table without rows is one still
            self.write(self.job.plan.totals, ())
        for left in self._folder.glob(".*"):  # by a process that was killed
            left.unlink()


class _Group:
    """Rows that are written together."""

    def __init__(self, store: ParquetStore) -> None:
        self._store, self._job = store, store.job
        self.rows = 0
        self.sentences: list[int] = []
        self._names: list[str] = []
        self._places: list[int] = []
        self._words: list[str] = []
        self._lengths: list[int] = []
        self._values: list[np.ndarray] = []
        self._scales: list[np.ndarray | None] = []

    def add(self, number: int, key: str, tokens: Any, vectors: np.ndarray) -> None:
        values, scales = self._job.rows(tokens, vectors)
        places = self._job.places(tokens)
        times = len(places) if self._job.choices.row == "word" else 1
        self.sentences += [number] * times
        self._names += [_text(key)] * times
        self._places += places
        self._words += [_text(tokens[place]) for place in places]
        self._lengths.append(len(places))
        self._values.append(values)
        self._scales.append(scales)
        self.rows += len(values)

    def table(self, schema: Any) -> Any:
        """The rows as an Arrow table."""
        arrow, job = self._store.arrow, self._job
        if not self._lengths:
            return schema.empty_table()
        flat, by_word = self._store._flat, job.choices.row == "word"
        ends = np.concatenate([[0], np.cumsum(self._lengths)]).astype(np.int32)

        def nested(array: Any) -> Any:
            return arrow.ListArray.from_arrays(arrow.array(ends), array)

        parts = {"sentence": self.sentences, "name": self._names, "position": self._places}
        words = arrow.array(self._words, arrow.string())
        parts["token"] = words
        if not by_word:
            parts["tokens"] = nested(words)
        values = np.concatenate(self._values)
        for number, name in enumerate(self._store._columns):
            one = values[:, number] if job.n_layers else values
            numbers = arrow.array(np.ascontiguousarray(one).ravel())
            vectors = arrow.FixedSizeListArray.from_arrays(numbers, job.dim)
            parts[name] = vectors if flat else nested(vectors)
            scales = [one for one in self._scales if one is not None]
            if scales:
                whole = np.concatenate(scales)
                whole = whole[:, number] if job.n_layers else whole
                column = arrow.array(np.ascontiguousarray(whole))
                parts[f"{name}_scale"] = column if flat else nested(column)
        arrays = [
            arrow.array(parts[f.name], f.type) if isinstance(parts[f.name], list) else parts[f.name]
            for f in schema
        ]
        return arrow.Table.from_arrays(arrays, schema=schema)


def _text(text: str) -> str:
    """With a question mark for lone surrogates, which Arrow's strings cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
