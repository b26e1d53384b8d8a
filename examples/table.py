"""One table of all tasks: the mix of the layers beside layer 0 and the commonest class.

    python examples/table.py my-elmo [another …] [--quick] -o FOLDER

Runs `tagger.py`, `entities.py`, `periods.py --by author` and `senses.py` with each model, each in a
process of its own, and prints a table in Markdown; figures have 95 % bootstrap intervals. The folder gets
`MODEL/TASK.json` as soon as a task is done, then `table.md` and a picture of the learned weights of the
layers, both made of all results that are there. A task whose result is there is not run again; `--again`
runs it, as you want when a model has new weights under the same name.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from intervals import shown

HERE = Path(__file__).parent
# Cheap tasks first; options of the full and of the quick run.
TASKS = {
    "senses": ("word senses, accuracy", ["--uses", "400"], ["--uses", "10"]),
    "periods": (
        "author of a paragraph, accuracy",
        ["--by", "author"],
        ["--by", "author", "--paragraphs", "4"],
    ),
    "tagger": (
        "parts of speech, accuracy",
        ["--sentences", "3000", "--epochs", "15", "--each-layer"],
        ["--sentences", "60", "--epochs", "2"],
    ),
    "entities": (
        "named entities, F1",
        ["--epochs", "10"],
        ["--sentences", "64", "--epochs", "1"],
    ),
}
CAPTION = """\
Intervals of 95 %, by the bootstrap over the test part (tokens, sentences, novels, uses); the last column
is the difference from layer 0 on the same test parts. Parts of speech: one dense layer, 15 epochs over
the first 3,000 training sentences of EWT. Entities: a BiLSTM-CRF, 10 epochs over the 1,000 training
sentences of WNUT-17. Authors: logistic regression, 60 paragraphs per novel, judged without the novel.
Senses: the nearest training use by cosine, at most 400 uses of each noun in each part. The first two
learn a mix of the layers, the others take their mean."""


def run(task, model, words, vectors):
    """What an example prints."""
    keep = ["--vectors", str(vectors)] if vectors and task != "periods" else []
    command = [sys.executable, str(HERE / f"{task}.py"), str(model), *words, *keep, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ.copy())
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        sys.exit(f"{' '.join(command)}: {last[0]}")
    return json.loads(done.stdout)


def figures(task, found):
    """Of all layers, of layer 0, of the commonest class, and the difference that context makes."""
    if task == "tagger":
        names = "accuracy", "accuracy_layer_0", "accuracy_commonest_tag", "over_layer_0"
        return [found[name] for name in names]
    if task == "entities":
        nothing = dict.fromkeys(("value", "low", "high"), found["f1_commonest_tag"])
        return [found["f1"], found["f1_layer_0"], nothing, found["over_layer_0"]]
    of = found["accuracy"]
    if task == "senses":
        names = "mean of the layers", "layer 0", "commonest sense"
        return [*(of[name] for name in names), found["over layer 0"]]
    names = "all layers, their mean", "layer 0 alone", "the commonest author"
    return [*(of[name] for name in names), found["over"]["layer 0 alone"]]


def table(results):
    """The table in Markdown; the results are keyed by task and model."""
    lines = [
        "| task | model | all layers | layer 0 alone | commonest class | what context adds |",
        "|---|---|---|---|---|---|",
    ]
    for (task, model), found in results.items():
        cells = [shown(figure) for figure in figures(task, found)]
        lines.append(f"| {TASKS[task][0]} | {model} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(mixes, path):
    """Bars of the shares of the layers in each task that learns a mix."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(1.8 + 1.6 * len(mixes), 3.4), layout="constrained")
    bottom = [0.0] * len(mixes)
    for layer in range(max(map(len, mixes.values()))):
        shares = [mix[layer] if layer < len(mix) else 0.0 for mix in mixes.values()]
        axes.bar(list(mixes), shares, bottom=bottom, label=f"layer {layer}", width=0.6)
        bottom = [a + b for a, b in zip(bottom, shares, strict=True)]
    axes.set_ylabel("share in the learned mix")
    axes.set_ylim(0, 1)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def collect(folder):
    """The results that a folder has, in the order of the tasks."""
    found = {}
    for task in TASKS:
        for path in sorted(folder.glob(f"*/{task}.json")):
            found[task, path.parent.name] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write(folder, results):
    """The table and, where a mix was learned, its picture."""
    text = table(results)
    if not any("quick" in found for found in results.values()):
        text = f"{text}\n\n{CAPTION}"
    (folder / "table.md").write_text(text + "\n", encoding="utf-8")
    mixes = {
        f"{TASKS[task][0].partition(',')[0]}\n{model}": found["mix"]
        for (task, model), found in results.items()
        if found.get("mix")
    }
    if mixes:
        draw(mixes, folder / "layers.png")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", metavar="MODEL", help="folders or names of models")
    parser.add_argument("--quick", action="store_true", help="few sentences, to see that it runs")
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--again", action="store_true", help="run also what has a result")
    parser.add_argument("--vectors", help="a folder that keeps the vectors for other runs")
    parser.add_argument("-o", "--output", required=True, help="a folder for results and table")
    options = parser.parse_args()
    folder = Path(options.output)
    for task in (name for name in TASKS if name in options.tasks):
        for model in options.models:
            path = folder / Path(model).name / f"{task}.json"
            if path.is_file() and not options.again:
                continue
            found = run(task, model, TASKS[task][1 + options.quick], options.vectors)
            if options.quick:
                found["quick"] = True
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            write(folder, collect(folder))
    results = collect(folder)
    write(folder, results)
    print(table(results))


if __name__ == "__main__":
    main()
