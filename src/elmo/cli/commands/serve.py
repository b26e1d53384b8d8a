"""`elmo serve`: a page on this machine to ask a model and an index of uses."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Annotated, Any, TextIO

from elmo.cli import options as o
from elmo.cli.command import Argument, Command, Option, Result

if TYPE_CHECKING:
    from elmo.api import BiLM

_NOTHING = "nothing to serve: give a model, an index of uses (--usages), or both"
_ANYONE = "anyone who reaches this address can ask; see the guide for safer ways"


def serve(
    model: Annotated[o.ModelSource | None, Argument("MODEL", required=False)] = None,
    *,
    usages: Annotated[
        str | os.PathLike[str] | None,
        Option(
            "An index of uses (elmo usages build); its model, where none is given.", metavar="DIR"
        ),
    ] = None,
    host: Annotated[str, Option("The address to listen on.", metavar="ADDRESS")] = "127.0.0.1",
    port: Annotated[int, Option("0 for a free one.", metavar="N", least=0)] = 8017,
    open: Annotated[bool, Option("Open the page in a browser.")] = False,
    allow: Annotated[
        tuple[str, ...],
        Option(
            "A name by which others may ask, such as that of a proxy.", metavar="NAME", many=True
        ),
    ] = (),
    vocabulary: o.Vocabulary = None,
    softmax: o.Softmax = None,
    file: TextIO | None = None,
) -> dict[str, Any]:
    """A page and its JSON API, until Ctrl-C; see `elmo.serve.app`.

    Returns:
        `address`, `requests` that a model answered, and the `passes` that it took.
    """
    if model is None and usages is None:
        raise ValueError(_NOTHING)
    try:
        from elmo.serve.application import app
        from elmo.serve.running import address_of, listen, run
    except ModuleNotFoundError as error:
        from elmo.text.files import MissingExtraError

        raise MissingExtraError(
            f"the page needs the package {error.name}: pip install 'elmo-keras[serve]'"
        ) from None
    from elmo.hub.resolving import name_of
    from elmo.serve.security import LOOPBACK

    listening = listen(host, port)
    address, said = address_of(listening), file or sys.stdout
    with listening:
        opened, source = _opened(model, usages, vocabulary, softmax)
        application = app(
            opened,
            usages,
            name="" if source is None else os.path.basename(name_of(source).rstrip("/")),
            hosts={*LOOPBACK, *allow},
            any_address=host not in LOOPBACK,
        )

        asked = application.state.model
        if asked is not None and asked.predicts:
            # Here, not in a thread beside the server, where a stop would crash in the compiler.
            print("compiling the model for the first answers", file=sys.stderr, flush=True)
            asked.warm()

        def ready() -> None:
            print(f"serving {address}  (stop with Ctrl-C)", file=said, flush=True)
            if host not in LOOPBACK:
                print(_ANYONE, file=said, flush=True)
            if open:
                import webbrowser

                webbrowser.open(address)

        run(application, listening, ready)
    batcher = application.state.batcher
    # At the end of a process msgspec 0.22 may free the parts of its types twice, which kills it with
    # SIGSEGV. What is frozen is not collected there.
    gc.freeze()
    return {"address": address, "requests": batcher.answered, "passes": batcher.passes}


def _opened(
    model: o.ModelSource | None,
    usages: str | os.PathLike[str] | None,
    vocabulary: str | os.PathLike[str] | None,
    softmax: str | os.PathLike[str] | None,
) -> tuple[BiLM | None, o.ModelSource | None]:
    """The model that is named, or the one that made the index, where it is still there."""
    from elmo.api import load

    if model is not None:
        return load(model, vocabulary, softmax=softmax), model
    from elmo.usages.description import Description

    assert usages is not None
    described = Description.read(usages)
    paths = [described.model] if isinstance(described.model, str) else described.model or []
    if not paths or not all(os.path.exists(path) for path in paths):
        return None, None
    source: o.ModelSource = paths[0] if len(paths) == 1 else (paths[0], paths[1])
    return load(source, vocabulary or described.vocabulary, softmax=softmax), source


def show(result: Result) -> str:
    """That it has stopped."""
    return f"stopped; {result['requests']:,} requests in {result['passes']:,} passes of the model"


COMMAND = Command(
    serve,
    show,
    "A page on this machine: surprisal, substitutes, similarity, uses of words.",
    "elmo serve my-elmo --open\nelmo serve --usages novels.uses",
    details="The page and its JSON API are for this machine alone unless --host says otherwise.",
)
