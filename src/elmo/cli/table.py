"""The table of commands: for each its name, its function, its options, an example."""

from __future__ import annotations

import importlib
import json
import math
import sys
from collections.abc import Callable, Mapping
from typing import Any

import click

from elmo.cli import options as o
from elmo.formats.progress import silent


class Command(click.Command):
    """A command that parses, calls a function of the same name and shows what it returns.

    Args:
        name: of the command.
        summary: the line in the list of commands.
        example: shown below the options.
        params: click's options and arguments, named as the function's arguments.
        home: the module of the function; loaded when the command runs.
        details: more lines for its own help.
        tells: the function prints while it runs, to its argument `file`.
    """

    def __init__(
        self,
        name: str,
        summary: str,
        example: str,
        params: list[click.Parameter],
        *,
        home: str = "elmo.cli.commands",
        details: str = "",
        tells: bool = False,
    ) -> None:
        self.home, self.function, self.tells = home, name.replace("-", "_"), tells
        super().__init__(
            name,
            callback=self._run,
            params=[*params, o.as_json()],
            help=f"{summary}\n\n{details}".rstrip(),
            short_help=summary,
            epilog="\b\nExample:\n" + "\n".join(f"  {line}" for line in example.splitlines()),
            no_args_is_help=any(p.required and isinstance(p, click.Argument) for p in params),
        )

    def load(self) -> Callable[..., Mapping[str, Any]]:
        """The function behind the command."""
        return getattr(importlib.import_module(self.home), self.function)

    def _run(self, as_json: bool, **values: Any) -> None:
        if self.tells:
            values["file"] = sys.stderr if as_json else sys.stdout
        with silent(as_json or values.get("progress") is False):
            result = self.load()(**values)
        if as_json:
            click.echo(json.dumps(_finite(result), allow_nan=False))
            return
        show = getattr(importlib.import_module("elmo.cli.show"), self.function)
        if text := show(result):
            click.echo(text)


def _finite(value: Any) -> Any:
    """With null for what JSON has no number for."""
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


