"""Speed of a training step: tokens and operations per second, beside the machine's matrix rate.

    python -m benchmarks.train_speed [--characters] [--untied] [--text random] [--json]

The default is the setting at which other implementations were measured: words, two layers of 400 cells
projected to 200 in both directions, 1,000 negatives, batches of 32 rows of 35 tokens, 33,278 types. The
text is WikiText-2's training part where `ELMO_DATA` has it, its lines (paragraphs) shuffled as in a
training: the two directions of a batch read 930 distinct types, each of which the character CNN reads
once. With `--text random` types are drawn by Zipf's law, 1,006 of them. The matrix rate is taken in
the same process, in the precision of the products. The original size on a GPU:

    python -m benchmarks.train_speed --characters --dim 4096 --projection-dim 512 --negatives 8192 \\
      --vocabulary-size 800000 --batch-size 384 --window 20 --precision mixed_bfloat16 --text random
"""

import argparse
import json
import os

import elmo  # isort: skip
import numpy as np

from benchmarks.tools.arithmetic import (
    character_flops,
    machine,
    matmul_rate,
    recurrence_flops,
    softmax_flops,
)
from benchmarks.tools.stepping import Stepping, batches_of
from elmo.settings.training import TrainingConfig
from elmo.system.memory import keep_freed_memory
from elmo.text import datasets
from elmo.text.encoded_corpus import EncodedCorpus, encode_corpus
from elmo.text.encoding import EncodingReport, SentenceEncoder


def random_text(vocabulary_size, tokens, characters, seed=0):
    """An encoded text of sentences of 25 tokens, its types drawn by Zipf's law."""
    generator = np.random.default_rng(seed)
    law = 1.0 / np.arange(10, vocabulary_size + 7)
    ids = generator.choice(vocabulary_size - 3, size=tokens, p=law / law.sum()) + 3
    spelling = None
    if characters:
        # Six letters on average between the begin and the end of a word, then padding.
        spelling = np.full((vocabulary_size, characters), 261, np.int16)
        lengths = np.clip(generator.poisson(6, vocabulary_size), 1, characters - 2)
        letters = generator.integers(98, 124, spelling.shape)
        for row, length, drawn in zip(spelling, lengths, letters, strict=True):
            row[: length + 2] = [259, *drawn[:length], 260]
        spelling[0] = 0
    return EncodedCorpus(
        ids=(ids + 1).astype(np.int32),
        types=ids.astype(np.int32) if characters else None,
        type_bytes=spelling,
        offsets=np.arange(0, tokens + 1, 25),
        bos=1,
        eos=2,
        report=EncodingReport(),
    )


def text_of(options):
    """The encoded text, and each type's frequency rank."""
    characters = 50 if options.characters else None
    if options.text == "random":
        text = random_text(options.vocabulary_size, 200_000, characters)
        return text, np.arange(options.vocabulary_size)
    corpus = elmo.Corpus(datasets.path("wikitext-2", "train"))
    vocabulary = elmo.Vocabulary.from_corpus(corpus, max_size=options.vocabulary_size)
    options.vocabulary_size = len(vocabulary)
    return encode_corpus(SentenceEncoder(vocabulary, characters), corpus), vocabulary.ranks()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--text",
        choices=["wikitext-2", "random"],
        default="wikitext-2" if os.environ.get("ELMO_DATA") else "random",
    )
    parser.add_argument("--characters", action="store_true", help="the published character CNN")
    parser.add_argument("--untied", action="store_true", help="a softmax of its own")
    parser.add_argument("--vocabulary-size", type=int, default=33_278)
    parser.add_argument("--dim", type=int, default=400)
    parser.add_argument("--projection-dim", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--steps-per-execution", type=int, default=1)
    parser.add_argument("--window", type=int, default=35)
    parser.add_argument("--negatives", type=int, default=1000)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--steps", type=int, default=20, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", default="float32", choices=["float32", "mixed_bfloat16"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    keep_freed_memory()  # as `elmo train` does

    text, ranks = text_of(options)
    config = elmo.BiLMConfig(
        lstm=elmo.LSTMConfig(dim=options.dim, projection_dim=options.projection_dim),
        char_cnn=elmo.CharCNNConfig() if options.characters else None,
        vocabulary_size=options.vocabulary_size,
        weight_tying=not (options.untied or options.characters),
        dropout=elmo.DropoutConfig(input=options.dropout, output=options.dropout),
    )
    training = TrainingConfig(
        batch_size=options.batch_size,
        accumulate=options.accumulate,
        steps_per_execution=options.steps_per_execution,
        window=options.window,
        negatives=options.negatives,
        precision=options.precision,
    )
    batches = batches_of(text, config, training, ranks, order="shuffled")
    stepping = Stepping(batches, config, training)
    stepping.seconds(3)
    stepping.seconds(options.steps)
    dtype = options.precision.removeprefix("mixed_")
    rates = [matmul_rate(dtype=dtype)]
    waited = stepping.step.waiting
    seconds = [stepping.seconds(options.steps) for _ in range(options.rounds)]
    waited = (stepping.step.waiting - waited) / (sum(seconds) * options.steps)
    rates.append(matmul_rate(dtype=dtype))
    stepping.feed.close()

    tokens = options.batch_size * options.window
    distinct = np.mean([len(np.unique(batches.batch(k)["inputs"])) for k in range(20)])
    flops = recurrence_flops(config) + softmax_flops(config, options.negatives + 1)
    flops *= 3 * tokens
    if options.characters:
        flops += 3 * distinct * character_flops(config)
    median = float(np.median(seconds))
    result = {
        "tokens_per_second": tokens / median,
        "tokens_per_second_of_each_round": [tokens / s for s in seconds],
        "gflops": flops / median / 1e9,
        "matmul_gflops": float(np.mean(rates)),
        "share_of_matmul_rate": flops / median / 1e9 / float(np.mean(rates)),
        "waiting_share": waited,
        "distinct_tokens_of_a_batch": float(distinct),
        "settings": {k: v for k, v in vars(options).items() if k != "json"},
        "machine": machine(),
    }
    if options.json:
        print(json.dumps(result))
        return
    print(f"{result['tokens_per_second']:,.0f} tokens/s (both directions of each token)")
    print(
        f"{result['gflops']:.0f} of {result['matmul_gflops']:.0f} GFLOP/s of a matrix product: ",
        end="",
    )
    print(f"{result['share_of_matmul_rate']:.0%}; waiting for data {waited:.1%}")


if __name__ == "__main__":
    main()
