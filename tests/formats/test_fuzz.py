"""Damaged files: a clear error or the right kind of result, never anything else.

Every case is made from a seed: bits flipped, bytes overwritten, pieces cut, zeroed, copied or left
out; and settings replaced by values of other kinds.
"""

import json
import pathlib
import random
import resource
import shutil
import time
import zipfile

import numpy as np
import pytest

from elmo.formats.containers import tensor_bundle
from elmo.formats.containers.tensor_bundle import read_bundle
from elmo.formats.containers.torch_pickle import read_state_dict
from elmo.formats.options import config_from_options, options_from_config
from elmo.formats.pretrained import read, write_folder
from elmo.system.errors import FormatError
from elmo.text.manylangs import DictionaryError, read_dictionary
from tests.formats.bundle_writer import write_bundle
from tests.formats.helpers import character_config, model, word_config
from tests.formats.torch_writer import WRITERS, state_dict

SECONDS = 5
MEGABYTES = 300


def damaged(content, seed):
    """Some bytes with one kind of damage."""
    rng = random.Random(seed)
    data = bytearray(content)
    place = rng.randrange(len(data))
    piece = slice(place, place + rng.randrange(1, 64))
    match rng.choice(["flip", "flip", "set", "set", "cut", "zero", "copy", "leave out", "noise"]):
        case "flip":
            for _ in range(rng.choice([1, 1, 2, 16])):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        case "set":
            for _ in range(rng.choice([1, 1, 4, 16])):
                data[rng.randrange(len(data))] = rng.choice([0, 1, 127, 128, 255])
        case "cut":
            del data[place:]
        case "zero":
            data[piece] = bytes(len(data[piece]))
        case "copy":
            target = rng.randrange(len(data))
            copied = data[piece]
            data[target : target + len(copied)] = copied
        case "leave out":
            del data[piece]
        case "noise":
            data = bytearray(rng.randbytes(rng.choice([1, 100, 5000])))
    return bytes(data)


def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def check_survives(call, errors=FormatError, named=None):
    """Whether `call` gives a result; an error must be one of `errors` and name the file."""
    before, start = memory(), time.perf_counter()
    try:
        call()
        return True
    except errors as error:
        assert named is None or named in str(error), error
        assert len(str(error)) < 20_000
        return False
    finally:
        assert time.perf_counter() - start < SECONDS
        assert memory() - before < MEGABYTES


@pytest.fixture
def saved(tmp_path):
    return write_folder(model(character_config(vocabulary_size=6)), tmp_path / "model")


FILES = ("options.json", "weights.hdf5", "vocab.txt", "vocab.counts.txt")


@pytest.mark.parametrize(("name", "cases"), list(zip(FILES, (80, 150, 30, 20), strict=True)))
def test_our_folder(saved, name, cases):
    content = (saved / name).read_bytes()
    results = []
    for seed in range(cases):
        (saved / name).write_bytes(damaged(content, seed))
        results.append(check_survives(lambda: read(saved), named=str(saved)))
    assert False in results


def test_metadata_of_hdf5(tmp_path):
    """The same where the file is little else than metadata."""
    folder = write_folder(model(word_config()), tmp_path / "model")
    content = (folder / "weights.hdf5").read_bytes()
    for seed in range(120):
        (folder / "weights.hdf5").write_bytes(damaged(content, seed))
        check_survives(lambda: read(folder), named="weights.hdf5")


JUNK = (None, True, -1, 0, 1, 3, 2**31, 10**30, 1e308, -0.5, "x", "", [], {}, [[1, 2]], {"a": 1})


