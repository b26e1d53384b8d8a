"""The ELMo module of TensorFlow Hub (`google/elmo`), without `hub.Module` and sessions.

`elmo = hub.Module("https://tfhub.dev/google/elmo/3")` becomes `elmo = ElmoModule("original")`; what
a call gives is there at once, as arrays of NumPy, or as tensors with `trainable=True`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from elmo.api import BiLM, load
from elmo.embed.results import State
from elmo.layers.scalar_mix import ScalarMix

__all__ = ["ElmoModule"]

SIGNATURES = ("default", "tokens")


class ElmoModule:
    """All layers of a published ELMo, their weighted sum, and one vector per sentence.

    Each sentence is read from zero state, whatever its batch; `state="carry"` keeps the LSTM state
    from call to call.

    Args:
        source: whatever `elmo.load` takes, or a `BiLM`. (The weights in the hub's own module are
            those of `"original"`.)
        weights: of the layers in `elmo`, before the softmax; an equal share of each by default, as
            in the module before it is trained.
        scaling: of the sum.
        state: `"reset"` or `"carry"`.
        trainable: whether the weights and the scale of the sum are learned, as in the module; the rest
            of it stays as it is. A call then gives tensors of Keras's backend, through which gradients
            reach `trainable_variables`. (Inside a Keras model take `elmo.ElmoEmbedding`.)

    Call arguments:
        inputs: with the signature `"default"` strings, one per sentence, split at spaces; with
            `"tokens"` a dict of `tokens`, lists of tokens of one length (or an array), padded by
            `""`, and `sequence_len`, the number of real ones in each.
        signature: `"default"` or `"tokens"`.
        as_dict: all outputs; otherwise `default` alone.

    Returns:
        float32 arrays, zeros at padding: `word_emb` `(batch, longest, P)`, the vector of the token
        alone; `lstm_outputs1`, `lstm_outputs2` (and so on, one per layer) `(batch, longest, 2P)`;
        `elmo` `(batch, longest, 2P)`, the weighted sum; `default` `(batch, 2P)`, its mean over the
        real tokens. `longest` is that of the input.

    Attributes:
        signatures: the same by name, as of what `hub.load` gives; all outputs:
            `signatures["default"](strings)`, `signatures["tokens"](tokens=…, sequence_len=…)`.

    Raises:
        ValueError: an unknown signature, or inputs that do not fit it.
        TypeError: a sentence or a token is no string; says which one.

    Example (needs a download)::

        elmo = ElmoModule("original")
        elmo(["the cat is on the mat", "dogs are in the fog"], as_dict=True)["elmo"]  # (2, 6, 1024)
    """

    def __init__(
        self,
        source: str | os.PathLike[str] | tuple[str, str] | BiLM,
        *,
        weights: Sequence[float] | None = None,
        scaling: float = 1.0,
        state: State = "reset",
        trainable: bool = False,
    ) -> None:
        if state not in ("carry", "reset"):
            raise ValueError(f"state={state!r}: must be 'carry' or 'reset'")
        self.model = source if isinstance(source, BiLM) else load(source)
        n_layers = self.model.config.lstm.n_layers + 1
        self.weights = np.zeros(n_layers) if weights is None else np.asarray(weights, float)
        if self.weights.shape != (n_layers,):
            raise ValueError(f"weights={weights!r}: must be {n_layers} numbers, one per layer")
        self.scaling = float(scaling)
        self.state: State = state
        self.trainable = bool(trainable)
        self._mix: ScalarMix | None = None
        if self.trainable:
            self._mix = ScalarMix(
                n_layers, initial_weights=self.weights.tolist(), initial_gamma=self.scaling
            )
            self._mix.build()

    @property
    def signatures(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {name: partial(self._outputs, name) for name in SIGNATURES}

    def _outputs(self, signature: str, inputs: Any = None, **named: Any) -> dict[str, Any]:
        return self(named if inputs is None else inputs, signature, as_dict=True)

    @property
    def trainable_variables(self) -> list[keras.Variable]:
        """With `trainable=True` the weights of the layers and the scale of their sum, else none."""
        return [] if self._mix is None else self._mix.trainable_variables

    def __call__(
        self, inputs: Any, signature: str = "default", as_dict: bool = False
    ) -> dict[str, Any] | Any:
        if signature not in SIGNATURES:
            raise ValueError(f"signature={signature!r}: must be 'default' or 'tokens'")
        sentences, longest = _strings(inputs) if signature == "default" else _tokens(inputs)
        found = self.model.embed(sentences, state=self.state, batch_size=max(1, len(sentences)))
        config = self.model.config
        n_layers = config.lstm.n_layers + 1
        layers = np.zeros((n_layers, len(found), longest, config.output_dim), np.float32)
        for number, vectors in enumerate(found):
            layers[:, number, : vectors.shape[1]] = vectors
        mixed = self._mixed(layers)
        lengths = np.array([len(sentence) for sentence in sentences], np.float32)
        divide = np.maximum(lengths, 1)[:, None]
        if self.trainable:
            default = ops.sum(mixed, axis=1) / ops.convert_to_tensor(divide)
        else:
            default = mixed.sum(axis=1) / divide
        if not as_dict:
            return default
        outputs = {
            "word_emb": layers[0, ..., : config.lstm.projection_dim],
            **{f"lstm_outputs{number}": layers[number] for number in range(1, n_layers)},
        }
        if self.trainable:
            outputs = {name: ops.convert_to_tensor(value) for name, value in outputs.items()}
        return {**outputs, "elmo": mixed, "default": default}

    def _mixed(self, layers: np.ndarray) -> Any:
        """The weighted sum of layers `(n_layers, batch, time, dim)`."""
        if self._mix is not None:
            return self._mix(np.ascontiguousarray(np.moveaxis(layers, 0, 1)))
        shares = np.exp(self.weights - self.weights.max())
        shares = (self.scaling * shares / shares.sum()).astype(np.float32)
        return np.einsum("l,lbtd->btd", shares, layers)


def _strings(inputs: Any) -> tuple[list[list[str]], int]:
    """Tokens of each string, and how many the longest has."""
    if isinstance(inputs, Mapping):
        inputs = inputs.get("strings")
    if inputs is None or isinstance(inputs, str | bytes) or np.ndim(inputs) != 1:
        raise ValueError("inputs: signature 'default' takes a list of strings, one per sentence")
    sentences = [_text(s, f"sentence {number}").split() for number, s in enumerate(inputs)]
    return sentences, max(map(len, sentences), default=0)


def _tokens(inputs: Any) -> tuple[list[list[str]], int]:
    """The real tokens of each row, and the length of the rows."""
    if not isinstance(inputs, Mapping) or not {"tokens", "sequence_len"} <= set(inputs):
        raise ValueError("inputs: signature 'tokens' takes a dict of 'tokens' and 'sequence_len'")
    rows = [
        [_text(token, f"sentence {number}, token {position}") for position, token in enumerate(row)]
        for number, row in enumerate(inputs["tokens"])
    ]
    lengths = [int(length) for length in np.asarray(inputs["sequence_len"]).reshape(-1)]
    longest = max(map(len, rows), default=0)
    fits = len(lengths) == len(rows) and all(len(row) == longest for row in rows)
    if not fits or any(not 0 <= length <= longest for length in lengths):
        raise ValueError(
            f"sequence_len={lengths}: must be a number for each of {len(rows)} rows of tokens, which "
            f"have one length, and no more than that ({longest})"
        )
    return [row[:length] for row, length in zip(rows, lengths, strict=True)], longest


def _text(value: Any, place: str) -> str:
    if hasattr(value, "numpy"):  # a string of TensorFlow
        value = value.numpy()
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        shown = f"{value!r} ({type(value).__name__})"
        raise TypeError(f"{place} (counted from 0) is {shown}: must be a str or bytes")
    return value
