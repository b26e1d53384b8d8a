"""Uses of a word in a corpus, nearest first: the same word told apart by its context."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from elmo.text.marked import marked
from elmo.text.sources import Text
from elmo.usages.cosines import unit
from elmo.usages.layers import check_layer, parse_layer
from elmo.usages.use import Use, phrases_once

if TYPE_CHECKING:
    from elmo.api import BiLM
    from elmo.hub.resolving import Source

Vectors = Callable[[Sequence[Sequence[str]]], Sequence[np.ndarray]]


class Uses:
    """All uses of a word in a text, as vectors that can be searched.

    Vectors are compared after the mean over all uses is taken off: what is left is what the
    context made of the word.

    Args:
        word: the word, as the text spells it.
        sentences: the text, lists of tokens.
        vectors: gives `(tokens, size)` for each of a list of sentences.
        most: at most so many uses are taken, the first ones.

    Raises:
        ValueError: the word does not occur.

    Example:
        >>> def vectors(sentences):  # a token's vector is the word before it
        ...     return [np.eye(3)[["ab".find(w) for w in ["", *s[:-1]]]] for s in sentences]
        >>> text = [["a", "x"], ["b", "x", "."], ["b", "c", "x"]]
        >>> Uses("x", text, vectors).nearest(["b", "x"], 1)[0].tokens
        ['b', 'x', '.']
    """

    def __init__(
        self, word: str, sentences: Sequence[Sequence[str]], vectors: Vectors, most: int = 1000
    ) -> None:
        self.word = word
        self._vectors = vectors
        found = [
            Use(list(tokens), place)
            for tokens in sentences
            for place, token in enumerate(tokens)
            if token == word
        ]
        if not found:
            raise ValueError(f"word={word!r}: does not occur in the text")
        self.found = found[:most]
        table = self._of(self.found)
        self._mean = table.mean(axis=0)
        self._table = unit(table - self._mean)

    def _of(self, uses: Sequence[Use]) -> np.ndarray:
        vectors = self._vectors([use.tokens for use in uses])
        return np.stack([v[use.place] for v, use in zip(vectors, uses, strict=True)])

    def nearest(self, sentence: Sequence[str], k: int = 3, place: int | None = None) -> list[Use]:
        """The k uses most like one in a sentence, each phrase once.

        Args:
            sentence: a list of tokens that holds the word.
            k: how many; fewer where there are no more.
            place: which of the tokens; None for the first that is the word.
        """
        if self.word not in sentence:
            raise ValueError(f"sentence {' '.join(sentence)!r}: does not hold {self.word!r}")
        if place is None:
            place = list(sentence).index(self.word)
        asked = Use(list(sentence), place)
        similarities = self._table @ unit(self._of([asked]) - self._mean)[0]  # (uses,)
        order = np.argsort(-similarities, kind="stable")
        uses = (self.found[n]._replace(similarity=float(similarities[n])) for n in order)
        return phrases_once(uses, k, but=asked.tokens)


def nearest(
    model: BiLM | Source,
    text: Text,
    word: str,
    *,
    sentences: Sequence[str] = (),
    count: int = 3,
    asked: int = 3,
    layer: str | int = "top",
    most: int = 1000,
    vocabulary: str | os.PathLike[str] | None = None,
    blank_lines: str = "skip",
    encoding_errors: str = "strict",
    text_format: str = "auto",
    raw: bool = False,
) -> dict[str, Any]:
    """The uses of a word in a text that are most like one of its uses, as the demo shows them.

    Args:
        model: a `BiLM`, or whatever `elmo.load` takes.
        text: paths, patterns, a `Corpus`, or lists of tokens.
        word: as the text spells it.
        sentences: of your own, tokens separated by spaces; the word stands in each once, or is marked
            as `[word]`. Without any, sentences of the text are asked about.
        count: nearest uses of each.
        asked: how many sentences of the text are asked about, spread over it.
        layer: which vectors are compared: `"top"`, `"average"`, `"sum"`, `"token"`, or a number from
            0 (the token's) to the top layer's.
        most: uses that are compared, the first ones.
        vocabulary: of a model whose files have none.
        blank_lines, encoding_errors, text_format, raw: how paths are read; see `Corpus`.

    Returns:
        `word`, `uses` (how many there are), `compared`, `sentences` (of the text), `layer`, and
        `asked`: for each sentence its `tokens`, the `place` of the word, whether it was `given`, and
        `nearest` with `similarity` (cosine), `tokens` and `place`.

    Raises:
        ValueError: the word occurs less than twice, a sentence does not hold it, or there is no such
            layer.
    """
    from elmo.api import BiLM, load
    from elmo.text.sources import as_corpus

    given = [marked(sentence, word) for sentence in sentences]
    chosen = parse_layer(layer)
    reading = {
        "blank_lines": blank_lines,
        "encoding_errors": encoding_errors,
        "raw": raw,
        "text_format": text_format,
    }
    found, total, read, other = [], 0, 0, None
    for tokens in as_corpus(text, **reading):
        read += 1
        if word in tokens:
            if total < most:
                found.append(list(tokens))
            total += list(tokens).count(word)
        elif other is None and not found:
            other = next((token for token in tokens if token.lower() == word.lower()), None)
    if total < 2:
        hint = f"; {other!r} does" if other and not total else ""
        times = "occurs once" if total else "does not occur"
        raise ValueError(f"word={word!r}: {times} in the text{hint}; uses are compared from two on")
    opened = model if isinstance(model, BiLM) else load(model, vocabulary)
    check_layer(chosen, opened.config.lstm.n_layers)

    def vectors(several: Sequence[Sequence[str]]) -> list[np.ndarray]:
        if isinstance(chosen, int):
            return [vector[chosen] for vector in opened.embed(several, layers="all")]
        return opened.embed(several, layers=chosen)

    uses = Uses(word, found, vectors, most)
    if not given:
        distinct = list({tuple(use.tokens): use for use in reversed(uses.found)}.values())[::-1]
        places = np.linspace(0, len(distinct) - 1, min(asked, len(distinct))).round().astype(int)
        given = [(distinct[number].tokens, distinct[number].place) for number in places]
    return {
        "word": word,
        "uses": total,
        "compared": len(uses.found),
        "sentences": read,
        "layer": chosen,
        "asked": [
            {
                "tokens": tokens,
                "place": place,
                "given": bool(sentences),
                "nearest": [
                    {"similarity": use.similarity, "tokens": use.tokens, "place": use.place}
                    for use in uses.nearest(tokens, count, place)
                ],
            }
            for tokens, place in given
        ],
    }
