"""`elmo train`: from text to a saved model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

from elmo.cli import options as o
from elmo.cli.command import Command, Option, Result, options_of
from elmo.cli.paths import listed

READING = tuple(o.ReadingLines.__annotations__)


def train(
    corpus: o.Corpus,
    output: Annotated[
        str | os.PathLike[str] | None,
        o.output("Folder for the model; the run's files go to run/ in it."),
    ],
    *,
    valid: Annotated[
        o.Paths,
        Option(
            "Text for validation after each epoch; may be given again.", metavar="FILE", many=True
        ),
    ] = (),
    test: Annotated[
        o.Paths,
        Option("Text that is evaluated beside it and chooses nothing.", metavar="FILE", many=True),
    ] = (),
    config: Annotated[
        str | os.PathLike[str] | None,
        Option(f"A TOML file of settings, or a recipe: {o.recipes()}.", metavar="FILE"),
    ] = None,
    start_from: Annotated[
        str | os.PathLike[str] | None,
        Option("Train this model further, ours or a published one.", ("--from",), metavar="MODEL"),
    ] = None,
    keep_vocabulary: Annotated[
        bool, Option("With --from: add no words to those that the model knows.")
    ] = False,
    print_config: Annotated[
        bool,
        Option(
            "Print all settings, with what they mean, as a file for --config, and train nothing."
        ),
    ] = False,
    resume: Annotated[bool, Option("Resume the run in the folder.")] = False,
    overwrite: Annotated[
        bool, Option("Begin anew where the folder holds a model or a run.")
    ] = False,
    tensorboard: Annotated[
        str | os.PathLike[str] | None,
        Option(
            "Write events for TensorBoard; without DIR to run/tensorboard in the folder.",
            metavar="[DIR]",
            value="",
        ),
    ] = None,
    wandb: Annotated[
        str | None, Option("Log to this project of Weights & Biases.", metavar="PROJECT")
    ] = None,
    devices: Annotated[
        int | None,
        Option(
            "Devices of this machine that share the rows of each batch.  [default: one]",
            metavar="N",
            least=1,
        ),
    ] = None,
    shard_tables: Annotated[
        bool, Option("Split word vectors and softmax over the devices, by their columns.")
    ] = False,
    progress: o.Quiet = True,
    assignments: Iterable[tuple[str, Any]] = (),
    **keywords: Any,
) -> dict[str, Any]:
    """Train an ELMo on text and save it; see `elmo.train`.

    Args:
        corpus, valid, test: paths or patterns.
        output: the folder.
        config: a TOML file of settings.
        start_from, keep_vocabulary: a model to train further, and whether to add no words to it.
        resume, overwrite, devices, shard_tables, progress: as for `elmo.train`.
        tensorboard: folder for TensorBoard's events, `""` for `run/tensorboard` in the output.
        wandb: a project of Weights & Biases.
        print_config: train nothing; see Returns. Then `output` may be None and `corpus` empty.
        assignments: pairs (name, value) of settings.
        **keywords: how texts are read, and settings by name; None for what is not set.

    Returns:
        `output`, `curve`, `metrics` (the last line of `metrics.csv`), `best` (the line that was
        kept), `parameters`, `vocabulary`; `fine_tuning`: None, or what was reached from where
        (`elmo.runs.further`). With `print_config`: `settings`, all by name, and `toml`, the same as a
        file for `config`; of a corpus and no `config` with the sizes that are chosen for it.
    """
    import json

    from elmo.config import ConfigError
    from elmo.integrations import trackers
    from elmo.runs.further import REPORT
    from elmo.runs.train import train as train_model
    from elmo.training.report import kept, read_metrics

    reading = {name: keywords.pop(name) for name in READING if name in keywords}
    chosen = {name: value for name, value in keywords.items() if value is not None}
    for name, value in assignments:
        if name in chosen:
            raise ConfigError(f"{name} is set twice: {chosen[name]!r} and {value!r}")
        chosen[name] = value
    if print_config:
        if resume or start_from is not None:
            raise ConfigError(
                "print_config: prints the settings of a new training; leave out "
                + ("resume" if resume else "from, whose model has its own")
            )
        return _settings(listed(corpus), bool(listed(valid)), config, chosen, reading)
    if output is None:
        raise ConfigError("output=None: must be the folder for the model")
    callbacks = []
    if tensorboard is not None:
        folder = tensorboard or Path(output) / "run" / "tensorboard"
        callbacks.append(trackers.tensorboard(folder))
    if wandb is not None:
        callbacks.append(trackers.wandb(wandb, name=Path(output).name, config=chosen))
    model = train_model(
        listed(corpus),
        valid=listed(valid) or None,
        test=listed(test) or None,
        output=output,
        config=config,
        start_from=start_from,
        keep_vocabulary=keep_vocabulary,
        resume=resume,
        overwrite=overwrite,
        **reading,
        progress=progress,
        callbacks=callbacks,
        devices=devices,
        shard_tables=shard_tables,
        **chosen,
    )
    run = Path(output) / "run"
    further = run / REPORT
    rows = read_metrics(run / "metrics.csv")
    best = kept(rows)
    return {
        "output": os.fspath(output),
        "curve": str(run / "curve.png"),
        "metrics": rows[-1] if rows else None,
        "best": best if best and best["valid_both"] is not None else None,
        "parameters": int(model.network.count_params()),
        "vocabulary": len(model.vocabulary or ()),
        "fine_tuning": json.loads(further.read_text("utf-8")) if further.is_file() else None,
    }


def _settings(
    corpus: Sequence[str | os.PathLike[str]],
    validated: bool,
    config: str | os.PathLike[str] | None,
    chosen: dict[str, Any],
    reading: dict[str, Any],
) -> dict[str, Any]:
    """The settings that a training would have, and the file that says them."""
    from elmo.runs.start import fitting, settings_from, vocabulary_of
    from elmo.settings.described import as_toml
    from elmo.text.sources import as_corpus

    settings = settings_from(config).merged(chosen)
    notes: list[str] = []
    if corpus and config is None:
        longest = settings.training.max_sentence_tokens
        text = as_corpus(corpus, **reading, max_sentence_tokens=longest)
        words = vocabulary_of(settings, text, None)
        settings = fitting(settings, words, validated=validated, tell=notes.append)
    elif config is None:
        notes.append(
            "Without --config `elmo train` chooses sizes that suit the text, where none is given: "
            "name a CORPUS to see them."
        )
    return {"settings": settings.resolved(), "toml": as_toml(settings, "\n".join(notes))}


def show(result: Result) -> str:
    """A model that was trained, or the settings of a training."""
    if "toml" in result:
        return str(result["toml"]).rstrip("\n")
    lines = [
        f"{result['output']}: {result['parameters']:,} parameters, {result['vocabulary']:,} types"
    ]
    if best := result["best"]:
        both = f"validation perplexity {best['valid_both']:,.2f}{_beside(best)}"
        lines.append(f"{both} after epoch {best['epoch']:.3g}")
    if further := result["fine_tuning"]:
        from elmo.runs.further import sentence

        lines.append(sentence(further))
    lines.append(f"learning curve: {result['curve']}")
    return "\n".join(lines)


def _beside(row: Result) -> str:
    from elmo.training.report import beside

    numbers = beside(row, "valid_")
    return f" ({numbers})" if numbers else ""


COMMAND = Command(
    train,
    show,
    "Train an ELMo on text and save it.",
    "elmo train 'corpus/*.txt.gz' --valid valid.txt -o my-elmo --epochs 5\n"
    "elmo train 'corpus/*.txt.gz' --valid valid.txt -o my-elmo --resume\n"
    "elmo train new.txt --valid new-valid.txt --from my-elmo -o my-new-elmo\n"
    "elmo train --print-config --config published > my-settings.toml",
    details="Settings come from --config, then --set, then options of their own. Without --config, "
    "--dim and --projection-dim, sizes are picked that suit the amount of text, and told. Every "
    "setting can be given by --set; --print-config prints them all, and with a CORPUS those that are "
    "picked for it.",
    more=lambda: [*o.settings(), *options_of(o.ReadingLines)],
)
