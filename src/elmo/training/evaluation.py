"""Exact perplexity: the full softmax, both directions, every token counted."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from elmo.bilm.compiled import compiled
from elmo.bilm.language_model import BiLanguageModel
from elmo.layers.tensors import State
from elmo.system.notebook import html_grid
from elmo.text.vocabulary import Vocabulary
from elmo.training.batches.batches import Tokens
from elmo.training.batches.rows import PADDING, Rows, Stream, sentence_rows
from elmo.training.unigram import unigram_nats

WINDOW = 256  # positions of a compiled call; longer sentences take several, with carried state
POSITIONS = 4096  # positions of a batch
CHUNK, BLOCK = 2048, 1024  # targets and types whose scores are in memory at a time


@dataclass(frozen=True)
class Evaluation:
    r"""How well a model predicts a text.

    Perplexities of models with different vocabularies answer different questions: the fewer words a
    model knows, the more of its targets are `<UNK>`, which is easily guessed. `per_character` may be
    compared: it asks for the text itself, unknown words spelled out,

    .. math:: \exp\left(\frac{N + S}{C}\right),

    where N are the nats of all targets (the mean of the directions), S those of spelling the unknown
    words letter by letter (`elmo.text.letters.Letters`) and C the characters of the text.

    Attributes:
        forward, backward: perplexity of each direction, exp of the mean nats over its targets; None for
            a direction that the model lacks.
        both: exp of the mean of the directions' mean nats.
        tokens: targets of one direction: tokens, and one sentence boundary a sentence.
        unknown_share: share of the targets that are `<UNK>`.
        unigram: perplexity of the add-one unigram model (`elmo.training.unigram`) on the same
            vocabulary and text; None where the vocabulary has no counts.
        per_character: perplexity per character; None where the characters are not known.
        characters: code points of the text, its tokens between single spaces and an end of line behind
            each sentence.
        files: the same for each file.

    Example:
        >>> Evaluation.from_sums({"forward": 2.0, "backward": 4.0}, tokens=2, unknown=1).both
        4.4816890703380645
    """

    forward: float | None
    backward: float | None
    both: float
    tokens: int
    unknown_share: float
    unigram: float | None = None
    per_character: float | None = None
    characters: int = 0
    files: dict[str, Evaluation] = dataclasses.field(default_factory=dict)

    @classmethod
    def from_sums(
        cls,
        nats: Mapping[str, float],
        tokens: int,
        unknown: int,
        files: dict[str, Evaluation] | None = None,
        *,
        unigram: float | None = None,
        characters: int = 0,
        spelling: float = 0.0,
    ) -> Evaluation:
        """From sums over a text.

        Args:
            nats: of each direction.
            tokens, unknown: targets of a direction, and the `<UNK>` among them.
            files: the same of parts.
            unigram: nats of the unigram model, or None.
            characters: of the text, 0 where they are not known.
            spelling: nats of spelling the unknown words.
        """
        means = {name: value / tokens for name, value in nats.items()}
        mean = sum(means.values()) / len(means)
        whole = mean * tokens + spelling
        return cls(
            forward=_exp(means["forward"]) if "forward" in means else None,
            backward=_exp(means["backward"]) if "backward" in means else None,
            both=_exp(mean),
            tokens=tokens,
            unknown_share=unknown / tokens,
            unigram=None if unigram is None else _exp(unigram / tokens),
            per_character=_exp(whole / characters) if characters else None,
            characters=characters,
            files=files or {},
        )

    def _repr_html_(self) -> str:
        columns = {"perplexity": "both", "forward": "forward", "backward": "backward"}
        columns |= {
            "unigram model": "unigram",
            "per character": "per_character",
            "tokens": "tokens",
        }
        parts = [*self.files.items(), ("all" if self.files else "", self)]
        return html_grid(
            "Evaluation",
            ["file", *columns, "unknown"],
            (
                [
                    name,
                    *(getattr(part, key) for key in columns.values()),
                    f"{part.unknown_share:.1%}",
                ]
                for name, part in parts
            ),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `json` can write."""
        values = dataclasses.asdict(self)
        for part in values["files"].values():
            part.pop("files")
        return values


def _exp(nats: float) -> float:
    return math.exp(nats) if nats < 700 else math.inf


