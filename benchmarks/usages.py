"""The index of uses: building beside `elmo embed`, the nearest uses of a word and of all words.

    python -m benchmarks.usages MODEL TEXT… [--precision int8] [--rounds 1] [--queries 50]
        [--index DIR] [--json]

Each round runs `elmo embed` (the top layer in int8, into .npy) and `elmo usages build` over one text,
in turn, as processes of their own; their user and system time are given beside the clock, since other
programs may hold the cores. With --index a finished index is taken and nothing is built. Queries are
uses of the index spread evenly, moved by noise of a tenth of their length. A word's search is timed over
the word whose uses come nearest to 100,000: the first time, when the mean and the lengths are worked out,
and later. Recall is the share of the exact 20 nearest that the index of faiss finds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

K, WANTED = 20, 100_000


def command(*words):
    """Seconds by the clock and of the processor, and peak memory in MB, of a command."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "elmo", *map(str, words)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"elmo {' '.join(map(str, words))} failed:\n{said.decode()[-2000:]}")
    return {
        "seconds": time.perf_counter() - begin,
        "processor_seconds": used.ru_utime + used.ru_stime,
        "peak_memory_mb": used.ru_maxrss / 1024,
    }


def building(options, folder):
    """Both commands in turn; leaves the last index in the folder."""
    both = {"embed": [], "build": []}
    how = ["--precision", options.precision, "--quiet"]
    for round_ in range(options.rounds):
        vectors, index = folder / "vectors.npy", folder / "index"
        joined = folder / "text.txt"
        if not round_:
            with open(joined, "wb") as file:
                for path in options.text:
                    file.write(Path(path).read_bytes())
        layers = ["--layers", "top", "--dtype", "int8", "--blank-lines", "skip", "--overwrite"]
        both["embed"].append(command("embed", options.model, joined, "-o", vectors, *layers, *how))
        both["build"].append(
            command(
                "usages", "build", options.model, *options.text, "-o", index, "--overwrite", *how
            )
        )
    medians = {
        name: {key: float(np.median([run[key] for run in runs])) for key in runs[0]}
        for name, runs in both.items()
    }
    embed, build = medians["embed"], medians["build"]
    return {
        **medians,
        "ratio": build["seconds"] / embed["seconds"],
        "processor_ratio": build["processor_seconds"] / embed["processor_seconds"],
    }


def milliseconds(function, queries):
    """The median, and the slowest of twenty."""
    taken = []
    for query in queries:
        begin = time.perf_counter()
        function(query)
        taken.append(1000 * (time.perf_counter() - begin))
    return {"median_ms": float(np.median(taken)), "p95_ms": float(np.percentile(taken, 95))}


def queries_of(index, numbers):
    """Vectors near some uses, as those of other sentences would be."""
    vectors = index.floats_at(numbers)
    noise = np.random.default_rng(0).normal(size=vectors.shape)
    shares = np.linalg.norm(vectors, axis=1) / np.linalg.norm(noise, axis=1)
    return (vectors + 0.1 * shares[:, None] * noise).astype(np.float32)


def within(index, number):
    """The time of a search in the word whose uses come nearest to 100,000."""
    word = min(index.words, key=lambda word: abs(index.count(word) - WANTED))
    uses = index.uses(word, most=number)
    searcher = index.searcher
    begin = time.perf_counter()
    searcher.within(word, uses.vectors[0], K)
    first = 1000 * (time.perf_counter() - begin)
    return {
        "word": word,
        "uses": index.count(word),
        "first_ms": first,
        **milliseconds(lambda vector: searcher.within(word, vector, K), uses.vectors),
    }


def across(index, number):
    """The time of a search among all uses, and how much of the exact answer it finds."""
    from elmo.usages.across import exact

    numbers = np.linspace(0, len(index) - 1, number).astype(np.int64)
    queries = queries_of(index, numbers)
    searcher = index.searcher
    begin = time.perf_counter()
    searcher.across(queries[0], K)
    opened = time.perf_counter() - begin
    taken = milliseconds(lambda vector: searcher.across(vector, K), queries)
    begin, hits = time.perf_counter(), 0
    for query in queries:
        best, _ = exact(index, query, searcher.mean(), K)
        hits += len({*best.tolist()} & {*searcher.across(query, K).numbers.tolist()})
    folder = index.folder / "across"
    return {
        "uses": len(index),
        "opened_seconds": opened,
        **taken,
        "recall": hits / (K * number),
        "exact_ms": 1000 * (time.perf_counter() - begin) / number,
        "bytes": sum(path.stat().st_size for path in folder.iterdir()) if folder.exists() else 0,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("text", nargs="+")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--index", help="one that is built already")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    import elmo
    from benchmarks.tools.arithmetic import machine

    with tempfile.TemporaryDirectory() as name:
        folder, result = Path(name), {}
        if options.index is None:
            result["building"] = building(options, folder)
        index = elmo.usages.open(options.index or folder / "index")
        result |= {
            "words": len(index.words),
            "uses": len(index),
            "dim": index.dim,
            "precision": index.description.precision,
            "within": within(index, options.queries),
            "across": across(index, options.queries),
            "machine": machine(),
        }
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['uses']:,} uses of {result['words']:,} words, {result['dim']} numbers each")
    if building_ := result.get("building"):
        for kind in ("embed", "build"):
            run = building_[kind]
            print(
                f"  {kind:6} {run['seconds']:8,.1f} s  {run['processor_seconds']:8,.1f} s of processor"
                f"  {run['peak_memory_mb']:7,.0f} MB"
            )
        print(f"  ratio {building_['ratio']:.2f}, of processor {building_['processor_ratio']:.2f}")
    one, every = result["within"], result["across"]
    print(
        f"  within {one['word']!r} ({one['uses']:,}): {one['median_ms']:.1f} ms, first "
        f"{one['first_ms']:.1f} ms"
    )
    print(
        f"  among all: {every['median_ms']:.1f} ms, recall {every['recall']:.1%}, "
        f"{every['bytes'] / 1e6:,.0f} MB; opened in {every['opened_seconds']:.1f} s; all compared "
        f"{every['exact_ms']:,.0f} ms"
    )


if __name__ == "__main__":
    main()
