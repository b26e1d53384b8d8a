"""Foreign weights as tables that are read in both directions.

A table is a list of `Entry`: a foreign array, its shape, and the arrays of ours that it is made of.
Reading and writing walk the same table, so the one cannot drift from the other, and either accounts
for every array: what is missing, left over or of another shape is listed in one error.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from elmo.config import BiLMConfig
from elmo.system.errors import FormatError


@dataclass(frozen=True)
class Step:
    """A change of layout that loses nothing: what reading does, and what undoes it."""

    read: Callable[[np.ndarray], np.ndarray]
    write: Callable[[np.ndarray], np.ndarray]


def _swap_blocks(array: np.ndarray) -> np.ndarray:
    first, second, third, fourth = np.split(array, 4)
    return np.concatenate([first, third, second, fourth])


TRANSPOSED = Step(np.transpose, np.transpose)
NEGATED = Step(np.negative, np.negative)
SQUEEZED = Step(lambda a: a[0], lambda a: a[None])
GATES_IFCO = Step(_swap_blocks, _swap_blocks)
"""Rows in the order input, forget, candidate, output to input, candidate, forget, output."""


@dataclass(frozen=True)
class Part:
    """One of our arrays inside a foreign one: its name, its share of the first axis, its steps."""

    name: str
    rows: int
    steps: tuple[Step, ...] = ()

    def read(self, array: np.ndarray) -> np.ndarray:
        for step in self.steps:
            array = step.read(array)
        return np.array(array, dtype=np.float32, order="C")

    def write(self, array: np.ndarray) -> np.ndarray:
        for step in reversed(self.steps):
            array = step.write(array)
        return array


@dataclass(frozen=True)
class Entry:
    """A foreign array and the arrays of ours that it consists of.

    Args:
        name: what the foreign file calls it.
        shape: its shape there.
        parts: our arrays, one after the other along its first axis.
        aliases: other names under which it is found; `name` is the one that is written.
        derive: for an array that is written for other readers only and told by the rest: how to
            work it out from its parts. It is checked when read, and then dropped.
    """

    name: str
    shape: tuple[int, ...]
    parts: tuple[Part, ...]
    aliases: tuple[str, ...] = ()
    derive: Callable[[np.ndarray], np.ndarray] | None = None

    def read(self, array: np.ndarray) -> dict[str, np.ndarray]:
        if self.derive is not None:
            return {}
        cuts = np.cumsum([part.rows for part in self.parts])[:-1]
        pieces = np.split(array, cuts) if len(cuts) else [array]
        return {part.name: part.read(piece) for part, piece in zip(self.parts, pieces, strict=True)}

    def write(self, ours: Mapping[str, np.ndarray]) -> np.ndarray:
        pieces = [part.write(np.asarray(ours[part.name], np.float32)) for part in self.parts]
        array = np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
        if self.derive is not None:
            array = self.derive(array)
        return np.ascontiguousarray(array, dtype=np.float32)


def same(name: str, ours: str, shape: Iterable[int], *steps: Step) -> Entry:
    """The entry of an array that is one of ours, through `steps`."""
    shape = tuple(shape)
    return Entry(name, shape, (Part(ours, shape[0], steps),))


@dataclass(frozen=True)
class Stored:
    """An array in a file that is not read yet: its shape, and how to get it."""

    shape: tuple[int, ...]
    load: Callable[[], np.ndarray]

    @classmethod
    def of(cls, array: np.ndarray) -> Stored:
        return cls(tuple(array.shape), lambda: array)


def _complain(
    where: str | os.PathLike[str], missing: list[str], left_over: list[str], shapes: list[str]
) -> None:
    kinds = (("missing", missing), ("left over", left_over), ("of another shape", shapes))
    found = [f"{len(names)} {kind}: {', '.join(names)}" for kind, names in kinds if names]
    if found:
        raise FormatError(f"{where}: the weights do not fit the configuration; {'; '.join(found)}")


def _shape_difference(name: str, shape: Sequence[int], wanted: Sequence[int]) -> str:
    return f"{name} is {tuple(shape)}, wanted {tuple(wanted)}"


def read_table(
    table: Sequence[Entry], stored: Mapping[str, Stored], where: str | os.PathLike[str]
) -> dict[str, np.ndarray]:
    """Our arrays out of foreign ones.

    Shapes are compared before anything is loaded.

    Args:
        table: the entries, each of which has to be there.
        stored: the foreign arrays by name.
        where: what the error calls their file.

    Returns:
        float32 arrays under our names.

    Raises:
        FormatError: lists all that is missing, left over, or of another shape.

    Example:
        >>> table = [same("W", "softmax/kernel", (2, 3), TRANSPOSED)]
        >>> read_table(table, {"W": Stored.of(np.ones((2, 3)))}, "file")["softmax/kernel"].shape
        (3, 2)
        >>> read_table(table, {"w": Stored.of(np.ones((2, 3)))}, "file")
        Traceback (most recent call last):
        elmo.system.errors.FormatError: file: the weights do not fit the configuration; 1
        missing: W; 1 left over: w
    """
    missing, shapes, used = [], [], {}
    for entry in table:
        name = next((n for n in (entry.name, *entry.aliases) if n in stored), None)
        if name is None:
            missing.append(entry.name)
            continue
        used[name] = entry
        if tuple(stored[name].shape) != entry.shape:
            shapes.append(_shape_difference(name, stored[name].shape, entry.shape))
    _complain(where, missing, sorted(set(stored) - set(used)), shapes)
    ours: dict[str, np.ndarray] = {}
    for name, entry in used.items():
        if entry.derive is None:
            ours.update(entry.read(stored[name].load()))
    return ours


def write_table(table: Sequence[Entry], ours: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Foreign arrays out of ours, which were checked with `check_weights`."""
    return {entry.name: entry.write(ours) for entry in table}