class Evaluator:
    """Exact nats of encoded texts, by functions compiled once.

    Args:
        network: a built model with a softmax.
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
        self._nats = compiled(network, partial(network.nats, block=BLOCK))

    def nats(self, tokens: Tokens) -> dict[str, float]:
        """Summed −ln P of all targets of a text, for each direction."""
        sums = np.zeros(len(self.directions))
        offsets = np.asarray(tokens.corpus.offsets)
        if self.state == "carry":
            rows = min(self.rows, len(offsets) - 1)
            sums += self._nats_of_windows(
                tokens, _stream_windows(offsets, rows, self.directions), rows
            )
        else:
            for sentences in _groups(offsets):
                windows = _sentence_windows(offsets, sentences, self.directions)
                sums += self._nats_of_windows(tokens, windows, len(sentences))
        return dict(zip(self.directions, sums.tolist(), strict=True))

    def _nats_of_windows(self, tokens: Tokens, windows: Iterable[Rows], rows: int) -> np.ndarray:
        """Sums over windows of the same rows, the state carried from one to the next."""
        lstm, n = self.network.config.lstm, len(self.directions)
        state: State = (
            np.zeros((n, lstm.n_layers, rows, lstm.projection_dim), np.float32),
            np.zeros((n, lstm.n_layers, rows, lstm.dim), np.float32),
        )
        sums = np.zeros(n)
        waiting: list[list[tuple[np.ndarray, np.ndarray]]] = [[] for _ in range(n)]
        held = 0
        for window in windows:
            distinct, inputs = tokens.inputs(window.inputs)
            mask = window.targets != PADDING
            targets = np.maximum(tokens.targets(window.targets) - 1, 0).astype(np.int32)
            size = min(len(distinct) * 2, inputs.size + 1)
            padded = np.zeros((_padded(max(size, 64)), *distinct.shape[1:]), np.int32)
            padded[: len(distinct)] = distinct
            h, state = self._top(padded, inputs, mask, state)
            h = ops.convert_to_numpy(h).astype(np.float32)
            for number in range(n):
                waiting[number].append((h[number][mask[number]], targets[number][mask[number]]))
            held += int(mask[0].sum())
            if held >= CHUNK:  # a row alone gives few targets a window; a product wants many
                for number in range(n):
                    sums[number] += self._sum_nats(waiting[number])
                    waiting[number] = []
                held = 0
        if held:
            sums += [self._sum_nats(pairs) for pairs in waiting]
        return sums

    def _sum_nats(self, pairs: list[tuple[np.ndarray, np.ndarray]]) -> float:
        h, targets = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
        total = 0.0
        for first in range(0, len(h), CHUNK):
            part = h[first : first + CHUNK]
            short = min(CHUNK, _padded(len(part))) - len(part)
            nats = self._nats(
                np.pad(part, ((0, short), (0, 0))),
                np.pad(targets[first : first + CHUNK], (0, short)),
            )
            nats = ops.convert_to_numpy(nats)[: len(part)]
            total += float(np.sum(nats, dtype=np.float64))
        return total


def _groups(offsets: np.ndarray) -> Iterator[np.ndarray]:
    """Sentences that run side by side, of like length and −1 where a row is empty."""
    lengths = np.diff(offsets) + 1
    order = np.argsort(lengths, kind="stable")
    first = 0
    while first < len(order):
        time = _padded(int(lengths[order[first]]))
        rows = max(1, POSITIONS // min(time, WINDOW))
        last = first
        while last < len(order) and last - first < rows and lengths[order[last]] <= time:
            last += 1
        group = np.full(rows, -1)
        group[: last - first] = order[first:last]
        yield group
        first = last


def _sentence_windows(
    offsets: np.ndarray, sentences: np.ndarray, directions: tuple[str, ...]
) -> Iterator[Rows]:
    longest = int((np.diff(offsets)[sentences[sentences >= 0]] + 1).max())
    time = min(_padded(longest), WINDOW)
    for first in range(0, longest, time):
        yield sentence_rows(offsets, sentences, time, directions, first=first)


def _stream_windows(offsets: np.ndarray, rows: int, directions: tuple[str, ...]) -> Iterator[Rows]:
    stream = Stream(offsets, np.arange(len(offsets) - 1), batch_size=rows)
    time = min(WINDOW, max(16, POSITIONS // rows))
    for first in range(0, stream.row_length, time):
        yield stream.window(first, time, directions)


def _padded(length: int) -> int:
    """The next of a coarse row of lengths, so that few shapes are compiled."""
    size = 8
    while size < length:
        size = size * 3 // 2 if size % 2 == 0 else size * 2
        size += size % 8 and 8 - size % 8
    return size


class _Sums(NamedTuple):
    """Over a text; see `Evaluation.from_sums`."""

    tokens: int
    unknown: int
    characters: int
    spelling: float

    def evaluation(
        self,
        nats: Mapping[str, float],
        unigram: float | None,
        files: dict[str, Evaluation] | None = None,
    ) -> Evaluation:
        return Evaluation.from_sums(
            nats,
            self.tokens,
            self.unknown,
            files,
            unigram=unigram,
            characters=self.characters,
            spelling=self.spelling,
        )


def evaluate(
    network: BiLanguageModel,
    texts: Mapping[str, Tokens],
    *,
    state: str = "reset",
    evaluator: Evaluator | None = None,
    vocabulary: Vocabulary | None = None,
) -> Evaluation:
    """Exact perplexities of texts, each alone and all together.

    Args:
        network: a built model with a softmax.
        texts: encoded texts by name.
        state: see `Evaluator`; with `"carry"` each text starts from zero state.
        evaluator: reuse one, with its compiled functions.
        vocabulary: the model's; with counts it gives the unigram model to compare with.
    """
    evaluator = evaluator or Evaluator(network, state)
    totals = dict.fromkeys(network.config.direction_names, 0.0)
    counted = vocabulary if vocabulary is not None and vocabulary.counts is not None else None
    files: dict[str, Evaluation] = {}
    sums = _Sums(0, 0, 0, 0.0)
    unigram = 0.0
    for name, text in texts.items():
        corpus, nats = text.corpus, evaluator.nats(text)
        targets = corpus.n_tokens + corpus.n_sentences
        part = _Sums(targets, corpus.unknown, corpus.characters, corpus.spelling)
        baseline = None if counted is None else unigram_nats(counted, text)
        files[name] = part.evaluation(nats, baseline)
        unigram += baseline or 0.0
        sums = _Sums(*map(operator.add, sums, part))
        for direction, value in nats.items():
            totals[direction] += value
    return sums.evaluation(totals, None if counted is None else unigram, files)
