"""An engine on the processor: PyTorch as a plain library, beside whatever backend Keras has.

Weights are packed once, in float32, bfloat16 or int8. oneDNN, which PyTorch brings along, multiplies the
last two at more than twice the float32 rate on processors with the instructions for it (AVX-512 BF16
and VNNI, AMX). What lies between the products is float32, and so is the state.

A step has one σ over all gates and no tanh, which in PyTorch takes several times as long as σ:
tanh(x) = 2σ(2x) − 1, and the candidate's weights are doubled beforehand.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from elmo.bilm.encoder import BiLMEncoder
from elmo.bilm.weights import to_numpy
from elmo.config import BiLMConfig, LSTMConfig
from elmo.engines.keras_engine import used_columns
from elmo.engines.torch_characters import Characters
from elmo.engines.torch_products import PACKINGS, Packing, Product, aligned
from elmo.system.memory import return_freed_memory

State = tuple[np.ndarray, np.ndarray]
Take = Callable[[str], np.ndarray]

TOKENS = 256  # that go through the character CNN together
BLOCK_BYTES = 1 << 20  # of the gates of some rows


class TorchEngine:
    """Runs an encoder's weights in some precision; see `elmo.engines.engine` for what it does.

    Args:
        encoder: a built `BiLMEncoder`.
        precision: `"bfloat16"`, `"int8"`, or `"float32"`.

    Example:
        >>> from elmo.config import BiLMConfig
        >>> lstm = LSTMConfig(dim=8, projection_dim=4, n_layers=2)
        >>> encoder = BiLMEncoder(BiLMConfig(lstm=lstm, vocabulary_size=10))
        >>> encoder.build()
        >>> engine = TorchEngine(encoder, "bfloat16")
        >>> vectors, mask = np.ones((2, 3, 5, 4), "float32"), np.ones((2, 3, 5), bool)
        >>> outputs, state = engine.read(vectors, mask, engine.zero_state(3), "all")
        >>> outputs.shape, state[1].shape
        ((2, 3, 2, 5, 4), (2, 2, 3, 8))
    """

    name = "torch"

    def __init__(self, encoder: BiLMEncoder, precision: str) -> None:
        self.config: BiLMConfig = encoder.config
        self._encoder: BiLMEncoder | None = encoder
        self._pack = PACKINGS[precision]
        self.refresh()

    def refresh(self) -> None:
        """Pack the weights that the encoder has now."""
        assert self._encoder is not None  # it was not let go
        self._layers: list[list[_Cell]] = []  # the old ones go before the new ones come
        return_freed_memory()
        named = self._encoder.named_weights()

        def take(name: str) -> np.ndarray:
            return to_numpy(named[name])

        names = self.config.direction_names
        self._layers = [
            [_Cell(self._pack, take, f"{name}/layer_{number}", self.config.lstm) for name in names]
            for number in range(self.config.lstm.n_layers)
        ]
        self._table: np.ndarray | None = None
        self._characters: Characters | None = None
        if self.config.char_cnn is None:
            self._table = np.array(take("token_encoder/embedding"))
        else:
            self._characters = Characters(self._pack, take, self.config)
        return_freed_memory()

    def release(self) -> None:
        """Let go of the encoder; there is no `refresh` afterwards."""
        self._encoder = None

    @torch.inference_mode()
    def token_vectors(self, ids: np.ndarray) -> np.ndarray:
        """Vectors of tokens, float32 `(n, projection_dim)`, from ids `(n, M)` or `(n,)`."""
        if self._table is not None:
            return self._table[ids - 1]
        vectors = np.empty((len(ids), self.config.lstm.projection_dim), np.float32)
        assert self.config.char_cnn is not None and self._characters is not None
        used = used_columns(ids, self.config.char_cnn)
        order = np.argsort(used, kind="stable")
        for start in range(0, len(ids), TOKENS):
            chosen = order[start : start + TOKENS]
            columns = int(used[chosen[-1]])
            vectors[chosen] = self._characters(ids[chosen, :columns])
        return vectors

    def zero_state(self, rows: int) -> State:
        """The state before anything was read."""
        lstm = self.config.lstm
        outer = (len(self.config.direction_names), lstm.n_layers, rows)
        h = np.zeros((*outer, lstm.projection_dim), np.float32)
        return h, np.zeros((*outer, lstm.dim), np.float32)

    @torch.inference_mode()
    def read(
        self, vectors: np.ndarray, mask: np.ndarray, state: State, layers: str
    ) -> tuple[np.ndarray, State]:
        """Read on by some positions; arguments and results are those of `Engine.read`.

        Rows are computed as far as the last one that is not masked, so rows of padding behind
        cost nothing.
        """
        h, c = (aligned(part) for part in state)
        mask = np.asarray(mask, bool)
        steps = _Steps(mask)
        x = [steps.pack(part) for part in vectors]  # (positions, P) a direction
        outputs = []
        for number, cells in enumerate(self._layers):
            # One direction after the other: the weights of one may stay in the cache, not of two.
            y = [
                _scan(cell, x[i], h[i, number], c[i, number], steps, mask[i], self.config.lstm)
                for i, cell in enumerate(cells)
            ]
            if number and self.config.lstm.use_skip_connections:
                y = [new + old for new, old in zip(y, x, strict=True)]
            outputs.append(y)
            x = y
        if layers == "top":
            outputs = outputs[-1:]
        elif layers == "average":
            outputs = [[torch.stack(parts).sum(0) for parts in zip(*outputs, strict=True)]]
        directions, rows, time, p = vectors.shape
        result = np.zeros((directions, rows, len(outputs), time, p), np.float32)
        for number, layer in enumerate(outputs):
            for direction, values in enumerate(layer):
                steps.unpack(values.numpy(), result[direction, :, number])
        return result, (h.numpy(), c.numpy())

    @staticmethod
    def fetch(outputs: np.ndarray) -> np.ndarray:
        """What `read` returned."""
        return outputs


class _Steps:
    """Which rows each step of a window computes: those up to the last one that is real.

    Args:
        mask: `(directions, rows, time)`.
    """

    def __init__(self, mask: np.ndarray) -> None:
        rows = np.asarray(mask.any(axis=0))  # (rows, time)
        n = np.where(rows.any(axis=0), len(rows) - np.argmax(rows[::-1], axis=0), 0)
        self.rows = n.tolist()
        self.starts = [0, *np.cumsum(n).tolist()]
        inside = np.arange(len(rows)) < n[:, None]  # (time, rows)
        self._time, self._row = np.nonzero(inside)
        whole = (mask.transpose(2, 0, 1) | ~inside[:, None]).all(axis=(1, 2))
        self.whole = np.asarray(whole).tolist()  # where every row that is computed is real

    def pack(self, values: np.ndarray) -> Tensor:
        """`(rows, time, n)` to the computed positions, step after step, `(positions, n)`."""
        return aligned(values[self._row, self._time])

    def unpack(self, values: np.ndarray, into: np.ndarray) -> None:
        """The inverse of `pack`."""
        into[self._row, self._time] = values


class _Cell:
    """A layer's weights of one direction, packed."""

    def __init__(self, pack: Packing, take: Take, name: str, lstm: LSTMConfig) -> None:
        factors = np.ones(4 * lstm.dim, np.float32)
        factors[lstm.dim : 2 * lstm.dim] = 2  # the candidate's

        bias = np.array(take(f"{name}/bias"), np.float32)
        bias[2 * lstm.dim : 3 * lstm.dim] += lstm.forget_bias
        self.input = pack.gates(take(f"{name}/kernel"), bias * factors, factors)
        self.recurrent = pack.gates(take(f"{name}/recurrent_kernel"), None, factors)
        self.projection: Product | None = None
        if lstm.projects:
            self.projection = pack.projection(take(f"{name}/projection_kernel"))


