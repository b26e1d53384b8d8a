"""A first look at ELMo: ask one that is here, then train a small one, measure it, and see its words."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

from elmo.cli import options as o
from elmo.cli.command import Command, Option, Result
from elmo.cli.novels import first_answers
from elmo.cli.telling import Teller

if TYPE_CHECKING:
    from elmo.api import BiLM

HELD_OUT, CURVE = "held-out.txt", "learning-curve.png"
LONGEST = 39  # tokens; longer sentences are split in training, for fewer shapes to compile

# Small enough for two processor cores, and the steps are counted, not timed: the same everywhere.
SETTINGS: dict[str, Any] = {
    "dim": 128,
    "projection_dim": 64,
    "min_count": 2,
    "dropout": 0.1,
    "optimizer": "adam",
    "learning_rate": 0.003,
    "schedule": "linear",
    "loss_scale": 1.0,
    "negatives": 512,
    "mode": "sentence",
    "batch_size": 64,
    "window": 24,
    "epochs": 3,
    "keep_checkpoints": 1,
}

# A word, and sentences of ours in which it means different things.
WORDS: dict[str, tuple[str, ...]] = {
    "set": (
        "Return a new set with the elements of both .",
        "This variable is set to the name of the file .",
        "Use this method to set the value of the option .",
    ),
    "like": (
        "It looks like a number .",
        "If you would like to change this , use a subclass .",
    ),
    "process": (
        "Wait until the child process has exited .",
        "This method is called to process the data of a request .",
    ),
    "order": (
        "The items are sorted in reverse order .",
        "This is needed in order to find the module .",
    ),
}


def demo(
    output: Annotated[
        str | os.PathLike[str], o.output("Folder for the model and its learning curve.")
    ] = "elmo-demo",
    *,
    overwrite: o.Overwrite = False,
    seed: Annotated[int, Option("The same seed gives the same result.", least=0)] = 0,
    progress: o.Quiet = True,
    file: TextIO | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Ask the model of the package, then train a small ELMo on Python's own documentation.

    Args:
        output: folder for the model, its learning curve and the held-out text.
        overwrite: replace what is there.
        seed: of the training.
        progress: as for `elmo.train`.
        file: where the story is told; None for standard output.
        **settings: of the training, in place of `SETTINGS`.

    Returns:
        `first`: what `novels-en` answered (`elmo.cli.novels.first_answers`); `output`, `curve`,
        `tokens`, `types`, `parameters`; `perplexity` with `forward`, `backward`, `both` and `unigram`
        on the held-out text, its `tokens` and `unknown_share`; `words`: for each word its sentences
        and their nearest uses; `seconds`.
    """
    began = time.monotonic()
    tell = Teller(file or sys.stdout)
    output = Path(output)
    if output.exists() and not overwrite and not (output.is_dir() and not os.listdir(output)):
        raise FileExistsError(
            f"{output}: is there; replace it (--overwrite) or name another folder (-o)"
        )

    first = first_answers(tell)

    from elmo.runs.train import train
    from elmo.text.builtin import builtin_sentences, split
    from elmo.text.corpus import Corpus
    from elmo.training.unigram import unigram_perplexity

    tell.title("2. A text: the documentation of the Python that runs this")
    training, held_out = split(builtin_sentences())
    tokens = sum(map(len, training))
    tell(
        f"{len(training):,} sentences, {tokens:,} tokens; {len(held_out):,} more sentences are "
        "held out."
    )
    tell.title("3. Training: two LSTMs learn to guess the next and the previous word")
    model = train(
        Corpus.from_sentences(training, max_sentence_tokens=LONGEST),
        valid=Corpus.from_sentences(held_out),
        output=output,
        overwrite=overwrite,
        progress=progress,
        **{**SETTINGS, "seed": seed, **settings},
    )
    held_out_file = output / "run" / HELD_OUT
    held_out_file.write_text("".join(f"{' '.join(s)}\n" for s in held_out), encoding="utf-8")

    tell.title("4. How good is it? Exact perplexity of the held-out text (lower is better)")
    result = model.evaluate(Corpus.from_sentences(held_out))
    assert model.vocabulary is not None  # counted on the text
    unigram = unigram_perplexity(model.vocabulary, held_out)
    perplexity = {
        "forward": result.forward,
        "backward": result.backward,
        "both": result.both,
        "unigram": unigram,
        "tokens": result.tokens,
        "unknown_share": result.unknown_share,
    }
    tell.table(
        ("model", "perplexity"),
        [
            ("word frequencies alone (unigram)", f"{unigram:,.1f}"),
            ("this ELMo, forward", f"{result.forward:,.1f}"),
            ("this ELMo, backward", f"{result.backward:,.1f}"),
            ("this ELMo, both", f"{result.both:,.1f}"),
        ],
    )
    tell(
        f"over {result.tokens:,} tokens, sentence ends counted; {result.unknown_share:.1%} are "
        "words that it does not know"
    )
    curve = _draw(output, unigram)

    tell.title("5. What for? One word, different sentences, different vectors")
    tell("A word list has one vector per word. Here each use has its own, and its nearest uses")
    tell("elsewhere in the text are of the same kind:")
    words = {word: _show(tell, model, word, asked, training) for word, asked in WORDS.items()}

    seconds = time.monotonic() - began
    tell.title(f"Done in {seconds:.0f} seconds")
    tell(f"model: {output}   learning curve: {curve}")
    tell("Next:")
    folder = shlex.quote(str(output))
    for command in (
        f"elmo serve {folder} --open",
        f"elmo info {folder}",
        f"elmo evaluate {folder} {shlex.quote(str(held_out_file))}",
        f"elmo embed {folder} {shlex.quote(str(held_out_file))} -o vectors.hdf5",
        "elmo train 'my/*.txt' --valid my-valid.txt -o my-elmo",
    ):
        tell.command(command)
    return {
        "first": first,
        "output": str(output),
        "curve": str(curve),
        "tokens": tokens,
        "types": len(model.vocabulary),
        "parameters": int(model.network.count_params()),
        "perplexity": perplexity,
        "words": words,
        "seconds": seconds,
    }