def encoder_shapes(config: BiLMConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the encoder's weights, in the order of docs/architecture.md.

    Example:
        >>> from elmo.config import LSTMConfig
        >>> lstm = LSTMConfig(dim=4, projection_dim=2, n_layers=1)
        >>> encoder_shapes(BiLMConfig(lstm=lstm, vocabulary_size=9, directions="forward"))
        {'token_encoder/embedding': (9, 2), 'forward/layer_0/kernel': (2, 16),
         'forward/layer_0/recurrent_kernel': (2, 16), 'forward/layer_0/bias': (16,),
         'forward/layer_0/projection_kernel': (4, 2)}
    """
    size, cells = config.lstm.projection_dim, config.lstm.dim
    shapes: dict[str, tuple[int, ...]] = {}
    cnn = config.char_cnn
    if cnn is None:
        assert config.vocabulary_size is not None  # `BiLMConfig` sees to it
        shapes["token_encoder/embedding"] = (config.vocabulary_size, size)
    else:
        features = cnn.n_filters
        shapes["token_encoder/char_embed"] = (cnn.n_characters, cnn.embedding_dim)
        if cnn.word_dim:
            shapes["token_encoder/word_embed"] = (cnn.n_words, cnn.word_dim)
        for i, (width, number) in enumerate(cnn.filters):
            shapes[f"token_encoder/cnn_{i}/kernel"] = (width, cnn.embedding_dim, number)
            shapes[f"token_encoder/cnn_{i}/bias"] = (number,)
        for k in range(cnn.n_highway):
            for gate in ("carry", "transform"):
                shapes[f"token_encoder/highway_{k}/{gate}_kernel"] = (features, features)
                shapes[f"token_encoder/highway_{k}/{gate}_bias"] = (features,)
        if has_token_projection(config):
            shapes["token_encoder/projection/kernel"] = (features + cnn.word_dim, size)
            shapes["token_encoder/projection/bias"] = (size,)
    for direction in config.direction_names:
        for layer in range(config.lstm.n_layers):
            prefix = f"{direction}/layer_{layer}"
            shapes[f"{prefix}/kernel"] = (size, 4 * cells)
            shapes[f"{prefix}/recurrent_kernel"] = (size, 4 * cells)
            shapes[f"{prefix}/bias"] = (4 * cells,)
            if config.lstm.projects:
                shapes[f"{prefix}/projection_kernel"] = (cells, size)
    return shapes


def has_token_projection(config: BiLMConfig) -> bool:
    """Whether the character features are projected: not where their size is P already."""
    cnn = config.char_cnn
    if cnn is None:
        return False
    return cnn.always_project or cnn.n_filters + cnn.word_dim != config.lstm.projection_dim


def softmax_shapes(config: BiLMConfig) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the softmax; empty where the number of types is not known."""
    if config.vocabulary_size is None:
        return {}
    shapes: dict[str, tuple[int, ...]] = {}
    if not config.weight_tying:
        shapes["softmax/kernel"] = (config.vocabulary_size, config.lstm.projection_dim)
    shapes["softmax/bias"] = (config.vocabulary_size,)
    return shapes


def check_weights(
    config: BiLMConfig, weights: Mapping[str, np.ndarray], where: str | os.PathLike[str]
) -> bool:
    """Whether `weights` (ours) hold a softmax, once it is sure that they fit `config`.

    Args:
        config: what the network is.
        weights: arrays under our names: the encoder's, and the softmax's or none of them.
        where: what the error calls them.

    Raises:
        FormatError: lists all that is missing, left over, or of another shape.
    """
    wanted = encoder_shapes(config)
    with_softmax = any(name.startswith("softmax/") for name in weights)
    if with_softmax:
        wanted |= softmax_shapes(config)
    missing = [name for name in wanted if name not in weights]
    left_over = [name for name in weights if name not in wanted]
    shapes = [
        _shape_difference(name, np.shape(weights[name]), shape)
        for name, shape in wanted.items()
        if name in weights and tuple(np.shape(weights[name])) != shape
    ]
    _complain(where, missing, left_over, shapes)
    return with_softmax
