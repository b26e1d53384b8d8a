"""Time and memory of preparing a text for training, from 1 MB to 1 GB.

    python -m benchmarks.text_scaling [--megabytes 1 10 100 1000] [--characters] [--json]

WikiText-2's training part under `ELMO_DATA` (else the built-in corpus), repeated up to each size, in a
process of its own: its words are counted, it is encoded, and 200 batches of 32 rows × 35 tokens with
1,000 negatives are made from places all over it. A repeated text has no new types; what more types cost
is in `benchmarks/vocabulary_scaling.py`.
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

BATCHES = 200


def source():
    """Lines of text, about a megabyte or more."""
    if os.environ.get("ELMO_DATA"):
        from elmo.text import datasets

        return datasets.path("wikitext-2", "train").read_bytes()
    from elmo.text.builtin import builtin_corpus

    return "\n".join(" ".join(tokens) for tokens in builtin_corpus()).encode() + b"\n"


def write(path, size):
    """A text of so many bytes, to the end of a line."""
    text = source()
    with open(path, "wb") as file:
        while file.tell() + len(text) < size:
            file.write(text)
        rest = text[: size - file.tell()]
        file.write(rest[: rest.rfind(b"\n") + 1])


def memory(name="VmHWM"):
    """MB: the most so far, or (`RssAnon`) what the process has of its own now, maps of files left out."""
    with open("/proc/self/status", encoding="ascii") as file:
        values = dict(line.split(":", 1) for line in file)
    return int(values[name].split()[0]) * 1024 / 1e6


def measure(path, characters):
    """One row, in this process."""
    from elmo.text.corpus import Corpus
    from elmo.text.encoded_corpus import encode_corpus
    from elmo.text.encoding import SentenceEncoder
    from elmo.text.vocabulary import Vocabulary
    from elmo.training.batches.batches import Batches, Sampling, Tokens

    before = memory("RssAnon")
    begin = time.perf_counter()
    corpus = Corpus(path)
    vocabulary = Vocabulary.from_corpus(corpus, max_size=33_278)
    counted = time.perf_counter()
    encoded = encode_corpus(SentenceEncoder(vocabulary, 50 if characters else None), corpus)
    done = time.perf_counter()
    batches = Batches(
        Tokens(encoded),
        mode="stream",
        batch_size=32,
        window=35,
        directions=("forward", "backward"),
        vocabulary_size=len(vocabulary),
        sampling=Sampling(1000, vocabulary.ranks()),
        tied=not characters,
        order="shuffled",
        widest_filter=7 if characters else None,
    )
    laid_out = time.perf_counter()
    numbers = np.random.default_rng(0).integers(0, len(batches), BATCHES)
    for number in numbers:
        batches.batch(int(number))
    made = time.perf_counter()
    return {
        "bytes": os.path.getsize(path),
        "tokens": encoded.n_tokens,
        "sentences": encoded.n_sentences,
        "counting_us_a_token": 1e6 * (counted - begin) / encoded.n_tokens,
        "encoding_us_a_token": 1e6 * (done - counted) / encoded.n_tokens,
        "order_us_a_token": 1e6 * (laid_out - done) / encoded.n_tokens,
        "batches_us_a_token": 1e6 * (made - laid_out) / (BATCHES * 32 * 35),
        "peak_mb": memory(),
        "added_mb": memory("RssAnon") - before,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, nargs="+", default=[1, 10, 100, 1000])
    parser.add_argument("--characters", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--file", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.file:
        print(json.dumps(measure(options.file, options.characters)))
        return
    from benchmarks.tools.arithmetic import machine

    rows = []
    for size in options.megabytes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "text.txt"
            write(path, int(size * 1e6))
            command = [sys.executable, "-m", "benchmarks.text_scaling", "--file", str(path)]
            if options.characters:
                command.append("--characters")
            done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])
        rows.append(json.loads(done.stdout))
        if not options.json:
            if len(rows) == 1:
                print("  ".join(f"{name:>20}" for name in rows[0]))
            print("  ".join(f"{value:20,.3f}" for value in rows[-1].values()), flush=True)
    if options.json:
        print(json.dumps({"rows": rows, "machine": machine()}))


if __name__ == "__main__":
    main()
