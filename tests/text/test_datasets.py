"""Named data sets: from a folder, or downloaded (here from a server on this machine)."""

import dataclasses
import hashlib
import http.server
import io
import threading
import zipfile

import pytest

from elmo.system import fetch
from elmo.text import datasets
from elmo.text.datasets import DatasetError, UnknownDatasetError

PARTS = {
    "train": b" = A title = \n \n The cat sat . \n",
    "valid": b" \n valid \n",
    "test": b" test \n",
}


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def make_zip(parts):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("wikitext-2/", b"")
        archive.writestr("../../escape.txt", b"must not be written")
        for part, content in parts.items():
            archive.writestr(f"wikitext-2/wiki.{part}.tokens", content)
    return file.getvalue()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(fetch, "PAUSE", 0.0)


@pytest.fixture
def server():
    """A web server for the contents of a dict; `requests` lists the paths that were asked for."""
    contents, requests = {}, []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            content = contents.get(self.path)
            if content is None:
                self.send_error(403)
                return
            length, content = content if isinstance(content, tuple) else (len(content), content)
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        running.address = f"http://127.0.0.1:{running.server_port}"
        running.contents, running.requests = contents, requests
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def source(monkeypatch, tmp_path, server):
    """Replace WikiText-2 by a small one on the server; returns a function that changes it."""
    monkeypatch.delenv("ELMO_DATA", raising=False)
    monkeypatch.setenv("ELMO_CACHE", str(tmp_path / "cache"))
    content = make_zip(PARTS)
    server.contents["/w.zip"] = content

    def change(**values):
        small = dataclasses.replace(
            datasets.SOURCES["wikitext-2"],
            **{
                "urls": (server.address + "/w.zip",),
                "sha256": sha256(content),
                "file_sha256": {part: sha256(PARTS[part]) for part in ("valid", "test")},
                **values,
            },
        )
        monkeypatch.setitem(datasets.SOURCES, "wikitext-2", small)

    change()
    return change


def leftovers(tmp_path):
    cache = tmp_path / "cache" / "datasets"
    return sorted(str(p.relative_to(cache)) for p in cache.rglob("*"))


def test_download_once_then_from_the_cache(source, server, tmp_path):
    steps = []
    part = datasets.path("wikitext-2", "valid", progress=lambda *step: steps.append(step))
    assert part == tmp_path / "cache" / "datasets" / "wikitext-2" / "wiki.valid.tokens"
    assert part.read_bytes() == PARTS["valid"]
    size = len(server.contents["/w.zip"])
    assert steps[-1] == (size, size)
    assert datasets.path("wikitext-2").read_bytes() == PARTS["train"]
    assert server.requests == ["/w.zip"]
    names = ["wikitext-2", *(f"wikitext-2/wiki.{p}.tokens" for p in sorted(PARTS))]
    assert leftovers(tmp_path) == names
    assert not list(tmp_path.rglob("escape.txt"))


def test_load_keeps_blank_lines_as_the_usual_protocol_does(source):
    data = datasets.load("wikitext-2")
    assert list(data.train) == [["=", "A", "title", "="], [], ["The", "cat", "sat", "."]]
    assert list(data.valid) == [[], ["valid"]]
    assert (
        list(datasets.load("wikitext-2", blank_lines="skip", lowercase=True).train)[1][0] == "the"
    )


def test_the_next_address_is_tried(source, server):
    source(urls=(server.address + "/gone.zip", server.address + "/w.zip"))
    assert datasets.path("wikitext-2", "test").read_bytes() == PARTS["test"]
    assert server.requests == ["/gone.zip", "/w.zip"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "Forbidden"),
        (b"something else", "another file than expected came"),
        ((10**6, b"too little"), "the connection ended after 10 of 1,000,000 bytes"),
    ],
)
def test_a_wrong_or_broken_download_leaves_nothing_behind(
    source, server, tmp_path, content, reason
):
    server.contents["/w.zip"] = content
    with pytest.raises(DatasetError, match=f"{reason}.*set ELMO_DATA"):
        datasets.path("wikitext-2")
    assert leftovers(tmp_path) == []


def test_without_a_network(source, tmp_path):
    source(urls=("http://127.0.0.1:9/w.zip",))
    with pytest.raises(
        DatasetError, match=r"could not be downloaded .*refused.*wiki\.train\.tokens"
    ):
        datasets.load("wikitext-2")
    assert leftovers(tmp_path) == []


def test_files_of_a_checked_zip_are_checked_where_they_are_known(source, server, tmp_path):
    for content, reason in (
        (make_zip({**PARTS, "valid": b"other"}), "wiki.valid.tokens has the SHA-256"),
        (make_zip({"train": b"x"}), "holds no wiki.valid.tokens"),
        (b"no zip", "is not a zip"),
    ):
        server.contents["/w.zip"] = content
        source(sha256=sha256(content))
        with pytest.raises(DatasetError, match=reason):
            datasets.path("wikitext-2")
        assert leftovers(tmp_path) == []


def test_a_cache_that_lost_a_file_is_filled_again(source):
    train = datasets.path("wikitext-2")
    datasets.path("wikitext-2", "test").unlink()
    assert datasets.path("wikitext-2", "test").read_bytes() == PARTS["test"]
    assert train.read_bytes() == PARTS["train"]


def test_unknown_names(source):
    with pytest.raises(
        UnknownDatasetError, match=r"name='wikitext-3': must be one of .*wikitext-2"
    ):
        datasets.load("wikitext-3")
    with pytest.raises(ValueError, match="split='dev': must be one of train, valid, test"):
        datasets.path("wikitext-2", "dev")


def test_the_cache_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("ELMO_CACHE", str(tmp_path))
    assert datasets.cache_folder() == tmp_path
    monkeypatch.delenv("ELMO_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    assert datasets.cache_folder() == tmp_path / "x" / "elmo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert datasets.cache_folder() == tmp_path / ".cache" / "elmo"


def test_all_addresses_are_encrypted():
    assert all(u.startswith("https://") for s in datasets.SOURCES.values() for u in s.urls)


def test_the_folder_of_data_comes_first(data_folder):
    for part in ("valid", "test"):
        file = data_folder(f"wikitext-2/wiki.{part}.tokens")
        assert datasets.path("wikitext-2", part) == file
        expected = datasets.SOURCES["wikitext-2"].file_sha256[part]
        assert sha256(file.read_bytes()) == expected
