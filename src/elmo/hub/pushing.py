"""A model to the Hugging Face hub, with its card, in one commit."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from elmo._version import __version__
from elmo.formats.contents import Pretrained
from elmo.formats.pretrained import MODEL_FILES, write_folder
from elmo.hub.card import LIBRARY, Figures, model_card
from elmo.hub.client import client, reason

CARD = "README.md"


class PushError(OSError):
    """What could not be uploaded, and why."""


@dataclass(frozen=True)
class Pushed:
    """A model on the hub.

    Attributes:
        source: what `elmo.load` takes: `hf://user/model`.
        url: of its page.
        commit: the name of the revision.
        files: what was uploaded, with sizes in bytes.
    """

    source: str
    url: str
    commit: str
    files: dict[str, int]


def push(
    model: Pretrained,
    repo_id: str,
    *,
    license: str | None = None,
    language: str | Sequence[str] | None = None,
    tags: Sequence[str] = (),
    description: str | None = None,
    figures: Figures | None = None,
    private: bool | None = None,
    token: str | None = None,
    commit_message: str | None = None,
) -> Pushed:
    """Upload a model and its card to the Hugging Face hub, in one commit.

    The repository is made if there is none. In one that exists the files of an earlier model and its
    card are replaced, and all others stay.

    Args:
        model: the model.
        repo_id: `user/model`.
        license: the hub's identifier of the model's licence, such as `"apache-2.0"`; has to be given.
        language, tags, description, figures: of the card; see `elmo.hub.card.model_card`.
        private: whether a new repository is private; by default as the account is set.
        token: of an account that may write there; by default the one of `hf auth login`, or HF_TOKEN.
        commit_message: of the commit.

    Returns:
        Where it is.

    Raises:
        ValueError: no licence, or a name that is not `user/model`.
        ImportError: the package huggingface_hub is not installed.
        PushError: the hub refuses, or cannot be reached; nothing was committed.
    """
    if re.fullmatch(r"[\w.-]+/[\w.-]+", repo_id) is None:
        raise ValueError(f"{repo_id}: must be user/model")
    if not license:
        raise ValueError(
            f"{repo_id}: the licence of the model is missing; give the hub's name of it (--license, "
            "license=), such as apache-2.0, cc-by-4.0 or other"
        )
    hub = client(f"hf://{repo_id}")
    card = model_card(
        model,
        repo_id,
        license=license,
        language=language,
        tags=tags,
        description=description,
        figures=figures,
    )
    with tempfile.TemporaryDirectory(prefix="elmo-") as place:
        folder = write_folder(model, Path(place) / "model", extra_files={CARD: card})
        paths = sorted(path for path in folder.iterdir() if path.is_file())
        sizes = {path.name: path.stat().st_size for path in paths}
        api = hub.HfApi(token=token, library_name=LIBRARY, library_version=__version__)
        try:
            api.create_repo(repo_id, private=private, exist_ok=True)
            old = set(MODEL_FILES) & set(api.list_repo_files(repo_id)) - set(sizes)
            commit = api.create_commit(
                repo_id,
                [
                    *(hub.CommitOperationAdd(path.name, os.fspath(path)) for path in paths),
                    *(hub.CommitOperationDelete(name) for name in sorted(old)),
                ],
                commit_message=commit_message or f"Upload model with {LIBRARY} {__version__}",
            )
        except Exception as error:  # of several libraries, none of which is imported here
            raise PushError(f"hf://{repo_id}: nothing was committed: {reason(error)}") from error
    url = f"{api.endpoint}/{repo_id}"
    return Pushed(f"hf://{repo_id}", url, commit.oid, sizes)
