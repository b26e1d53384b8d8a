"""Arguments and options that several commands share, and the parsing of their values."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import click

from elmo.cli.command import Argument, Option

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
ModelSource = str | os.PathLike[str] | tuple[str, str]

Model = Annotated[ModelSource, Argument("MODEL")]
Corpus = Annotated[Paths, Argument("CORPUS", many=True)]
Vocabulary = Annotated[
    str | os.PathLike[str] | None,
    Option("Where the model does not have it (bilm-tf).", metavar="FILE"),
]
Softmax = Annotated[
    str | os.PathLike[str] | None,
    Option(
        "A published softmax for a model without one, its types in --vocabulary; or published, to "
        "download both.",
        metavar="FILE",
    ),
]
Layer = Annotated[
    str,
    Option(
        "Whose vectors: top, average, sum, token, or a number from 0 (the token's) to the top.",
        metavar="LAYER",
    ),
]
Lowercase = Annotated[bool, Option("Lower-case the text.")]
Threads = Annotated[int, Option("Of each worker; another number rounds otherwise.", least=1)]
Overwrite = Annotated[bool, Option("Replace what is there.")]
Part = Annotated[
    str | None,
    Option(
        "The i-th of n shares: each of n processes, on one host or on several that see the same "
        "folder, runs the same command with its own share, and all end when the output is whole. "
        "Started again, any of them continues.",
        metavar="I/N",
    ),
]
Quiet = Annotated[bool, Option("Show progress.", ("--progress/--quiet",))]


def output(help: str) -> Option:
    """`-o`."""
    return Option(help, ("-o", "--output"), metavar="PATH")


class Reading(TypedDict, total=False):
    """How texts are read; see `elmo.Corpus`."""

    raw: Annotated[
        bool, Option("Running text: find sentences and tokens (extra: raw).", default=False)
    ]
    encoding_errors: Annotated[
        Literal["strict", "replace"],
        Option("Stop at a line that is not UTF-8, or read U+FFFD there.", default="strict"),
    ]
    text_format: Annotated[
        Literal["auto", "lines", "conllu"],
        Option(
            "A sentence per line, or a treebank in CoNLL-U; auto tells by name and look.",
            default="auto",
        ),
    ]


BLANK_LINES = "What becomes of them; kept, each is a sentence without tokens."


class ReadingLines(Reading, total=False):
    """The same, with blank lines, which are skipped unless another default is said."""

    blank_lines: Annotated[Literal["skip", "keep"], Option(BLANK_LINES, default="skip")]


class ReadingAllLines(Reading, total=False):
    """The same, with blank lines kept unless another choice is made."""

    blank_lines: Annotated[Literal["skip", "keep"], Option(BLANK_LINES, default="keep")]


class TomlValue(click.ParamType):
    """`name=value`, the value as TOML; a bare word is a string, and `none` is None."""

    name = "name=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Any]:
        if isinstance(value, tuple):
            return value
        name, sign, text = value.partition("=")
        name, text = name.strip().replace("-", "_"), text.strip()
        if not (name and sign and text):
            self.fail(f"{value!r}: must be name=value, such as --set epochs=5", param, ctx)
        return name, toml_value(text)


def toml_value(text: str) -> Any:
    """A value as it stands in a TOML file.

    Example:
        >>> toml_value("[[1, 8], [2, 16]]"), toml_value("1e-3"), toml_value("adam")
        ([[1, 8], [2, 16]], 0.001, 'adam')
    """
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return None if text.lower() == "none" else text
    return parsed["value"] if set(parsed) == {"value"} else text


COMMON = (  # settings with an option of their own; all others by --set
    *("epochs", "token_encoding", "dim", "projection_dim", "n_layers", "directions", "vocabulary"),
    *("min_count", "max_vocabulary", "mode", "batch_size", "window", "negatives", "optimizer"),
    *("learning_rate", "dropout", "patience", "max_steps", "weight_tying", "lowercase", "seed"),
)


def settings() -> list[click.Option]:
    """Options of the commonest settings, with what their classes say of them.

    Their defaults are shown and not set: what is not given is for `--config`, or for the text's size.
    """
    from elmo.settings.described import described, kind_of
    from elmo.settings.settings import Settings

    defaults = {**Settings({}).resolved(), "dropout": 0.0}
    lines = {name: text for table in described().values() for name, text in table.items()}
    options = []
    for name in COMMON:
        default, flag = defaults[name], name.replace("_", "-")
        help = lines[name].partition(". ")[0].replace("`", "").replace('"', "").rstrip(".")
        help = f"{help[:1].upper()}{help[1:]}."
        kind = kind_of(name)
        if kind is bool:
            flags, shown = f"--{flag}/--no-{flag}", flag if default else f"no-{flag}"
        else:
            flags, shown = f"--{flag}", default
        type_ = click.Choice(kind) if isinstance(kind, tuple) else kind
        help = help if shown is None else f"{help}  [default: {shown}]"
        options.append(
            click.Option([flags], type=None if kind is bool else type_, default=None, help=help)
        )
    options.append(
        click.Option(
            ["--set", "assignments"],
            type=TomlValue(),
            multiple=True,
            metavar="NAME=VALUE",
            help="Any setting, its value as in TOML; may be given again.",
        )
    )
    return options


def recipes() -> str:
    """The recipes that are shipped, by their files: asking `elmo.settings` would load NumPy."""
    folder = Path(__file__).parent.parent / "settings" / "recipes"
    return ", ".join(sorted(path.stem for path in folder.glob("*.toml")))
