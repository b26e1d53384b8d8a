"""Sizes that fit a text: what is chosen where neither a recipe nor a size is given.

The pairs of cells and projection from 1,024 up are the published small, medium and original ELMo; 400
and 200 are those of ELMo-keras for two million tokens. Less text wants a smaller model, more dropout
and more passes; more text wants the opposite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

SIZES = ("dim", "projection_dim")


class Choice(NamedTuple):
    """Settings for texts of fewer than `below` tokens, and why.

    `of_words` are added for a model that reads words, `of_characters` for one that reads characters,
    where none of them is given.
    """

    below: float
    settings: dict[str, Any]
    why: str
    of_words: Mapping[str, Any] = MappingProxyType({})
    of_characters: Mapping[str, Any] = MappingProxyType({})


# The recipe `small-data`: in as many epochs far better than Adagrad at one rate (words: WikiText-2;
# characters: texts of 25,000 tokens, where Adagrad's perplexity is a third higher).
_ADAM = {
    "optimizer": "adamw",
    "schedule": "cosine",
    "warmup_steps": 200,
    "loss_scale": 1.0,
    "clip_norm": 1.0,
}

_TIED_ADAM = {"weight_tying": True, **_ADAM}

# A vocabulary that is counted from the text leaves no unknown word to learn from (docs/training.md).
_UNKNOWN = {"unknown_singletons": 0.5}

_FEW_FILTERS = [[1, 16], [2, 16], [3, 32], [4, 64], [5, 64]]

TABLE = (
    Choice(
        1e6,
        {
            "dim": 200,
            "projection_dim": 100,
            "dropout": 0.3,
            "epochs": 20,
            "batch_size": 16,
            **_UNKNOWN,
        },
        "a text this small is soon known by heart: few cells, much dropout, many passes in small steps",
        {**_TIED_ADAM, "learning_rate": 0.003},
        {**_ADAM, "learning_rate": 0.003},
    ),
    Choice(
        1e7,
        {
            "dim": 400,
            "projection_dim": 200,
            "dropout": 0.2,
            "epochs": 12,
            "batch_size": 64,
            **_UNKNOWN,
        },
        "a few million tokens carry a model of a few million weights beside its words",
        {**_TIED_ADAM, "learning_rate": 0.005},
    ),
    Choice(
        1e8,
        {"dim": 1024, "projection_dim": 128, "dropout": 0.1, "epochs": 6, "batch_size": 64},
        "the small published size; it does not learn this much text by heart",
    ),
    Choice(
        5e8,
        {"dim": 2048, "projection_dim": 256, "dropout": 0.1, "epochs": 5, "batch_size": 128},
        "the medium published size; a GPU is wanted",
    ),
    Choice(
        math.inf,
        {"dim": 4096, "projection_dim": 512, "dropout": 0.1, "epochs": 5, "batch_size": 128},
        "the size of the original ELMo, which read as much; a large GPU is wanted",
    ),
)
_FILTERS_AS_PUBLISHED_FROM = 1e8


def chosen_for(tokens: int, given: Mapping[str, Any], *, validated: bool) -> dict[str, Any]:
    """Settings for a text of so many tokens; whatever is given stays.

    Args:
        tokens: of the training text.
        given: settings by plain name. Where they say a size (`SIZES`), nothing is chosen.
        validated: whether there is a validation text, by which a training can stop.

    Example:
        >>> chosen_for(2_000_000, {"epochs": 3, "optimizer": "adagrad"}, validated=False)
        {'dim': 400, 'projection_dim': 200, 'dropout': 0.2, 'batch_size': 64, 'unknown_singletons': 0.5}
        >>> chosen_for(2_000_000, {"dim": 64}, validated=True)
        {}
    """
    if any(name in given for name in SIZES):
        return {}
    row = _row(tokens)
    choice = dict(row.settings)
    characters = given.get("token_encoding") == "char"
    optimizer = row.of_characters if characters else row.of_words
    if not set(optimizer) & set(given):
        choice.update(optimizer)
    if validated:
        choice["patience"] = 3
    if characters and tokens < _FILTERS_AS_PUBLISHED_FROM:
        choice.update(filters=_FEW_FILTERS, n_highway=1)
    if any(name.endswith("dropout") for name in given):
        del choice["dropout"]
    return {name: value for name, value in choice.items() if name not in given}


def reason(tokens: int, choice: Mapping[str, Any]) -> str:
    """What was chosen and why, for people.

    Example:
        >>> reason(300, {"dim": 200, "epochs": 20})
        'chosen for 300 tokens: dim=200, epochs=20 (a text this small is soon known by heart: few
        cells, much dropout, many passes in small steps); override any of them'
    """
    shown = ", ".join(f"{name}={value}" for name, value in choice.items())
    return f"chosen for {tokens:,} tokens: {shown} ({_row(tokens).why}); override any of them"


def _row(tokens: int) -> Choice:
    return next(choice for choice in TABLE if tokens < choice.below)
