"""What the demo asks of `novels-en`, the model of English novels that is part of the package."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from elmo.cli.telling import Teller

if TYPE_CHECKING:
    from elmo.api import BiLM

MODEL = "novels-en"

SURPRISING = "The old lady poured out the tea and handed him the carriage ."

# Sentences with one word in brackets, whose place others may take.
OPEN = (
    "She sat down by the [fire] and began to read .",
    "It was a very [cold] morning in winter .",
)

# A word in three meanings, and what is nearest to three more of its uses.
WORD = "hand"
USES = (
    "He took her hand and kissed it .",
    "She laid her hand upon his arm .",
    "The child held out a little hand to him .",
    "On the other hand , he was very rich .",
    "But on the one hand he had no money at all .",
    "The letter was written in a hand that she did not know .",
    "It was a bold hand , and the lines were written in black ink .",
)
ASKED = (
    "He held her hand in his .",
    "On the other hand , we may be wrong .",
    "The note was in the hand of a woman .",
)
_BITS_OF_A_BAR = 0.5


def first_answers(tell: Teller) -> dict[str, Any]:
    """Load the model and ask it three things.

    Returns:
        `model`, `seconds` until the first answer; `surprisal`: the `sentence`, its `tokens` and the
        `bits` of each; `substitutes`: for each sentence its `words`; `uses`: for each sentence that was
        asked about the `nearest`.
    """
    from elmo.api import load

    began = time.monotonic()
    tell.title(f"1. A model that is here already: {MODEL}, trained on novels of 1840 to 1920")
    model = load(MODEL)
    surprisal = _surprisal(tell, model)
    seconds = time.monotonic() - began
    return {
        "model": MODEL,
        "seconds": seconds,
        "surprisal": surprisal,
        "substitutes": [_substitutes(tell, model, sentence) for sentence in OPEN],
        "uses": _uses(tell, model),
    }


def _surprisal(tell: Teller, model: BiLM) -> dict[str, Any]:
    tokens = SURPRISING.split()
    scores = model.score([tokens])
    forward = (scores.direction == "forward") & (scores.position <= len(tokens))
    bits = [float(value) for value in scores.surprisal_bits[forward]]
    tell("How surprising is each word, given those before it? In bits:")
    tell("")
    width = max(map(len, tokens))
    for token, value in zip(tokens, bits, strict=True):
        bar = "▇" * round(value * _BITS_OF_A_BAR)
        tell(f"  {token.ljust(width)} {value:5.1f}  {bar}")
    return {"sentence": SURPRISING, "tokens": tokens, "bits": bits}


def _substitutes(tell: Teller, model: BiLM, marked: str) -> dict[str, Any]:
    tokens = marked.split()
    place = next(i for i, token in enumerate(tokens) if token.startswith("["))
    plain = [token.strip("[]") for token in tokens]
    found = model.substitutes(plain, place, top_k=8)
    words = [substitute.word for substitute in found]
    if marked == OPEN[0]:
        tell("")
        tell("Which words might stand in a place? Both directions together:")
    tell("")
    tell(f"  {marked}")
    tell(f"    {', '.join(words)}")
    return {"sentence": marked, "words": words}


def _uses(tell: Teller, model: BiLM) -> list[dict[str, Any]]:
    from elmo.usages.nearest import Uses
    from elmo.usages.use import Use

    text = [sentence.split() for sentence in USES]
    uses = Uses(WORD, text, lambda sentences: model.embed(sentences, layers="average"))
    tell("")
    tell(f"Which of {len(USES)} uses of a word are most like another one?")
    shown = []
    for sentence in ASKED:
        tokens = sentence.split()
        near = uses.nearest(tokens, 2)
        tell.uses(Use(tokens, tokens.index(WORD)), near)
        found = [{"similarity": u.similarity, "sentence": " ".join(u.tokens)} for u in near]
        shown.append({"sentence": sentence, "nearest": found})
    return shown
