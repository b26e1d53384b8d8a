"""Text that a biLM makes: a beginning continued, or an ending completed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from elmo.language.drawing import Drawing, stream_of
from elmo.language.model import LanguageModel
from elmo.text.encoding import BOS_ROW, EOS_ROW
from elmo.text.sentences import token_list, token_lists

ROWS = (
    16  # of every computation, filled up where there are fewer: products of one shape round alike
)

Direction = Literal["forward", "backward"]


@dataclass(frozen=True)
class Sample:
    """A generated text.

    Attributes:
        prompt: number of its prompt, counted from 0.
        tokens: that were generated, in the order of the text, without the boundary.
        text: the prompt and these tokens, joined with spaces.
        nats: −ln P of what was generated, the boundary included where it was, under the model itself,
            whatever the temperature and the cuts.
        ended: whether the model ended the sentence, and not `max_tokens`.
    """

    prompt: int
    tokens: tuple[str, ...]
    text: str
    nats: float
    ended: bool


def generate(
    model: LanguageModel,
    prompts: str | Sequence[str | Sequence[str]],
    drawing: Drawing,
    *,
    direction: Direction = "forward",
    n: int = 1,
    max_tokens: int = 50,
    seed: int = 0,
    batch_size: int = 64,
    unknown: bool = False,
) -> list[Sample]:
    """Samples of every prompt; see `elmo.BiLM.generate`, which has the same arguments.

    Raises:
        ValueError: an argument that cannot be; says what would do.
        TypeError: a prompt is no string and no list of tokens.
    """
    _check(model, direction, n=n, max_tokens=max_tokens, batch_size=batch_size, seed=seed)
    tokens = [token_list(prompts)] if isinstance(prompts, str) else token_lists(prompts)
    samples = list(_samples(tokens, n, seed))
    writer = _Writer(model, tokens, drawing, direction, unknown)
    for first in range(0, len(samples), batch_size):
        writer.write(samples[first : first + batch_size], max_tokens)
    return [writer.finished(sample) for sample in samples]


def _check(model: LanguageModel, direction: str, **numbers: int) -> None:
    for name, value in numbers.items():
        least = 0 if name == "seed" else 1
        if not (type(value) is int and value >= least):
            raise ValueError(f"{name}={value!r}: must be {least} or more")
    if direction not in ("forward", "backward"):
        raise ValueError(f"direction={direction!r}: must be 'forward' or 'backward'")
    if direction not in model.directions:
        raise ValueError(
            f"direction={direction!r}: this model has one direction, {model.directions[0]!r}"
        )


@dataclass
class _Growing:
    """A sample while it is made: types in the order in which they were drawn."""

    prompt: int
    stream: np.random.Generator
    types: list[int] = field(default_factory=list)
    nats: float = 0.0
    ended: bool = False


def _samples(prompts: list[list[str]], n: int, seed: int) -> Iterator[_Growing]:
    given: Counter[tuple[str, ...]] = Counter()
    for number, tokens in enumerate(prompts):
        which = given[tuple(tokens)]
        given[tuple(tokens)] += 1
        for sample in range(n):
            yield _Growing(number, stream_of(seed, tokens, which, sample))


class _Writer:
    """Reads prompts and continues them in one direction's order of reading."""

    def __init__(
        self,
        model: LanguageModel,
        prompts: list[list[str]],
        drawing: Drawing,
        direction: Direction,
        unknown: bool,
    ) -> None:
        self.model, self.prompts, self.drawing, self.direction = model, prompts, drawing, direction
        vocabulary = model.vocabulary
        forward = direction == "forward"
        self.stop = vocabulary.eos_id if forward else vocabulary.bos_id
        allowed = {self.stop, vocabulary.unk_id} if unknown else {self.stop}
        self.barred = [number for number in vocabulary.special_ids if number not in allowed]
        self._table = model.encoder.type_table()
        self._read = []  # rows of the table, for each prompt
        for tokens in prompts:
            rows = [self._table[token] for token in tokens]
            self._read.append([BOS_ROW, *rows] if forward else [EOS_ROW, *reversed(rows)])

    def write(self, samples: list[_Growing], max_tokens: int) -> None:
        """Make samples side by side."""
        numbers = sorted({sample.prompt for sample in samples})
        prompts = _Rows(self.model, self.direction, len(numbers))
        for position in range(max(len(self._read[number]) for number in numbers)):
            live = [i for i, k in enumerate(numbers) if position < len(self._read[k])]
            tokens = [self._read[numbers[i]][position] for i in live]
            prompts.read(np.array(live), self._ids(tokens))
        rows = prompts.taken([numbers.index(sample.prompt) for sample in samples])
        live = list(range(len(samples)))
        while live:
            for first in range(0, len(live), ROWS):
                part = live[first : first + ROWS]
                for i, values in zip(part, rows.log_probabilities(part), strict=True):
                    self._draw(samples[i], values)
            live = [i for i in live if not samples[i].ended and len(samples[i].types) < max_tokens]
            if live:
                rows.read(np.array(live), self._ids_of_types([samples[i].types[-1] for i in live]))

    def _draw(self, sample: _Growing, log_probabilities: np.ndarray) -> None:
        scores = log_probabilities.astype(np.float64)
        scores[self.barred] = -np.inf
        drawn = self.drawing.draw(scores, sample.stream)
        sample.nats -= float(log_probabilities[drawn])
        if drawn == self.stop:
            sample.ended = True
        else:
            sample.types.append(drawn)

    def _ids_of_types(self, types: list[int]) -> np.ndarray:
        """What the network reads of types: their ids, or their spellings."""
        if self.model.encoder.characters is None:
            return np.array(types, np.int32) + 1
        return self._ids([self._table[self.model.vocabulary.tokens[number]] for number in types])

    def _ids(self, rows: list[int]) -> np.ndarray:
        self._table.complete()
        characters = self.model.encoder.characters is not None
        table = self._table.bytes if characters else self._table.word_ids
        assert table is not None  # the encoder's table has what its model reads
        return table[rows].astype(np.int32)

    def finished(self, sample: _Growing) -> Sample:
        """What users get."""
        tokens = [self.model.vocabulary.tokens[number] for number in sample.types]
        prompt = self.prompts[sample.prompt]
        if self.direction == "backward":
            tokens.reverse()
            text = [*tokens, *prompt]
        else:
            text = [*prompt, *tokens]
        return Sample(sample.prompt, tuple(tokens), " ".join(text), sample.nats, sample.ended)


