"""Surprisal, rank and entropy of every token, from both sides."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import ops

from elmo.language.model import BITS, LanguageModel
from elmo.language.tables import table_writer
from elmo.system.notebook import html_table
from elmo.text.corpus import Corpus
from elmo.text.encoded_corpus import encode_corpus
from elmo.text.vocabulary_files import BOS, EOS
from elmo.training.batches.batches import Tokens
from elmo.training.reading import CHUNK, QUESTION, State, padded_chunk

if TYPE_CHECKING:
    import pandas

BLOCK_TOKENS = 1 << 16  # tokens whose scores are in memory at a time
SIZES = (64, 512)  # tokens that are scored at a time: few shapes, as each takes a second to compile
NO_SENTENCE = "there is no sentence to score; give at least one"


@dataclass(frozen=True)
class Scores:
    r"""How well each token was predicted: one row per token and direction.

    The rows of a sentence are ordered by position, the forward row first. The surprisal of a token is
    :math:`-\log_2 P` given everything before it (forward) or behind it (backward) in its sentence.

    Attributes:
        sentence: number of the sentence, counted from 0, int64.
        position: place in the sentence, int32: 1 for the first token. The forward direction also
            predicts `</S>`, behind the last token; the backward direction predicts `<S>`, at 0.
        token: as the text has it.
        direction: `"forward"` or `"backward"`.
        nats: −ln P, float32.
        rank: 1 for the most probable type, int32. Equally probable types share the best rank.
        entropy: of the predicted distribution in nats, float32.
        unknown: whether the token is not in the vocabulary: the score is that of `<UNK>`.
    """

    sentence: np.ndarray
    position: np.ndarray
    token: np.ndarray
    direction: np.ndarray
    nats: np.ndarray
    rank: np.ndarray
    entropy: np.ndarray
    unknown: np.ndarray

    def __len__(self) -> int:
        return len(self.nats)

    @property
    def surprisal_bits(self) -> np.ndarray:
        return self.nats * np.float32(BITS)

    @property
    def entropy_bits(self) -> np.ndarray:
        return self.entropy * np.float32(BITS)

    def columns(self) -> dict[str, np.ndarray]:
        """The tidy table that files have: arrays by the names of their columns."""
        names = "sentence", "position", "token", "direction"
        more = "surprisal_bits", "rank", "entropy_bits", "unknown"
        return {name: getattr(self, name) for name in (*names, *more)}

    def to_pandas(self) -> pandas.DataFrame:
        """The same as a data frame.

        Raises:
            ImportError: pandas is not installed.
        """
        import pandas

        return pandas.DataFrame(self.columns())

    def by_sentence(self) -> dict[str, np.ndarray]:
        """Sums and means of whole sentences, boundaries counted.

        Returns:
            `sentence`; `tokens`, those of the text; and for each direction `{direction}_bits`, the
            summed surprisal, and `{direction}_mean_bits`, the mean over the targets.
        """
        numbers, inverse = np.unique(self.sentence, return_inverse=True)
        table: dict[str, np.ndarray] = {"sentence": numbers}
        for direction in dict.fromkeys(self.direction.tolist()):
            mine = self.direction == direction
            bits = self.nats[mine].astype(np.float64) * BITS
            targets = np.bincount(inverse[mine], minlength=len(numbers))
            sums = np.bincount(inverse[mine], weights=bits, minlength=len(numbers))
            table["tokens"] = targets - 1
            table[f"{direction}_bits"] = sums
            table[f"{direction}_mean_bits"] = sums / targets
        return table

    def _repr_html_(self) -> str:
        sentences = len(np.unique(self.sentence))
        values: dict[str, Any] = {"sentences": sentences, "rows": len(self)}
        for direction in dict.fromkeys(self.direction.tolist()):
            mean = float(self.surprisal_bits[self.direction == direction].mean(dtype=np.float64))
            values[f"{direction}, mean"] = f"{mean:.3f} bits"
        return html_table("Scores", values)


class Scorer:
    """Scores sentences.

    Args:
        model: a biLM that can predict.
        state: `"reset"`: each sentence from zero state; `"carry"`: the sentences are one stream; by
            default as the model was trained.
    """

    def __init__(self, model: LanguageModel, state: str | None = None) -> None:
        self.model = model
        self._reader = model.reader(state or model.state)

    def scores(self, sentences: Iterable[Sequence[str]]) -> Iterator[Scores]:
        """Scores of sentences, those of about 65,536 tokens at a time.

        Args:
            sentences: lists of tokens.
        """
        first, carried = 0, None
        for block in _blocks(sentences):
            scores, carried = self._block(block, first, carried)
            first += len(block)
            yield scores

    def _block(
        self, sentences: list[Sequence[str]], first: int, carried: State | None
    ) -> tuple[Scores, State | None]:
        vocabulary, directions = self.model.vocabulary, self.model.directions
        encoded = encode_corpus(
            self.model.encoder, Corpus.from_sentences(sentences, blank_lines="keep")
        )
        slots = encoded.n_tokens + encoded.n_sentences
        shape = len(directions), slots
        nats, entropy = np.empty(shape, np.float32), np.empty(shape, np.float32)
        rank, unknown = np.empty(shape, np.int32), np.empty(shape, bool)

        size = SIZES[-1] if len(sentences) <= QUESTION else CHUNK

        def take(direction: int, h: np.ndarray, targets: np.ndarray, slots: np.ndarray) -> None:
            for first in range(0, len(h), size):
                part = slice(first, first + size)
                found = self.model.predictions(*padded_chunk(h[part], targets[part], SIZES))
                for array, values in zip((nats, rank, entropy), found, strict=True):
                    array[direction, slots[part]] = ops.convert_to_numpy(values)[: len(h[part])]
            unknown[direction, slots] = targets == vocabulary.unk_id

        carried = self._reader.read(Tokens(encoded), take, carried)
        order = _Order(np.asarray(encoded.offsets), directions)
        tokens = np.array([*itertools.chain(*sentences), BOS, EOS], object)
        scores = Scores(
            sentence=first + order.sentence,
            position=order.position,
            token=tokens[order.token],
            direction=np.array(directions, object)[order.direction],
            nats=nats[order.direction, order.slot],
            rank=rank[order.direction, order.slot],
            entropy=entropy[order.direction, order.slot],
            unknown=unknown[order.direction, order.slot],
        )
        return scores, carried


class _Order:
    """Rows of a table, by sentence, position and direction.

    Attributes:
        sentence, position, direction, slot: of each row; see `elmo.training.reading.Take`.
        token: place in the list of all tokens, −2 for `<S>` and −1 for `</S>`.
    """

    def __init__(self, offsets: np.ndarray, directions: tuple[str, ...]) -> None:
        parts = []
        lengths = np.diff(offsets)
        sentence = np.repeat(np.arange(len(lengths)), lengths + 1)
        slot = np.arange(len(sentence))
        read = slot - (offsets[sentence] + sentence)  # positions in reading order
        n = lengths[sentence]
        for number, name in enumerate(directions):
            position = read + 1 if name == "forward" else n - read
            token = offsets[sentence] + position - 1
            token = np.where(position == 0, -2, np.where(position == n + 1, -1, token))
            parts.append((sentence, position, np.full(len(slot), number), slot, token))
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        order = np.lexsort((columns[2], columns[1], columns[0]))
        self.sentence, position, self.direction, self.slot, self.token = (
            column[order] for column in columns
        )
        self.position = position.astype(np.int32)


def _blocks(sentences: Iterable[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    """Sentences of about `BLOCK_TOKENS` tokens, boundaries counted."""
    block: list[Sequence[str]] = []
    held = 0
    for tokens in sentences:
        block.append(tokens)
        held += len(tokens) + 1
        if held >= BLOCK_TOKENS:
            yield block
            block, held = [], 0
    if block:
        yield block


def joined(parts: Iterable[Scores]) -> Scores:
    """The rows of several tables, one behind another.

    Raises:
        ValueError: there is no sentence.
    """
    tables = list(parts)
    if not tables:
        raise ValueError(NO_SENTENCE)
    names = Scores.__dataclass_fields__
    return Scores(**{name: np.concatenate([getattr(t, name) for t in tables]) for name in names})


@dataclass(frozen=True)
class ScoresReport:
    """What `score_file` wrote.

    Attributes:
        path: the file.
        sentences, tokens, rows: how many; boundaries are not counted among the tokens, but have rows.
        unknown: tokens that are not in the vocabulary.
        bits: mean surprisal over the targets of each direction.
        perplexity: 2 to the power of it, the same as `evaluate` gives.
    """

    path: Path
    sentences: int
    tokens: int
    rows: int
    unknown: int
    bits: dict[str, float]
    perplexity: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `json` can write."""
        return {**vars(self), "path": str(self.path)}


