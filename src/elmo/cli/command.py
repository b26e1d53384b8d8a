"""A command is a typed function: its signature is its options, and its module shows what it returns.

A parameter is an argument or an option where it is annotated with `Argument` or `Option`; its name,
type and default are those of the signature. So an option is declared once, and Python calls the same
function.

Why not Typer, which does much the same: it has no option whose value may be left out
(`--tensorboard [DIR]`), and none that is required unless another is given (`-o` without
`--print-config`).
"""

from __future__ import annotations

import inspect
import json
import math
import sys
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import click

from elmo.system.download_progress import silent

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Argument:
    """A parameter that is given by its place.

    Args:
        metavar: what the help calls it.
        many: one or more; the function gets a tuple.
        required: whether it must be given.
    """

    metavar: str
    many: bool = False
    required: bool = True


@dataclass(frozen=True)
class Option:
    """A parameter that is given by its name.

    Args:
        help: a line for the help, with `[default: …]` where the signature's is None and another is
            chosen later.
        flags: in place of `--name`.
        metavar: what the help calls its value.
        least: the smallest number.
        type: click's, where the annotation does not say enough.
        many: may be given again; the function gets a tuple.
        value: what it is where it is given without a value.
        show_default: whether the help has the default.
        default: of a keyword in a `TypedDict`, which cannot have one of its own.
    """

    help: str
    flags: tuple[str, ...] = ()
    metavar: str | None = None
    least: int | None = None
    type: click.ParamType | None = None
    many: bool = False
    value: str | None = None
    show_default: bool = True
    default: Any = None


class Command(click.Command):
    """A command that parses, calls its function and shows what that returns.

    Args:
        function: named as the command, with `_` for `-`. If it has a parameter `file`, it prints there
            while it runs.
        show: from what the function returns to what people read; `--json` prints that itself.
        summary: the line in the list of commands.
        example: shown below the options.
        details: more lines for its own help.
        more: makes further options, which the function takes as keywords.
        name: where the function is named otherwise.
    """

    def __init__(
        self,
        function: Callable[..., Result],
        show: Callable[[Result], str],
        summary: str,
        example: str,
        details: str = "",
        more: Callable[[], Sequence[click.Option]] | None = None,
        name: str | None = None,
    ) -> None:
        self.function, self.show, self.more = function, show, more
        self._params: list[click.Parameter] | None = None
        super().__init__(
            name or function.__name__.replace("_", "-"),
            callback=self._run,
            help=f"{summary}\n\n{details}".rstrip(),
            short_help=summary,
            epilog="\b\nExample:\n" + "\n".join(f"  {line}" for line in example.splitlines()),
        )

    @property
    def params(self) -> list[click.Parameter]:
        """Made when they are first asked for: the list of commands does without."""
        if self._params is None:
            more = self.more() if self.more is not None else ()
            self._params = [*parameters_of(self.function), *more, _as_json()]
        return self._params

    @params.setter
    def params(self, value: list[click.Parameter]) -> None:
        pass  # click's constructor sets an empty list

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        self.no_args_is_help = any(
            p.required and isinstance(p, click.Argument) for p in self.params
        )
        return super().parse_args(ctx, args)

    def _run(self, as_json: bool, **values: Any) -> None:
        if "file" in inspect.signature(self.function).parameters:
            values["file"] = sys.stderr if as_json else sys.stdout
        with silent(as_json or values.get("progress") is False):
            result = self.function(**values)
        if as_json:
            click.echo(json.dumps(_finite(result), allow_nan=False))
        elif text := self.show(result):
            click.echo(text)


class Commands(click.Group):
    """Commands under one word, in the order in which they are given: `elmo usages build`.

    Args:
        name: the word.
        summary: the line in the list of commands.
        commands: what stands under it.
        details: more lines for its own help.
    """

    def __init__(
        self, name: str, summary: str, commands: Sequence[Command], details: str = ""
    ) -> None:
        super().__init__(
            name,
            commands=list(commands),
            help=f"{summary}\n\n{details}".rstrip(),
            short_help=summary,
        )

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


def parameters_of(function: Callable[..., Any]) -> Iterator[click.Parameter]:
    """Click's parameters of a function's annotated ones."""
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            for keywords in get_args(hints[name]):
                yield from options_of(keywords)
        elif get_origin(hints.get(name)) is Annotated:
            kind, (declared,) = hints[name].__origin__, hints[name].__metadata__
            if isinstance(declared, Argument):
                yield _argument(name, declared)
            else:
                yield _option(name, kind, declared, parameter.default)


def options_of(keywords: type) -> Iterator[click.Option]:
    """Click's options of a `TypedDict` of keywords."""
    for name, hint in get_type_hints(keywords, include_extras=True).items():
        kind, (declared,) = hint.__origin__, hint.__metadata__
        yield _option(name, kind, declared, declared.default)


class _UnlessPrinted(click.Parameter):
    """Of a required parameter: it may be missing where `--print-config` is given."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        printed = self.required and ctx.params.get("print_config")
        if printed and self.value_is_missing(value):
            return () if self.nargs == -1 else None
        return super().process_value(ctx, value)


class _Argument(_UnlessPrinted, click.Argument):
    pass


class _Option(_UnlessPrinted, click.Option):
    pass


def _argument(name: str, declared: Argument) -> click.Argument:
    metavar = declared.metavar if declared.required else f"[{declared.metavar}]"
    return _Argument(
        [name],
        nargs=-1 if declared.many else 1,
        required=declared.required,
        metavar=f"{metavar}..." if declared.many else metavar,
    )


def _option(name: str, kind: Any, declared: Option, default: Any) -> click.Option:
    flags = list(declared.flags) or [f"--{name.replace('_', '-')}"]
    choices = [part for part in _alternatives(kind) if part is not types.NoneType]
    options: dict[str, Any] = {"help": declared.help, "metavar": declared.metavar}
    if default is inspect.Parameter.empty:
        options["required"] = True  # newer click takes a default of None for a value that is given
    elif not declared.many:
        options["default"] = default
    if choices == [bool]:
        options["is_flag"] = True
        options["show_default"] = False
        return click.Option([*flags, name], is_eager=name == "print_config", **options)
    if declared.value is not None:
        options |= {"is_flag": False, "flag_value": declared.value}
    if not declared.show_default:
        options["show_default"] = False
    return _Option([*flags, name], type=_type(choices, declared), multiple=declared.many, **options)


def _alternatives(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)


def _type(choices: list[Any], declared: Option) -> click.ParamType:
    if declared.type is not None:
        return declared.type
    if any(get_origin(choice) is Literal for choice in choices):
        words = [word for choice in choices for word in get_args(choice)]
        return click.Choice(words, case_sensitive=all(word.islower() for word in words))
    if int in choices:
        return click.INT if declared.least is None else click.IntRange(declared.least)
    return click.FLOAT if float in choices else click.STRING


def _as_json() -> click.Option:
    return click.Option(
        ["--json", "as_json"], is_flag=True, help="Print one JSON object and nothing else."
    )


def _finite(value: Any) -> Any:
    """With null for what JSON has no number for."""
    if isinstance(value, Mapping):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
