"""The commands: a file for each, with its function, its options and what it shows.

Heavy modules are imported inside the functions, so that help comes quickly.
"""

from elmo.cli.command import Command
from elmo.cli.commands import (
    cache_tokens,
    convert,
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
    substitutes,
    train,
    vocab,
)

_MODULES = (
    *(
        demo,
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
    ),
    cache_tokens,
)
COMMANDS: dict[str, Command] = {
    command.name: command for command in (module.COMMAND for module in _MODULES) if command.name
}
