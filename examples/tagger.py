"""Tag parts of speech over a frozen ELMo, and over its layer 0 alone.

    python examples/tagger.py my-elmo [--data ud-english-ewt] [--sentences 3000] [--json]

The data are lines `form TAB tag` in `train.tsv` and `test.tsv`, a blank line between sentences;
without `--data` they are looked for in `$ELMO_DATA/ud-english-ewt`. The frozen vectors are computed
once. On them two taggers of the same kind are trained: one on the learned mix of all layers,
one on the context-free vectors of layer 0. At the end the first becomes one Keras model from ids
to tags, with `elmo.ElmoEmbedding` inside.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

import elmo  # chooses Keras's backend; comes before it

import keras  # isort: skip

from frozen import kept  # isort: skip
from intervals import difference, interval, shown  # isort: skip


def read_tagged(path, limit=None):
    """Sentences and their tags."""
    sentences, tags = [], []
    with open(path, encoding="utf-8") as file:
        for block in file.read().strip().split("\n\n")[:limit]:
            rows = [line.split("\t") for line in block.splitlines()]
            sentences.append([row[0] for row in rows])
            tags.append([row[1] for row in rows])
    return sentences, tags


def build_tagger(n_layers, dim, n_tags):
    """From `(tokens, n_layers, dim)`: mix the layers, then one dense layer."""
    vectors = keras.Input((n_layers, dim))
    x = vectors
    if n_layers > 1:
        # ScalarMix reads (batch, layers, time, dim); each token is a text of its own here.
        x = keras.layers.Reshape((n_layers, 1, dim))(x)
        x = elmo.ScalarMix(n_layers=n_layers, name="mix")(x)
    x = keras.layers.Dropout(0.3)(keras.layers.Reshape((dim,))(x))
    tags = keras.layers.Dense(n_tags, activation="softmax", name="tags")(x)
    model = keras.Model(vectors, tags)
    model.compile(
        keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


def train_and_test(train, train_tags, test, test_tags, n_tags, epochs):
    """A trained tagger, and which tokens of the test part it tags right, 1 or 0."""
    tagger = build_tagger(*train.shape[1:], n_tags)
    tagger.fit(train, train_tags, batch_size=512, epochs=epochs, verbose=0)
    found = tagger.predict(test, batch_size=2048, verbose=0).argmax(axis=-1)
    return tagger, (found == test_tags).astype(float)


def end_to_end(model, tagger):
    """One Keras model from ids to tags, with the tagger's mix and dense layer."""
    embedding = elmo.ElmoEmbedding(model)
    width = model.encode([["x"]]).shape[2:]  # () for words, (M,) for characters
    ids = keras.Input((None, *width), dtype="int32")
    dense = keras.layers.Dense(tagger.get_layer("tags").units, activation="softmax")
    whole = keras.Model(ids, dense(embedding(ids)))
    embedding.mixes[0].set_weights(tagger.get_layer("mix").get_weights())
    dense.set_weights(tagger.get_layer("tags").get_weights())
    return whole


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a model's folder")
    parser.add_argument("--data", help="folder with train.tsv and test.tsv")
    parser.add_argument("--sentences", type=int, default=3000, help="of the training part")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--vectors", help="a folder that keeps the vectors for other runs")
    parser.add_argument("--each-layer", action="store_true", help="and over each layer alone")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    options = parser.parse_args()
    data = options.data or (Path(os.environ.get("ELMO_DATA", ".")) / "ud-english-ewt")
    begin, processor = time.perf_counter(), time.process_time()

    keras.utils.set_random_seed(0)
    model = elmo.load(options.model)
    parts = {}
    for part, limit in (("train", options.sentences), ("test", None)):
        sentences, tags = read_tagged(Path(data) / f"{part}.tsv", limit)
        vectors = kept(options.vectors, model, sentences).astype("float32")
        parts[part] = sentences, vectors, [t for row in tags for t in row]
    names = sorted({*parts["train"][2], *parts["test"][2]})
    numbers = {name: i for i, name in enumerate(names)}
    (_, train, train_tags), (test_sentences, test, test_tags) = parts["train"], parts["test"]
    train_tags, test_tags = (np.array([numbers[t] for t in x]) for x in (train_tags, test_tags))

    arguments = train_tags, test, test_tags, len(names), options.epochs
    tagger, right = train_and_test(train, *arguments)
    alone = [
        train_and_test(train[:, [i]], train_tags, test[:, [i]], *arguments[2:])[1]
        for i in range(train.shape[1] if options.each_layer else 1)
    ]
    right_below = alone[0]
    commonest = (test_tags == np.bincount(train_tags).argmax()).astype(float)

    whole = end_to_end(model, tagger)
    few = test_sentences[:20]
    found = whole.predict(model.encode(few), verbose=0).argmax(axis=-1)
    found = np.concatenate([row[: len(s)] for row, s in zip(found, few, strict=True)])
    same = tagger.predict(test[: len(found)], verbose=0).argmax(axis=-1)

    result = {
        "accuracy": interval(right),
        "accuracy_layer_0": interval(right_below),
        "accuracy_commonest_tag": interval(commonest),
        "over_layer_0": difference(right, right_below),
        "each_layer": [interval(one) for one in alone],
        "mix": np.exp(tagger.get_layer("mix").get_weights()[0]).tolist(),
        "end_to_end_agrees": float((found == same).mean()),
        "train_tokens": len(train_tags),
        "test_tokens": len(test_tags),
        "processor_seconds": round(time.process_time() - processor, 1),
        "seconds": round(time.perf_counter() - begin, 1),
    }
    result["mix"] = [share / sum(result["mix"]) for share in result["mix"]]
    if options.json:
        print(json.dumps(result))
        return
    print(f"trained on {len(train_tags):,} tokens, tested on {len(test_tags):,}")
    print(f"all layers, mixed   {shown(result['accuracy'])}")
    print(f"layer 0 alone       {shown(result['accuracy_layer_0'])}")
    print(f"the difference      {shown(result['over_layer_0'])}")
    print(f"the commonest tag   {shown(result['accuracy_commonest_tag'])}")
    print("shares of the layers", ", ".join(f"{share:.2f}" for share in result["mix"]))
    print(f"{result['seconds']} s")


if __name__ == "__main__":
    main()
