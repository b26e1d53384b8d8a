"""Change of pseudo-words whose true shift is known: each measure's rank correlation with it.

    python -m benchmarks.change MODEL TEXT… [--pairs 100] [--uses 100] [--layer top] [--spelled first]
        [--seed 0] [--json]

Two words of like frequency are merged into one pseudo-word. Of its uses in the earlier period a known
share comes from the first word, in the later period another; how far the shares lie apart is the true
shift, drawn evenly from 0 to 1, and the point between them evenly from where there is room. So a
pseudo-word without any shift may have two meanings in equal parts all along.

Uses come from all texts, so that nothing but the share differs between the periods. In the sentences the
pseudo-word is spelled as the first of the two words (`--spelled first`), so that its layer 0 tells
nothing, or as what stood there (`own`). The table has Spearman's correlation of each measure with the
true shift, 95 % intervals by drawing pseudo-words, for vectors as they are, less the mean over all
words, and less the mean of the word; and the adjusted Rand index of two induced senses with the
merged words, beside k-means on layer 0.

With --speed N, N words of random vectors with the frequencies of the texts' N most frequent words are
compared, with intervals and tests, and nothing else is done.
"""

import argparse
import json
import time
from collections import defaultdict

import numpy as np

import elmo
from elmo.usages.change.comparison import Comparison, change_of
from elmo.usages.change.measures import MEASURES
from elmo.usages.change.resampling import Resampling
from elmo.usages.layouts.judged import spearman
from elmo.usages.senses.agreement import agreement
from elmo.usages.senses.clustering import induce
from elmo.usages.word_uses import WordUses

PERIODS = ("1", "2")
LONGEST = 60  # tokens of a sentence that is taken


def words_of(sentences):
    """The sentences of each word of letters, by their numbers, with the place in them."""
    found = defaultdict(list)
    for number, tokens in enumerate(sentences):
        if len(tokens) <= LONGEST:
            for place, token in enumerate(tokens):
                if token.isalpha() and token.islower() and len(token) > 2:
                    found[token].append((number, place))
    return found


def pairs_of(found, number, least, rng):
    """Pairs of words of like frequency, each word once, spread over those that are frequent enough."""
    words = sorted((w for w in found if len(found[w]) >= least), key=lambda w: (-len(found[w]), w))
    pairs = [(words[i], words[i + 1]) for i in range(0, len(words) - 1, 2)]
    chosen = np.sort(rng.choice(len(pairs), min(number, len(pairs)), replace=False))
    return [pairs[i] if rng.random() < 0.5 else pairs[i][::-1] for i in chosen]


def merged(pair, found, uses, rng):
    """The true shift, and (number, place, period, which word) of each use."""
    shift = rng.random()
    middle = rng.uniform(shift / 2, 1 - shift / 2)
    ends = [middle - shift / 2, middle + shift / 2][:: rng.choice([-1, 1])]
    taken = [rng.permutation(len(found[word])) for word in pair]
    rows, used = [], [0, 0]
    counts = [round(uses * end) for end in ends]
    for period, first in enumerate(counts):
        for which, n in ((0, first), (1, uses - first)):
            for i in taken[which][used[which] : used[which] + n]:
                rows.append((*found[pair[which]][i], period, which))
            used[which] += n
    return abs(counts[0] - counts[1]) / uses, rows


def embedded(model, sentences):
    """The vectors of a token in each of pairs (tokens, place): `(uses, layers, dim)`."""
    found = []
    for first in range(0, len(sentences), 256):
        block = sentences[first : first + 256]
        vectors = model.embed([tokens for tokens, _ in block])
        found += [table[:, place] for table, (_, place) in zip(vectors, block, strict=True)]
    return np.array(found)


def layer_of(vectors, layer):
    """One layer of `(uses, layers, dim)`, or their mean."""
    if layer == "average":
        return vectors.mean(axis=1)
    return vectors[:, -1 if layer == "top" else int(layer)]


def interval(values, truth, rng, number=1000):
    """Spearman's correlation and its bootstrap interval over pseudo-words."""
    drawn = rng.integers(0, len(truth), (number, len(truth)))
    found = [spearman(values[rows], truth[rows]) for rows in drawn]
    low, high = np.nanquantile(found, [0.025, 0.975])
    return {"value": spearman(values, truth), "low": float(low), "high": float(high)}


def mean_interval(values, rng, number=1000):
    values = np.array(values)
    drawn = values[rng.integers(0, len(values), (number, len(values)))].mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {"value": float(values.mean()), "low": float(low), "high": float(high)}