def _scan(
    cell: _Cell, x: Tensor, h: Tensor, c: Tensor, steps: _Steps, mask: np.ndarray, lstm: LSTMConfig
) -> Tensor:
    """A layer of one direction over a window; `h` and `c` are moved on in place.

    Between its two products a step goes through blocks of rows that stay in the processor's cache.
    """
    d = lstm.dim
    block = max(1, BLOCK_BYTES // (16 * d))
    gates = cell.input(x)
    y = torch.empty(x.shape)
    m = torch.empty((len(h), d))
    for t, n in enumerate(steps.rows):
        if n == 0:
            continue
        before = None if steps.whole[t] else (h[:n].clone(), c[:n].clone())
        start = steps.starts[t]
        recurrent = cell.recurrent(h[:n])
        for first in range(0, n, block):
            last = min(first + block, n)
            rows = slice(first, last)
            z = recurrent(rows).add_(gates(slice(start + first, start + last))).sigmoid_()
            entry, candidate, forget, out = z.chunk(4, dim=1)
            # f·c + i·tanh(j) = f·c + 2·i·(σ(2j) − ½)
            after = c[rows].mul_(forget).addcmul_(entry, candidate.sub_(0.5), value=2)
            if lstm.cell_clip is not None:
                after.clamp_(-lstm.cell_clip, lstm.cell_clip)
            # σ(o)·tanh(c) = σ(o)·(2σ(2c) − 1)
            torch.mul(after, 2, out=m[rows]).sigmoid_().mul_(2).sub_(1).mul_(out)
        new = m[:n]
        if cell.projection is not None:
            new = cell.projection(new)(slice(None))
            if lstm.proj_clip is not None:
                new.clamp_(-lstm.proj_clip, lstm.proj_clip)
        y[start : start + n] = h[:n] = new
        if before is not None:
            real = torch.from_numpy(mask[:n, t].copy())[:, None]
            for current, old in zip((h, c), before, strict=True):
                current[:n] = torch.where(real, current[:n], old)
    return y
