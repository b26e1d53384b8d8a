"""Find named entities: a BiLSTM-CRF over a frozen ELMo, and over its layer 0 alone.

    python examples/entities.py my-elmo [--data wnut17] [--epochs 10] [--json]

The data are CoNLL columns, `form TAB tag` (BIO), a blank line between sentences, in `train.conll`
and `test.conll`; without `--data` they are looked for in `$ELMO_DATA/wnut17`. The tagger is that of
Huang et al. (2015) and of Peters et al. (2018): a bidirectional LSTM on the frozen vectors, and a
conditional random field that scores whole sequences of tags,

    score(tags) = sum over k of emission[k, tag_k] + transition[tag_k-1, tag_k],

trained to maximize the probability of the true sequence, and read by the Viterbi algorithm.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

import elmo  # chooses Keras's backend; comes before it

import keras  # isort: skip
from keras import ops  # isort: skip

from frozen import kept  # isort: skip
from intervals import difference, interval, shown  # isort: skip

BATCH = 32


def read_tagged(path, limit=None):
    """Sentences and their tags."""
    sentences, tags = [[]], [[]]
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        form, _, tag = line.strip().rpartition("\t")
        if form:
            sentences[-1].append(form)
            tags[-1].append(tag)
        elif sentences[-1]:
            sentences.append([])
            tags.append([])
    n = min(len(sentences) - (not sentences[-1]), limit or len(sentences))
    return sentences[:n], tags[:n]


class Padded(keras.utils.PyDataset):
    """Batches of vectors `(batch, time, layers, dim)` and tags, −1 where there is no token.

    All batches have the same shape, so that one program is compiled. `vectors` has an array
    `(tokens, layers, dim)` for each sentence.
    """

    def __init__(self, vectors, tags, layers, time, seed=None, **options):
        super().__init__(**options)
        self.vectors, self.tags, self.layers, self.time = vectors, tags, layers, time
        self.random = None if seed is None else np.random.default_rng(seed)
        self.on_epoch_end()

    def __len__(self):
        return -(-len(self.vectors) // BATCH)

    def on_epoch_end(self):
        n = len(self.vectors)
        self.order = np.arange(n) if self.random is None else self.random.permutation(n)

    def __getitem__(self, number):
        chosen = self.order[number * BATCH : (number + 1) * BATCH]
        dim = self.vectors[0].shape[-1]
        x = np.zeros((BATCH, self.time, len(self.layers), dim), "float32")
        y = np.full((BATCH, self.time), -1, "int32")
        for row, i in enumerate(chosen):
            n = len(self.tags[i])
            x[row, :n] = self.vectors[i][:, self.layers]
            y[row, :n] = self.tags[i]
        return x, y


class Transitions(keras.layers.Layer):
    """Scores of each tag behind each other, `(tags, tags)`, which only the loss and Viterbi read."""

    def __init__(self, tags, **options):
        super().__init__(**options)
        self.scores = self.add_weight(name="scores", shape=(tags, tags), initializer="zeros")

    def call(self, emissions):
        return emissions

    def nats(self, emissions, tags):
        """−ln P of the true sequences, summed: the log of the summed exponentials of the scores of all
        sequences (the forward algorithm), less the score of the true one.

        Args:
            emissions: `(batch, time, tags)`.
            tags: `(batch, time)`, −1 behind the end.
        """
        real = ops.cast(tags >= 0, "float32")  # (batch, time)
        known = ops.maximum(tags, 0)
        of_tags = ops.squeeze(ops.take_along_axis(emissions, known[..., None], axis=-1), -1)
        of_steps = ops.take(
            ops.reshape(self.scores, (-1,)), known[:, :-1] * self.scores.shape[0] + known[:, 1:]
        )
        path = ops.sum(of_tags * real, axis=1) + ops.sum(of_steps * real[:, 1:], axis=1)

        def step(total, inputs):
            emission, there = inputs
            new = ops.logsumexp(total[:, :, None] + self.scores[None], axis=1) + emission
            total = ops.where(there[:, None] > 0, new, total)
            return total, total[:, 0]

        rest = ops.swapaxes(emissions[:, 1:], 0, 1), ops.swapaxes(real[:, 1:], 0, 1)
        total, _ = ops.scan(step, emissions[:, 0], rest)
        return ops.sum((ops.logsumexp(total, axis=-1) - path) * real[:, 0])


class Tagger(keras.Model):
    """Mix of the layers, BiLSTM, and the conditional random field."""

    def __init__(self, n_layers, n_tags, units=100):
        super().__init__()
        self.mix = elmo.ScalarMix(n_layers=n_layers) if n_layers > 1 else None
        self.dropout = keras.layers.Dropout(0.5, seed=1)
        self.lstm = keras.layers.Bidirectional(keras.layers.LSTM(units, return_sequences=True))
        self.dense = keras.layers.Dense(n_tags)
        self.transitions = Transitions(n_tags)

    def call(self, vectors, training=False):
        layers = ops.swapaxes(vectors, 1, 2)  # (batch, layers, time, dim)
        x = layers[:, 0] if self.mix is None else self.mix(layers)
        x = self.dropout(x, training=training)
        return self.transitions(self.dense(self.dropout(self.lstm(x), training=training)))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return self.transitions.nats(y_pred, y) / BATCH


def best_path(emissions, transitions):
    """The sequence of tags of highest score (Viterbi 1967) for one sentence, `(time, tags)`."""
    total, back = emissions[0], []
    for emission in emissions[1:]:
        scores = total[:, None] + transitions
        back.append(scores.argmax(axis=0))
        total = scores.max(axis=0) + emission
    path = [int(total.argmax())]
    for pointers in reversed(back):
        path.append(int(pointers[path[-1]]))
    return path[::-1]


def spans(tags):
    """Entities as `(first, behind the last, kind)`; an I- without a beginning begins one."""
    found, start, kind = set(), None, None
    for place, tag in enumerate([*tags, "O"]):
        prefix, _, name = tag.partition("-")
        if start is not None and (prefix != "I" or name != kind):
            found.add((start, place, kind))
            start = None
        if start is None and prefix in ("B", "I"):
            start, kind = place, name
    return found


def f1(hits, found, wanted, axis=-1):
    """The harmonic mean of precision and recall over sentences."""
    return 2 * hits.sum(axis) / np.maximum(found.sum(axis) + wanted.sum(axis), 1)


def train_and_test(train, test, layers, names, epochs):
    """Hits, found and wanted entities of each test sentence, and the shares of the layers.

    Args:
        layers: the numbers of those that the tagger reads; a single one is not mixed.
    """
    keras.utils.set_random_seed(0)
    (train_vectors, train_tags), (test_vectors, test_tags) = train, test
    numbers = {name: number for number, name in enumerate(names)}
    ids = [[numbers[tag] for tag in tags] for tags in train_tags]
    tagger = Tagger(len(layers), len(names))
    tagger.compile(keras.optimizers.Adam(2e-3, clipnorm=5.0))
    time = max(len(tags) for tags in (*train_tags, *test_tags))
    tagger.fit(Padded(train_vectors, ids, layers, time, seed=0), epochs=epochs, verbose=0)
    blank = [[0] * len(tags) for tags in test_tags]
    emissions = tagger.predict(Padded(test_vectors, blank, layers, time), verbose=0)
    transitions = ops.convert_to_numpy(tagger.transitions.scores)
    counts = []
    for tags, rows in zip(test_tags, emissions, strict=False):
        path = [names[i] for i in best_path(rows[: len(tags)], transitions)]
        found, wanted = spans(path), spans(tags)
        counts.append((len(found & wanted), len(found), len(wanted)))
    shares = None
    if tagger.mix is not None:
        weights = np.exp(tagger.mix.get_weights()[0])
        shares = (weights / weights.sum()).tolist()
    return tuple(np.array(counts, float).T), shares


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a model's folder or name")
    parser.add_argument("--data", help="folder with train.conll and test.conll")
    parser.add_argument("--sentences", type=int, help="of the training part, at most")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--vectors", help="a folder that keeps the vectors for other runs")
    parser.add_argument("--each-layer", action="store_true", help="and over each layer alone")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    options = parser.parse_args()
    data = Path(options.data or Path(os.environ.get("ELMO_DATA", ".")) / "wnut17")
    begin, processor = time.perf_counter(), time.process_time()
    model = elmo.load(options.model)
    parts = {}
    for part, limit in (("train", options.sentences), ("test", None)):
        sentences, tags = read_tagged(data / f"{part}.conll", limit)
        vectors = kept(options.vectors, model, sentences)
        ends = np.cumsum([len(row) for row in tags])
        parts[part] = np.split(vectors, ends[:-1]), tags
    names = sorted({tag for _, rows in parts.values() for tags in rows for tag in tags})
    arguments = names, options.epochs
    layers = range(model.config.lstm.n_layers + 1)
    mixed, shares = train_and_test(parts["train"], parts["test"], layers, *arguments)
    alone = [
        train_and_test(parts["train"], parts["test"], [i], *arguments)[0]
        for i in (layers if options.each_layer else [0])
    ]
    bottom = alone[0]
    result = {
        "f1": interval(mixed, f1),
        "f1_layer_0": interval(bottom, f1),
        "f1_commonest_tag": 0.0,  # it is O everywhere, and finds nothing
        "over_layer_0": difference(mixed, bottom, f1),
        "each_layer": [interval(one, f1) for one in alone],
        "mix": shares,
        "train_sentences": len(parts["train"][1]),
        "test_sentences": len(parts["test"][1]),
        "processor_seconds": round(time.process_time() - processor, 1),
        "seconds": round(time.perf_counter() - begin, 1),
    }
    if options.json:
        print(json.dumps(result))
        return
    print(f"F1 of entities, all layers, mixed  {shown(result['f1'])}")
    print(f"F1 of entities, layer 0 alone      {shown(result['f1_layer_0'])}")
    print(f"the difference                     {shown(result['over_layer_0'])}")
    print("shares of the layers", ", ".join(f"{share:.2f}" for share in shares))
    print(f"{result['train_sentences']:,} sentences to train, {result['seconds']} s")


if __name__ == "__main__":
    main()
