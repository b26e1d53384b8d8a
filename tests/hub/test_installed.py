"""Models that are installed: those of the package, and those of packages of their own."""

import sys

import numpy as np
import pytest

import elmo
from elmo.formats.pretrained import read, write_folder
from elmo.hub.installed import find, installed
from elmo.system.errors import FormatError
from tests.cli.conftest import as_json
from tests.formats.helpers import model, word_config


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder like site-packages, on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(site, name, module):
    """What an installer leaves of a package with a model."""
    about = site / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[elmo.models]\n{name} = {module}\n")


def test_a_package_brings_a_model_and_none_of_its_code_runs(site):
    write_folder(model(word_config()), site / "elmo_novels_xx")
    (site / "elmo_novels_xx" / "__init__.py").write_text("raise RuntimeError('was run')\n")
    install(site, "novels-xx", "elmo_novels_xx")
    assert installed()["novels-xx"] == site / "elmo_novels_xx"
    assert "elmo_novels_xx" not in sys.modules
    loaded = elmo.load("novels-xx").to_pretrained().weights
    for name, weights in read(site / "elmo_novels_xx").weights.items():
        assert np.array_equal(loaded[name], weights)
    listed = as_json("models", "novels-xx")
    assert [entry["name"] for entry in listed["installed"]] == ["novels-xx"]
    assert listed["models"] == []


@pytest.mark.parametrize("module", ["elmo_novels_yy", "elmo_novels_yy.inside", "bisect", ".novels"])
def test_an_entry_point_without_its_package_is_named_where_it_is_asked_for(site, module):
    install(site, "novels-yy", module)
    assert "novels-yy" not in installed()
    assert find("novels-en") == installed()["novels-en"]
    with pytest.raises(FormatError, match=r"novels-yy.*is no installed package") as raised:
        elmo.load("novels-yy")
    assert module in str(raised.value)
    assert "\n" not in str(raised.value)


def test_another_name_is_none_of_an_installed_model():
    assert find("novels-zz") is None


def test_a_name_close_to_an_installed_model_is_offered():
    with pytest.raises(FormatError, match="novels-en"):
        elmo.load("novel-en")
