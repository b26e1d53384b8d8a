"""A biLM in plain NumPy, written from the facts of the published formats alone.

It reads one sentence at a time, position by position, shares no code with the package and is what
the package's numbers are held to. Weights come under the names of `docs/architecture.md`; of the
configuration only attributes are read.

Ids follow the contract of the house: number + 1, 0 for padding, `<S>` and `</S>` included. A
sentence has ids of shape (T,) or (T, M) (M + 1 with word vectors: the word's id comes first).
Padding behind a sentence is cut off, so T counts real tokens only.
"""

import numpy as np


def sigmoid(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def log_softmax(scores):
    shifted = scores - scores.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def clip(x, limit):
    return x if limit is None else np.clip(x, -limit, limit)


def look_up(table, ids):
    """Rows `ids - 1` of `table`; id 0 gives a zero vector."""
    rows = table[np.maximum(ids - 1, 0)]
    return np.where((ids > 0)[..., None], rows, 0)


def without_padding(ids):
    """The sentence without the padding behind it."""
    ids = np.asarray(ids)
    real = ids > 0 if ids.ndim == 1 else (ids > 0).any(axis=-1)
    length = int(real.sum())
    assert real[:length].all(), "padding stands behind a sentence, never inside it"
    return ids[:length]


class ReferenceBiLM:
    """The forward pass of a biLM, exact log-probabilities and perplexities.

    Args:
        weights: `{name: array}` under the names of the architecture table.
        config: a `BiLMConfig`.
        dtype: what is computed in.
    """

    def __init__(self, weights, config, dtype=np.float64):
        self.weights = {name: np.asarray(value, dtype) for name, value in weights.items()}
        self.config = config
        self.dtype = np.dtype(dtype)

    # Tokens

    def token_vectors(self, ids):
        """Context-free vectors of a sentence's tokens, (T, P)."""
        ids = without_padding(ids)
        if self.config.char_cnn is None:
            return look_up(self.weights["token_encoder/embedding"], ids)
        return np.stack([self._spelled(token) for token in ids])

    def _spelled(self, ids):
        """The character CNN on one token: (M,) or (1 + M,) ids to (P,)."""
        char_cnn, weights = self.config.char_cnn, self.weights
        word = np.zeros(0, self.dtype)
        if char_cnn.word_dim:
            word = look_up(weights["token_encoder/word_embed"], ids[:1])[0]  # (word_dim,)
            ids = ids[1:]
        characters = look_up(weights["token_encoder/char_embed"], ids)  # (M, C)

        features = []
        for i, (width, _) in enumerate(char_cnn.filters):
            kernel = weights[f"token_encoder/cnn_{i}/kernel"]  # (width, C, n)
            windows = [
                np.einsum("wc,wcn->n", characters[start : start + width], kernel)
                for start in range(len(characters) - width + 1)
            ]
            features.append(np.max(windows, axis=0) + weights[f"token_encoder/cnn_{i}/bias"])
        x = np.concatenate(features)  # (F,)
        x = {"relu": lambda v: np.maximum(v, 0), "tanh": np.tanh}[char_cnn.activation](x)

        for k in range(char_cnn.n_highway):
            part = f"token_encoder/highway_{k}"
            carry = sigmoid(x @ weights[f"{part}/carry_kernel"] + weights[f"{part}/carry_bias"])
            new = x @ weights[f"{part}/transform_kernel"] + weights[f"{part}/transform_bias"]
            x = carry * np.maximum(new, 0) + (1 - carry) * x

        x = np.concatenate([word, x])
        if "token_encoder/projection/kernel" in weights:
            x = x @ weights["token_encoder/projection/kernel"]
            x = x + weights["token_encoder/projection/bias"]
        return x

    # Recurrence

    def zero_state(self):
        """`(h, c)` of shapes (directions, layers, P) and (directions, layers, D)."""
        lstm = self.config.lstm
        outer = (len(self.config.direction_names), lstm.n_layers)
        return (
            np.zeros((*outer, lstm.projection_dim), self.dtype),
            np.zeros((*outer, lstm.dim), self.dtype),
        )

    def lstm_layer(self, name, x, h, c):
        """One layer over `x` (T, P) in reading order: outputs (T, P) and its last `h`, `c`."""
        lstm, weights = self.config.lstm, self.weights
        outputs = []
        for vector in x:
            gates = vector @ weights[f"{name}/kernel"] + h @ weights[f"{name}/recurrent_kernel"]
            entry, candidate, forget, out = np.split(gates + weights[f"{name}/bias"], 4)
            kept = sigmoid(forget + lstm.forget_bias) * c
            c = clip(kept + sigmoid(entry) * np.tanh(candidate), lstm.cell_clip)
            h = sigmoid(out) * np.tanh(c)  # (D,)
            if f"{name}/projection_kernel" in weights:
                h = clip(h @ weights[f"{name}/projection_kernel"], lstm.proj_clip)  # (P,)
            outputs.append(h)
        return np.array(outputs, self.dtype).reshape(len(x), lstm.projection_dim), h, c

    def run(self, direction, x, h, c):
        """All layers of one direction over `x` (T, P) in reading order.

        `h` (layers, P) and `c` (layers, D) are where it starts. Returns a list of outputs (T, P),
        one a layer, and the state after the last position.
        """
        outputs, last_h, last_c = [], [], []
        for layer in range(self.config.lstm.n_layers):
            y, h_end, c_end = self.lstm_layer(f"{direction}/layer_{layer}", x, h[layer], c[layer])
            if layer > 0 and self.config.lstm.use_skip_connections:
                y = y + x
            outputs.append(y)
            last_h.append(h_end)
            last_c.append(c_end)
            x = y
        return outputs, np.stack(last_h), np.stack(last_c)

    def _run_directions(self, vectors_of, state):
        """`run` for each direction on `vectors_of(direction)`; outputs by direction, new state."""
        h, c = self.zero_state() if state is None else state
        outputs, new_h, new_c = {}, [], []
        for d, direction in enumerate(self.config.direction_names):
            outputs[direction], h_end, c_end = self.run(
                direction, vectors_of(direction), h[d], c[d]
            )
            new_h.append(h_end)
            new_c.append(c_end)
        return outputs, (np.stack(new_h), np.stack(new_c))

    def layers(self, ids, state=None):
        """Every layer at every position, and the state after the whole sentence.

        Returns:
            layers: (n_layers + 1, T, directions · P), layer 0 the token vector once a direction.
            state: `(h, c)` as in `zero_state`.
        """
        x = self.token_vectors(ids)  # (T, P)

        def in_reading_order(direction, values):
            return values if direction == "forward" else values[::-1]

        outputs, state = self._run_directions(lambda d: in_reading_order(d, x), state)
        names = self.config.direction_names
        result = [np.concatenate([x] * len(names), axis=-1)]
        for layer in range(self.config.lstm.n_layers):
            parts = [in_reading_order(d, outputs[d][layer]) for d in names]
            result.append(np.concatenate(parts, axis=-1))
        return np.stack(result), state

    # Language model

    def scores(self, ids, state=None):
        """Scores of all V types at each position that predicts, by direction, in reading order.

        Forward reads `<S> w1 … wn`, backward `</S> wn … w1`.

        Returns:
            scores: `{direction: (T - 1, V)}`.
            state: `(h, c)` after the T - 1 positions read.
        """
        x = self.token_vectors(ids)
        read = {"forward": x[:-1], "backward": x[:0:-1]}
        outputs, state = self._run_directions(read.__getitem__, state)
        tied = self.config.weight_tying
        kernel = self.weights["token_encoder/embedding" if tied else "softmax/kernel"]  # (V, P)
        bias = self.weights["softmax/bias"]
        return {d: layers[-1] @ kernel.T + bias for d, layers in outputs.items()}, state

    def log_probabilities(self, ids, words=None, state=None):
        """ln P of each target, by direction, in reading order.

        Forward predicts `w1 … wn </S>`, backward `wn … w1 <S>`.

        Args:
            ids: the sentence as it is read.
            words: its ids as targets, (T,), boundaries included; a word model's are `ids`.
            state: where to start; zero by default.

        Returns:
            log_probabilities: `{direction: (T - 1,)}`.
            state: `(h, c)` after the T - 1 positions read.
        """
        words = without_padding(ids if words is None else words)
        assert words.ndim == 1, "a model that reads characters needs the ids of its targets"
        targets = {"forward": words[1:], "backward": words[-2::-1]}
        scores, state = self.scores(ids, state)
        result = {}
        for direction, values in scores.items():
            rows = np.arange(len(values))
            result[direction] = log_softmax(values)[rows, targets[direction] - 1]
        return result, state

    def perplexity(self, sentences, state="reset"):
        """Perplexities over sentences, each target token weighing the same.

        Args:
            sentences: ids, or pairs (ids, words) for a model that reads characters.
            state: `"reset"` for each sentence from zero, `"carry"` for one stream.

        Returns:
            `{direction: perplexity}`, and `both`: exp of the mean of the directions' mean nats.
        """
        nats = dict.fromkeys(self.config.direction_names, 0.0)
        count, carried = 0, None
        for sentence in sentences:
            ids, words = sentence if isinstance(sentence, tuple) else (sentence, None)
            values, end = self.log_probabilities(ids, words, carried)
            carried = end if state == "carry" else None
            for direction, row in values.items():
                nats[direction] -= row.sum()
            count += len(row)
        result = {direction: float(np.exp(total / count)) for direction, total in nats.items()}
        result["both"] = float(np.exp(sum(nats.values()) / (count * len(nats))))
        return result