COMMANDS: dict[str, Command] = {
    command.name: command
    for command in (
        Command(
            "demo",
            "Train, evaluate and try a small ELMo in about two minutes.",
            "elmo demo\nelmo demo -o somewhere/else --seed 7",
            [
                o.output("elmo-demo", "Folder for the model and its learning curve."),
                o.overwrite(),
                o.seed(0),
                o.quiet(),
            ],
            home="elmo.uses.demo",
            tells=True,
            details="The text is the documentation of the Python that runs this; nothing is "
            "downloaded.",
        ),
        Command(
            "vocab",
            "Count a text and write its vocabulary.",
            "elmo vocab 'corpus/*.txt.gz' -o vocab.txt --min-count 2",
            [
                o.corpus(),
                o.output(None, "The vocabulary file; its counts are written beside it."),
                click.Option(["--min-count"], type=int, default=1, help="Leave rarer words out."),
                click.Option(
                    ["--max-size"], type=int, help="The most types, three special ones included."
                ),
                click.Option(["--unk-token"], help="A word of the text for unknown ones."),
                click.Option(
                    ["--layout"],
                    type=click.Choice(["published", "token_id"]),
                    default="published",
                    help="One token a line, or a token and its id.",
                ),
                o.overwrite(),
                o.lowercase(),
                *o.reading(blank_lines=None),
            ],
        ),
        Command(
            "train",
            "Train an ELMo on text and save it.",
            "elmo train 'corpus/*.txt.gz' --valid valid.txt -o my-elmo --epochs 5\n"
            "elmo train 'corpus/*.txt.gz' --valid valid.txt -o my-elmo --resume\n"
            "elmo train new.txt --valid new-valid.txt --from my-elmo -o my-new-elmo\n"
            "elmo train --print-config --config published > my-settings.toml",
            [
                o.corpus(),
                click.Option(
                    ["--valid"],
                    multiple=True,
                    metavar="FILE",
                    help="Text for validation after each epoch; may be given again.",
                ),
                click.Option(
                    ["--test"],
                    multiple=True,
                    metavar="FILE",
                    help="Text that is evaluated beside it and chooses nothing.",
                ),
                o.output(None, "Folder for the model; the run's files go to run/ in it."),
                o.config(),
                click.Option(
                    ["--from", "start_from"],
                    metavar="MODEL",
                    help="Train this model further, ours or a published one.",
                ),
                click.Option(
                    ["--keep-vocabulary"],
                    is_flag=True,
                    help="With --from: add no words to those that the model knows.",
                ),
                o.print_config(),
                click.Option(["--resume"], is_flag=True, help="Go on with the run in the folder."),
                o.overwrite("Begin anew where the folder holds a model or a run."),
                click.Option(
                    ["--tensorboard"],
                    is_flag=False,
                    flag_value="",
                    metavar="[DIR]",
                    help="Write events for TensorBoard; without DIR to run/tensorboard in the folder.",
                ),
                click.Option(
                    ["--wandb"], metavar="PROJECT", help="Log to this project of Weights & Biases."
                ),
                o.quiet(),
                *o.settings(),
                *o.reading(),
            ],
            details="Settings come from --config, then --set, then options of their own. Without "
            "--config, --dim and --projection-dim a size is chosen that fits the text, and said. "
            "Every setting can be given by --set; --print-config prints them all, and with a CORPUS "
            "those that are chosen for it.",
        ),
        Command(
            "plot",
            "Draw learning curves of runs side by side.",
            "elmo plot my-elmo my-other-elmo -o curves.png",
            [
                click.Argument(["runs"], nargs=-1, required=True, metavar="RUN..."),
                o.output(None, "The picture: .png, .svg or .pdf."),
                click.Option(
                    ["--column"],
                    default="valid_both",
                    help="What of metrics.csv is drawn.",
                ),
                o.overwrite("Replace the file if there is one."),
            ],
            home="elmo.uses.plot",
        ),
        Command(
            "evaluate",
            "Exact perplexity of texts, both directions.",
            "elmo evaluate my-elmo test.txt --json",
            [
                o.model(),
                o.corpus("files"),
                o.known_vocabulary(),
                click.Option(
                    ["--state"],
                    type=click.Choice(["reset", "carry"]),
                    help="Each sentence from zero state, or one stream; by default as trained.",
                ),
                *o.reading(),
            ],
        ),
        Command(
            "embed",
            "Write the vectors of a text to a file.",
            "elmo embed my-elmo sentences.txt -o vectors.hdf5 --layers average\n"
            "elmo embed my-elmo corpus.txt.gz -o vectors.parquet --jobs 4\n"
            "elmo embed my-elmo corpus.txt.gz -o vectors.parquet --jobs 4 --resume\n"
            "elmo embed my-elmo corpus.txt.gz -o bank.npy --only bank,banks --dtype int8",
            [
                o.model(),
                click.Argument(["source"], metavar="INPUT"),
                o.output(
                    None,
                    "The file, .hdf5, .npz or .safetensors, or the folder, .parquet or .npy.",
                ),
                o.known_vocabulary(),
                click.Option(
                    ["--format"],
                    type=click.Choice(["hdf5", "npz", "parquet", "npy", "safetensors"]),
                    help="What it is, where its name does not say so.",
                ),
                click.Option(
                    ["--layers"],
                    type=click.Choice(["all", "top", "average", "sum", "token"]),
                    default="all",
                    help="Which vectors of a token; the sum of all is SeqVec's.",
                ),
                click.Option(
                    ["--pool"], type=click.Choice(["mean"]), help="One vector a sentence."
                ),
                click.Option(
                    ["--state"],
                    type=click.Choice(["reset", "carry"]),
                    default="reset",
                    help="Each sentence from zero state, or carried on as in the published code.",
                ),
                click.Option(["--batch-size"], type=click.IntRange(1), help="Sentences a batch."),
                click.Option(
                    ["--layout"],
                    type=click.Choice(["allennlp", "bilm-tf", "manylangs"]),
                    default="allennlp",
                    help="Whose keys an .hdf5 file has.",
                ),
                click.Option(
                    ["--dtype"],
                    type=click.Choice(["float32", "float16", "int8"]),
                    help="Of the numbers; int8 with a scale for each vector (.parquet, .npy, "
                    ".safetensors).  [default: float32 in .hdf5 and .npz, else float16]",
                ),
                click.Option(
                    ["--only"],
                    metavar="WORDS",
                    help="Vectors of these words alone, with sentence and position: a file, one a "
                    "line, or a list with commas.",
                ),
                click.Option(
                    ["--fasta"],
                    is_flag=True,
                    help="Amino-acid sequences: a residue is a token, a name is a key.",
                ),
                click.Option(
                    ["--residues"],
                    type=click.Choice(["keep", "x", "all"]),
                    default="keep",
                    help="Of --fasta: read B, J, O, U and Z as they are, or as X; with all a * is "
                    "a residue too, as in SeqVec.",
                ),
                click.Option(
                    ["--split-char"],
                    metavar="C",
                    help="Of --fasta: what parts the fields of a header; without it the name ends "
                    "at the first space.",
                ),
                click.Option(
                    ["--id", "id_field"],
                    type=click.IntRange(-1),
                    default=0,
                    metavar="N",
                    help="Of --fasta: which field of a header is the name, from 0; -1 for the whole.",
                ),
                click.Option(
                    ["--token-cache"], metavar="FILE", help="Vectors of words, by cache-tokens."
                ),
                click.Option(
                    ["--precision"],
                    type=click.Choice(["float32", "bfloat16", "int8"]),
                    default="float32",
                    help="Of the computation; the lower ones are faster (extra: torch).",
                ),
                click.Option(
                    ["--engine"],
                    type=click.Choice(["keras", "torch"]),
                    help="What computes: Keras's backend, or PyTorch on the processor (extra: torch).  "
                    "[default: the faster one]",
                ),
                o.overwrite("Replace what is there, and drop an unfinished run."),
                click.Option(["--resume"], is_flag=True, help="Go on with an unfinished run."),
                click.Option(
                    ["--jobs"],
                    type=click.IntRange(1),
                    metavar="N",
                    help="Worker processes; whatever their number, the same bytes. Without it this "
                    "process alone, with all its threads.",
                ),
                click.Option(
                    ["--threads"],
                    type=click.IntRange(1),
                    default=1,
                    help="Of each worker; another number rounds otherwise.",
                ),
                click.Option(
                    ["--part-tokens"],
                    type=click.IntRange(1),
                    default=1 << 16,
                    help="Tokens of a part, which is written whole or not at all; one file of "
                    "Parquet.",
                ),
                o.quiet(),
                *o.reading("keep"),
            ],
            details="The text is laid out in parts first, and what will be written is said and, "
            "where the disk is too small, refused. Until it is whole the output is in "
            "NAME.unfinished; killed at any moment, the same command with --resume goes on and gives "
            "the same bytes. elmo.read_vectors reads every format.",
        ),
        Command(
            "info",
            "What a model is made of.",
            "elmo info my-elmo",
            [o.model()],
        ),
        Command(
            "convert",
            "Write a model in another form.",
            "elmo convert original my-folder --to allennlp\n"
            "elmo convert my-elmo my-elmo.keras --to keras",
            [
                click.Argument(["source"], metavar="SRC"),
                click.Argument(["output"], metavar="DST"),
                click.Option(
                    ["--to"],
                    type=click.Choice(["allennlp", "keras", "safetensors"]),
                    default="allennlp",
                    help="A folder for AllenNLP, bilm-tf and simple_elmo, or a file; elmo opens each.",
                ),
                o.known_vocabulary(),
                o.overwrite(),
            ],
            home="elmo.cli.model_commands",
        ),
        Command(
            "export",
            "Write a model as a graph that runs without this package.",
            "elmo export my-elmo -o my-graph\nelmo export my-elmo -o my-graph --quantize int8",
            [
                o.model(),
                o.output(None, "Folder for the graph and what turns strings into its ids."),
                click.Option(
                    ["--format"],
                    type=click.Choice(["onnx", "savedmodel", "stablehlo"]),
                    default="onnx",
                    help="Of the graph: for ONNX Runtime, TensorFlow or jax.export.",
                ),
                click.Option(
                    ["--quantize"],
                    type=click.Choice(["int8"]),
                    help="LSTMs in 8 bits, of ONNX; says how accurate and how fast that is.",
                ),
                click.Option(
                    ["--sample"],
                    metavar="FILE",
                    help="A text to measure that on.  [default: built-in]",
                ),
                o.overwrite("Replace the export that is there."),
            ],
            home="elmo.cli.model_commands",
            details="ONNX wants the extra onnx (pip install 'elmo-keras[onnx]'), a SavedModel the extra "
            "tensorflow.",
        ),
        Command(
            "models",
            "Published models that can be loaded by name.",
            "elmo models\nelmo models greek\nelmo models --language ru --layout NLPL --json",
            [
                click.Argument(["words"], nargs=-1, metavar="[WORD]..."),
                click.Option(
                    ["--language"], metavar="CODE", help="ISO 639 code, such as de; or protein."
                ),
                click.Option(
                    ["--layout"],
                    type=click.Choice(
                        ["AllenNLP", "bilm-tf checkpoint", "ELMoForManyLangs", "NLPL"],
                        case_sensitive=False,
                    ),
                    help="Of its files.",
                ),
            ],
            home="elmo.cli.model_commands",
            details="Those that have each WORD in name or description; without any, all.",
        ),
        Command(
            "nearest",
            "The uses of a word in a text that are most like one of its uses.",
            "elmo nearest my-elmo 'corpus/*.txt.gz' bank\n"
            "elmo nearest my-elmo corpus.txt bank --sentence 'They sat on the [bank] .' -n 5",
            [
                o.model(),
                o.corpus("text"),
                click.Argument(["word"], metavar="WORD"),
                click.Option(
                    ["--sentence", "sentences"],
                    multiple=True,
                    metavar="SENTENCE",
                    help="Of your own, tokens parted by spaces, that holds the word, once or marked "
                    "as [word]; may be given again.  [default: sentences of the text]",
                ),
                click.Option(
                    ["-n", "--count"],
                    type=click.IntRange(1),
                    default=3,
                    help="Nearest uses of each.",
                ),
                click.Option(
                    ["--asked"],
                    type=click.IntRange(1),
                    default=3,
                    metavar="N",
                    help="Sentences of the text that are asked about, spread over it.",
                ),
                click.Option(
                    ["--layer"],
                    default="top",
                    metavar="LAYER",
                    help="top, average, sum, token, or a number from 0 (the token's) to the top.",
                ),
                click.Option(
                    ["--most"],
                    type=click.IntRange(2),
                    default=1000,
                    help="Uses that are compared, the first ones.",
                ),
                o.known_vocabulary(),
                *o.reading(),
            ],
            home="elmo.uses.nearest",
        ),
        Command(
            "cache-tokens",
            "Work out the vectors of words once.",
            "elmo cache-tokens original words.txt -o words.hdf5\n"
            "elmo embed original text.txt -o vectors.hdf5 --token-cache words.hdf5",
            [
                o.model(),
                click.Argument(["vocabulary"], metavar="[VOCAB]", required=False),
                o.output(None, "The file: .hdf5 as bilm-tf has it, .txt or .txt.gz as AllenNLP."),
                o.overwrite("Replace the file if there is one."),
            ],
            home="elmo.cli.model_commands",
        ),
    )
}
