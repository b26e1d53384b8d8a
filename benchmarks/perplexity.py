"""Perplexity of a recipe on WikiText-2 in the standard protocol, and the hours that it took.

    ELMO_DATA=… python -m benchmarks.perplexity --recipe elmo-keras [--epochs N] [--max-hours H]
        [--output FOLDER] [--json]

The protocol: 33,278 types counted on the training part with case kept, `<unk>` a word among them, a blank
line a sentence of its own, every sentence's end counted once (`<eos>`); a contiguous stream; the exact
softmax over every token. Training stops after `--max-hours` (what is kept is the best model by validation
till then); a run that was stopped goes on where its folder is given again.
"""

import argparse
import json
import time
from pathlib import Path

import elmo  # isort: skip

from benchmarks.tools.arithmetic import machine
from elmo.text import datasets
from elmo.training.report import read_metrics


def stop_after(hours):
    """A Keras callback that ends a training as Ctrl-C does, with a checkpoint, after so many hours."""
    import os
    import signal

    import keras

    began = time.monotonic()

    class Stop(keras.callbacks.Callback):
        asked = False

        def on_train_batch_end(self, batch, logs=None):
            if not self.asked and time.monotonic() - began > 3600 * hours:
                self.asked = True
                os.kill(os.getpid(), signal.SIGINT)

    return Stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--recipe", default="elmo-keras", help="its name, or a TOML file")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--max-hours", type=float, help="of training, all runs together")
    parser.add_argument("--output", default="wikitext-2-run")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="others")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    from elmo.cli.options import TomlValue

    parts = {name: datasets.path("wikitext-2", name) for name in ("train", "valid", "test")}
    output = Path(options.output)
    metrics = output / "run" / "metrics.csv"
    settings = dict(TomlValue().convert(text, None, None) for text in options.others)
    if options.epochs is not None:
        settings["epochs"] = options.epochs
    resume = (output / "run" / "settings.json").is_file()
    spent = read_metrics(metrics)[-1]["seconds"] / 3600 if metrics.is_file() else 0.0
    callbacks = []
    if options.max_hours is not None:
        callbacks.append(stop_after(max(0.0, options.max_hours - spent)))
    try:
        elmo.train(
            parts["train"],
            valid=parts["valid"],
            output=output,
            config=None if resume else options.recipe,  # a run that goes on has its own settings
            resume=resume,
            blank_lines="keep",
            progress=not options.json,
            callbacks=callbacks,
            **settings,
        )
    except KeyboardInterrupt:
        if options.max_hours is None or not (output / "options.json").is_file():
            raise
    model = elmo.load(output)
    rows = read_metrics(metrics)
    best = min(rows, key=lambda row: row["valid_both"])
    result = {
        "recipe": options.recipe,
        "types": len(model.vocabulary),
        "parameters": int(model.network.count_params()),
        "epochs": rows[-1]["epoch"],
        "best_epoch": best["epoch"],
        "hours": rows[-1]["seconds"] / 3600,
        "hours_to_the_best": best["seconds"] / 3600,
        "settings": settings,
        "machine": machine(),
    }
    for part in ("valid", "test"):
        found = model.evaluate(parts[part], blank_lines="keep", state="carry")
        result[part] = {k: v for k, v in found.to_dict().items() if k != "files"}
    if options.json:
        print(json.dumps(result))
        return
    print(f"{'':8}{'forward':>10}{'backward':>10}{'both':>10}{'tokens':>10}{'unknown':>10}")
    for part in ("valid", "test"):
        row = result[part]
        numbers = "".join(f"{row[name]:10.2f}" for name in ("forward", "backward", "both"))
        print(f"{part:8}{numbers}{row['tokens']:10,}{row['unknown_share']:10.2%}")
    print(
        f"{result['types']:,} types, {result['parameters']:,} parameters; {result['epochs']:.3g} epochs "
        f"in {result['hours']:.2f} hours, the best after {result['best_epoch']:.3g}"
    )


if __name__ == "__main__":
    main()
