"""Texts with periods, a tiny model of random weights in a folder, and an index of them."""

import pytest

import elmo
from elmo.bilm.initialization import new_network
from elmo.config import BiLMConfig, LSTMConfig
from elmo.text.encoding import SentenceEncoder
from elmo.text.vocabulary import Vocabulary

NOVELS = {
    "1840-a.txt": "the old bank closed .\n\nwe sat on the bank of the river .\n",
    "1840-b.txt": "a bank lends money .\nthe river bank was wet .\n",
    "1900-c.txt": "Bank is no bank but a bank .\nonce here\nthe bank of the town lends gold .\n",
}
SENTENCES = {
    name: [line.split() for line in text.splitlines() if line.split()]
    for name, text in NOVELS.items()
}


def write_texts(folder, texts=NOVELS):
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def random_model(folder, seed=0, dim=8):
    """A word model with random weights, saved in a folder."""
    words = sorted({token for text in NOVELS.values() for token in text.split()})
    vocabulary = Vocabulary(["</S>", "<S>", "<UNK>", *words])
    config = BiLMConfig(
        lstm=LSTMConfig(dim=12, projection_dim=dim), vocabulary_size=len(vocabulary)
    )
    model = elmo.BiLM(new_network(config, seed), SentenceEncoder(vocabulary))
    model.save(folder)
    return folder


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    return random_model(tmp_path_factory.mktemp("usages") / "model")


@pytest.fixture(scope="session")
def model(model_folder):
    return elmo.load(model_folder)


@pytest.fixture
def texts(tmp_path):
    return write_texts(tmp_path / "texts")


@pytest.fixture(scope="session")
def built(model_folder, tmp_path_factory):
    """An index that must stay as it is."""
    from elmo.usages import build

    folder = tmp_path_factory.mktemp("built")
    texts = write_texts(folder / "texts")
    build(model_folder, texts, folder / "novels.uses", periods=r"\d{4}")
    return folder / "novels.uses"
