"""Sentences read in windows: any length in bounded memory, and exactly.

Each direction reads its own row from position 0, forward from left to right and backward from
right to left, and hands its state from window to window. So cutting at a position changes nothing,
and only a few shapes are ever compiled: rows of `ROWS` and windows of two lengths. The rows of a
batch stand longest first; as the short ones end, the batch shrinks to those that go on.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from elmo.config import BiLMConfig

ROWS = (1, 4, 16, 64)
SHORT, LONG = 4, 32
POSITIONS = 512  # rows times length of a window: more of them leave the processor's caches
GATE_BYTES = 1 << 26  # of the input half of the gates in a window
AHEAD = 2  # windows that are under way before the first is fetched


class Window(NamedTuple):
    """What a direction has read of one sentence.

    Attributes:
        row: number of the sentence in its batch.
        direction: number of the direction.
        start, stop: the tokens (boundaries not counted) that `values` belongs to.
        values: `(layers, stop - start, projection_dim)`, in text order.
    """

    row: int
    direction: int
    start: int
    stop: int
    values: np.ndarray


def padded_rows(n: int) -> int:
    """The number of rows that `n` sentences are computed in.

    Example:
        >>> [padded_rows(n) for n in (1, 3, 17, 65)]
        [1, 4, 64, 128]
    """
    largest = ROWS[-1]
    return next((rows for rows in ROWS if rows >= n), -(-n // largest) * largest)


def window_length(config: BiLMConfig, rows: int) -> int:
    """The length of the long windows: a power of two within `POSITIONS` and `GATE_BYTES`.

    Example:
        >>> from elmo.config import LSTMConfig
        >>> original = BiLMConfig(vocabulary_size=3, lstm=LSTMConfig())
        >>> [window_length(original, rows) for rows in ROWS]
        [32, 32, 32, 8]
    """
    width = len(config.direction_names) * rows * 4 * config.lstm.dim * 4
    most = min(LONG, POSITIONS // rows, GATE_BYTES // width)
    return max(SHORT, 1 << max(0, most.bit_length() - 1))


def read_windows(
    engine: Any,
    table: np.ndarray,
    sentences: Sequence[np.ndarray],
    layers: str,
    receive: Callable[[Window], None],
    state: Any = None,
) -> Any:
    """Run the recurrence over a batch of sentences.

    Args:
        engine: see `elmo.engines.keras_engine`.
        table: vectors of tokens, `(n, projection_dim)`.
        sentences: rows of `table` for each position, boundaries included.
        layers: which outputs are wanted, see `KerasEngine.read`.
        receive: is given every window of every sentence, in no promised order.
        state: the state `(h, c)` to start from, one row a sentence; None for zeros.

    Returns:
        The state behind each sentence, as NumPy arrays; None where `state` was None.
    """
    if not sentences:
        return state
    config = engine.config
    lengths = np.array([len(sentence) for sentence in sentences])
    order = np.argsort(-lengths, kind="stable")
    lengths = lengths[order]
    rows = _reading_order([sentences[i] for i in order], config.direction_names)

    keep_state = state is not None
    n = padded_rows(len(sentences))
    current = _padded_state(state, order, n) if keep_state else engine.zero_state(n)
    ended: list[tuple[np.ndarray, np.ndarray]] = []  # states of rows that were let go, last first
    under_way: collections.deque = collections.deque()

    def fetch() -> None:
        start, outputs = under_way.popleft()
        _hand_out(engine.fetch(outputs), start, lengths, order, config.direction_names, receive)

    start, longest = 0, int(lengths[0])
    while start < longest:
        active = padded_rows(int((lengths > start).sum()))
        if active < n:
            if keep_state:
                ended.append(tuple(ops.convert_to_numpy(s[:, :, active:n]) for s in current))
            current, n = tuple(s[:, :, :active] for s in current), active
        long = window_length(config, n)
        length = long if longest - start > long - SHORT else SHORT
        positions = np.arange(start, start + length)
        real = np.zeros((n, length), bool)
        real[: len(lengths)] = positions < lengths[:n, None]
        places = np.zeros((len(rows), n, length), np.int64)
        inside = rows[:, :n, start : start + length]
        places[:, : inside.shape[1], : inside.shape[2]] = inside
        mask = np.broadcast_to(real, (len(rows), *real.shape))
        outputs, current = engine.read(table[places], mask, current, layers)
        under_way.append((start, outputs))
        if len(under_way) > AHEAD:
            fetch()
        start += length
    while under_way:
        fetch()
    if not keep_state:
        return None
    return _whole_state(current, ended, order)


def _reading_order(sentences: Sequence[np.ndarray], directions: Sequence[str]) -> np.ndarray:
    """`(directions, rows, time)`, 0 behind the end of a row."""
    rows = np.zeros((len(directions), len(sentences), len(sentences[0])), np.int32)
    for number, direction in enumerate(directions):
        for row, sentence in zip(rows[number], sentences, strict=True):
            row[: len(sentence)] = sentence[::-1] if direction == "backward" else sentence
    return rows


def _hand_out(
    outputs: np.ndarray,
    start: int,
    lengths: np.ndarray,
    order: np.ndarray,
    directions: Sequence[str],
    receive: Callable[[Window], None],
) -> None:
    """Cut a window's outputs `(directions, rows, layers, time, P)` by sentence, in text order."""
    stop = start + outputs.shape[3]
    for row, length in enumerate(lengths[: outputs.shape[1]].tolist()):
        # Positions 0 and length - 1 are boundaries: they are read, and their outputs dropped.
        first, last = max(start, 1), min(stop, length - 1)
        if first >= last:
            continue
        for number, direction in enumerate(directions):
            values = outputs[number, row, :, first - start : last - start]
            begin = first - 1
            if direction == "backward":
                begin, values = length - 1 - last, values[:, ::-1]
            receive(Window(int(order[row]), number, begin, begin + last - first, values))


def _padded_state(state: Any, order: np.ndarray, rows: int) -> Any:
    def padded(array: Any) -> Any:
        array = np.asarray(array, np.float32)
        whole = np.zeros((*array.shape[:2], rows, array.shape[3]), np.float32)
        whole[:, :, : len(order)] = array[:, :, order]
        return whole

    return tuple(padded(array) for array in state)


def _whole_state(current: Any, ended: list[Any], order: np.ndarray) -> Any:
    result = []
    for number, tensor in enumerate(current):
        pieces = [ops.convert_to_numpy(tensor), *(piece[number] for piece in reversed(ended))]
        whole = np.concatenate(pieces, axis=2)[:, :, : len(order)]
        unsorted = np.empty_like(whole)
        unsorted[:, :, order] = whole
        result.append(unsorted)
    return tuple(result)
