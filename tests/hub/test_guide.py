"""The guide to the hub does what it says, in one process from top to bottom."""

import pytest

from elmo.formats.pretrained import write_folder
from tests.formats.helpers import character_config, model
from tests.guides import BLOCK, GUIDES
from tests.hub.test_card import write_training

CHECKED = """
assert model.vocabulary.tokens == same.vocabulary.tokens
for ours, others in zip(model.network.get_weights(), same.network.get_weights(), strict=True):
    assert (ours == others).all()
assert vectors[0].shape == (3, 5, 6)
print(card, end="")
"""


def test_the_guide(hub, run, tmp_path):
    pytest.importorskip("huggingface_hub")
    folder = write_folder(model(character_config(vocabulary_size=7)), tmp_path / "my-elmo")
    write_training(folder)
    blocks = BLOCK.findall((GUIDES / "hub.md").read_text(encoding="utf-8"))
    assert len(blocks) == 4
    done = run("-c", "\n".join(code for _, _, code in blocks) + CHECKED)
    assert done.returncode == 0, done.stderr
    assert hub.private == {"user/my-elmo"} and len(hub.commits["user/my-elmo"]) == 2
    readme = (hub.tree("user/my-elmo") / "README.md").read_text(encoding="utf-8")
    for part in ("Trained on 2,764 tokens", "| validation | 91.25 |", "of 2025", "- news"):
        assert part in readme
    assert "| validation | 91.25 |" in done.stdout  # the card that is only shown
