"""An engine of reduced precision: PyTorch as a plain library, beside whatever backend Keras has.

Weights are packed once, in bfloat16 or int8. oneDNN, which PyTorch brings along, multiplies both at
more than twice the float32 rate on processors with the instructions for it (AVX-512 BF16 and VNNI,
AMX). What lies between the products is float32, and so is the state.

The gates' candidate is kept at half its argument and read as tanh(x) = 2σ(2x) − 1, so that a step
has one σ over all gates; PyTorch's σ is several times as fast as its tanh.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from elmo.bilm.encoder import BiLMEncoder
from elmo.bilm.weights import to_numpy
from elmo.config import BiLMConfig, LSTMConfig
from elmo.embed.engine import used_columns
from elmo.embed.torch_products import Product, pack_bfloat16, pack_float32, pack_int8

State = tuple[np.ndarray, np.ndarray]
Take = Callable[[str], np.ndarray]

TOKENS = 256  # that go through the character CNN together


class Packing(NamedTuple):
    """How the weights of each kind are packed.

    Attributes:
        gates: the two kernels of the gates, and the dense layers of the token encoder.
        projection: the LSTM's projection. What it reads is far from evenly spread over its range,
            which whole numbers bear badly.
        filters: the type of the character CNN's filters.
    """

    gates: Callable[[np.ndarray], Product]
    projection: Callable[[np.ndarray], Product]
    filters: torch.dtype


PACKINGS = {
    "float32": Packing(pack_float32, pack_float32, torch.float32),
    "bfloat16": Packing(pack_bfloat16, pack_bfloat16, torch.bfloat16),
    "int8": Packing(pack_int8, pack_bfloat16, torch.bfloat16),
}


class TorchEngine:
    """Runs an encoder's weights in reduced precision; see `elmo.embed.engine` for what it does.

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

    def __init__(self, encoder: BiLMEncoder, precision: str) -> None:
        self.config = encoder.config
        self._encoder = encoder
        self._pack = PACKINGS[precision]
        self.refresh()

    def refresh(self) -> None:
        """Pack the weights that the encoder has now."""
        self._layers = []  # the old ones go before the new ones come
        named = self._encoder.named_weights()

        def take(name: str) -> np.ndarray:
            return to_numpy(named[name])

        names = self.config.direction_names
        self._layers = [
            [_Cell(self._pack, take, f"{name}/layer_{number}", self.config.lstm) for name in names]
            for number in range(self.config.lstm.n_layers)
        ]
        self._table = self._characters = None
        if self.config.char_cnn is None:
            self._table = take("token_encoder/embedding")
        else:
            self._characters = _Characters(self._pack, take, self.config)

    @torch.inference_mode()
    def token_vectors(self, ids: np.ndarray) -> np.ndarray:
        """Vectors of tokens, float32 `(n, projection_dim)`, from ids `(n, M)` or `(n,)`."""
        if self._table is not None:
            return self._table[ids - 1]
        vectors = np.empty((len(ids), self.config.lstm.projection_dim), np.float32)
        first = 1 if self.config.char_cnn.word_dim else 0
        used = used_columns(ids, self.config.char_cnn, first)
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
        return tuple(np.zeros((*outer, n), np.float32) for n in (lstm.projection_dim, lstm.dim))

    @torch.inference_mode()
    def read(
        self, vectors: np.ndarray, mask: np.ndarray, state: State, layers: str
    ) -> tuple[np.ndarray, State]:
        """Read on by some positions; arguments and results are those of `KerasEngine.read`.

        Rows are computed as far as the last one that is not masked, so rows of padding behind
        cost nothing.
        """
        h, c = (torch.from_numpy(np.array(part, np.float32)) for part in state)
        steps = _Steps(np.asarray(mask, bool))
        x = [torch.from_numpy(steps.pack(part)) for part in vectors]  # (positions, P) a direction
        outputs = []
        for number, cells in enumerate(self._layers):
            y = _scan(cells, x, h[:, number], c[:, number], steps, self.config.lstm)
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
        self.mask = mask
        rows = mask.any(axis=0)  # (rows, time)
        n = np.where(rows.any(axis=0), len(rows) - np.argmax(rows[::-1], axis=0), 0)
        self.rows = n.tolist()
        self.starts = [0, *np.cumsum(n).tolist()]
        inside = np.arange(len(rows)) < n[:, None]  # (time, rows)
        self._time, self._row = np.nonzero(inside)
        whole = (mask.transpose(2, 0, 1) | ~inside[:, None]).all(axis=(1, 2))
        self.whole = whole.tolist()  # where every row that is computed is real

    def pack(self, values: np.ndarray) -> np.ndarray:
        """`(rows, time, n)` to the computed positions, step after step, `(positions, n)`."""
        return np.ascontiguousarray(values[self._row, self._time], np.float32)

    def unpack(self, values: np.ndarray, into: np.ndarray) -> None:
        """The inverse of `pack`."""
        into[self._row, self._time] = values


