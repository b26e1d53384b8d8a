"""Find options, weights and vocabulary in a folder, whatever their names."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path

from elmo.system.errors import FormatError
from elmo.text.vocabulary import Vocabulary

_OPTIONS = ("options.json", "*options*.json")
_WEIGHTS = ("weights.hdf5", "model.hdf5", "*weights*.hdf5", "*weights*.h5", "*.hdf5", "*.h5")
_SOFTMAX = "softmax_weights.hdf5"  # published beside the weights of the encoder
_VOCABULARIES = ("vocab.txt", "vocab.txt.gz")


def _find(folder: Path, patterns: tuple[str, ...], what: str) -> Path:
    names = sorted(
        path.name
        for path in folder.iterdir()
        if path.is_file() and not path.name.endswith(_SOFTMAX)
    )
    for pattern in patterns:
        found = fnmatch.filter(names, pattern)
        if len(found) == 1:
            return folder / found[0]
        if found:
            raise FormatError(
                f"{folder}: which file is {what}: {', '.join(found)}? Give both files, "
                "OPTIONS,WEIGHTS on the command line or (options, weights) in Python"
            )
    raise FormatError(f"{folder}: {what} missing; no file is called {' or '.join(patterns)}")


def _partner(path: Path, ours: str, theirs: str, suffixes: tuple[str, ...]) -> Path | None:
    """The file beside another whose name differs from it by one word and the suffix."""
    stem = theirs.join(path.stem.rsplit(ours, 1)) if ours in path.stem else None
    beside = (path.with_name(f"{stem}{suffix}") for suffix in suffixes)
    return None if stem is None else next((p for p in beside if p.is_file()), None)


def options_beside(weights: Path) -> Path:
    """The options of weights: `a_options.json` of `a_weights.hdf5`, else the folder's only ones.

    Raises:
        FormatError: there are none, or more than one.
    """
    found = _partner(weights, "weights", "options", (".json",))
    return find_options(weights.parent) if found is None else found


def weights_beside(options: Path) -> Path:
    """The weights of options: `a_weights.hdf5` of `a_options.json`, else the folder's only ones.

    Raises:
        FormatError: there are none, or more than one.
    """
    found = _partner(options, "options", "weights", (".hdf5", ".h5"))
    return find_weights(options.parent) if found is None else found


def find_options(folder: str | os.PathLike[str]) -> Path:
    """The options file of a folder.

    Raises:
        FormatError: there is none, or more than one.
    """
    return _find(Path(folder), _OPTIONS, "the options file")


def find_weights(folder: str | os.PathLike[str]) -> Path:
    """The HDF5 weights of a folder.

    Raises:
        FormatError: there is none, or more than one.
    """
    return _find(Path(folder), _WEIGHTS, "the weights file")


def find_vocabulary(folder: str | os.PathLike[str]) -> Path | None:
    """The vocabulary of a folder, under its published name."""
    return next((p for name in _VOCABULARIES if (p := Path(folder, name)).is_file()), None)


def load_vocabulary(
    vocabulary: str | os.PathLike[str] | Vocabulary,
    size: int | None = None,
    lowercase: bool | None = False,
) -> Vocabulary:
    """A vocabulary, from its file if need be, with a type for each row of the weights.

    Args:
        vocabulary: a `Vocabulary` or its file, packed or not.
        size: how many types it must have, if that is known.
        lowercase: whether words are lower-cased before they are looked up in the file's.

    Raises:
        FormatError: the file cannot be read, or the size is another.
    """
    where: object = "the vocabulary"
    if not isinstance(vocabulary, Vocabulary):
        where = vocabulary
        try:
            vocabulary = Vocabulary.load(vocabulary, lowercase=lowercase, most=size)
        except (ValueError, OSError) as error:
            text = str(error)
            named = text if str(where) in text else f"{where}: {text}"
            raise FormatError(named) from error
    if size is not None and len(vocabulary.tokens) != size:
        raise FormatError(
            f"{where}: has {len(vocabulary.tokens):,} types, but the weights are for {size:,}"
        )
    return vocabulary
