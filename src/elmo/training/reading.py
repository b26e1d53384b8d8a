"""A whole text through a network: the top layer's output at every position, with its target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
from keras import ops

from elmo.bilm.compiled import compiled
from elmo.bilm.language_model import BiLanguageModel
from elmo.training.batches.batches import Tokens
from elmo.training.batches.rows import PADDING, Rows, Stream, sentence_rows

WINDOW = 256  # positions of a compiled call; longer sentences take several, with carried state
POSITIONS = 4096  # positions of a batch
QUESTION = 64  # sentences that are no corpus: read a few at a time, so that an answer is quick
FEW = 8  # rows of a batch of these
LENGTHS = (24, 64, 216)  # positions of their rows: few shapes, as each takes seconds to compile
CHUNK = 2048  # targets that are handed on at a time: a product wants many

State = tuple[np.ndarray, np.ndarray]


class Take(Protocol):
    """What is done with positions of one direction, as `Reader.read` hands them on."""

    def __call__(
        self, direction: int, h: np.ndarray, targets: np.ndarray, slots: np.ndarray
    ) -> None:
        """Use at most `CHUNK` positions.

        Args:
            direction: which, counted from 0.
            h: the top layer's output, float32 `(n, P)`.
            targets: types counted from 0, int32 `(n,)`.
            slots: which position of the text each is, int64 `(n,)`: sentence s with n tokens has the
                slots `offsets[s] + s` to `offsets[s] + s + n`, in the direction's reading order.
        """


class Window(NamedTuple):
    """Places that are read and predicted, and the slot of each row's position, `(batch, time)`."""

    rows: Rows
    slots: np.ndarray


class Reader:
    """Reads encoded texts through a network, by functions that are compiled once.

    Args:
        network: a built model.
        state: `"reset"`: each sentence from zero state; `"carry"`: one stream, the state carried over
            sentences.
        rows: with `"carry"`, cut the stream into this many rows that run side by side, each from zero
            state: every token still counts, and many rows are faster than one.
    """

    def __init__(self, network: BiLanguageModel, state: str = "reset", rows: int = 1) -> None:
        if state not in ("reset", "carry"):
            raise ValueError(f"state={state!r}: must be 'reset' or 'carry'")
        self.network = network
        self.state = state
        self.rows = rows
        self.directions = network.config.direction_names
        self._top = compiled(network, network.top)

    def read(self, tokens: Tokens, take: Take, carried: State | None = None) -> State | None:
        """Read a text and hand on every position of each direction once.

        Args:
            tokens: the encoded text.
            take: what is done with the positions.
            carried: with `"carry"` and one row, the state that an earlier text has left.

        Returns:
            The last state with `"carry"`, else None.
        """
        offsets = np.asarray(tokens.corpus.offsets)
        if self.state == "carry":
            rows = min(self.rows, len(offsets) - 1)
            windows = _stream_windows(offsets, rows, self.directions)
            waiting = self._waiting(take)
            state = self._read_windows(tokens, windows, rows, waiting, carried)
            for part in waiting:
                part.hand_on()
            return state
        waiting = self._waiting(take)
        for sentences in _groups(offsets):
            windows = _sentence_windows(offsets, sentences, self.directions)
            self._read_windows(tokens, windows, len(sentences), waiting)
        for part in waiting:
            part.hand_on()
        return None

    def zero_state(self, rows: int) -> State:
        """The state of rows that have read nothing."""
        lstm, n = self.network.config.lstm, len(self.directions)
        return (
            np.zeros((n, lstm.n_layers, rows, lstm.projection_dim), np.float32),
            np.zeros((n, lstm.n_layers, rows, lstm.dim), np.float32),
        )

    def _waiting(self, take: Take) -> list[_Waiting]:
        return [_Waiting(number, take) for number in range(len(self.directions))]

    def _read_windows(
        self,
        tokens: Tokens,
        windows: Iterable[Window],
        rows: int,
        waiting: list[_Waiting],
        state: State | None = None,
    ) -> State:
        """Read windows of the same rows, the state carried from one to the next."""
        state = self.zero_state(rows) if state is None else state
        for window in windows:
            distinct, inputs = tokens.inputs(window.rows.inputs)
            mask = window.rows.targets != PADDING
            targets = np.maximum(tokens.targets(window.rows.targets) - 1, 0).astype(np.int32)
            size = inputs.size + 1 if rows <= FEW else min(len(distinct) * 2, inputs.size + 1)
            padded = np.zeros((padded_length(max(size, 64)), *distinct.shape[1:]), np.int32)
            padded[: len(distinct)] = distinct
            h, state = self._top(padded, inputs, mask, state)
            h = ops.convert_to_numpy(h).astype(np.float32)
            for number, part in enumerate(waiting):
                real = mask[number]
                part.add(h[number][real], targets[number][real], window.slots[real])
        return state


