"""The blocks of docs/migrating.md marked `now` run."""

import re
from pathlib import Path

import numpy as np
import pytest

from elmo.formats.pretrained import write_folder
from elmo.hub import resolving as download
from tests.formats.helpers import character_config, model

GUIDE = Path(__file__).parent.parent / "docs" / "migrating.md"
SECTIONS = dict(
    re.findall(r"^## (.+?)\n(.+?)(?=^## |\Z)", GUIDE.read_text(encoding="utf-8"), re.M | re.S)
)


def blocks(section, mark):
    return re.findall(rf"```python\n# {mark}\n(.+?)```", SECTIONS[section], re.S)


@pytest.mark.parametrize("section", [name for name in SECTIONS if name != "ELMo-keras"])
def test_blocks_run(section, tmp_path, monkeypatch):
    folder = write_folder(model(character_config(vocabulary_size=7)), tmp_path / "model")
    resolve = download.resolve
    names = ("original", "seqvec", "manylangs-en")
    monkeypatch.setattr(
        download, "resolve", lambda s, **more: folder if s in names else resolve(s, **more)
    )
    assert blocks(section, "before")
    (code,) = blocks(section, "now")
    space = {
        "sentences": [["a", "bank"], ["it"]],
        "sequence": "MKV",
        "folder": folder,
        "options_file": folder / "options.json",
        "weight_file": folder / "weights.hdf5",
    }
    exec(compile(code, f"{GUIDE.name}: {section}", "exec"), space)
    if section == "SeqVec":
        np.testing.assert_allclose(
            space["protein"], space["residues"].sum(axis=0).mean(axis=0), atol=1e-5
        )
