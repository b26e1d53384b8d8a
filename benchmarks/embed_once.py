"""How fast sentences are embedded with one model of a published size and random weights, by stages.

    python -m benchmarks.embed_once [--size tiny|small|medium|original] [--precision float32]
        [--engine keras|torch] [--sentences 500] [--repeat 3] [--layers all] [--reference 3] [--json]

`benchmarks/embed_speed.py` runs this for its table.

The sentences are the first ones of WikiText-2's test part under `ELMO_DATA`, else of the built-in
corpus. Each run embeds all of them with an empty word cache; the first one compiles and is given
apart. The machine's float32 matrix-multiplication rate is measured before and after in the same
process, on the same backend; the recurrence's share of it counts the products of real tokens (and
boundaries) alone. On a machine that others use too, wall time says little: figures by CPU time
(what all threads of this process used) stand beside it, for the product as well.
"""

import argparse
import json
import os
import resource
import time
from pathlib import Path

import numpy as np

import elmo
from elmo.bilm.encoder import BiLMEncoder
from elmo.bilm.weights import get_weights, set_weights
from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.embed.embedder import Embedder
from elmo.layers.initial_values import blank_weights
from elmo.system.memory import keep_freed_memory
from elmo.system.openmp import wait_briefly
from elmo.text.encoding import SentenceEncoder

import keras  # isort: skip

SIZES = {
    "tiny": (64, 16, 1),  # not published: to see that everything runs
    "small": (1024, 128, 1),
    "medium": (2048, 256, 1),
    "original": (4096, 512, 2),
}


def build(size):
    """An encoder of a published size; weights of a scale at which gates and clips do something."""
    dim, projection_dim, n_highway = SIZES[size]
    config = BiLMConfig(
        lstm=LSTMConfig(dim=dim, projection_dim=projection_dim),
        char_cnn=CharCNNConfig(n_highway=n_highway),
    )
    with blank_weights():
        encoder = BiLMEncoder(config)
        encoder.build()
    rng = np.random.default_rng(0)
    weights = {}
    for name, variable in encoder.named_weights().items():
        shape = tuple(variable.shape)
        scale = 0.1 if len(shape) < 2 else np.prod(shape[:-1]) ** -0.5
        weights[name] = scale * rng.standard_normal(shape, np.float32)
    set_weights(encoder, weights)
    return encoder


def sentences(number):
    """Sentences of text, and where they are from."""
    path = Path(os.environ.get("ELMO_DATA", "")) / "wikitext-2" / "wiki.test.tokens"
    if os.environ.get("ELMO_DATA") and path.exists():
        corpus, source = elmo.Corpus(path), "WikiText-2 test"
    else:
        from elmo.text.builtin import builtin_corpus

        corpus, source = builtin_corpus(), "built-in"
    chosen = []
    for tokens in corpus:
        # Paragraphs are cut after a full stop: sentences are what people embed.
        start = 0
        for i, token in enumerate(tokens, 1):
            if token == "." or i == len(tokens):
                chosen.append(tokens[start:i])
                start = i
                if len(chosen) == number:
                    return chosen, source
    return chosen, source


def clocks():
    """Wall time and the CPU time of all threads."""
    return np.array([time.perf_counter(), time.process_time()])


def matmul_rate(n=2048, rounds=5):
    """GFLOP/s of a float32 matrix product on the backend, by wall and by CPU time, the best."""
    a = keras.ops.convert_to_tensor(np.random.default_rng(0).random((n, n), np.float32))
    times = []
    for _ in range(rounds + 1):
        begin = clocks()
        keras.ops.convert_to_numpy(keras.ops.matmul(a, a)[:1])
        times.append(clocks() - begin)
    return 2 * n**3 / np.min(times[1:], axis=0) / 1e9


class Clock:
    """Seconds spent in some functions, each wrapped in place."""

    def __init__(self):
        self.seconds = {}

    def wrap(self, owner, name, stage):
        inner = getattr(owner, name)

        def timed(*arguments):
            begin = clocks()
            try:
                return inner(*arguments)
            finally:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + clocks() - begin

        setattr(owner, name, timed)


