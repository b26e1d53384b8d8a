"""Tell the senses of ambiguous nouns apart by the nearest uses whose sense is known.

    python examples/senses.py my-elmo [--data coarse-wsd-20] [--neighbours 1] [--json]

The data are those of CoarseWSD-20 (Loureiro et al. 2021): a folder for each of 20 nouns, uses with
their sense, one part to learn from and one to test; without `--data` they are looked for in
`$ELMO_DATA/coarse-wsd-20`. A use of the test part gets the sense of the training uses that are
nearest to it by the cosine of the noun's vectors. Layer 0 does not see the context, so that it can
only guess; the mean over the layers, each of unit length, does.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

import elmo

from frozen import kept  # isort: skip
from intervals import difference, interval, shown  # isort: skip


def read_uses(folder, part, limit=None):
    """Sentences, places of the noun in them, and the senses."""
    lines = (folder / f"{part}.data.txt").read_text(encoding="utf-8").splitlines()
    senses = (folder / f"{part}.gold.txt").read_text(encoding="utf-8").split()
    places, sentences = zip(*(line.split("\t", 1) for line in lines), strict=True)
    # spread over the file, whose senses come one after the other
    chosen = np.arange(len(lines))
    if limit is not None and limit < len(lines):
        chosen = np.linspace(0, len(lines) - 1, limit).astype(int)
    return (
        [sentences[i].split() for i in chosen],
        [int(places[i]) for i in chosen],
        np.array([int(senses[i]) for i in chosen]),
    )


def noun_vectors(model, sentences, places, truecase, folder=None):
    """Vectors of the noun in each sentence, of unit length, `(uses, layers, dim)`."""
    # The data are lower-cased; a model of cased text has seen sentences begin otherwise.
    if truecase:
        sentences = [[tokens[0].capitalize(), *tokens[1:]] for tokens in sentences]
    found = kept(folder, model, sentences, places.__getitem__).astype("float32")
    return found / np.maximum(np.linalg.norm(found, axis=-1, keepdims=True), 1e-9)


def nearest_senses(train, senses, test, neighbours):
    """The sense that most of the nearest uses have; the nearest decides a tie."""
    order = np.argsort(-(test @ train.T), axis=1, kind="stable")[:, :neighbours]
    near = senses[order]  # (test uses, neighbours)
    counts = np.stack([(near == sense).sum(axis=1) for sense in range(senses.max() + 1)], axis=1)
    best = counts == counts.max(axis=1, keepdims=True)
    first = np.argmax(np.take_along_axis(best, near, axis=1), axis=1)
    return near[np.arange(len(near)), first]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a model's folder or name")
    parser.add_argument("--data", help="the folder of CoarseWSD-20")
    parser.add_argument("--neighbours", type=int, default=1, help="uses that vote")
    parser.add_argument("--uses", type=int, help="of each noun and part, at most")
    parser.add_argument("--as-is", action="store_true", help="leave first words lower-cased")
    parser.add_argument("--vectors", help="a folder that keeps the vectors for other runs")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    options = parser.parse_args()
    data = Path(options.data or Path(os.environ.get("ELMO_DATA", ".")) / "coarse-wsd-20")
    begin, processor = time.perf_counter(), time.process_time()
    model = elmo.load(options.model)
    n_layers = model.config.lstm.n_layers + 1
    names = [*(f"layer {i}" for i in range(n_layers)), "mean of the layers", "commonest sense"]
    right = {name: [] for name in names}
    nouns, how = {}, (not options.as_is, options.vectors)
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        parts = {}
        for part in ("train", "test"):
            sentences, places, senses = read_uses(folder, part, options.uses)
            parts[part] = noun_vectors(model, sentences, places, *how), senses
        (train, train_senses), (test, test_senses) = parts["train"], parts["test"]
        guesses = [
            *(
                nearest_senses(train[:, i], train_senses, test[:, i], options.neighbours)
                for i in range(n_layers)
            ),
            nearest_senses(train.mean(1), train_senses, test.mean(1), options.neighbours),
            np.full(len(test_senses), np.bincount(train_senses).argmax()),
        ]
        for name, guess in zip(names, guesses, strict=True):
            right[name].append((guess == test_senses).astype(float))
        nouns[folder.name] = {name: float(right[name][-1].mean()) for name in names}
    whole = {name: np.concatenate(values) for name, values in right.items()}
    result = {
        "accuracy": {name: interval(values) for name, values in whole.items()},
        "over layer 0": difference(whole["mean of the layers"], whole["layer 0"]),
        "nouns": nouns,
        "test_uses": len(whole["layer 0"]),
        "processor_seconds": round(time.process_time() - processor, 1),
        "seconds": round(time.perf_counter() - begin, 1),
    }
    if options.json:
        print(json.dumps(result))
        return
    for name, found in result["accuracy"].items():
        print(f"{name:20}  {shown(found)}")
    print(f"mean over layer 0     {shown(result['over layer 0'])}")
    print(f"{result['test_uses']:,} uses of {len(nouns)} nouns, {result['seconds']} s")


if __name__ == "__main__":
    main()