class _Rows:
    """Texts that are read side by side, each with its state.

    Every computation has `ROWS` rows, so that what becomes of a text does not depend on how many others
    are read with it.
    """

    def __init__(self, model: LanguageModel, direction: Direction, n: int) -> None:
        self.model, self.direction = model, direction
        lstm = model.network.config.lstm
        self.top = np.zeros((n, lstm.projection_dim), np.float32)
        self.h = np.zeros((lstm.n_layers, n, lstm.projection_dim), np.float32)
        self.c = np.zeros((lstm.n_layers, n, lstm.dim), np.float32)

    def taken(self, rows: list[int]) -> _Rows:
        """Copies of rows, each as often as it is named."""
        copy = _Rows(self.model, self.direction, 0)
        copy.top, copy.h, copy.c = self.top[rows], self.h[:, rows], self.c[:, rows]
        return copy

    def read(self, rows: np.ndarray, ids: np.ndarray) -> None:
        """Read one more token, `(n,)` or `(n, M)`, in each of n rows."""
        for first in range(0, len(rows), ROWS):
            part = rows[first : first + ROWS]
            filled = np.resize(part, ROWS)
            tokens = ids[first + np.resize(np.arange(len(part)), ROWS)]
            state = self.h[:, filled], self.c[:, filled]
            top, (h, c) = self.model.step(self.direction, tokens, state)
            self.top[part] = top[: len(part)]
            self.h[:, part], self.c[:, part] = h[:, : len(part)], c[:, : len(part)]

    def log_probabilities(self, rows: list[int]) -> np.ndarray:
        """ln P of every type behind each of at most `ROWS` rows, `(n, V)`."""
        return self.model.log_probabilities(self.top[np.resize(rows, ROWS)])[: len(rows)]
