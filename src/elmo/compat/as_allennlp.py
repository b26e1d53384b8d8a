"""Lets code that cannot be changed import AllenNLP's ELMo, and find ours.

    import elmo.compat.as_allennlp

    from allennlp.commands.elmo import ElmoEmbedder  # elmo.compat.allennlp.ElmoEmbedder

Where AllenNLP is installed the import fails and nothing is replaced. Only the modules of its ELMo are
there; `elmo.compat.allennlp_alias.MODULES` lists them. Those under `allennlp.modules` hold PyTorch
modules and want `KERAS_BACKEND=torch`.

A program runs under these names without a change, and so does AllenNLP's command:

    python -m elmo.compat.as_allennlp program.py its arguments
    python -m elmo.compat.as_allennlp elmo sentences.txt vectors.hdf5 --all
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import NoReturn

from elmo.compat import allennlp_alias, allennlp_command

USAGE = "usage: python -m elmo.compat.as_allennlp PROGRAM.py|elmo [its arguments]"


def main(arguments: list[str]) -> None:
    """Run a program, or the command `elmo`."""
    if arguments[:1] in (["-h"], ["--help"]):
        print(USAGE)
        return
    try:
        allennlp_alias.install()
    except ImportError as error:
        _refuse(str(error))
    if not arguments:
        _refuse(USAGE)
    program, *rest = arguments
    if program == "elmo":
        allennlp_command.run(rest, "elmo.compat.as_allennlp elmo")
        return
    if not Path(program).is_file():
        _refuse(f"{program}: no such program\n{USAGE}")
    sys.argv = [program, *rest]
    sys.path.insert(0, str(Path(program).resolve().parent))
    runpy.run_path(program, run_name="__main__")


def _refuse(reason: str) -> NoReturn:
    print(reason, file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    main(sys.argv[1:])
else:
    allennlp_alias.install()
