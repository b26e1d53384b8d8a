"""An integration whose library is not installed says in one sentence which extra brings it."""

import importlib
import sys

import pytest

from elmo.text.files import MissingExtraError


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("spacy", "spacy"),
        ("sentence_transformers", "sentence-transformers"),
        ("flair", "flair"),
        ("sklearn", "sklearn"),
    ],
)
def test_the_extra_is_named(name, extra, monkeypatch):
    ours = f"elmo.integrations.{name}"
    for module in [one for one in sys.modules if one == ours or one.startswith(f"{ours}.")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    with pytest.raises(MissingExtraError) as caught:
        importlib.import_module(ours)
    message = str(caught.value)
    assert message.startswith(ours) and message.endswith(f"pip install 'elmo-keras[{extra}]'")
    assert "\n" not in message
