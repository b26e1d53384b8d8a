"""The senses of a word of an index: induced or read from their file, and described."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from elmo.usages.index import UsageIndex
from elmo.usages.senses.clustering import MOST, Induced, Method, contextual, induce
from elmo.usages.senses.description import (
    Telling,
    central,
    context,
    shares,
    telling_substitutes,
    telling_words,
)
from elmo.usages.senses.inventory import Senses, use_keys
from elmo.usages.word_uses import WordUses

READ = 20_000  # uses of a word that are read, spread evenly over the texts
_ASKED = 40  # uses of each sense for which substitutes are asked


@dataclass(frozen=True)
class WordSenses:
    """The senses of a word with its uses.

    Attributes:
        senses: as they are kept in a file, or would be.
        uses: of the word.
        tokens: the sentence of each use.
        keys: of each use; see `elmo.usages.senses.inventory.use_key`.
        labels: `(uses,)`, the place of each use's sense in `senses.senses`; −1 for none.
        kept: whether the senses were read from their file.
        induced: the clustering, where they were not.
    """

    senses: Senses
    uses: WordUses
    tokens: list[list[str]]
    keys: list[str]
    labels: np.ndarray
    kept: bool
    induced: Induced | None = None


def open_senses(
    index: UsageIndex,
    word: str,
    method: Method = "kmeans",
    k: int | None = None,
    *,
    again: bool = False,
    most: int = MOST,
    seed: int = 0,
) -> WordSenses:
    """The senses of a word: those that are kept in its file, else induced ones.

    Args:
        index: of uses.
        word: as the texts spell it.
        method, k, most, seed: as `elmo.usages.senses.clustering.induce`.
        again: induce them anew, whatever is kept. Nothing is written.

    Raises:
        UnknownWordError: the word has no uses.
        ValueError: a choice that there is not.
    """
    uses = index.uses(word, most=READ)
    tokens = [index.sentence(number) for number in uses.sentence.tolist()]
    keys = use_keys(tokens, uses.place.tolist())
    senses = None if again else Senses.read(index.folder, word)
    if senses is not None:
        labels = senses.labels(keys, uses.vectors)
        return WordSenses(senses, uses, tokens, keys, labels, kept=True)
    induced = induce(uses.vectors, method, k, most=most, seed=seed)
    senses = Senses.of(word, induced, keys)
    labels = senses.labels(keys)
    return WordSenses(senses, uses, tokens, keys, labels, kept=False, induced=induced)


def order_by_sense(found: WordSenses, rows: np.ndarray) -> np.ndarray:
    """The order of some uses by sense: the most central ones of each first, those in none at the end.

    Args:
        found: the senses.
        rows: numbers of uses, `(n,)`.

    Returns:
        Places in `rows`, `(n,)`.
    """
    table, labels = contextual(found.uses.vectors), found.labels
    near = np.zeros(len(labels))
    for sense in np.unique(labels[labels >= 0]):
        mine = labels == sense
        near[mine] = table[mine] @ table[mine].mean(axis=0)
    return np.lexsort((-near[rows], np.where(labels < 0, len(labels), labels)[rows]))


def substitutes_of(
    index: UsageIndex, found: WordSenses, model: Any = None, seed: int = 0
) -> list[list[Telling]] | None:
    """The substitutes that tell the senses apart, or None where the model predicts no words.

    Args:
        index: of uses.
        found: the senses.
        model: a `BiLM` or where it is; None for the one that made the index.
        seed: of the uses that are asked, forty of each sense.
    """
    from elmo.api import BiLM, load

    source = index.description.model if model is None else model
    if source is None:
        return None
    if not isinstance(source, BiLM):
        source = tuple(source) if isinstance(source, list) else source
        source = load(source, index.description.vocabulary)
    if not source.has_softmax or source.vocabulary is None:
        return None
    rng = np.random.default_rng(seed)
    rows: list[int] = []
    for sense in range(len(found.senses.senses)):
        members = np.flatnonzero(found.labels == sense)
        rows += rng.permutation(members)[:_ASKED].tolist()
    asked = source.language_model("substitutes")
    from elmo.language.substitutes import Substituter

    lower = index.description.lowercase
    sentences = [
        [t.lower() for t in found.tokens[row]] if lower else found.tokens[row] for row in rows
    ]
    places = found.uses.place[rows].tolist()
    proposed = Substituter(asked, top_k=20).substitutes(sentences, places)
    pairs = [[(one.word, one.log_probability) for one in place] for (place,) in proposed]
    return telling_substitutes(pairs, found.labels[rows])


def described(
    index: UsageIndex,
    found: WordSenses,
    count: int = 3,
    substitutes: Sequence[Sequence[Telling]] | None = None,
) -> list[dict[str, Any]]:
    """Each sense with its shares, its central uses and the words that tell it apart, as plain values.

    Args:
        index: of uses.
        found: the senses.
        count: central uses of each.
        substitutes: of each sense, from `substitutes_of`.
    """
    uses, labels = found.uses, found.labels
    contexts = [context(t, p) for t, p in zip(found.tokens, uses.place.tolist(), strict=True)]
    words = telling_words(contexts, labels)
    middle = central(uses.vectors, labels, found.keys, count)
    share = shares(labels, uses.period, len(uses.periods))
    rows = []
    for place, sense in enumerate(found.senses.senses):
        members = int((labels == place).sum())
        there = place < len(middle)  # the last senses may have no use in this index
        rows.append(
            {
                "number": sense.number,
                "name": sense.name,
                "uses": members,
                "share": members / max(int((labels >= 0).sum()), 1),
                "periods": dict(zip(uses.periods, share[place].tolist(), strict=True))
                if there
                else {},
                "words": [one._asdict() for one in words[place]] if there else [],
                "substitutes": [one._asdict() for one in substitutes[place]]
                if substitutes is not None and place < len(substitutes)
                else [],
                "central": [_use(index, found, row) for row in middle[place]] if there else [],
            }
        )
    return rows


def _use(index: UsageIndex, found: WordSenses, row: int) -> dict[str, Any]:
    document = index.document(int(found.uses.document[row]))
    return {
        "tokens": found.tokens[row],
        "place": int(found.uses.place[row]),
        "sentence": int(found.uses.sentence[row]),
        "document": document.name,
        "period": document.period,
    }