def measured(table, rows, mean, centre, senses, seed):
    """Every measure of one pseudo-word."""
    period, numbers = np.array([row[2] for row in rows]), np.arange(len(rows))
    uses = WordUses("w", table, numbers, numbers, numbers, period, PERIODS)
    comparison = Comparison(
        *PERIODS,
        senses=senses,
        unit="use",
        centre=centre,
        mean=mean,
        resampling=Resampling(0, 0, seed=seed),
    )
    return {name: score.value for name, score in change_of(uses, comparison).scores.items()}


def pseudo_words(options):
    rng = np.random.default_rng(options.seed)
    model = elmo.load(options.model)
    sentences = list(elmo.Corpus(*options.text))
    found = words_of(sentences)
    pairs = pairs_of(found, options.pairs, 2 * options.uses, rng)
    truth, words = [], []
    for pair in pairs:
        shift, rows = merged(pair, found, options.uses, rng)
        marked = []
        for number, place, _, _ in rows:
            tokens = list(sentences[number])
            if options.spelled == "first":
                tokens[place] = pair[0]
            marked.append((tokens, place))
        truth.append(shift)
        vectors = embedded(model, marked)
        words.append((rows, layer_of(vectors, options.layer), vectors[:, 0]))
    truth = np.array(truth)
    common = np.mean([table.mean(axis=0) for _, table, _ in words], axis=0)
    result = {"pseudo_words": len(pairs), "uses": 2 * options.uses, "spearman": {}, "ari": {}}
    for name, mean, centre in (
        ("as they are", None, "none"),
        ("less the mean of all words", common, "none"),
        ("less the word's own mean (but for prt)", None, "word"),
    ):
        values = [
            measured(table, rows, mean, centre, options.senses, options.seed)
            for rows, table, _ in words
        ]
        result["spearman"][name] = {
            measure: interval(np.array([v[measure] for v in values]), truth, rng)
            for measure in MEASURES
        }
    for name, place in ((f"layer {options.layer}", 1), ("layer 0", 2)):
        scores = []
        for word in words:
            labels = induce(word[place], "kmeans", 2, seed=options.seed).labels
            scores.append(agreement(labels.tolist(), [row[3] for row in word[0]]).ari)
        result["ari"][name] = mean_interval(scores, rng)
    return result


def speed(options):
    """Seconds for words of random vectors; what is measured is the work after vectors are read."""
    from threadpoolctl import threadpool_limits

    corpus = elmo.Corpus(*options.text)
    counts = defaultdict(int)
    for tokens in corpus:
        for token in tokens:
            if token.isalpha():
                counts[token] += 1
    most = sorted(counts.values(), reverse=True)[: options.speed][:: options.every]
    rng = np.random.default_rng(0)
    comparison = Comparison(*PERIODS)
    seconds = processor = 0.0
    pool = rng.normal(size=(20_000, options.dim)).astype(np.float32)
    with threadpool_limits(1):
        for n in most:
            n = max(20, min(n, 20_000))
            documents = rng.integers(0, 94, n)
            rows = np.arange(n)
            uses = WordUses("w", pool[:n], rows, rows, documents, documents % 2, PERIODS)
            begin, used = time.perf_counter(), time.process_time()
            change_of(uses, comparison)
            seconds += time.perf_counter() - begin
            processor += time.process_time() - used
    return {
        "words": options.speed,
        "timed": len(most),
        "dim": options.dim,
        "seconds": seconds * options.every,
        "processor_seconds": processor * options.every,
        "threads": 1,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a model's folder or name")
    parser.add_argument("text", nargs="+", help="tokenized, a sentence per line")
    parser.add_argument("--pairs", type=int, default=100, help="pseudo-words")
    parser.add_argument("--uses", type=int, default=100, help="of a pseudo-word in each period")
    parser.add_argument("--layer", default="top", help="top, average, or a number")
    parser.add_argument("--senses", type=int, default=4, help="induced for jsd, graded and binary")
    parser.add_argument("--spelled", choices=["first", "own"], default="first")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", type=int, help="time so many words of random vectors instead")
    parser.add_argument("--every", type=int, default=1, help="time each Nth of them, and multiply")
    parser.add_argument("--dim", type=int, default=1024, help="of the vectors for --speed")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    options = parser.parse_args()
    result = speed(options) if options.speed else pseudo_words(options)
    if options.json or options.speed:
        print(json.dumps(result))
        return
    print(f"{result['pseudo_words']} pseudo-words of {result['uses']} uses")
    for name, measures in result["spearman"].items():
        print(f"\nSpearman with the true shift, vectors {name}")
        for measure, one in measures.items():
            print(f"  {measure:12} {one['value']:6.3f}  [{one['low']:.3f}, {one['high']:.3f}]")
    print("\nARI of two induced senses with the merged words")
    for name, one in result["ari"].items():
        print(f"  {name:12} {one['value']:6.3f}  [{one['low']:.3f}, {one['high']:.3f}]")


if __name__ == "__main__":
    main()
