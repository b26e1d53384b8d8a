"""The commands: a file for each, with its function, its options and what it shows.

Heavy modules are imported inside the functions, so that help comes quickly.
"""

from collections.abc import Iterator, Mapping

import click

from elmo.cli.command import Command, Commands
from elmo.cli.commands import (
    cache_tokens,
    convert,
    data,
    demo,
    embed,
    evaluate,
    export,
    generate,
    info,
    models,
    nearest,
    neighbours,
    pairs,
    plot,
    push,
    score,
    serve,
    substitutes,
    train,
    usages,
    vocab,
)

_MODULES = (
    *(
        demo,
        data,
        vocab,
        train,
        plot,
        evaluate,
        score,
        pairs,
        substitutes,
        neighbours,
        generate,
        embed,
        info,
        convert,
        export,
        push,
        models,
        nearest,
        usages,
        serve,
    ),
    cache_tokens,
)
ENTRIES: dict[str, Command | Commands] = {
    entry.name: entry for entry in (module.COMMAND for module in _MODULES) if entry.name
}
"""What stands behind `elmo`."""


def _leaves(
    entries: Mapping[str, click.Command], before: str = ""
) -> Iterator[tuple[str, Command]]:
    for name, entry in entries.items():
        if isinstance(entry, Commands):
            yield from _leaves(entry.commands, f"{before}{name} ")
        elif isinstance(entry, Command):
            yield f"{before}{name}", entry


COMMANDS: dict[str, Command] = dict(_leaves(ENTRIES))
"""All commands by their words, such as `usages build`."""
