"""`elmo`: parses, calls a command's function, and says in a sentence what users can mend."""

from __future__ import annotations

import logging
import os
import shlex
import sys
from collections.abc import Sequence
from typing import Any

import click

from elmo._version import __version__
from elmo.cli.commands import ENTRIES
from elmo.cli.errors import sentence_of
from elmo.system.interrupts import keep_interrupts
from elmo.system.memory import keep_freed_memory
from elmo.system.openmp import wait_briefly

INTERRUPTED, USER_ERROR = 130, 2


class Group(click.Group):
    """The commands of the table, in its order, with one way to fail."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        words = [*getattr(ctx, "_protected_args", ()), *ctx.args]
        keep_freed_memory()
        keep_interrupts()
        wait_briefly()
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            _say(_farewell(error, words))
            ctx.exit(INTERRUPTED)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            text = None if os.environ.get("ELMO_TRACEBACK") else sentence_of(error)
            if text is None:
                raise
            _say(f"elmo: error: {text}")
            ctx.exit(USER_ERROR)


def _farewell(error: KeyboardInterrupt, words: Sequence[str]) -> str:
    """What was saved, and how to go on."""
    if type(error) is KeyboardInterrupt:  # one of ours says what can be resumed
        return "elmo: interrupted"
    kept = [word for word in words if word not in ("--overwrite", "--resume")]
    return (
        f"elmo: {error}; everything so far is saved. Resume with:\n"
        f"  {shlex.join(['elmo', *kept, '--resume'])}"
    )


def _say(text: str) -> None:
    click.echo(text, err=True)


@click.command(
    "elmo",
    cls=Group,
    commands=ENTRIES,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
    epilog="\b\nFirst steps:\n  elmo demo\n  elmo train my.txt --valid valid.txt -o my-elmo\n"
    "  elmo embed my-elmo sentences.txt -o vectors.hdf5",
)
@click.version_option(__version__, prog_name="elmo")
def cli() -> None:
    """Train, evaluate and use ELMo: deep contextualized word representations."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("MPLBACKEND", "agg")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")


def main() -> None:
    """The entry point of the script `elmo`."""
    cli(prog_name="elmo")


if __name__ == "__main__":
    main()
