"""The guides do what they say, with a tiny model in the folder that they name."""

import numpy as np
import pytest

from elmo.formats.pretrained import write_folder
from tests.formats.helpers import character_config, model
from tests.guides import run_guide


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder of one's own with `my-elmo`."""
    monkeypatch.chdir(tmp_path)
    write_folder(model(character_config()), tmp_path / "my-elmo")
    return tmp_path


def test_scikit_learn(here):
    names, _ = run_guide("scikit-learn.md")
    search, vectors = names["search"], names["vectors"]
    assert len(search.cv_results_["params"]) == 12 and (here / "cache").is_dir()
    assert set(search.predict(names["documents"])) <= {"money", "river"}
    alone = names["ElmoVectorizer"]("my-elmo").transform(names["documents"])
    np.testing.assert_allclose(vectors, alone, atol=1e-5)
    table = names["features"].transform(names["sentences"])
    assert [len(one) for one in names["dictionaries"]] == [len(one) for one in table]
    assert len(names["tagger"].predict([["The", "boat", "left"]])) == 3
