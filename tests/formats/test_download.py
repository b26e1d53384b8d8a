"""From a source to a local path: addresses, names, the hub, and what is refused."""

import io
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from elmo.api import load
from elmo.cli.main import cli
from elmo.formats.pretrained import read, write_folder
from elmo.hub import models as registry
from elmo.hub.models import MODELS, RemoteFile, RemoteModel, find
from elmo.hub.resolving import resolve
from elmo.system import fetch as fetch_module
from elmo.system.download_progress import silent
from elmo.system.errors import FormatError
from elmo.system.fetch import DownloadError
from elmo.system.readable import readable
from tests.formats.helpers import assert_same_weights, model, word_config
from tests.formats.web import Site, serving


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("ELMO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fetch_module, "PAUSE", 0.0)
    monkeypatch.delenv("http_proxy", raising=False)
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def pretrained():
    return model(word_config())


@pytest.fixture
def site(pretrained, tmp_path):
    folder = write_folder(pretrained, tmp_path / "model")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in folder.iterdir():
            archive.write(path, f"inner/{path.name}")
    return Site(
        {
            "/elmo_x_options.json": (folder / "options.json").read_bytes(),
            "/elmo_x_weights.hdf5": (folder / "weights.hdf5").read_bytes(),
            "/20/217.zip": packed.getvalue(),
            "/bad.zip": packed.getvalue()[:-30],
        }
    )


@pytest.fixture
def address(site):
    with serving(site) as address:
        yield address


def test_local_paths(tmp_path):
    (tmp_path / "original").mkdir()
    assert resolve(tmp_path) == tmp_path
    assert resolve(str(tmp_path)) == tmp_path
    assert resolve((tmp_path / "a", str(tmp_path / "b"))) == (tmp_path / "a", tmp_path / "b")
    (tmp_path / "model.ckpt-3.index").write_bytes(b"")
    assert resolve(str(tmp_path / "model.ckpt-3")) == tmp_path / "model.ckpt-3"


def test_what_exists_comes_before_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small").mkdir()
    assert resolve("small").resolve() == tmp_path / "small"


@pytest.mark.parametrize("which", ["weights", "options", "pair"])
def test_a_pair(site, address, pretrained, which):
    options, weights = f"{address}/elmo_x_options.json", f"{address}/elmo_x_weights.hdf5"
    source = {"weights": weights, "options": options, "pair": (options, weights)}[which]
    local = resolve(source)
    assert_same_weights(read(local).weights, pretrained.weights)
    assert resolve(source) == local
    assert len(site.requests) == 2


def test_half_a_pair(tmp_path, site, address, pretrained):
    options = tmp_path / "model" / "options.json"
    local = resolve((options, f"{address}/elmo_x_weights.hdf5"))
    assert local[0] == options
    assert_same_weights(read(local).weights, pretrained.weights)
    with pytest.raises(FormatError, match="give both, OPTIONS,WEIGHTS"):
        resolve(f"{address}/lm.hdf5")


def test_an_archive(own_cache, site, address, pretrained):
    seen = []
    local = resolve(f"{address}/20/217.zip", progress=lambda *numbers: seen.append(numbers))
    assert_same_weights(read(local).weights, pretrained.weights)
    assert resolve(f"{address}/20/217.zip") == local
    assert len(site.requests) == 1 and seen
    names = sorted(path.name for path in local.parent.iterdir())
    assert names == ["217.zip.download.json", "content"]
    assert own_cache in local.parents


def test_a_damaged_archive(site, address):
    for _ in range(2):
        with pytest.raises(FormatError, match=r"/bad.zip: .*damaged"):
            resolve(f"{address}/bad.zip")
    site.files["/bad.zip"] = site.files["/20/217.zip"]
    assert resolve(f"{address}/bad.zip").is_dir()


def test_names(monkeypatch, site, address, pretrained):
    def known(name, *files):
        return RemoteModel(name, "", "en", files, None, "")

    folder = known(
        "tiny",
        RemoteFile(f"{address}/elmo_x_options.json", "options.json"),
        RemoteFile(f"{address}/elmo_x_weights.hdf5", "weights.hdf5"),
    )
    packed = known("tiny-zip", RemoteFile(f"{address}/20/217.zip", "217.zip"))
    for added in (folder, packed):
        monkeypatch.setitem(registry.MODELS, added.name, added)
        assert_same_weights(read(resolve(added.name.upper())).weights, pretrained.weights)


def test_offline_by_name(monkeypatch):
    file = RemoteFile("http://127.0.0.1:9/x.zip", "x.zip")
    monkeypatch.setitem(registry.MODELS, "gone", RemoteModel("gone", "", "en", (file,), None, ""))
    with pytest.raises(DownloadError, match="check the connection"):
        resolve("gone")


def test_unknown_sources(tmp_path):
    with pytest.raises(FormatError, match=r"did you mean original\?|did you mean original or"):
        resolve("orignal")
    with pytest.raises(FormatError, match="no such file or folder, and no model of that name"):
        resolve("./nothing/here")
    with pytest.raises(FormatError, match="no such file or folder"):
        resolve(tmp_path / "small")
    with pytest.raises(FormatError, match="the pair"):
        resolve(("a", "b", "c"))
    for source in ("hf://model", "hf://a/b/c", "hf://../x/y", "hf://a/b@"):
        with pytest.raises(FormatError, match="must be hf://user/model"):
            resolve(source)


def test_the_hub(tmp_path, own_cache, monkeypatch):
    hub = pytest.importorskip("huggingface_hub")
    asked = []

    def snapshot_download(repository, **settings):
        asked.append((repository, settings))
        return str(tmp_path)

    monkeypatch.setattr(hub, "snapshot_download", snapshot_download)
    assert resolve("hf://user/my-elmo") == tmp_path
    assert resolve("hf://user/my-elmo@v1.0") == tmp_path
    assert [(name, s["revision"]) for name, s in asked] == [
        ("user/my-elmo", None),
        ("user/my-elmo", "v1.0"),
    ]
    assert asked[0][1]["cache_dir"] == own_cache / "hub"
    assert not any("py" in pattern for pattern in asked[0][1]["allow_patterns"])

    def refuse(*_, **__):
        raise RuntimeError("401 Client Error\nmany lines")

    monkeypatch.setattr(hub, "snapshot_download", refuse)
    with pytest.raises(
        DownloadError, match=r"hf://user/x: cannot be downloaded: 401 Client Error many"
    ):
        resolve("hf://user/x")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"elmo-keras\[hub\]"):
        resolve("hf://user/x")


