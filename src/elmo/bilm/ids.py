"""Ids as they enter a biLM, checked before it looks them up."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from elmo.config import BiLMConfig
from elmo.layers.tensors import Tensor


def ids_width(config: BiLMConfig) -> int | None:
    """Ids of a token; None where a model reads whole words, one id each."""
    characters = config.char_cnn
    if characters is None:
        return None
    return characters.max_characters_per_token + (1 if characters.word_dim else 0)


def check_shape(ids: Tensor, config: BiLMConfig) -> None:
    """Raise unless ids `(batch, time)` or `(batch, time, M)` are what a model reads.

    Raises:
        ValueError: saying what it reads, and the `keras.Input` for that.
    """
    if keras.backend.standardize_dtype(ids.dtype) == "string":
        raise ValueError("ids are strings: must be integers, as model.encode gives them")
    width, shape = ids_width(config), tuple(ids.shape)
    rest = () if width is None else (width,)
    if len(shape) != 2 + len(rest) or shape[2:] not in (rest, (None,) * len(rest)):
        kind = "words" if width is None else "characters"
        wanted = "(batch, time)" if width is None else f"(batch, time, {width})"
        raise ValueError(
            f"ids of shape {shape}: this model reads {kind}; must be {wanted}, as "
            f"keras.Input({(None, *rest)}, dtype='int32') and model.encode give them"
        )


def check_values(ids: Tensor, config: BiLMConfig) -> None:
    """Raise where an id is in no table; a compiled function, whose ids are not known yet, is not checked.

    Raises:
        ValueError: naming the id, its place and the largest that there is.
    """
    known = _known(ids)
    if known is None or not known.size:
        return
    characters = config.char_cnn
    if characters is None:
        _check_range(known, config.vocabulary_size, "words")
    elif characters.word_dim:
        _check_range(known[..., 0], characters.n_words, "words")
        _check_range(known[..., 1:], characters.n_characters, "characters")
    else:
        _check_range(known, characters.n_characters, "characters")


def _check_range(ids: np.ndarray, largest: int | None, kind: str) -> None:
    if largest is None or (ids.min() >= 0 and ids.max() <= largest):
        return
    place = tuple(map(int, np.argwhere((ids < 0) | (ids > largest))[0]))
    raise ValueError(
        f"ids: {int(ids[place])} at {place}: must be 1 to {largest}, the {kind} of this model, or 0 for "
        "padding"
    )


def _known(ids: Tensor) -> np.ndarray | None:
    """The numbers; None while a function is compiled, and on a GPU, which would have to be waited for."""
    if keras.backend.is_keras_tensor(ids):
        return None
    if keras.backend.backend() == "torch":
        import torch

        if torch.compiler.is_compiling() or ids.device.type != "cpu":
            return None
    try:
        return ops.convert_to_numpy(ids)
    except Exception:  # each backend has its own for a value that is not known
        return None