def recurrence_flops(config, positions):
    """Of the products of all layers and directions over so many positions."""
    lstm = config.lstm
    products = 2 * lstm.projection_dim * 4 * lstm.dim + lstm.dim * lstm.projection_dim
    return 2 * products * lstm.n_layers * len(config.direction_names) * positions


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--sentences", type=int, default=500)
    parser.add_argument("--layers", default="all")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--engine", choices=["keras", "torch"], help="default: the faster one")
    parser.add_argument("--vectors", help="write all vectors there, `.npy`")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument(
        "--reference",
        type=int,
        default=0,
        metavar="N",
        help="how far the vectors of N sentences are from those of the tests' NumPy reference",
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    keep_freed_memory()  # as `elmo embed` does
    wait_briefly()

    before = matmul_rate()
    begin = time.perf_counter()
    encoder = build(options.size)
    weights = get_weights(encoder) if options.reference else None
    choices = {"precision": options.precision, "engine": options.engine}
    embedder = Embedder(encoder, SentenceEncoder(characters=50), **choices)
    text, source = sentences(options.sentences)
    built = time.perf_counter() - begin
    tokens = sum(map(len, text))

    times, stages = [], []
    for _ in range(options.repeat + 1):
        embedder.word_cache.clear()
        clock = Clock()
        clock.wrap(embedder, "_encode", "ids")
        clock.wrap(embedder.engine, "token_vectors", "token encoder")
        clock.wrap(embedder, "_read", "recurrence")
        begin = clocks()
        vectors = list(embedder.embed_iter(text, layers=options.layers))
        times.append(clocks() - begin)
        clock.seconds["rest"] = times[-1] - sum(clock.seconds.values())
        stages.append(clock.seconds)
        del embedder._encode, embedder._read, embedder.engine.token_vectors
    rate = np.maximum(before, matmul_rate())
    walls = [wall for wall, _ in times]
    middle = sorted(range(1, len(times)), key=walls.__getitem__)[options.repeat // 2]
    flops = recurrence_flops(embedder.config, tokens + 2 * len(text))
    speed = flops / stages[middle].get("recurrence", np.inf) / 1e9
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if options.reference:
        from tests.reference.bilm import ReferenceBiLM

        reference = ReferenceBiLM(weights, embedder.config)
        encode = SentenceEncoder(characters=50).encode
        largest = max(
            float(np.abs(vectors[i] - reference.layers(encode(text[i]))[0][:, 1:-1]).max())
            for i in range(options.reference)
        )
    if options.vectors:
        np.save(options.vectors, np.concatenate(vectors, axis=1))
    result = {
        "size": options.size,
        "precision": options.precision,
        "engine": embedder.engine.name,
        "backend": keras.backend.backend(),
        "source": source,
        "sentences": len(text),
        "tokens": tokens,
        "tokens_per_second": tokens / walls[middle],
        "tokens_per_second_runs": [float(tokens / wall) for wall in walls[1:]],
        "tokens_per_cpu_second": tokens / times[middle][1],
        "first_run_seconds": walls[0],
        "build_seconds": built,
        "stage_seconds": {name: round(float(s[0]), 3) for name, s in stages[middle].items()},
        "stage_cpu_seconds": {name: round(float(s[1]), 3) for name, s in stages[middle].items()},
        "matmul_gflops": rate[0],
        "matmul_gflop_per_cpu_second": rate[1],
        "recurrence_gflops": speed[0],
        "recurrence_share_of_matmul": speed[0] / rate[0],
        "recurrence_share_of_matmul_by_cpu": speed[1] / rate[1],
        "largest_difference_to_reference": largest if options.reference else None,
        "peak_memory_mb": memory,
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
    }
    if options.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:28}{value}")


if __name__ == "__main__":
    main()
