"""Downloads: once, resumed, checked, and never half a file under its name."""

import email.utils
import hashlib
import json
import os
import time

import numpy as np
import pytest

from elmo.system import fetch as fetch_module
from elmo.system.fetch import DownloadError, fetch, read_record, record_path
from tests.formats.web import Site, serving

BODY = np.random.default_rng(0).bytes(700_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(fetch_module, "PAUSE", 0.0)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def site():
    return Site({"/file.bin": BODY})


@pytest.fixture
def url(site):
    with serving(site) as address:
        yield f"{address}/file.bin"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_downloaded_once(tmp_path, site, url):
    seen = []
    path = tmp_path / "cache" / "file.bin"
    fetch(url, path, progress=lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == BODY
    assert seen[-1] == (len(BODY), len(BODY)) and len(seen) > 1
    record = read_record(path)
    assert record == {"url": url, "size": len(BODY), "sha256": SHA256, "verified": False}
    assert names(path.parent) == ["file.bin", "file.bin.download.json"]
    fetch(url, path)
    assert len(site.requests) == 1
    path.write_bytes(BODY[:-1])
    fetch(url, path)
    assert len(site.requests) == 2 and path.read_bytes() == BODY
    record_path(path).write_text("no JSON")
    fetch(url, path)
    assert len(site.requests) == 3


def test_taken_up_where_it_stopped(tmp_path, site, url):
    site.cut_after = [300_000, 600_000]
    path = tmp_path / "file.bin"
    fetch(url, path, sha256=SHA256, size=len(BODY))
    assert path.read_bytes() == BODY and read_record(path)["verified"]
    starts = [wanted for _, wanted in site.requests]
    assert starts == [None, "bytes=300000-", "bytes=600000-"]


@pytest.mark.parametrize("change", ["another tag", "no ranges", "no tag"])
def test_begun_anew_where_it_cannot_be_resumed(tmp_path, site, url, change):
    site.cut_after = [300_000]
    if change == "no tag":
        site.tag = None
    if change == "no ranges":
        site.ranges = False
    path = tmp_path / "file.bin"
    if change == "another tag":
        site.cut_after *= 4
        site.ranges = False
        with pytest.raises(DownloadError):
            fetch(url, path)
        site.tag, site.ranges = '"v2"', True
        site.files["/file.bin"] = BODY[::-1]
        fetch(url, path)
        assert path.read_bytes() == BODY[::-1]
        return
    fetch(url, path)
    assert path.read_bytes() == BODY


def test_a_later_run_takes_up_what_is_left(tmp_path, site, url):
    site.cut_after = [100_000, 0, 0, 0]
    path = tmp_path / "file.bin"
    site.cut_after = [100_000, 100_000, 100_000, 100_000]
    with pytest.raises(DownloadError, match="100,000 of 700,000 bytes"):
        fetch(url, path)
    assert not path.exists() and record_path(path).exists() is False
    assert names(tmp_path) == [".file.bin.left.part", ".file.bin.left.part.json"]
    site.requests.clear()
    fetch(url, path)
    assert site.requests == [("/file.bin", "bytes=100000-")]
    assert path.read_bytes() == BODY
    assert names(tmp_path) == ["file.bin", "file.bin.download.json"]


def test_the_part_of_a_dead_process(tmp_path, site, url):
    part = tmp_path / ".file.bin.0123456789ab.part"
    part.write_bytes(BODY[:50_000])
    note = tmp_path / f"{part.name}.json"
    note.write_text(json.dumps({"url": url, "validator": '"v1"'}))
    fetch(url, tmp_path / "a" / "file.bin")
    assert site.requests[-1][1] is None
    fetch(url, tmp_path / "file.bin")
    assert site.requests[-1][1] is None, "it may still be at work"
    (tmp_path / "file.bin").unlink()
    old = time.time() - 3600
    os.utime(part, (old, old))
    fetch(url, tmp_path / "file.bin")
    assert site.requests[-1][1] == "bytes=50000-"
    assert (tmp_path / "file.bin").read_bytes() == BODY


def test_a_part_that_is_whole_already(tmp_path, site, url):
    part = tmp_path / ".file.bin.left.part"
    part.write_bytes(BODY)
    note = tmp_path / f"{part.name}.json"
    note.write_text(json.dumps({"url": url, "validator": '"v1"'}))
    fetch(url, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == BODY


@pytest.mark.parametrize("known", [{"sha256": "0" * 64}, {"size": 5}])
def test_another_file_is_not_kept(tmp_path, url, known):
    with pytest.raises(DownloadError, match=r"SHA-256|700000 bytes"):
        fetch(url, tmp_path / "file.bin", **known)
    assert names(tmp_path) == []


def test_a_file_without_end(tmp_path, site, url):
    site.lengths = False
    with pytest.raises(DownloadError, match="goes on beyond"):
        fetch(url, tmp_path / "file.bin", size=100_000)
    site.tag = None
    fetch(url, tmp_path / "other.bin")
    assert (tmp_path / "other.bin").read_bytes() == BODY


def test_a_busy_server(tmp_path, site, url):
    site.answers = [503, 500, 429]
    fetch(url, tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == BODY
    site.answers = [503] * 9
    with pytest.raises(DownloadError, match="HTTP 503"):
        fetch(url, tmp_path / "other.bin")


def test_refusals(tmp_path, site, url):
    with pytest.raises(DownloadError, match="HTTP 404"):
        fetch(f"{url}.gone", tmp_path / "file.bin")
    assert len(site.requests) == 1
    site.redirects["/file.bin"] = "ftp://example.org/file.bin"
    with pytest.raises(DownloadError, match=r"ftp|on the web"):
        fetch(url, tmp_path / "file.bin")
    for other in ("file:///etc/passwd", "ftp://example.org/x"):
        with pytest.raises(DownloadError, match=r"only http:// and https://"):
            fetch(other, tmp_path / "file.bin")
    assert names(tmp_path) == []


def test_offline(tmp_path):
    with pytest.raises(DownloadError, match=r"cannot be downloaded .*check the connection"):
        fetch("http://127.0.0.1:9/model.zip", tmp_path / "file.bin")
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html>\n<title>Sign in", b"\xef\xbb\xbf \n<HTML><body>", b"<html>"]
)
def test_a_portal_s_page_is_no_model(tmp_path, site, url, page):
    site.files["/file.bin"] = page * 2000
    with pytest.raises(DownloadError, match="a web page came in place of the file"):
        fetch(url, tmp_path / "file.bin")
    assert names(tmp_path) == []  # nothing of it is used later
    site.files["/file.bin"] = BODY
    assert fetch(url, tmp_path / "file.bin").read_bytes() == BODY


def test_another_part_than_was_asked_for_is_not_the_whole(tmp_path, site, url):
    site.cut_after, site.shift = [300_000], 1000
    path = tmp_path / "file.bin"
    assert fetch(url, path).read_bytes() == BODY  # begun anew
    assert [wanted for _, wanted in site.requests] == [None, "bytes=300000-", None]


def test_a_server_that_says_when_to_come_back(tmp_path, site, url, monkeypatch):
    waited = []
    monkeypatch.setattr(fetch_module.time, "sleep", waited.append)
    site.answers, site.retry_after = [429, 503], "7"
    assert fetch(url, tmp_path / "a.bin").read_bytes() == BODY
    assert waited == [7.0, 7.0]
    site.answers, site.retry_after = [503], email.utils.formatdate(time.time() + 30, usegmt=True)
    assert fetch(url, tmp_path / "b.bin").read_bytes() == BODY
    assert 25 < waited[2] <= 30
    site.answers, site.retry_after = [503], "86400"
    with pytest.raises(DownloadError, match="again in 86,400 seconds"):
        fetch(url, tmp_path / "c.bin")
    assert len(waited) == 3