def test_the_table():
    assert {"original", "small", "medium", "original-5.5b", "seqvec"} <= set(MODELS)
    addresses = [file.url for known in MODELS.values() for file in known.files]
    # Both checkpoints were trained with one vocabulary; all else is there once.
    twice = {url for url in addresses if addresses.count(url) > 1}
    assert [url.rsplit("/", 1)[-1] for url in twice] == ["vocab-2016-09-10.txt"]
    for name, known in MODELS.items():
        assert known.name == name == name.lower()
        assert known.files and known.description and known.language
        for file in known.files:
            assert file.url.startswith(("https://", "http://vectors.nlpl.eu/"))
            assert "/" not in file.name
    assert MODELS["original"].size == 374_434_792 + 336
    assert MODELS["small"].size is None
    assert len([name for name in MODELS if name.startswith("manylangs-")]) == 44
    assert MODELS["manylangs-zh"].files[0].url.endswith("/11/179.zip")
    assert find("NLPL-209") is MODELS["nlpl-209"]
    assert find("nlpl-0") is None and find("nlpl-1x") is None
    url = MODELS["pubmed"].files[1].url
    assert url.endswith("/pubmed/elmo_2x4096_512_2048cnn_2xhighway_weights_PubMed_only.hdf5")


def test_a_pair_as_text(site, address, pretrained, tmp_path):
    options, weights = f"{address}/elmo_x_options.json", f"{address}/elmo_x_weights.hdf5"
    local = resolve(f"{options},{weights}")
    assert local == resolve((options, weights))
    mine = tmp_path / "model" / "options.json"
    assert resolve(f"{mine},{weights}") == resolve((mine, weights))
    assert_same_weights(read(resolve(f"{mine},{local[1]}")).weights, pretrained.weights)
    (tmp_path / "a,b").mkdir()
    assert resolve(str(tmp_path / "a,b")) == tmp_path / "a,b"
    site.files["/a,b.zip"] = site.files["/20/217.zip"]
    assert_same_weights(read(resolve(f"{address}/a,b.zip")).weights, pretrained.weights)


def test_a_named_model_by_its_addresses_is_the_same_download(monkeypatch, site, address):
    options, weights = f"{address}/elmo_x_options.json", f"{address}/elmo_x_weights.hdf5"
    files = (RemoteFile(options, "options.json"), RemoteFile(weights, "weights.hdf5"))
    packed = (RemoteFile(f"{address}/20/217.zip", "217.zip"),)
    for name, known in (("tiny", files), ("tiny-zip", packed)):
        monkeypatch.setitem(registry.MODELS, name, RemoteModel(name, "", "en", known, None, ""))
    folder = resolve("tiny")
    assert resolve((options, weights)) == (folder / "options.json", folder / "weights.hdf5")
    assert resolve(weights) == resolve((options, weights))
    assert resolve("tiny-zip") == resolve(f"{address}/20/217.zip")
    assert len(site.requests) == 3


def test_names_are_a_sentence_of_their_own():
    with pytest.raises(FormatError, match=r"no model of that name\. Names are"):
        resolve("./nothing/here")


def test_what_people_see(site, address, tmp_path, capsys, monkeypatch):
    weights = f"{address}/elmo_x_weights.hdf5"
    load(weights, tmp_path / "model" / "vocab.txt")
    size = len(site.files["/elmo_x_weights.hdf5"])
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" to ")[0] for line in lines] == [
        f"downloading {address}/elmo_x_options.json "
        f"({len(site.files['/elmo_x_options.json'])} bytes)",
        f"downloading {weights} ({readable(size)})",
    ]
    assert all(Path(line.split(" to ")[1]).is_dir() for line in lines)
    load(weights, tmp_path / "model" / "vocab.txt")  # is here already
    assert not capsys.readouterr().err
    archive = f"{address}/20/217.zip"
    with silent():
        resolve(archive, progress=True)
    assert not capsys.readouterr().err
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("ELMO_CACHE", str(tmp_path / "another"))
    resolve(archive, progress=True)
    assert "downloading" in capsys.readouterr().err


@pytest.mark.parametrize("quiet", [[], ["--json"]])
def test_what_commands_show(quiet, address):
    result = CliRunner().invoke(cli, ["info", f"{address}/20/217.zip", *quiet])
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith("downloading ") is not bool(quiet)
    assert "downloading" not in result.stdout