def _show(
    tell: Teller, model: BiLM, word: str, asked: Iterable[str], text: Sequence[Sequence[str]]
) -> list[dict[str, Any]]:
    from elmo.usages.nearest import Use, Uses

    uses = Uses(word, text, lambda sentences: model.embed(sentences, layers="top"))
    shown = []
    for sentence in asked:
        near = uses.nearest(sentence.split())
        tokens = sentence.split()
        tell.uses(Use(tokens, tokens.index(word)), near)
        found = [{"similarity": u.similarity, "sentence": " ".join(u.tokens)} for u in near]
        shown.append({"sentence": sentence, "nearest": found})
    return shown


def _draw(output: Path, unigram: float) -> Path:
    """The learning curve with the baseline, as a PNG."""
    from matplotlib.figure import Figure

    from elmo.training.drawing import linear, logarithmic, write_figure
    from elmo.training.report import read_metrics

    rows = read_metrics(output / "run" / "metrics.csv")
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    axes.axhline(unigram, color="0.5", linestyle="--", label="unigram")
    for name, style in (("forward", "o-"), ("backward", "s-")):
        points = [(r["epoch"], r[f"valid_{name}"]) for r in rows if r[f"valid_{name}"]]
        axes.plot(*zip(*points, strict=True), style, markersize=4, label=f"ELMo, {name}")
    axes.set(xlabel="epochs", ylabel="held-out perplexity (logarithmic)")
    axes.set_title("A small ELMo on Python's documentation")
    linear(axes.xaxis, whole=True)
    logarithmic(axes.yaxis)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    write_figure(figure, output / CURVE)
    return output / CURVE


def show(result: Result) -> str:
    """Nothing: the demo tells its story while it runs."""
    return ""


COMMAND = Command(
    demo,
    show,
    "Ask the model of the package, then train and try a small one, in about two minutes.",
    "elmo demo\nelmo demo -o somewhere/else --seed 7",
    details="First novels-en answers, a model of English novels. The training text is the documentation "
    "of the Python that runs this; nothing is downloaded.",
)
