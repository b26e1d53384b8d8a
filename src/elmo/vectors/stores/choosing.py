"""Pick the store by option or file suffix."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from elmo.embed.results import Layers, Pool, State, check_choices
from elmo.text.vocabulary_files import read_lines
from elmo.vectors.choices import Choices, Format, Job, Layout
from elmo.vectors.numbers import DTYPES, Dtype
from elmo.vectors.stores.arrays import Hdf5ArrayStore, NpyStore, SafetensorsStore
from elmo.vectors.stores.by_type import TypeStore
from elmo.vectors.stores.keyed import LAYOUTS, KeyedHdf5Store, NpzStore, manylangs_files
from elmo.vectors.stores.parquet import ParquetStore, pyarrow
from elmo.vectors.stores.store import Store

SUFFIXES: dict[Format, tuple[str, ...]] = {
    "hdf5": (".hdf5", ".h5"),
    "npz": (".npz",),
    "parquet": (".parquet",),
    "npy": (".npy",),
    "safetensors": (".safetensors",),
}
FORMATS = tuple(SUFFIXES)
FOLDERS = ("parquet", "npy", "types")
"""Formats that are a folder of files."""


def choose(
    output: str | os.PathLike[str],
    *,
    layers: Layers = "all",
    pool: Pool | None = None,
    state: State = "reset",
    batch_size: int | None = None,
    format: Format | None = None,
    layout: Layout = "allennlp",
    dtype: Dtype | None = None,
    only: str | os.PathLike[str] | Iterable[str] | None = None,
    part_tokens: int = 1 << 16,
) -> Choices:
    """Check what was chosen and fill in what was not.

    Raises:
        ValueError: something is no choice, or two do not go together.
        MissingExtraError: the store needs a package that is not installed.

    Example:
        >>> chosen = choose("vectors.parquet", only="bank,shore")
        >>> chosen.format, chosen.dtype, chosen.only
        ('parquet', 'float16', ('bank', 'shore'))
    """
    check_choices(layers, pool, state, batch_size)
    for name, value, known in (
        ("layout", layout, LAYOUTS),
        ("dtype", dtype, (None, *DTYPES)),
        ("format", format, (None, *FORMATS)),
    ):
        if value not in known:
            names = ", ".join(repr(choice) for choice in known if choice is not None)
            raise ValueError(f"{name}={value!r}: must be {names}")
    if type(part_tokens) is not int or part_tokens < 1:
        raise ValueError(f"part_tokens={part_tokens!r}: must be 1 or more")
    format = format or _by_name(output, layout)
    if format == "parquet":
        pyarrow()
    words = None if only is None else word_list(only)
    keyed = format == "npz" or (format == "hdf5" and words is None)
    if dtype == "int8" and keyed:
        raise ValueError(
            f"dtype='int8': {format} has no place for the scales; write .parquet, .npy or "
            ".safetensors"
        )
    if words is not None and format == "npz":
        raise ValueError("only=…: npz has no place for positions; write .parquet, .npy or .hdf5")
    if words is not None and pool:
        raise ValueError(f"pool={pool!r}: goes with whole sentences; leave out pool or only")
    if format == "hdf5" and layout == "manylangs" and words is None:
        manylangs_files("", layers, 0)
    return Choices(
        layers=layers,
        pool=pool,
        state=state,
        batch_size=batch_size,
        format=format,
        layout=layout if keyed and format == "hdf5" else "",
        dtype=dtype or ("float32" if format in ("hdf5", "npz") else "float16"),
        only=words,
        part_tokens=part_tokens,
    )


def _by_name(output: str | os.PathLike[str], layout: str) -> Format:
    suffix = Path(output).suffix.lower()
    for format, suffixes in SUFFIXES.items():
        if suffix in suffixes:
            return format
    if layout == "manylangs":
        return "hdf5"
    raise ValueError(
        f"output={os.fspath(output)!r}: must end in .hdf5, .h5, .npz, .parquet, .npy or "
        ".safetensors, or the format be said (--format)"
    )


def word_list(only: str | os.PathLike[str] | Iterable[str]) -> tuple[str, ...]:
    """Words of a list, of a file with one per line, or of a string with commas; sorted.

    Raises:
        ValueError: there is none.
    """
    if isinstance(only, os.PathLike) or (isinstance(only, str) and os.path.isfile(only)):
        only = read_lines(only)
    elif isinstance(only, str):
        only = only.split(",")
    words = sorted({word.strip() for word in only} - {""})
    if not words:
        raise ValueError("only=…: there is no word in it")
    return tuple(words)


def files_of(output: Path, choices: Choices, depth: int) -> list[Path]:
    """The files, or the folder, that will stand there in the end."""
    if choices.layout != "manylangs":
        return [output]
    return [output.with_name(n) for n in manylangs_files(output.name, choices.layers, depth)]


def open_store(job: Job, output: Path) -> Store:
    """The store of a job."""
    if job.choices.format == "hdf5":
        return (Hdf5ArrayStore if job.choices.only else KeyedHdf5Store)(job, output)
    stores: dict[str, Callable[[Job, Path], Store]] = {
        "npz": NpzStore,
        "npy": NpyStore,
        "safetensors": SafetensorsStore,
        "parquet": ParquetStore,
        "types": TypeStore,
    }
    return stores[job.choices.format](job, output)
