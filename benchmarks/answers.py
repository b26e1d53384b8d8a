"""Minimal pairs (BLiMP) beside the published models, and the time of scores beside evaluation.

    ELMO_DATA=… python -m benchmarks.answers MODEL [--tokens raw|spaces|wikitext] [--text FILE]
        [--output FOLDER] [--json]

The accuracy on BLiMP's 67 paradigms (Warstadt et al. 2020) stands beside those of the published n-gram
model, LSTM, Transformer-XL and GPT-2, which are in `models_summary.jsonl` beside the pairs: there a tie
counts as wrong, here it counts half. `--tokens wikitext` parts contractions as WikiText does (`isn 't`).
With `--text` the time of `elmo score` is measured in one process beside that of `elmo evaluate`.
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from pathlib import Path

import elmo  # isort: skip

from benchmarks.tools.arithmetic import machine
from elmo.text import raw

PUBLISHED = "ngram", "lstm", "txl", "gpt2"


def wikitext(sentence):
    """Tokens as WikiText has them: `isn 't`, not `is n't`."""
    tokens = raw.tokens(sentence)
    parts = []
    for token in tokens:
        if token == "n't" and parts:
            parts[-1] += "n"
            parts.append("'t")
        else:
            parts.append(token)
    return parts


def published(path):
    """Means over the paradigms of a field, and over all, of the published models."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {row["UID"].replace("/", "_"): {name: row[name] for name in PUBLISHED} for row in rows}


def blimp(model, data, tokens):
    """Accuracies by field, ours and the published ones."""
    begin = time.perf_counter()
    found = model.score_pairs(
        data / "blimp.jsonl.xz", tokens=wikitext if tokens == "wikitext" else tokens
    ).to_dict()
    seconds = time.perf_counter() - begin
    others = published(data / "models_summary.jsonl")
    fields = {}
    for name in (*found["fields"], None):
        mine = [u for u, part in found["paradigms"].items() if name in (None, part["field"])]
        fields[name or "all"] = {
            **{
                scorer: statistics.mean(found["paradigms"][u][scorer] for u in mine)
                for scorer in ("forward", "backward", "both", "unigram")
            },
            **{p: statistics.mean(others[u][p] for u in mine) for p in PUBLISHED},
            "paradigms": len(mine),
        }
    return {
        "fields": fields,
        "pairs": found["pairs"],
        "with_unknown_words": found["unknown"],
        "without_unknown_words": found["known"],
        "paradigms": {
            u: {s: part[s] for s in ("forward", "backward", "both", "unigram")} | others[u]
            for u, part in found["paradigms"].items()
        },
        "seconds": seconds,
    }


def scores_beside_evaluation(model, text, rounds=3):
    """Seconds of each, in turns after one round that compiles."""
    times = {"score": [], "evaluate": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds + 1):
            begin = time.perf_counter()
            report = model.score_file(
                text, output=Path(folder) / "scores.csv", state="reset", overwrite=True
            )
            times["score"].append(time.perf_counter() - begin)
            begin = time.perf_counter()
            evaluated = model.evaluate(text, state="reset")
            times["evaluate"].append(time.perf_counter() - begin)
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}
    return {
        "targets": evaluated.tokens,
        **medians,
        "ratio": medians["score"] / medians["evaluate"],
        "perplexity": {"score": report.perplexity, "evaluate": evaluated.forward},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--tokens", default="raw", choices=["raw", "spaces", "wikitext"])
    parser.add_argument("--text", help="measure scores beside evaluation on this file")
    parser.add_argument("--output", help="a folder for results.json")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    data = Path(os.environ["ELMO_DATA"]) / "blimp"
    model = elmo.load(options.model)
    result = {"machine": machine(), "model": repr(model)}
    result["blimp"] = blimp(model, data, options.tokens)
    if options.text:
        result["scores"] = scores_beside_evaluation(model, options.text)
    result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if options.output:
        Path(options.output).mkdir(parents=True, exist_ok=True)
        (Path(options.output) / "results.json").write_text(json.dumps(result, indent=1) + "\n")
    if options.json:
        print(json.dumps(result))
        return
    names = ("forward", "backward", "both", "unigram", *PUBLISHED)
    print(" ".join(f"{name:>17}" if not i else f"{name:>9}" for i, name in enumerate(("", *names))))
    for field, part in result["blimp"]["fields"].items():
        print(f"{field:>17} " + " ".join(f"{part[name]:9.1%}" for name in names))
    print(f"{result['blimp']['pairs']:,} pairs in {result['blimp']['seconds']:.0f} s", end="")
    print(f", {result['blimp']['with_unknown_words']:,} with unknown words", end="")
    print(f", peak {result['peak_mb']:.0f} MB")
    if options.text:
        print("scores take {ratio:.2f} times as long as evaluation".format(**result["scores"]))


if __name__ == "__main__":
    main()
