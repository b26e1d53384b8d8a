"""One table of all tasks: the mix of the layers beside layer 0 and the commonest class.

    python examples/table.py my-elmo [another …] [--quick] [-o FOLDER]

Runs `tagger.py`, `entities.py`, `periods.py --by author` and `senses.py` with each model, each in a
process of its own, and prints a table in Markdown; figures have 95 % bootstrap intervals. With `-o`
the folder gets the table, what every script printed, and a picture of the learned weights of the layers.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

from intervals import shown

HERE = Path(__file__).parent
TASKS = {
    "parts of speech, accuracy": ("tagger", [], ["--sentences", "60", "--epochs", "2"]),
    "named entities, F1": ("entities", [], ["--sentences", "64", "--epochs", "1"]),
    "author of a paragraph, accuracy": ("periods", ["--by", "author"], ["--paragraphs", "2"]),
    "word senses, accuracy": ("senses", [], ["--uses", "10"]),
}


def run(script, model, words):
    """What an example prints."""
    command = [sys.executable, str(HERE / f"{script}.py"), str(model), *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ.copy())
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1]}")
    return json.loads(done.stdout)


def figures(script, found):
    """Of all layers, of layer 0, of the commonest class, and the difference that context makes."""
    if script == "tagger":
        names = "accuracy", "accuracy_layer_0", "accuracy_commonest_tag", "over_layer_0"
        return [found[name] for name in names]
    if script == "entities":
        nothing = dict.fromkeys(("value", "low", "high"), found["f1_commonest_tag"])
        return [found["f1"], found["f1_layer_0"], nothing, found["over_layer_0"]]
    if script == "senses":
        of = found["accuracy"]
        return [
            of["mean of the layers"],
            of["layer 0"],
            of["commonest sense"],
            found["over layer 0"],
        ]
    of = found["accuracy"]
    first, layer, _, commonest = of.values()
    return [first, layer, commonest, found["over"]["layer 0 alone"]]


def table(results):
    """The table in Markdown."""
    lines = [
        "| task | model | all layers | layer 0 alone | commonest class | what context adds |",
        "|---|---|---|---|---|---|",
    ]
    for (task, model), (script, found) in results.items():
        cells = [shown(figure) for figure in figures(script, found)]
        lines.append(f"| {task} | {model} | {' | '.join(cells)} |")
    return "\n".join(lines)


def draw(results, path):
    """Bars of the shares of the layers in each task that learns a mix."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    mixes = {
        f"{task.partition(',')[0]}\n{model}": found["mix"]
        for (task, model), (_, found) in results.items()
        if found.get("mix")
    }
    figure, axes = pyplot.subplots(figsize=(1.8 + 1.6 * len(mixes), 3.4), layout="constrained")
    bottom = [0.0] * len(mixes)
    for layer in range(max(map(len, mixes.values()))):
        shares = [mix[layer] if layer < len(mix) else 0.0 for mix in mixes.values()]
        axes.bar(list(mixes), shares, bottom=bottom, label=f"layer {layer}", width=0.6)
        bottom = [a + b for a, b in zip(bottom, shares, strict=True)]
    axes.set_ylabel("share in the learned mix")
    axes.set_ylim(0, 1)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    figure.savefig(path, dpi=150)
    pyplot.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="+", metavar="MODEL", help="folders or names of models")
    parser.add_argument("--quick", action="store_true", help="few sentences, to see that it runs")
    parser.add_argument("--tasks", nargs="+", choices=[name for name, _, _ in TASKS.values()])
    parser.add_argument("-o", "--output", help="a folder for the table, the figures, the picture")
    options = parser.parse_args()
    results = {}
    for task, (script, words, few) in TASKS.items():
        if options.tasks and script not in options.tasks:
            continue
        for model in options.models:
            said = [*words, *(few if options.quick else [])]
            results[task, Path(model).name] = script, run(script, model, said)
    text = table(results)
    print(text)
    if options.output:
        folder = Path(options.output)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "table.md").write_text(text + "\n", encoding="utf-8")
        plain = {f"{task}: {model}": found for (task, model), (_, found) in results.items()}
        (folder / "results.json").write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
        if any(found.get("mix") for found in plain.values()):
            draw(results, folder / "layers.png")


if __name__ == "__main__":
    main()
