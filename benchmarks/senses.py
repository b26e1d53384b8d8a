"""Word senses without supervision and with: induced senses and nearest neighbours on CoarseWSD-20.

    ELMO_DATA=… python -m benchmarks.senses MODEL [--data coarse-wsd-20] [--uses 400] [--method kmeans]
        [--neighbours 1] [--json]

CoarseWSD-20 (Loureiro et al. 2021) has uses of 20 nouns with their senses. Induced senses are clusters
of the uses of a noun's test part, the number of senses chosen by the silhouette, or given as gold has
it; beside them stand layer 0, which does not see the context, and one sense for all (the majority). Each
figure is the mean over nouns, with a 95 % interval by drawing nouns. A use of the test part also gets
the sense of the nearest uses of the training part; that accuracy is over uses, its interval by drawing
uses within each noun.
"""

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np

import elmo
from elmo.usages.senses.agreement import agreement
from elmo.usages.senses.clustering import induce

FIGURES = ("ari", "v_measure", "b_cubed")


def read_uses(folder, part, limit):
    """Sentences with the place of the noun, and the senses; spread over the file if they are many."""
    lines = (folder / f"{part}.data.txt").read_text(encoding="utf-8").splitlines()
    senses = (folder / f"{part}.gold.txt").read_text(encoding="utf-8").split()
    rows = np.arange(len(lines))
    if limit and limit < len(lines):
        rows = np.linspace(0, len(lines) - 1, limit).astype(int)
    found = []
    for row in rows:
        place, sentence = lines[row].split("\t", 1)
        tokens = sentence.split()
        found.append(([tokens[0].capitalize(), *tokens[1:]], int(place)))
    return found, np.array([int(senses[row]) for row in rows])


def vectors_of(model, uses):
    """The noun's vectors, `(uses, layers, dim)`."""
    found = []
    for first in range(0, len(uses), 256):
        block = uses[first : first + 256]
        for table, (_, place) in zip(
            model.embed([tokens for tokens, _ in block]), block, strict=True
        ):
            found.append(table[:, place])
    return np.array(found)


def views(vectors):
    """What is compared: each layer, and the mean of the layers at unit length."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    layers = {f"layer {i}": vectors[:, i] for i in range(vectors.shape[1])}
    return {**layers, "mean of the layers": unit.mean(axis=1)}


def nearest(train, senses, test, k):
    """The sense that most of the k nearest training uses have; the nearest decides a tie."""
    mean = train.mean(axis=0)
    train, test = (
        (t - mean) / np.maximum(np.linalg.norm(t - mean, axis=1, keepdims=True), 1e-9)
        for t in (train, test)
    )
    near = senses[np.argsort(-(test @ train.T), axis=1, kind="stable")[:, :k]]
    guesses = []
    for row in near:
        counts = np.bincount(row)
        guesses.append(next(sense for sense in row if counts[sense] == counts.max()))
    return np.array(guesses)


def over_nouns(values, rng, number=2000):
    values = np.array(values)
    means = values[rng.integers(0, len(values), (number, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return {"value": float(values.mean()), "low": float(low), "high": float(high)}


def over_uses(hits, rng, number=2000):
    """Accuracy over all uses, uses drawn within each noun."""
    total = sum(map(len, hits))
    drawn = sum(rng.binomial(len(h), h.mean(), number) for h in hits) / total
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "value": float(sum(h.sum() for h in hits) / total),
        "low": float(low),
        "high": float(high),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a model's folder or name")
    parser.add_argument("--data", help="the folder of CoarseWSD-20")
    parser.add_argument("--uses", type=int, help="of each noun and part, at most")
    parser.add_argument("--method", choices=["kmeans", "agglomerative"], default="kmeans")
    parser.add_argument("--neighbours", type=int, default=1, help="uses that vote")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    options = parser.parse_args()
    data = Path(options.data or Path(os.environ.get("ELMO_DATA", ".")) / "coarse-wsd-20")
    if not data.is_dir():
        parser.error(f"{data}: no such folder; give that of CoarseWSD-20 with --data")
    begin, rng = time.perf_counter(), np.random.default_rng(0)
    model = elmo.load(options.model)
    found, hits, nouns = {}, {}, {}
    for folder in sorted(path for path in data.iterdir() if path.is_dir()):
        (train_uses, train_senses), (uses, senses) = (
            read_uses(folder, part, options.uses) for part in ("train", "test")
        )
        train, test = views(vectors_of(model, train_uses)), views(vectors_of(model, uses))
        gold, k = senses.tolist(), len(set(senses.tolist()))
        labels = {"one sense, gold k": np.zeros(len(gold), int)}
        labels["one sense, k chosen"] = labels["one sense, gold k"]
        for name, table in test.items():
            labels[f"{name}, gold k"] = induce(table, options.method, min(k, len(gold))).labels
            labels[f"{name}, k chosen"] = induce(table, options.method).labels
            right = nearest(train[name], train_senses, table, options.neighbours) == senses
            hits.setdefault(name, []).append(right.astype(float))
        commonest = np.bincount(train_senses).argmax()
        hits.setdefault("the commonest sense", []).append((senses == commonest).astype(float))
        for name, one in labels.items():
            found.setdefault(name, []).append(agreement(one.tolist(), gold))
        nouns[folder.name] = {name: scores[-1].ari for name, scores in found.items()}
    result = {
        "accuracy": {name: over_uses(values, rng) for name, values in hits.items()},
        "induced": {
            name: {f: over_nouns([getattr(s, f) for s in scores], rng) for f in FIGURES}
            for name, scores in found.items()
        },
        "ari": nouns,
        "uses": sum(map(len, hits["the commonest sense"])),
        "seconds": round(time.perf_counter() - begin, 1),
    }
    if options.json:
        print(json.dumps(result))
        return
    print("nearest neighbours, accuracy")
    for name, one in result["accuracy"].items():
        print(f"  {name:20} {one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]")
    for figure in FIGURES:
        print(f"\ninduced senses, {figure}, mean over nouns")
        for name, scores in result["induced"].items():
            one = scores[figure]
            print(f"  {name:30} {one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]")
    print(f"\n{result['uses']:,} uses of {len(nouns)} nouns, {result['seconds']} s")


if __name__ == "__main__":
    main()