def paths_in(value, path=()):
    """Paths of everything inside a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from paths_in(inner, (*path, key))


@pytest.mark.parametrize("config", [character_config(vocabulary_size=6), word_config()])
def test_settings_of_other_kinds(config):
    original = json.dumps(options_from_config(config, settings={"a": 1}))
    places = list(paths_in(json.loads(original)))
    for seed in range(300):
        rng = random.Random(seed)
        options = json.loads(original)
        for _ in range(rng.choice([1, 1, 2])):
            *parents, last = rng.choice(places)
            target = options
            try:
                for key in parents:
                    target = target[key]
                target[last] = rng.choice(JUNK)
            except (KeyError, IndexError, TypeError):
                continue
        check_survives(lambda: config_from_options(options, "options.json"), named="options.json")  # noqa: B023


def test_nested_json(saved):
    for text in ("[" * 100_000, '{"a":' * 100_000, "9" * 10_000, '{"lstm": NaN}', "\ufeff{}", ""):
        (saved / "options.json").write_text(text)
        assert not check_survives(lambda: read(saved), named="options.json")


@pytest.mark.parametrize("kind", WRITERS)
def test_pickles(tmp_path, kind):
    path = tmp_path / "x.pkl"
    rng = np.random.default_rng(0)
    arrays = {f"layer_{i}.weight": rng.normal(size=(2, 3)).astype(np.float32) for i in range(4)}
    WRITERS[kind](path, *state_dict(arrays, shared=["layer_1.weight"]))
    content = path.read_bytes()

    def load():
        for stored in read_state_dict(path).values():
            assert stored.load().shape == stored.shape

    for seed in range(300):
        path.write_bytes(damaged(content, seed))
        check_survives(load, named="x.pkl")


def test_pickles_in_a_whole_zip(tmp_path):
    """Damage that no checksum of the archive sees."""
    path = tmp_path / "x.pkl"
    WRITERS["zip"](path, *state_dict({"a": np.ones((2, 3)), "b": np.ones(2)}))
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}

    def load():
        for stored in read_state_dict(path).values():
            assert stored.load().shape == stored.shape

    for seed in range(300):
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in content.items():
                whole = not name.endswith("data.pkl")
                archive.writestr(name, data if whole else damaged(data, seed))
        check_survives(load, named="x.pkl")


class Anything:
    """Equal to whatever it is compared with."""

    def __ne__(self, other):
        return False

    __eq__ = None
    __hash__ = None


@pytest.mark.parametrize("checked", [True, False], ids=["checksums", "checksums ignored"])
@pytest.mark.parametrize("part", ["index", "data-00000-of-00001"])
def test_checkpoints(tmp_path, monkeypatch, checked, part):
    rng = np.random.default_rng(0)
    arrays = {f"lm/v_{i}": rng.normal(size=(i, 3)).astype(np.float32) for i in range(20)}
    write_bundle(tmp_path / "x", arrays)
    path = tmp_path / f"x.{part}"
    content = path.read_bytes()
    if not checked:
        monkeypatch.setattr(tensor_bundle, "masked", lambda _: Anything())

    def load():
        for stored in read_bundle(tmp_path / "x").values():
            assert stored.load().shape == stored.shape

    for seed in range(200 if part == "index" else 60):
        path.write_bytes(damaged(content, seed))
        check_survives(load, named=str(tmp_path))


def test_dictionaries(tmp_path):
    path = tmp_path / "char.dic"
    content = "".join(f"{chr(200 + i)}\t{i}\n" for i in range(100)).encode()
    for seed in range(200):
        path.write_bytes(damaged(content, seed))
        check_survives(lambda: read_dictionary(path), DictionaryError, "char.dic")


def test_archives(saved, tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in saved.iterdir():
            archive.write(file, file.name)
    content = path.read_bytes()
    for seed in range(150):
        path.write_bytes(damaged(content, seed))
        check_survives(lambda: read(path), named="x.zip")
    outside = [file for file in tmp_path.iterdir() if file.name not in ("x.zip", "model")]
    assert not outside


def test_folders_of_manylangs(data_folder, tmp_path):
    source = data_folder("manylangs-fixture/model")
    folder = tmp_path / "model"
    folder.mkdir()
    for path in source.iterdir():
        shutil.copyfile(path, folder / path.name)
    settings = next(path.name for path in source.glob("cnn*.json"))
    for name, cases in (("config.json", 30), (settings, 60), ("word.dic", 40), ("encoder.pkl", 60)):
        content = (source / name).read_bytes()
        for seed in range(cases):
            (folder / name).write_bytes(damaged(content, seed))
            check_survives(lambda: read(folder), named=str(folder))
        (folder / name).write_bytes(content)


def test_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    from elmo.formats.safetensors import write

    path = tmp_path / "x.safetensors"
    write(model(word_config()), path)
    content = path.read_bytes()
    for seed in range(150):
        path.write_bytes(damaged(content, seed))
        check_survives(lambda: read(path), named=str(tmp_path))


def test_a_file_under_another_name(tmp_path, saved):
    """Whole files of one kind, called as those of another."""
    WRITERS["zip"](tmp_path / "a.zip", *state_dict({"a": np.ones(2)}))
    WRITERS["plain"](tmp_path / "b.hdf5", *state_dict({"a": np.ones(2)}))
    shutil.copyfile(saved / "weights.hdf5", tmp_path / "c.zip")
    shutil.copyfile(saved / "weights.hdf5", tmp_path / "d.safetensors")
    shutil.copyfile(saved / "weights.hdf5", tmp_path / "e.index")
    shutil.copyfile(saved / "options.json", tmp_path / "checkpoint")
    shutil.copyfile(saved / "vocab.txt", tmp_path / "options.json")
    for path in sorted(tmp_path.iterdir()):
        if path.is_file():
            assert not check_survives(lambda: read(path)), path  # noqa: B023
    empty = tmp_path / "empty"
    for name in ("x.hdf5", "x.zip", "x.safetensors", "x.pkl", "checkpoint", "x.index", "x.json"):
        empty.mkdir()
        pathlib.Path(empty, name).write_bytes(b"")
        assert not check_survives(lambda: read(empty / name))  # noqa: B023
        assert not check_survives(lambda: read(empty))
        shutil.rmtree(empty)
