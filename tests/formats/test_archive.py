"""Zip archives: nothing leaves its folder, nothing grows without end."""

import stat
import zipfile

import pytest

from elmo.formats.pretrained import read, write_folder
from elmo.system.archives import extract_zip
from elmo.system.errors import FormatError
from tests.formats.helpers import assert_same_weights, character_config, model


def write_zip(path, entries, kind=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def link(name, target="/etc"):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry, target


@pytest.mark.parametrize("nesting", ["", "model/", "a/b/"])
@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_model_in_an_archive(tmp_path, nesting, kind):
    pretrained = model(character_config(vocabulary_size=6))
    folder = write_folder(pretrained, tmp_path / "model")
    entries = [(f"{nesting}{path.name}", path.read_bytes()) for path in folder.iterdir()]
    entries += [("__MACOSX/._model", b"x")] if nesting else []
    again = read(write_zip(tmp_path / "217.zip", entries, kind))
    assert_same_weights(again.weights, pretrained.weights)
    assert again.vocabulary == pretrained.vocabulary


def test_fixtures_in_archives(data_folder, tmp_path):
    for name in ("manylangs-fixture/model", "bilm-tf-checkpoint/model"):
        folder = data_folder(name)
        entries = [(path.name, path.read_bytes()) for path in folder.iterdir()]
        again = read(write_zip(tmp_path / "x.zip", entries))
        assert_same_weights(again.weights, read(folder).weights)


def test_the_error_names_the_archive(tmp_path):
    path = write_zip(tmp_path / "x.zip", [("options.json", b"{")])
    with pytest.raises(FormatError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: ") and "elmo-" not in str(error.value)


@pytest.mark.parametrize(
    "name",
    ["../x", "a/../../x", "/x", "C:/x", "C:\\x", "..\\x", "a\\..\\..\\x", "//x", "a:b"],
)
def test_climbing_out(tmp_path, name):
    path = write_zip(tmp_path / "x.zip", [("ok", b""), (name, b"evil")])
    inside = tmp_path / "a" / "b"
    with pytest.raises(FormatError, match="outside its folder"):
        extract_zip(path, inside)
    assert [p.name for p in tmp_path.iterdir()] == ["x.zip"]
    with pytest.raises(FormatError, match="outside its folder"):
        read(path)


def test_links_and_devices(tmp_path):
    path = write_zip(tmp_path / "x.zip", [link("a"), ("a/passwd", b"x")])
    with pytest.raises(FormatError, match="a link or a device"):
        extract_zip(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_twice(tmp_path):
    for second in ("a", "./a"):
        path = write_zip(tmp_path / "x.zip", [("a", b"1"), (second, b"2")])
        with pytest.raises(FormatError, match="name twice"):
            extract_zip(path, tmp_path / f"out{len(second)}")


def test_a_file_in_the_way_of_a_folder(tmp_path):
    path = write_zip(tmp_path / "x.zip", [("a", b"1"), ("a/b", b"2")])
    with pytest.raises(FormatError):
        extract_zip(path, tmp_path / "out")


def test_bombs(tmp_path):
    bomb = [(f"{i}.hdf5", bytes(10 << 20)) for i in range(8)]
    path = write_zip(tmp_path / "x.zip", bomb, zipfile.ZIP_DEFLATED)
    with pytest.raises(FormatError, match="far more than a model's zip"):
        extract_zip(path, tmp_path / "out")
    many = write_zip(tmp_path / "y.zip", [(str(i), b"") for i in range(10_001)])
    with pytest.raises(FormatError, match="more than 10,000 files"):
        extract_zip(many, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_entry_larger_than_it_says(tmp_path):
    path = write_zip(tmp_path / "x.zip", [("a", bytes(5000))], zipfile.ZIP_DEFLATED)
    data = path.read_bytes()
    assert data.count((5000).to_bytes(4, "little")) == 2
    path.write_bytes(data.replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little")))
    with pytest.raises(FormatError):
        extract_zip(path, tmp_path / "out")


def test_what_is_no_archive(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(FormatError, match="damaged zip archive"):
        extract_zip(path, tmp_path / "out")
    with pytest.raises(FormatError, match="not a model"):
        read(path)
    with pytest.raises(FormatError, match="cannot be unpacked"):
        extract_zip(tmp_path / "gone.zip", tmp_path / "out")


def test_a_folder_with_nothing_but_an_archive(tmp_path):
    pretrained = model(character_config(vocabulary_size=6))
    folder = write_folder(pretrained, tmp_path / "model")
    entries = [(path.name, path.read_bytes()) for path in folder.iterdir()]
    (tmp_path / "hub").mkdir()
    write_zip(tmp_path / "hub" / "model.zip", entries)
    (tmp_path / "hub" / "README.md").write_text("a model")
    assert_same_weights(read(tmp_path / "hub").weights, pretrained.weights)
    write_zip(tmp_path / "hub" / "other.zip", entries)
    with pytest.raises(FormatError, match="no model here"):
        read(tmp_path / "hub")


def test_archives_in_archives_end(tmp_path):
    content = [("options.txt", b"")]
    for number in range(9):
        path = write_zip(tmp_path / f"{number}.zip", content)
        content = [(path.name, path.read_bytes())]
    with pytest.raises(FormatError, match="no model here"):
        read(path)
