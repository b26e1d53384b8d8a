"""Stores that are cut or damaged: vectors or one sentence with the path, no other library's error."""

import shutil

import numpy as np
import pytest

from elmo.embed.embedder import Embedder
from elmo.text.encoding import SentenceEncoder
from elmo.vectors.reading import StoreError, read_vectors
from tests.embed.helpers import CONFIGS, embed_file, network
from tests.formats.test_fuzz import damaged

SENTENCES = [["a", "bank"], ["closed"], ["the", "bank", "closed", "again"]] * 3
NAMES = ["v.hdf5", "v.npz", "v.parquet", "v.npy", "v.safetensors"]


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores")
    config = next(config for config in CONFIGS.values() if config.char_cnn is not None)
    encoder = SentenceEncoder(characters=config.char_cnn.max_characters_per_token)
    embedder = Embedder(network(config), encoder)
    for name in NAMES:
        embed_file(embedder, SENTENCES, folder / name, progress=False)
    return folder


def read_all(path):
    """Everything that a store can be asked for; how many of its sentences were whole."""
    vectors = read_vectors(path)
    whole = 0
    for number in range(min(len(vectors), 20)):
        whole += np.asarray(vectors[number]).dtype.kind == "f"
        try:
            vectors.tokens(number)
        except StoreError as error:
            assert str(path) in str(error)
    return whole


# NumPy leaves a .npz file that it cannot read open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", NAMES)
def test_damage_of_any_kind(stores, tmp_path, name):
    pytest.importorskip("pyarrow")
    assert read_all(stores / name) == len(SENTENCES)
    refused = 0
    for seed in range(60):
        path = tmp_path / f"{seed}{name}"
        if (stores / name).is_dir():
            shutil.copytree(stores / name, path)
            files = sorted(p for p in path.rglob("*") if p.is_file())
            file = files[seed % len(files)]
        else:
            shutil.copyfile(stores / name, path)
            file = path
        file.write_bytes(damaged(file.read_bytes(), seed))
        try:
            read_all(path)
        except StoreError as error:
            refused += 1
            assert str(path) in str(error) and len(str(error)) < 600
    assert refused


@pytest.mark.parametrize("name", ["v.parquet", "v.npy"])
def test_a_folder_that_lacks_a_file(stores, tmp_path, name):
    for file in sorted(p.name for p in (stores / name).iterdir()):
        path = tmp_path / file / name
        shutil.copytree(stores / name, path)
        (path / file).unlink()
        try:
            read_all(path)
        except StoreError as error:
            assert str(path) in str(error)
