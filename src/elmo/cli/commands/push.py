"""`elmo push`: a model to the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from elmo.cli import options as o
from elmo.cli.columns import file_lines
from elmo.cli.command import Argument, Command, Option, Result


def push(
    model: o.Model,
    repo: Annotated[str, Argument("REPO")],
    *,
    license: Annotated[
        str | None,
        Option("The hub's name of the model's licence, such as apache-2.0.", metavar="NAME"),
    ] = None,
    language: Annotated[
        Sequence[str],
        Option("ISO 639 code of its text; may be given again.", metavar="CODE", many=True),
    ] = (),
    tag: Annotated[
        Sequence[str], Option("For searches; may be given again.", metavar="WORD", many=True)
    ] = (),
    description: Annotated[
        str | None, Option("A paragraph for the model card.", metavar="TEXT")
    ] = None,
    private: Annotated[bool, Option("Make a new repository private.")] = False,
    message: Annotated[str | None, Option("Of the commit.", metavar="TEXT")] = None,
    vocabulary: o.Vocabulary = None,
    softmax: o.Softmax = None,
) -> dict[str, Any]:
    """Upload a model and a model card to the Hugging Face hub, in one commit.

    The card has the figures of the training where the model lies in the folder of one. The token is that
    of `hf auth login`, or HF_TOKEN.

    Args:
        model: whatever `elmo.load` takes.
        repo: `user/model`; made if there is none.
        license, language, tag, description, private, message: see `elmo.hub.pushing.push`.
        vocabulary, softmax: as in `elmo.load`.

    Returns:
        `source` (what `elmo.load` takes), `url`, `commit`, `files` with their sizes, and `notes`.

    Raises:
        ValueError: no licence, or a name that is not `user/model`.
        FormatError: the model cannot be read.
        PushError: the hub refuses, or cannot be reached.
    """
    from elmo.formats.pretrained import read
    from elmo.formats.unfinished import sentence
    from elmo.hub.pushing import push as push_model
    from elmo.hub.resolving import resolve
    from elmo.hub.softmax import AVocabulary, resolve_softmax
    from elmo.training.figures import figures_of

    types: AVocabulary = vocabulary
    if softmax is not None:
        softmax, types = resolve_softmax(model, softmax, vocabulary, progress=True)
    place = resolve(model, progress=True)
    found = read(place, types, softmax)
    pushed = push_model(
        found,
        repo,
        license=license,
        language=language,
        tags=tag,
        description=description,
        figures=figures_of(place) if isinstance(place, Path) else None,
        private=private or None,
        commit_message=message,
    )
    state = found.extra.get("unfinished")
    return {
        "source": pushed.source,
        "url": pushed.url,
        "commit": pushed.commit,
        "files": pushed.files,
        "notes": [] if state is None else [sentence(state)],
    }


def show(result: Result) -> str:
    """Where the model is now."""
    lines = [f"{result['source']}: {result['url']}, commit {result['commit'][:8]}"]
    lines += file_lines(result["files"])
    return "\n".join(lines + [f"note: {note}" for note in result["notes"]])


COMMAND = Command(
    push,
    show,
    "Upload a model to the Hugging Face hub.",
    "elmo push my-elmo user/my-elmo --license cc-by-4.0 --language en",
)
