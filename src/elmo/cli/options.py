"""Options that several commands share, and the parsing of their values."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import click

# Read from the folder: asking elmo.training would load Keras for a line of help.
_RECIPES = Path(__file__).parent.parent / "recipes"


class _NotToPrint:
    """Of a required parameter: it may be missing where `--print-config` is given."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        if ctx.params.get("print_config") and self.value_is_missing(value):  # type: ignore[attr-defined]
            return () if self.nargs == -1 else None  # type: ignore[attr-defined]
        return super().process_value(ctx, value)  # type: ignore[misc]


class _Argument(_NotToPrint, click.Argument):
    pass


class _Option(_NotToPrint, click.Option):
    pass


def corpus(name: str = "corpus") -> click.Argument:
    """Texts: one or more."""
    return _Argument([name], nargs=-1, required=True, metavar=f"{name.upper()}...")


def print_config() -> click.Option:
    """`--print-config`, with which nothing else is required."""
    return click.Option(
        ["--print-config"],
        is_flag=True,
        is_eager=True,
        help="Print all settings, with what they mean, as a file for --config, and train nothing.",
    )


def model() -> click.Argument:
    """A model's folder, or another published form of it."""
    return click.Argument(["model"], metavar="MODEL")


def output(default: str | None, text: str) -> click.Option:
    """`-o`; without a default it must be given."""
    # Newer click takes a default of None for a value that is given.
    given: dict[str, Any] = {"required": True} if default is None else {"default": default}
    return _Option(["-o", "--output"], metavar="PATH", help=text, **given)


def config() -> click.Option:
    """`--config`, with the recipes that are shipped."""
    names = ", ".join(sorted(path.stem for path in _RECIPES.glob("*.toml")))
    text = f"A TOML file of settings, or a recipe: {names}."
    return click.Option(["--config"], metavar="FILE", help=text)


def known_vocabulary() -> click.Option:
    """`--vocabulary` of a model that is read."""
    return click.Option(
        ["--vocabulary"], metavar="FILE", help="Where the model does not have it (bilm-tf)."
    )


def overwrite(text: str = "Replace what is there.") -> click.Option:
    return click.Option(["--overwrite"], is_flag=True, help=text)


def seed(default: int | None = None) -> click.Option:
    return click.Option(
        ["--seed"],
        type=click.IntRange(0),
        default=default,
        help="The same seed gives the same result.",
    )


def quiet() -> click.Option:
    return click.Option(
        ["--progress/--quiet"], default=True, show_default=False, help="Show progress."
    )


def lowercase() -> click.Option:
    return click.Option(["--lowercase"], is_flag=True, help="Lower-case the text.")


def as_json() -> click.Option:
    return click.Option(
        ["--json", "as_json"], is_flag=True, help="Print one JSON object and nothing else."
    )


def reading(blank_lines: str | None = "skip") -> list[click.Option]:
    """How text is read, with the default for blank lines, or None for no such option."""
    options = [
        click.Option(
            ["--raw"], is_flag=True, help="Running text: find sentences and tokens (extra: raw)."
        ),
        click.Option(
            ["--encoding-errors"],
            type=click.Choice(["strict", "replace"]),
            default="strict",
            help="Stop at a line that is not UTF-8, or go on with U+FFFD.",
        ),
        click.Option(
            ["--text-format"],
            type=click.Choice(["auto", "lines", "conllu"]),
            default="auto",
            help="A sentence a line, or a treebank in CoNLL-U; auto tells by name and look.",
        ),
    ]
    if blank_lines is not None:
        options.append(
            click.Option(
                ["--blank-lines"],
                type=click.Choice(["skip", "keep"]),
                default=blank_lines,
                help="What becomes of them; kept, each is a sentence without tokens.",
            )
        )
    return options


class TomlValue(click.ParamType):
    """`name=value`, the value as TOML; a bare word is a string, and `none` is None."""

    name = "name=value"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, Any]:
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


def settings() -> list[click.Option]:
    """The commonest settings of a training by options of their own, all others by `--set`."""
    whole, number = click.INT, click.FLOAT
    plain: tuple[tuple[str, Any, str, Any], ...] = (
        ("epochs", whole, "Passes over the text.", 10),
        ("token_encoding", click.Choice(["word", "char"]), "How tokens are read.", "word"),
        ("dim", whole, "Cells of an LSTM layer.", 400),
        ("projection_dim", whole, "Size of its output, a direction's vector.", 200),
        ("n_layers", whole, "LSTM layers.", 2),
        ("directions", click.Choice(["both", "forward", "backward"]), "Which to train.", "both"),
        ("vocabulary", click.STRING, "A vocabulary file, in place of counting the text.", None),
        ("min_count", whole, "Rarer words are unknown.", 1),
        ("max_vocabulary", whole, "The most types.", None),
        (
            "mode",
            click.Choice(["stream", "sentence"]),
            "Contiguous text, or padded sentences.",
            "stream",
        ),
        ("batch_size", whole, "Rows of a batch.", 32),
        ("window", whole, "Positions of a row.", 35),
        ("negatives", whole, "Types drawn for the sampled softmax; 0 for the exact one.", 1000),
        ("optimizer", click.STRING, "adagrad, adam, adamw or sgd.", "adagrad"),
        ("learning_rate", number, "At its highest.", 0.2),
        ("dropout", number, "Rate on inputs and outputs.", 0.0),
        ("patience", whole, "Stop after so many epochs without a better validation.", None),
        ("max_steps", whole, "Stop after so many steps.", None),
    )
    options = [
        # No default of click's: what is not given is for --config, or for the size of the text.
        click.Option([f"--{name.replace('_', '-')}"], type=kind, help=_with_default(text, default))
        for name, kind, text, default in plain
    ]
    options.append(
        click.Option(
            ["--weight-tying/--no-weight-tying"],
            default=None,
            help=_with_default("The softmax uses a word model's embedding.", "no-weight-tying"),
        )
    )
    options.append(
        click.Option(
            ["--lowercase/--no-lowercase"],
            default=None,
            help=_with_default("Lower-case the text.", "no-lowercase"),
        )
    )
    options.append(
        click.Option(
            ["--seed"],
            type=click.IntRange(0),
            help=_with_default("The same seed gives the same result.", 0),
        )
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


def _with_default(text: str, default: Any) -> str:
    return text if default is None else f"{text}  [default: {default}]"
