"""An engine on Keras's backend; `elmo.engines.engine` says what an engine is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import keras
import numpy as np
from keras import ops

from elmo.bilm.compiled import compiled
from elmo.bilm.encoder import BiLMEncoder
from elmo.config import BiLMConfig, CharCNNConfig
from elmo.layers.recurrence import LSTMSettings, input_gates, lstm_scan
from elmo.layers.tensors import State, Tensor
from elmo.text.characters import columns_needed

Weights: TypeAlias = dict[str, Tensor]
"""Those of a layer by their names, with a leading axis of directions."""

TOKEN_ROWS = (16, 256)
CHARACTER_STEP = 8


class KerasEngine:
    """Runs an encoder's weights, packed once: later changes are seen after `refresh`.

    Args:
        encoder: a built `BiLMEncoder`.
        precision: `"float32"`, or `"bfloat16"` for the products of the recurrence: sums and state stay
            in float32, and so does the token encoder, which each distinct token passes once.

    Example:
        >>> from elmo.config import BiLMConfig, LSTMConfig
        >>> lstm = LSTMConfig(dim=8, projection_dim=4, n_layers=2)
        >>> encoder = BiLMEncoder(BiLMConfig(lstm=lstm, vocabulary_size=10))
        >>> encoder.build()
        >>> engine = KerasEngine(encoder)
        >>> engine.token_vectors(np.array([1, 5])).shape
        (2, 4)
        >>> vectors, mask = np.ones((2, 3, 5, 4), "float32"), np.ones((2, 3, 5), bool)
        >>> outputs, state = engine.read(vectors, mask, engine.zero_state(3), "all")
        >>> tuple(outputs.shape), tuple(state[1].shape)
        ((2, 3, 2, 5, 4), (2, 2, 3, 8))
    """

    name = "keras"

    def __init__(self, encoder: BiLMEncoder, precision: str = "float32") -> None:
        self.config: BiLMConfig = encoder.config
        lstm = self.config.lstm
        clip = lstm.proj_clip if lstm.projects else None
        self._settings = LSTMSettings(lstm.cell_clip, clip, lstm.forget_bias)
        self._dtype = encoder.compute_dtype if precision == "float32" else precision
        self._encoder = encoder
        self._encode = compiled(encoder, encoder.encode_tokens)
        self._windows = {
            layers: compiled(encoder, self._window_function(layers))
            for layers in ("all", "top", "average")
        }
        self.refresh()

    def refresh(self) -> None:
        """Pack the weights that the encoder has now; nothing is compiled anew."""
        named = self._encoder.named_weights()
        self._table: np.ndarray | None = None
        if self.config.char_cnn is None:
            self._table = _array(named["token_encoder/embedding"])
        self._packed: list[Weights] = []  # the old ones go before the new ones come
        self._packed = [self._pack(named, layer) for layer in range(self.config.lstm.n_layers)]

    def _pack(self, named: dict[str, keras.Variable], layer: int) -> Weights:
        """A layer's weights with a leading axis of directions, in the type that is computed in."""
        packed = {}
        for name in ("kernel", "recurrent_kernel", "bias", "projection_kernel"):
            keys = [f"{d}/layer_{layer}/{name}" for d in self.config.direction_names]
            if keys[0] in named:
                stacked = np.stack([_array(named[key]) for key in keys])
                packed[name] = ops.cast(ops.convert_to_tensor(stacked), self._dtype)
        return packed

    def token_vectors(self, ids: np.ndarray) -> np.ndarray:
        """Vectors of tokens, float32 `(n, projection_dim)`, from ids `(n, M)` or `(n,)`."""
        if self._table is not None:
            return self._table[ids - 1]
        vectors = np.empty((len(ids), self.config.lstm.projection_dim), np.float32)
        assert self.config.char_cnn is not None  # where there is no table
        used = used_columns(ids, self.config.char_cnn)
        order = np.argsort(used, kind="stable")
        for start in range(0, len(ids), TOKEN_ROWS[-1]):
            chosen = order[start : start + TOKEN_ROWS[-1]]
            columns = int(used[chosen[-1]])
            rows = next(n for n in TOKEN_ROWS if n >= len(chosen))
            padded = np.zeros((rows, columns), np.int32)
            padded[: len(chosen)] = ids[chosen, :columns]
            vectors[chosen] = _float32(self._encode(padded))[: len(chosen)]
        return vectors

    def zero_state(self, rows: int) -> State:
        """The state before anything was read."""
        lstm = self.config.lstm
        outer = (len(self.config.direction_names), lstm.n_layers, rows)
        return (
            ops.zeros((*outer, lstm.projection_dim), dtype="float32"),
            ops.zeros((*outer, lstm.dim), dtype="float32"),
        )

    def read(
        self, vectors: np.ndarray, mask: np.ndarray, state: State, layers: str
    ) -> tuple[Tensor, State]:
        """Read on by some positions; arguments and results are those of `Engine.read`."""
        return self._windows[layers](self._packed, vectors, mask, *state)

    @staticmethod
    def fetch(outputs: Tensor) -> np.ndarray:
        """The numbers of a tensor that `read` returned, float32; waits for them."""
        return _float32(outputs)

    def _window_function(self, layers: str) -> Callable[..., tuple[Tensor, State]]:
        def run(
            packed: list[Weights], vectors: Tensor, mask: Tensor, h: Tensor, c: Tensor
        ) -> tuple[Tensor, State]:
            x = ops.transpose(ops.cast(vectors, self._dtype), (0, 2, 1, 3))  # (dirs, time, rows, P)
            by_time = ops.transpose(ops.cast(mask, "bool"), (0, 2, 1))
            outputs, hs, cs = [], [], []
            for number, weights in enumerate(packed):
                y, (h_end, c_end) = lstm_scan(
                    input_gates(x, weights["kernel"], weights["bias"]),
                    weights["recurrent_kernel"],
                    weights.get("projection_kernel"),
                    (h[:, number], c[:, number]),
                    settings=self._settings,
                    mask=by_time,
                )
                x = x + y if number and self.config.lstm.use_skip_connections else y
                outputs.append(x)
                hs.append(h_end)
                cs.append(c_end)
            if layers == "top":
                outputs = outputs[-1:]
            elif layers == "average":
                outputs = [sum(outputs[1:], outputs[0])]
            chosen = ops.transpose(ops.stack(outputs), (1, 3, 0, 2, 4))
            return chosen, (ops.stack(hs, axis=1), ops.stack(cs, axis=1))

        return run


def _array(variable: keras.Variable) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(variable.value))


def _float32(tensor: Tensor) -> np.ndarray:
    return np.asarray(ops.convert_to_numpy(ops.cast(tensor, "float32")))


def used_columns(ids: np.ndarray, char_cnn: CharCNNConfig) -> np.ndarray:
    """How many columns of each row the character CNN has to see, in coarse steps."""
    first = 1 if char_cnn.word_dim else 0
    needed = columns_needed(ids[:, first:], char_cnn.widest_filter)
    stepped = first - -needed // CHARACTER_STEP * CHARACTER_STEP  # rounded up
    return np.minimum(stepped, ids.shape[1])