class _Waiting:
    """Positions of one direction until they are enough: a row alone gives few per window."""

    def __init__(self, direction: int, take: Take) -> None:
        self._direction, self._take = direction, take
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._held = 0

    def add(self, h: np.ndarray, targets: np.ndarray, slots: np.ndarray) -> None:
        self._parts.append((h, targets, slots))
        self._held += len(targets)
        if self._held >= CHUNK:
            self.hand_on()

    def hand_on(self) -> None:
        if not self._held:
            return
        h, targets, slots = (np.concatenate(parts) for parts in zip(*self._parts, strict=True))
        self._parts, self._held = [], 0
        for first in range(0, len(h), CHUNK):
            part = slice(first, first + CHUNK)
            self._take(self._direction, h[part], targets[part], slots[part])


def padded_chunk(
    h: np.ndarray, targets: np.ndarray, sizes: tuple[int, ...] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Positions padded to one of few numbers, so that few shapes are compiled; `sizes` come first."""
    short = min(CHUNK, padded_length(len(h), sizes)) - len(h)
    return np.pad(h, ((0, short), (0, 0))), np.pad(targets, (0, short))


def padded_length(length: int, sizes: tuple[int, ...] = ()) -> int:
    """The next of a coarse row of lengths, so that few shapes are compiled.

    Args:
        length: that is padded.
        sizes: in increasing order, in place of the first of the row.

    Example:
        >>> [padded_length(n) for n in (1, 9, 17, 100)]
        [8, 16, 24, 144]
        >>> [padded_length(n, (24, 64)) for n in (1, 25, 100)]
        [24, 64, 144]
    """
    for size in sizes:
        if size >= length:
            return size
    size = 8
    while size < length:
        size = size * 3 // 2 if size % 2 == 0 else size * 2
        size += size % 8 and 8 - size % 8
    return size


def _groups(offsets: np.ndarray) -> Iterator[np.ndarray]:
    """Sentences that run side by side, of like length and −1 where a row is empty."""
    lengths = np.diff(offsets) + 1
    order = np.argsort(lengths, kind="stable")
    first = 0
    while first < len(order):
        few = len(order) <= QUESTION
        time = padded_length(int(lengths[order[first]]), LENGTHS if few else ())
        rows = max(1, POSITIONS // min(time, WINDOW))
        if few:
            rows = min(rows, FEW)
        last = first
        while last < len(order) and last - first < rows and lengths[order[last]] <= time:
            last += 1
        group = np.full(rows, -1)
        group[: last - first] = order[first:last]
        yield group
        first = last


def _sentence_windows(
    offsets: np.ndarray, sentences: np.ndarray, directions: tuple[str, ...]
) -> Iterator[Window]:
    longest = int((np.diff(offsets)[sentences[sentences >= 0]] + 1).max())
    time = min(padded_length(longest, LENGTHS if len(sentences) <= FEW else ()), WINDOW)
    chosen = np.maximum(sentences, 0)
    begins = offsets[chosen] + chosen
    for first in range(0, longest, time):
        slots = begins[:, None] + np.arange(first, first + time)
        yield Window(sentence_rows(offsets, sentences, time, directions, first=first), slots)


def _stream_windows(
    offsets: np.ndarray, rows: int, directions: tuple[str, ...]
) -> Iterator[Window]:
    stream = Stream(offsets, np.arange(len(offsets) - 1), batch_size=rows)
    time = min(WINDOW, max(16, POSITIONS // rows))
    for first in range(0, stream.row_length, time):
        slots = stream.row_begins[:, None] + np.arange(first, first + time)
        yield Window(stream.window(first, time, directions), slots)
