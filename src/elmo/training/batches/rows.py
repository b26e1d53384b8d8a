"""Which token each direction reads and predicts where: sentences and streams as index arithmetic.

A sentence of n tokens gives n + 1 positions in each direction. At position k

- forward reads `<S> w1 … wn` and predicts `w1 … wn </S>`,
- backward reads `</S> wn … w1` and predicts `wn … w1 <S>`.

A place in the encoded corpus is a number from 0; the boundaries are `BOS` and `EOS`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BOS, EOS, PADDING = -1, -2, -3


class Rows(NamedTuple):
    """Places of what is read and predicted, `(directions, batch, time)` int64 each."""

    inputs: np.ndarray
    targets: np.ndarray


def read_positions(
    starts: np.ndarray,
    lengths: np.ndarray,
    positions: np.ndarray,
    real: np.ndarray,
    directions: tuple[str, ...],
) -> Rows:
    """Inputs and targets of positions within sentences.

    Args:
        starts: place of the first token of the sentence that a position lies in, `(batch, time)`.
        lengths: number of tokens of that sentence, `(batch, time)`.
        positions: from 0 to that length, `(batch, time)`.
        real: false where there is nothing, `(batch, time)`.
        directions: names of the directions.

    Example:
        >>> ones = np.ones((1, 3), int)
        >>> rows = read_positions(7 * ones, 2 * ones, np.array([[0, 1, 2]]), ones > 0, ("backward",))
        >>> rows.inputs[0, 0].tolist(), rows.targets[0, 0].tolist()
        ([-2, 8, 7], [8, 7, -1])
    """
    first, last = positions == 0, positions == lengths
    inputs, targets = [], []
    for direction in directions:
        if direction == "forward":
            read = np.where(first, BOS, starts + positions - 1)
            predicted = np.where(last, EOS, starts + positions)
        else:
            read = np.where(first, EOS, starts + lengths - positions)
            predicted = np.where(last, BOS, starts + lengths - positions - 1)
        inputs.append(np.where(real, read, PADDING))
        targets.append(np.where(real, predicted, PADDING))
    return Rows(np.stack(inputs), np.stack(targets))


def sentence_rows(
    offsets: np.ndarray,
    sentences: np.ndarray,
    time: int,
    directions: tuple[str, ...],
    first: int = 0,
) -> Rows:
    """Rows of sentences, positions `first` to `first + time`, padded behind; −1 is an empty row."""
    present = sentences >= 0
    chosen = np.where(present, sentences, 0)
    starts = offsets[chosen][:, None]
    lengths = (offsets[chosen + 1] - offsets[chosen])[:, None]
    positions = np.broadcast_to(np.arange(first, first + time), (len(sentences), time))
    real = (positions <= lengths) & present[:, None]
    shape = positions.shape
    return read_positions(
        np.broadcast_to(starts, shape), np.broadcast_to(lengths, shape), positions, real, directions
    )


class Stream:
    """Sentences in an order, one after the other, cut into `batch_size` rows of nearly equal length.

    A row begins with a sentence: in the middle of one a model has never begun, and may not recover.

    Args:
        offsets: where sentences begin in the corpus, `(sentences + 1,)`.
        order: the sentences' order, `(sentences,)`.
        batch_size: number of rows; each direction reads the same sentences in the same order.

    Attributes:
        row_length: positions of the longest row.
    """

    def __init__(self, offsets: np.ndarray, order: np.ndarray, batch_size: int) -> None:
        self.starts = offsets[order]
        self.lengths = offsets[order + 1] - self.starts
        self.ends = np.cumsum(self.lengths + 1)
        begins = np.append(0, self.ends)
        wanted = np.arange(batch_size + 1) * self.ends[-1] / batch_size
        # The sentence boundary that is nearest to an equal cut.
        after = np.searchsorted(begins, wanted).clip(1, len(begins) - 1)
        before_is_nearer = wanted - begins[after - 1] < begins[after] - wanted
        cuts = begins[after - before_is_nearer]
        self.row_begins, self.row_ends = cuts[:-1], cuts[1:]
        self.row_length = int((self.row_ends - self.row_begins).max())

    def window(self, first: int, time: int, directions: tuple[str, ...]) -> Rows:
        """Positions `first` to `first + time` of every row; past a row's end there is nothing."""
        places = self.row_begins[:, None] + np.arange(first, first + time)
        real = places < self.row_ends[:, None]
        places = np.where(real, places, 0)
        which = np.searchsorted(self.ends, places, side="right")
        lengths = self.lengths[which]
        positions = places - (self.ends[which] - lengths - 1)
        return read_positions(self.starts[which], lengths, positions, real, directions)
