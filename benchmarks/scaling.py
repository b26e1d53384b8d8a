"""Time and memory of embedding over the size of a corpus, the length of sentences and the vocabulary.

    python -m benchmarks.scaling [--size small] [--precision float32] [--engine keras|torch]
        [--sentences 1000 10000 100000] [--lengths 10 100 …] [--types 1000 10000 100000]
        [--png FILE] [--quick] [--json]

A model of a published size with random weights is saved, and each point is a process of its own that does
what `elmo embed` does: loads it and embeds a text, all layers, into memory maps in float16. Seconds are
those of `embed_file`, with everything that is compiled; the peak is that of the whole process. Words are
made up; each comes once and the rest are drawn log-uniformly, so that a text has just the types it says.

| panel | varied | fixed |
|---|---|---|
| corpus | sentences | 10 tokens each, 1,000 types |
| length | tokens of a sentence | 100,000 tokens (one sentence where it is longer), 1,000 types |
| types | distinct tokens | 200,000 tokens (or each type once), sentences of 10 |

With the published small model (about 6,000 tokens per second in float32 on two cores, 12,000 in bfloat16)
the 1,000,000 tokens of the largest corpus take some three minutes and all of it about ten; a sentence
of 100,000 tokens has a batch to itself and is much slower than so many short ones.
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

from benchmarks.embed_once import SIZES

LENGTH, TYPES = 10, 1_000  # where they are not varied
TOKENS = {"length": 100_000, "types": 200_000}
SAMPLES = 200  # of the memory of a run
TITLES = {
    "corpus": "sentences of 10 tokens",
    "length": "tokens of a sentence",
    "types": "distinct tokens",
}


def words(number):
    """Made-up words, all different, of 4 to 12 letters."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    for i in range(number):
        prefix = "".join(letters[i // 26**k % 26] for k in range(4))
        yield prefix + letters[i % 17 : i % 17 + i % 9]


def write_text(path, sentences, length, types):
    """Sentences of one length in which every type comes."""
    rng = np.random.default_rng(0)
    known = np.array(list(words(types)), object)
    ranks = (types ** rng.random(sentences * length)).astype(int) - 1
    ranks[:types] = np.arange(types)
    rng.shuffle(ranks)
    with open(path, "w", encoding="ascii") as file:
        for row in ranks.reshape(sentences, length):
            file.write(" ".join(known[row]) + "\n")


def points(options):
    """`(panel, sentences, length, types)` of every point."""
    tokens = {name: n // 50 if options.quick else n for name, n in TOKENS.items()}
    types = min(TYPES, LENGTH * min(options.sentences))
    for sentences in options.sentences:
        yield "corpus", sentences, LENGTH, types
    for length in options.lengths:
        sentences = max(1, tokens["length"] // length)
        yield "length", sentences, length, min(types, sentences * length)
    for number in options.types:
        yield "types", max(tokens["types"], number + LENGTH - 1) // LENGTH, LENGTH, number


def memory():
    """MB in memory now, and the most so far."""
    with open("/proc/self/status", encoding="ascii") as file:
        values = dict(line.split(":", 1) for line in file)
    return [int(values[name].split()[0]) * 1024 / 1e6 for name in ("VmRSS", "VmHWM")]


def measure(task):
    """One point, in this process: what the command does."""
    from elmo.system.memory import keep_freed_memory
    from elmo.system.openmp import wait_briefly

    keep_freed_memory()
    wait_briefly()
    from elmo.api import load

    model = load(task["model"])
    loaded = memory()[0]
    ready = time.time() - task["begun"]
    run, every = [], task["tokens"] / SAMPLES

    def progress(sentences, tokens):
        if not run or tokens >= run[-1][0] + every:
            run.append((tokens, round(memory()[0])))

    report = model.embed_file(
        task["text"],
        task["output"],
        precision=task["precision"],
        engine=task["engine"],
        progress=progress,
    )
    return {
        "ready_seconds": ready,
        "seconds": report.seconds,
        "tokens": report.tokens,
        "tokens_per_second": report.tokens / report.seconds,
        "bytes_written": report.bytes,
        "loaded_mb": loaded,
        "peak_mb": memory()[1],
        "memory_of_the_run": run,
    }


def in_a_process(options, folder, point):
    """A row of the table."""
    panel, sentences, length, types = point
    text, output = folder / "text.txt", folder / "vectors.npy"
    write_text(text, sentences, length, types)
    task = {"model": str(folder / options.size), "text": str(text), "output": str(output)}
    task |= {"precision": options.precision, "engine": options.engine}
    task |= {"tokens": sentences * length, "begun": time.time()}
    command = [sys.executable, "-m", "benchmarks.scaling", "--task", json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    for file in output.iterdir():
        file.unlink()
    output.rmdir()
    row = {"panel": panel, "sentences": sentences, "length": length, "types": types}
    return row | json.loads(done.stdout.splitlines()[-1])


def varied(row):
    """What a row's panel is drawn over."""
    return row[{"corpus": "sentences"}.get(row["panel"], row["panel"])]


def growth(rows):
    """Of each panel, from its first point to its last: how many times more of everything."""
    found = {}
    for panel in TITLES:
        one, other = (next(r for r in o if r["panel"] == panel) for o in (rows, rows[::-1]))
        found[panel] = {"varied": varied(other) / varied(one)}
        found[panel] |= {n: other[n] / one[n] for n in ("tokens", "seconds", "peak_mb")}
    return found


def draw(rows, output, title):
    """Two rows of panels, time above memory, and the memory over the longest run."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 9), layout="constrained")
    panels = figure.subplot_mosaic(
        [[f"{name} time" for name in TITLES], [f"{name} memory" for name in TITLES], ["run"] * 3]
    )
    shortest, longest = (choose(row["seconds"] for row in rows) for choose in (min, max))
    most = 1.15 * max(row["peak_mb"] for row in rows)
    for name, label in TITLES.items():
        of_panel = [row for row in rows if row["panel"] == name]
        x = [varied(row) for row in of_panel]
        seconds = [row["seconds"] for row in of_panel]
        upper, lower = panels[f"{name} time"], panels[f"{name} memory"]
        upper.plot(x, seconds, marker="o")
        slope = [seconds[-1] * row["tokens"] / of_panel[-1]["tokens"] for row in of_panel]
        upper.plot(x, slope, "--", color="grey", label="in proportion to the tokens")
        upper.set(yscale="log", ylabel="seconds", ylim=(shortest / 3, 3 * longest))
        upper.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        lower.plot(x, [row["peak_mb"] for row in of_panel], marker="o", label="peak")
        loaded = [row["loaded_mb"] for row in of_panel]
        lower.plot(x, loaded, "--", color="grey", label="model loaded")
        lower.set(ylim=(0, most), ylabel="MB")
        for panel in (upper, lower):
            panel.set(xscale="log", xlabel=label)
            panel.set_xticks(x, [f"{value:,}" for value in x])
            panel.set_xticks([], minor=True)
    panels["corpus time"].legend(frameon=False)
    panels["corpus memory"].legend(frameon=False, loc="lower right")
    largest = max(rows, key=lambda row: row["tokens"])
    panels["run"].plot(*zip(*largest["memory_of_the_run"], strict=True))
    panels["run"].set(xlabel=f"tokens so far, of {largest['tokens']:,}", ylabel="resident MB")
    panels["run"].set(ylim=(0, most))
    panels["run"].xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    for panel in panels.values():
        panel.grid(alpha=0.3)
    figure.suptitle(title)
    aside = output.with_name(f".{output.name}.part")
    figure.savefig(aside, dpi=130, format="png")
    os.replace(aside, output)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--engine", choices=["keras", "torch"], help="default: the faster one")
    parser.add_argument("--sentences", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--lengths", type=int, nargs="+", default=[10, 100, 1_000, 10_000, 100_000])
    parser.add_argument("--types", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--png", type=Path, metavar="FILE")
    parser.add_argument("--quick", action="store_true", help="few and small points: does it run?")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--task", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.task:
        print(json.dumps(measure(json.loads(options.task))))
        return
    if options.quick:
        options.sentences, options.lengths, options.types = [50, 500], [10, 100], [100, 1_000]

    from benchmarks.embed_speed import save
    from benchmarks.tools.arithmetic import machine

    begin = time.time()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        save(options.size, Path(folder))
        for point in points(options):
            rows.append(in_a_process(options, Path(folder), point))
            if not options.json:
                show(rows)
    found = growth(rows)
    if options.png:
        precision = options.precision
        draw(rows, options.png, f"embedding, {options.size} model, {precision}, all layers")
    if options.json:
        result = {
            "command": " ".join(["python -m benchmarks.scaling", *sys.argv[1:]]),
            "date": time.strftime("%Y-%m-%d", time.gmtime(begin)),
            "minutes": (time.time() - begin) / 60,
            **{"rows": rows, "growth": found, "machine": machine("torch")},
        }
        print(json.dumps(result))
        return
    for panel, times in found.items():
        print(
            f"{panel}: {times['varied']:,.0f} times as much ({times['tokens']:,.2f} times the tokens) "
            f"in {times['seconds']:,.2f} times the time and {times['peak_mb']:.2f} times the memory"
        )


def show(rows):
    """The last row, below a heading if it is the first."""
    if len(rows) == 1:
        names = ("sentences", "length", "types", "tokens", "seconds", "tokens/s", "loaded", "peak")
        print(f"{'':8}" + "".join(f"{name:>11}" for name in names) + "  (MB)", flush=True)
    row = rows[-1]
    counts = [row[name] for name in ("sentences", "length", "types", "tokens")]
    rest = row["seconds"], row["tokens_per_second"], row["loaded_mb"], row["peak_mb"]
    numbers = [f"{n:11,}" for n in counts] + [f"{rest[0]:11,.1f}"]
    numbers += [f"{n:11,.0f}" for n in rest[1:]]
    print(f"{row['panel']:8}" + "".join(numbers), flush=True)


if __name__ == "__main__":
    main()
