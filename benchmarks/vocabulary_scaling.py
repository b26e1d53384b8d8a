"""What a larger vocabulary costs: time of a training step and memory, with few and with many types.

    python -m benchmarks.vocabulary_scaling [--types 30000 800000] [--json]

Words, two layers of 400 cells projected to 200 in both directions, 1,000 negatives, batches of 32 rows of
35 tokens, tied weights and a softmax of its own. Each case has a process of its own, so that its memory
can be told; a case's time is the median of rounds of steps, and the cases take turns in `--repeat`
passes. The text is random by Zipf's law. Tables are the matrices of words and the softmax's bias,
slots what Adagrad keeps of them: with V types more than that should not be added.
"""

import argparse
import json
import subprocess
import sys

TABLES = ("token_encoder/embedding", "softmax/kernel", "softmax/bias")


def resident():
    """Bytes in memory now, of this process."""
    import resource

    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


def measure(options):
    """One case, in this process."""
    import elmo  # isort: skip
    import resource

    import numpy as np

    from benchmarks.tools.stepping import Stepping, batches_of
    from benchmarks.train_speed import random_text
    from elmo.settings.training import TrainingConfig

    (types,) = options.types
    config = elmo.BiLMConfig(
        lstm=elmo.LSTMConfig(dim=options.dim, projection_dim=options.projection_dim),
        vocabulary_size=types,
        weight_tying=options.case == "tied",
        dropout=elmo.DropoutConfig(input=0.1, output=0.1),
    )
    training = TrainingConfig(
        batch_size=options.batch_size, window=options.window, negatives=options.negatives
    )
    text = random_text(types, 200_000, None)
    batches = batches_of(text, config, training, np.arange(types))
    before = resident()
    stepping = Stepping(batches, config, training)
    stepping.seconds(3)
    stepping.seconds(options.steps)
    after = resident()
    # A call of `fit` has costs of its own, whatever the vocabulary: many steps in each.
    seconds = [stepping.seconds(options.steps) for _ in range(options.rounds)]
    stepping.feed.close()
    network = stepping.network
    weights = network.named_weights()
    numbers = sum(int(np.prod(weights[name].shape)) for name in TABLES if name in weights)
    return {
        "seconds": seconds,
        "tables_and_slots": 2 * 4 * numbers,
        "resident": after - before,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before,
    }


def in_a_process(options, types, case):
    """One case, in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.vocabulary_scaling", "--case", case]
    words += ["--types", str(types)]
    for name in ("dim", "projection_dim", "batch_size", "window", "negatives", "steps", "rounds"):
        words += [f"--{name.replace('_', '-')}", str(getattr(options, name))]
    ended = subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(ended.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--types", type=int, nargs="+", default=[30_000, 800_000])
    parser.add_argument("--dim", type=int, default=400)
    parser.add_argument("--projection-dim", type=int, default=200)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--window", type=int, default=35)
    parser.add_argument("--negatives", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=20, help="of one measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeat", type=int, default=2, help="passes over all cases")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--case", choices=["tied", "untied"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(options)))
        return

    from statistics import median

    from benchmarks.tools.arithmetic import machine

    found = {}
    for _ in range(options.repeat):
        for case in ("tied", "untied"):
            for types in options.types:
                result = in_a_process(options, types, case)
                found.setdefault((case, types), []).append(result)
    rows = []
    for (case, types), results in found.items():
        milliseconds = [1000 * s for result in results for s in result["seconds"]]
        row = {"case": case, "types": types, "milliseconds": median(milliseconds)}
        row["milliseconds_of_each_round"] = milliseconds
        for name in ("tables_and_slots", "resident", "peak"):
            row[name] = median(result[name] for result in results)
        first = next((r for r in rows if r["case"] == case), row)
        row["times_the_first"] = row["milliseconds"] / first["milliseconds"]
        added = row["tables_and_slots"] - first["tables_and_slots"]
        for name in ("resident", "peak"):
            row[f"added_{name}_per_added_table"] = (
                (row[name] - first[name]) / added if added else None
            )
        rows.append(row)
    if options.json:
        settings = {k: v for k, v in vars(options).items() if k not in ("json", "case")}
        print(json.dumps({"rows": rows, "settings": settings, "machine": machine()}))
        return
    print(
        f"{'':8}{'types':>9}{'ms/step':>9}{'times':>7}{'tables+slots':>14}{'resident':>10}{'peak':>8}"
    )
    for row in rows:
        sizes = [f"{row[name] / 2**20:,.0f}" for name in ("tables_and_slots", "resident", "peak")]
        print(
            f"{row['case']:8}{row['types']:9,}{row['milliseconds']:9.0f}{row['times_the_first']:7.2f}"
            f"{sizes[0]:>14}{sizes[1]:>10}{sizes[2]:>8}"
        )
    print("sizes in MiB; times: beside the first row of its kind")


if __name__ == "__main__":
    main()
