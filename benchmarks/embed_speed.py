"""Tokens per second of embedding, beside simple_elmo: the published sizes, each way in turn.

    python -m benchmarks.embed_speed [--environment FOLDER] [--sizes small original]
        [--precisions float32 bfloat16 int8] [--rounds 3] [--json]

FOLDER is a virtual environment with simple_elmo, made where it is missing; without it the table has
our rows alone. Weights are random, the same for all. Every measurement is a process of its
own, all layers, an empty word cache; the ways take turns, round by round, and medians are given. The
cosine is the least over all tokens and layers, to the vectors in float32; float32 itself is compared with
the tests' NumPy reference over three sentences. Our memory is the peak of
`elmo embed` with the saved model over the same sentences, and beside it stand the seconds that this
command takes for a single sentence from its start to its end.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.peers.with_simple_elmo import make_environment

SENTENCES = {"tiny": 20, "small": 500, "medium": 300, "original": 150}
CHILD = Path(__file__).parent / "peers" / "simple_elmo_speed.py"


def ours(size, precision, folder):
    """One process that embeds twice; the second time counts."""
    vectors = Path(folder) / f"{size}-{precision}.npy"
    command = [sys.executable, "-m", "benchmarks.embed_once", "--json", "--repeat", "1"]
    command += ["--size", size, "--precision", precision, "--vectors", str(vectors)]
    command += ["--sentences", str(SENTENCES[size])]
    command += ["--reference", "3" if precision == "float32" else "0"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def command(size, precision, folder):
    """Seconds and peak memory (MB) of `elmo embed`: of one sentence, and of all of them."""
    from benchmarks.embed_once import sentences

    text, _ = sentences(SENTENCES[size])
    results = []
    for number in (1, len(text)):
        path, output = folder / "text.txt", folder / "of-the-command.npy"
        path.write_text("\n".join(map(" ".join, text[:number])) + "\n", encoding="utf-8")
        arguments = [sys.executable, "-m", "elmo", "embed", folder / size, path, "-o", output]
        arguments += ["--layers", "all", "--precision", precision, "--overwrite"]
        begin = time.perf_counter()
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        said = process.stderr.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{arguments} failed:\n{said.decode()[-2000:]}")
        results.append((time.perf_counter() - begin, used.ru_maxrss / 1024))
    return {"seconds_of_one_sentence": results[0][0], "peak_memory_mb": results[1][1]}


def theirs(size, environment, folder):
    """The same by simple_elmo."""
    from benchmarks.embed_once import sentences

    text, _ = sentences(SENTENCES[size])
    task = {"folder": str(folder / size), "sentences": text, "batch_size": 32, "repeat": 1}
    done = subprocess.run(
        [make_environment(environment), CHILD],
        input=json.dumps(task),
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "KERAS_BACKEND")},
    )
    if done.returncode:
        raise RuntimeError(f"simple_elmo failed:\n{done.stderr[-2000:]}")
    result = json.loads(done.stdout.splitlines()[-1])
    result["tokens_per_second"] = sum(map(len, text)) / result["seconds"][0]
    return result


def save(size, folder):
    """The model of `embed_once` in the published layout; a process of its own frees its memory."""
    program = (
        "import sys; from benchmarks.embed_once import build; "
        "from elmo.bilm.weights import get_weights; from elmo.formats.contents import Pretrained; "
        "from elmo.formats.pretrained import write_folder; encoder = build(sys.argv[1]); "
        "write_folder(Pretrained(encoder.config, get_weights(encoder)), sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", program, size, str(folder / size)], check=True)


def least_cosine(folder, size, precision):
    """Over all tokens and layers."""
    one, other = (np.load(Path(folder) / f"{size}-{p}.npy") for p in ("float32", precision))
    norms = np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1)
    return float(((one * other).sum(-1) / norms).min())


def table(options, folder):
    """A row for each size and way."""
    rows = []
    for size in options.sizes:
        ways = {p: partial(ours, size, p, folder) for p in options.precisions}
        save(size, folder)
        if options.environment:
            ways["simple_elmo"] = partial(theirs, size, options.environment, folder)
        runs = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, run in ways.items():
                runs[name].append(run())
        peer = None
        if options.environment:
            peer = float(np.median([r["tokens_per_second"] for r in runs["simple_elmo"]]))
        for name, results in runs.items():
            speeds = [r["tokens_per_second"] for r in results]
            row = {
                "size": size,
                "way": name,
                "tokens_per_second": float(np.median(speeds)),
                "rounds": speeds,
                "times_simple_elmo": float(np.median(speeds)) / peer if peer else None,
            }
            if name == "simple_elmo":
                row["peak_memory_mb"] = float(np.median([r["peak_memory_mb"] for r in results]))
            else:
                row |= command(size, name, folder)
                shares = [r["recurrence_share_of_matmul"] for r in results]
                row["recurrence_share_of_matmul"] = float(np.median(shares))
                row["stage_seconds"] = results[-1]["stage_seconds"]
                if name == "float32":
                    row["difference_to_reference"] = results[-1]["largest_difference_to_reference"]
                elif "float32" in options.precisions:
                    row["least_cosine"] = least_cosine(folder, size, name)
            rows.append(row)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--environment", help="a virtual environment with simple_elmo")
    parser.add_argument("--sizes", nargs="+", default=["small", "original"], choices=SENTENCES)
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16", "int8"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = table(options, Path(folder))
    from benchmarks.tools.arithmetic import machine

    if options.json:
        print(json.dumps({"rows": rows, "machine": machine()}))
        return
    for row in rows:
        print(
            f"{row['size']:9}{row['way']:12}{row['tokens_per_second']:8,.0f} tokens/s"
            + (f"{row['times_simple_elmo']:6.2f} x" if row["times_simple_elmo"] else "")
            + f"{row['peak_memory_mb']:8,.0f} MB"
            + (
                f"  one sentence {row['seconds_of_one_sentence']:.1f} s"
                if "seconds_of_one_sentence" in row
                else ""
            )
            + (f"  cosine {row['least_cosine']:.5f}" if "least_cosine" in row else "")
            + (
                f"  off by {row['difference_to_reference']:.0e}"
                if "difference_to_reference" in row
                else ""
            )
            + (
                f"  recurrence at {row['recurrence_share_of_matmul']:.0%} of a float32 product"
                if "recurrence_share_of_matmul" in row
                else ""
            )
        )
        if "stage_seconds" in row:
            stages = (f"{name} {seconds:.2f} s" for name, seconds in row["stage_seconds"].items())
            print(f"{'':21}" + ", ".join(stages))


if __name__ == "__main__":
    main()
