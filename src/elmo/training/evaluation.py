"""Exact perplexity: the full softmax, both directions, every token counted."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from elmo.bilm.compiled import compiled
from elmo.bilm.language_model import BiLanguageModel
from elmo.system.notebook import html_grid
from elmo.text.vocabulary import Vocabulary
from elmo.training.batches.batches import Tokens
from elmo.training.reading import Reader, padded_chunk
from elmo.training.unigram import unigram_nats

BLOCK = 1024  # types whose scores are in memory at a time


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
        tokens: targets of one direction: tokens, and one sentence boundary per sentence.
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
        state, rows: as in `Reader`.
    """

    def __init__(self, network: BiLanguageModel, state: str = "reset", rows: int = 1) -> None:
        self._reader = Reader(network, state, rows)
        self.state = state
        self._nats = compiled(network, partial(network.nats, block=BLOCK))

    def nats(self, tokens: Tokens) -> dict[str, float]:
        """Summed −ln P of all targets of a text, for each direction."""
        directions = self._reader.directions
        sums = np.zeros(len(directions))

        def take(direction: int, h: np.ndarray, targets: np.ndarray, slots: np.ndarray) -> None:
            nats = ops.convert_to_numpy(self._nats(*padded_chunk(h, targets)))[: len(h)]
            sums[direction] += np.sum(nats, dtype=np.float64)

        self._reader.read(tokens, take)
        return dict(zip(directions, sums.tolist(), strict=True))


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