def score_file(
    model: LanguageModel,
    sentences: Iterable[Sequence[str]],
    output: str | os.PathLike[str],
    state: str | None = None,
    overwrite: bool = False,
) -> ScoresReport:
    """Write the scores of a text to a table, in memory that does not grow with the text.

    Args:
        model: a biLM that can predict.
        sentences: lists of tokens, or a `Corpus`.
        output: a file that ends in `.csv`, `.jsonl` or `.parquet`; see `Scores` for its columns.
        state: see `Scorer`.
        overwrite: whether to replace a file.

    Raises:
        ValueError: the ending of `output` names no format, or there is no sentence.
        FileExistsError: `output` is there, and `overwrite` is off.
        OutputError: it cannot be written.
    """
    scorer = Scorer(model, state)
    nats = dict.fromkeys(model.directions, 0.0)
    n_sentences = rows = unknown = 0
    with table_writer(output, overwrite) as write:
        for scores in scorer.scores(sentences):
            write(scores.columns())
            rows += len(scores)
            n_sentences = int(scores.sentence[-1]) + 1
            for direction in nats:
                mine = scores.direction == direction
                nats[direction] += float(scores.nats[mine].sum(dtype=np.float64))
            unknown += int(scores.unknown[mine].sum())
        if not rows:
            raise ValueError(NO_SENTENCE)
    targets = rows // len(nats)
    means = {direction: total / targets for direction, total in nats.items()}
    return ScoresReport(
        path=Path(output),
        sentences=n_sentences,
        tokens=targets - n_sentences,
        rows=rows,
        unknown=unknown,
        bits={direction: mean * BITS for direction, mean in means.items()},
        perplexity={direction: float(np.exp(mean)) for direction, mean in means.items()},
    )
