"""`elmo data`: texts to train on and to test with, by name."""

from __future__ import annotations

from typing import Annotated, Any

from elmo.cli.command import Argument, Command, Result


def data(
    name: Annotated[str | None, Argument("NAME", required=False)] = None,
    part: Annotated[str | None, Argument("PART", required=False)] = None,
) -> dict[str, Any]:
    """Where the parts of a data set lie, downloaded and prepared first where they are not here yet.

    Args:
        name: such as `"wikitext-2"` or `"eltec-eng"`; None to list the names.
        part: `"train"`, `"valid"` or `"test"`; None for all three.

    Returns:
        `names`, or `name` and `parts`, the path of each.

    Raises:
        UnknownDatasetError, DatasetError: as from `elmo.text.datasets.path`.
    """
    from elmo.text import datasets

    if name is None:
        return {"names": datasets.names()}
    parts = datasets.SPLITS if part is None else (part,)
    return {
        "name": name,
        "parts": {part: str(datasets.path(name, part, progress=True)) for part in parts},
    }


def show(result: Result) -> str:
    """The names, or the paths, one per line."""
    return "\n".join(result["names"] if "names" in result else result["parts"].values())


COMMAND = Command(
    data,
    show,
    "Texts to train on and to test with, by name.",
    'elmo data\nelmo data eltec-eng\nelmo train "$(elmo data eltec-eng train)" --config novels '
    '--valid "$(elmo data eltec-eng valid)" -o novels',
    details="Prints where the parts of a data set lie: from the folder ELMO_DATA, else downloaded and "
    "kept in the cache. eltec-… are novels of the European Literary Text Collection by language, split "
    "by novel and tokenized once (extra: raw). Without a NAME, lists the names.",
)
