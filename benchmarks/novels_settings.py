"""Short trainings on novels, each with one setting that is not the recipe's.

    ELMO_DATA=… python -m benchmarks.novels_settings [NAME …] [--steps 400] [--folder FOLDER] [--json]

Each variant makes the same number of steps on `eltec-eng`, with the recipe's schedule over these
steps, and is judged by the exact perplexity of the first 2,000 sentences of two validation novels.
Few steps favour high rates and small models: they tell what fails, not what wins after hours.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import elmo  # isort: skip

from benchmarks.tools.arithmetic import machine
from elmo.text import datasets
from elmo.text.corpus import Corpus

VARIANTS = {
    "recipe": {},
    "rate 0.002": {"learning_rate": 0.002},
    "rate 0.01": {"learning_rate": 0.01},
    "Adagrad at 0.2": {
        "optimizer": "adagrad",
        "learning_rate": 0.2,
        "loss_scale": 35.0,
        "clip_norm": 10.0,
        "schedule": "constant",
        "warmup_steps": 0,
    },
    "768 cells to 160": {"dim": 768, "projection_dim": 160},
    "384 cells to 96": {"dim": 384, "projection_dim": 96},
    "no dropout": {"dropout": 0.0},
    "dropout 0.1": {"dropout": 0.1},
    "4,000 negatives": {"negatives": 4000},
    "250 negatives": {"negatives": 250},
    "32 rows, twice the steps": {"batch_size": 32, "max_steps": 2.0},
    "128 rows, half the steps": {"batch_size": 128, "max_steps": 0.5},
    "window 20": {"window": 20, "batch_size": 112},
    "window 70": {"window": 70, "batch_size": 32},
    "more filters": {"filters": [[1, 32], [2, 64], [3, 128], [4, 128], [5, 128], [6, 64], [7, 32]]},
    "two highway layers": {"n_highway": 2},
}


def sentences(folder, count=2000):
    """The first sentences of two novels."""
    found = []
    for path in sorted(Path(folder).iterdir())[1:3]:
        for number, tokens in enumerate(Corpus(path)):
            if number == count:
                break
            found.append(list(tokens))
    return found


def measure(name, steps, folder, valid):
    settings = {**VARIANTS[name]}
    settings["max_steps"] = round(steps * settings.get("max_steps", 1.0))
    begin = time.perf_counter()
    model = elmo.train(
        datasets.path("eltec-eng", "train"),
        output=Path(folder) / name.replace(" ", "-").replace(",", ""),
        config="novels",
        overwrite=True,
        progress=False,
        **settings,
    )
    seconds = time.perf_counter() - begin
    result = model.evaluate(Corpus.from_sentences(valid), state="carry")
    return {
        "variant": name,
        "steps": settings["max_steps"],
        "forward": result.forward,
        "backward": result.backward,
        "both": result.both,
        "seconds": seconds,
        "parameters": int(model.network.count_params()),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(VARIANTS))
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--folder", help="for the models; a temporary one by default")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(VARIANTS)
    if unknown:
        parser.error(f"no such variant: {', '.join(sorted(unknown))}")
    valid = sentences(datasets.path("eltec-eng", "valid"))
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        for name in arguments.names or VARIANTS:
            rows.append(measure(name, arguments.steps, arguments.folder or temporary, valid))
            row = rows[-1]
            if not arguments.json:
                print(
                    f"| {name} | {row['steps']} | {row['both']:.1f} | {row['seconds']:.0f} s |",
                    flush=True,
                )
    if arguments.json:
        print(json.dumps({"machine": machine(), "steps": arguments.steps, "rows": rows}))


if __name__ == "__main__":
    main()
