"""ELMo as embeddings of Flair: stacked, under a tagger that Flair's own trainer trains, saved with it."""

import copy

import numpy as np
import pytest

pytest.importorskip("flair", exc_type=ImportError)

import flair
import torch
from flair.data import Corpus, Sentence
from flair.datasets import FlairDatapointDataset
from flair.embeddings import OneHotEmbeddings, StackedEmbeddings
from flair.models import SequenceTagger
from flair.trainers import ModelTrainer

from elmo.api import from_pretrained
from elmo.formats.pretrained import write_folder
from elmo.hub.models import MODELS
from elmo.integrations.flair import FLAIRS_NAMES, ElmoEmbeddings
from tests.formats.helpers import character_config, model
from tests.guides import run_guide

SENTENCES = [["The", "bank", "closed"], ["It"], ["We", "sat", "on", "the", "bank"]]
TAGS = [["DET", "NOUN", "VERB"], ["PRON"], ["PRON", "VERB", "ADP", "DET", "NOUN"]]


@pytest.fixture(scope="module", autouse=True)
def processor():
    flair.device = torch.device("cpu")


@pytest.fixture(scope="module")
def bilm():
    return from_pretrained(model(character_config()))


def sentences():
    return [Sentence(tokens) for tokens in SENTENCES]


def vectors(embeddings):
    found = sentences()
    embeddings.embed(found)
    return [np.stack([token.embedding.detach().numpy() for token in one]) for one in found]


@pytest.mark.parametrize("mode", ["top", "average"])
def test_one_layer(bilm, mode):
    embeddings = ElmoEmbeddings(bilm, embedding_mode=mode)
    assert embeddings.embedding_length == 6
    for one, other in zip(vectors(embeddings), bilm.embed(SENTENCES, layers=mode), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_all_layers_stand_one_after_the_other(bilm):
    embeddings = ElmoEmbeddings(bilm)
    assert embeddings.embedding_length == 18 and embeddings.embedding_mode == "all"
    for one, other in zip(vectors(embeddings), bilm.embed(SENTENCES), strict=True):
        np.testing.assert_allclose(one, np.concatenate(list(other), axis=-1), atol=1e-5)


def test_a_folder_a_pair_of_files_and_a_model_in_memory_agree(bilm, tmp_path):
    folder = write_folder(model(character_config()), tmp_path / "model")
    pair = ElmoEmbeddings(options_file=folder / "options.json", weight_file=folder / "weights.hdf5")
    for found in (ElmoEmbeddings(folder), pair):
        for one, other in zip(vectors(found), vectors(ElmoEmbeddings(bilm)), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
    assert ElmoEmbeddings(folder).name == f"elmo-{folder}-all"


def test_vectors_do_not_depend_on_what_was_read_before(bilm):
    embeddings = ElmoEmbeddings(bilm, embedding_mode="top")
    for one, other in zip(vectors(embeddings), vectors(embeddings), strict=True):
        np.testing.assert_array_equal(one, other)


def corpus():
    found = sentences()
    for sentence, tags in zip(found, TAGS, strict=True):
        for token, tag in zip(sentence, tags, strict=True):
            token.add_label("pos", tag)
    data = FlairDatapointDataset(found)
    return Corpus(train=data, dev=data, test=data, sample_missing_splits=False)


def test_stacked(bilm):
    text = corpus()
    stack = StackedEmbeddings(
        [ElmoEmbeddings(bilm), OneHotEmbeddings.from_corpus(text, min_freq=1, embedding_length=5)]
    )
    assert stack.embedding_length == 18 + 5
    found = vectors(stack)
    for one, other in zip(found, vectors(ElmoEmbeddings(bilm)), strict=True):
        assert any(
            np.allclose(one[:, start : start + 18], other, atol=1e-6) for start in (0, 5)
        )  # Flair orders a stack by names


@pytest.mark.filterwarnings("ignore:.*torch.cuda.amp.GradScaler:FutureWarning")  # Flair's trainer
def test_a_tagger_learns_over_it_and_is_saved_with_it(tmp_path):
    folder = write_folder(model(character_config()), tmp_path / "model")
    flair.set_seed(0)
    text = corpus()
    tagger = SequenceTagger(
        embeddings=ElmoEmbeddings(folder, name="elmo"),
        tag_dictionary=text.make_label_dictionary("pos", add_unk=False),
        tag_type="pos",
        hidden_size=16,
        use_crf=False,
        dropout=0.0,
        word_dropout=0.0,
        locked_dropout=0.0,
        reproject_embeddings=True,
    )
    before = tagger.forward_loss(list(text.train))[0].item()
    ModelTrainer(tagger, text).train(
        tmp_path / "run",
        learning_rate=0.02,
        optimizer=torch.optim.Adam,
        mini_batch_size=3,
        max_epochs=60,
        patience=60,
        embeddings_storage_mode="none",
        save_final_model=True,
        use_final_model_for_eval=True,
    )
    assert tagger.forward_loss(list(text.train))[0].item() < before / 4
    folder.rename(tmp_path / "elsewhere")
    again = SequenceTagger.load(tmp_path / "run" / "final-model.pt")
    found = sentences()
    again.predict(found)
    assert [[token.tag for token in one] for one in found] == TAGS
    assert again.embeddings.name == "elmo"


def test_copies_and_parameters(bilm):
    embeddings = ElmoEmbeddings(bilm, embedding_mode="top", name="mine")
    for other in (
        copy.deepcopy(embeddings),
        flair.embeddings.base.load_embeddings(embeddings.save_embeddings()),
    ):
        assert other.name == "mine"
        for one, two in zip(vectors(embeddings), vectors(other), strict=True):
            np.testing.assert_allclose(one, two, atol=1e-6)


def test_what_is_refused(bilm):
    with pytest.raises(ValueError, match="embedding_mode='sum': must be 'all', 'top' or 'average'"):
        ElmoEmbeddings(bilm, embedding_mode="sum")
    with pytest.raises(ValueError, match="weight_file=None: give both, or neither"):
        ElmoEmbeddings(options_file="options.json")
    with pytest.raises(ValueError, match="portuguese: no such file or folder, and no model"):
        ElmoEmbeddings("portuguese")
    with pytest.raises(TypeError, match="model=3: must be a BiLM"):
        ElmoEmbeddings(3)


def test_flairs_names_are_names_of_ours():
    assert set(FLAIRS_NAMES.values()) <= set(MODELS)


@pytest.mark.filterwarnings("ignore:.*torch.cuda.amp.GradScaler:FutureWarning")  # Flair's trainer
def test_the_guide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(model(character_config()), tmp_path / "my-elmo")
    names, _ = run_guide("flair.md")
    assert names["stack"].embedding_length > 6
    tagged = [token.tag for sentence in names["sentences"] for token in sentence]
    assert set(tagged) <= {"DET", "NOUN", "VERB", "PRON", "ADP"} and len(tagged) == 8
