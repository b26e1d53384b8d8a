"""A folder that is made once: it appears whole, or not at all."""

import pytest

from elmo.system.folders import made_once


def test_the_folder_appears_when_the_block_ends(tmp_path):
    folder = tmp_path / "a" / "b"
    with made_once(folder) as new:
        (new / "file").write_text("content")
        assert new.parent == folder.parent
        assert not folder.exists()
    assert (folder / "file").read_text() == "content"
    assert [path.name for path in folder.parent.iterdir()] == ["b"]


def test_after_an_error_nothing_is_left(tmp_path):
    with pytest.raises(KeyboardInterrupt), made_once(tmp_path / "folder") as new:
        (new / "file").write_text("content")
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_the_files_of_another_process_that_was_first_count(tmp_path):
    folder = tmp_path / "folder"
    with made_once(folder) as second:
        (second / "file").write_text("second")
        with made_once(folder) as first:
            assert first != second
            (first / "file").write_text("first")
    assert (folder / "file").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_file_in_its_place_is_an_error(tmp_path):
    place = tmp_path / "folder"
    place.write_text("a file")
    with pytest.raises(OSError, match="folder"), made_once(place) as new:
        (new / "file").write_text("content")
    assert place.read_text() == "a file"
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