class _Cell:
    """A layer's weights of one direction, packed."""

    def __init__(self, pack: Packing, take: Take, name: str, lstm: LSTMConfig) -> None:
        def gates(kernel: np.ndarray) -> np.ndarray:
            kernel = np.array(kernel, np.float32)
            kernel[..., lstm.dim : 2 * lstm.dim] *= 2  # the candidate's, see above
            return kernel

        bias = np.array(take(f"{name}/bias"), np.float32)
        bias[2 * lstm.dim : 3 * lstm.dim] += lstm.forget_bias
        self.bias = torch.from_numpy(gates(bias))
        self.input = pack.gates(gates(take(f"{name}/kernel")))
        self.recurrent = pack.gates(gates(take(f"{name}/recurrent_kernel")))
        self.projection: Product | None = None
        if lstm.projects:
            self.projection = pack.projection(take(f"{name}/projection_kernel"))


def _scan(
    cells: list[_Cell], x: list[Tensor], h: Tensor, c: Tensor, steps: _Steps, lstm: LSTMConfig
) -> list[Tensor]:
    """A layer over a window, both directions side by side; `h` and `c` are moved on in place."""
    d = lstm.dim
    gates = [cell.input(part).add_(cell.bias) for cell, part in zip(cells, x, strict=True)]
    outputs = [torch.empty(part.shape) for part in x]
    z = torch.empty((len(cells), h.shape[1], 4 * d))
    for t, n in enumerate(steps.rows):
        if n == 0:
            continue
        part = slice(steps.starts[t], steps.starts[t] + n)
        now = z[:, :n]
        for i, cell in enumerate(cells):
            torch.add(cell.recurrent(h[i, :n]), gates[i][part], out=now[i])
        now.sigmoid_()
        entry, candidate, forget, out = now.split(d, dim=-1)
        before = None if steps.whole[t] else (h[:, :n].clone(), c[:, :n].clone())
        cell_state = c[:, :n].mul_(forget).addcmul_(entry, candidate.sub_(0.5), value=2)
        if lstm.cell_clip is not None:
            cell_state.clamp_(-lstm.cell_clip, lstm.cell_clip)
        # σ(o)·tanh(c) = σ(o)·(2σ(2c) − 1)
        m = torch.mul(cell_state, 2, out=candidate).sigmoid_().mul_(2).sub_(1).mul_(out)
        for i, cell in enumerate(cells):
            new = m[i]
            if cell.projection is not None:
                new = cell.projection(new)
                if lstm.proj_clip is not None:
                    new.clamp_(-lstm.proj_clip, lstm.proj_clip)
            outputs[i][part] = h[i, :n] = new
        if before is not None:
            real = torch.from_numpy(steps.mask[:, :n, t].copy())[..., None]
            for current, old in zip((h, c), before, strict=True):
                current[:, :n] = torch.where(real, current[:, :n], old)
    return outputs


class _Characters:
    """The character CNN, packed."""

    def __init__(self, pack: Packing, take: Take, config: BiLMConfig) -> None:
        def get(name: str) -> Tensor:
            return torch.from_numpy(np.array(take(f"token_encoder/{name}"), np.float32))

        def affine(name: str) -> tuple[Product, Tensor]:
            kernel = take(f"token_encoder/{name}kernel")
            return pack.gates(kernel), get(f"{name}bias")

        characters = config.char_cnn
        self._activation = characters.activation
        self._table = get("char_embed").to(pack.filters)
        self._words = get("word_embed") if characters.word_dim else None
        self._filters = []
        for i, (width, number) in enumerate(characters.filters):
            kernel = get(f"cnn_{i}/kernel").reshape(width * characters.embedding_dim, number)
            self._filters.append((width, kernel.to(pack.filters)))
        self._bias = torch.cat([get(f"cnn_{i}/bias") for i in range(len(characters.filters))])
        self._highways = [
            (affine(f"highway_{k}/carry_"), affine(f"highway_{k}/transform_"))
            for k in range(characters.n_highway)
        ]
        features = characters.n_filters + characters.word_dim
        projects = characters.always_project or features != config.lstm.projection_dim
        self._projection = affine("projection/") if projects else None

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        ids = torch.from_numpy(np.array(ids, np.int64))
        words = None
        if self._words is not None:
            words, ids = ids[:, 0], ids[:, 1:]
        x = self._features(ids)
        for (carry, carry_bias), (transform, transform_bias) in self._highways:
            gate = carry(x).add_(carry_bias).sigmoid_()
            new = transform(x).add_(transform_bias).relu_()
            x = torch.addcmul(x, gate, new.sub_(x))
        if words is not None:
            x = torch.cat([_rows(self._words, words), x], dim=-1)
        if self._projection is not None:
            product, bias = self._projection
            x = product(x).add_(bias)
        return x.numpy()

    def _features(self, ids: Tensor) -> Tensor:
        """Each filter's best match, `(tokens, F)`."""
        characters = _rows(self._table, ids)  # (tokens, M, C)
        tokens, length, size = characters.shape
        features = []
        for width, kernel in self._filters:
            positions = length - width + 1
            windows = characters.as_strided(
                (tokens, positions, width * size), (length * size, size, 1)
            )
            scores = windows.reshape(-1, width * size) @ kernel
            features.append(scores.view(tokens, positions, -1).amax(dim=1))
        x = torch.cat(features, dim=-1).float().add_(self._bias)
        return x.relu_() if self._activation == "relu" else x.tanh_()


def _rows(table: Tensor, ids: Tensor) -> Tensor:
    """Rows `ids - 1`, zeros for padding."""
    rows = table[(ids - 1).clamp_(min=0)]
    return rows if bool((ids > 0).all()) else rows * (ids > 0)[..., None]
