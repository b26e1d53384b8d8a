"""Models and what holds them are pickled and copied, before and after they have computed."""

import copy
import multiprocessing
import pickle

import numpy as np
import pytest

import elmo
from elmo.api import from_pretrained
from elmo.compat.allennlp import ElmoEmbedder
from elmo.compat.simple_elmo import ElmoModel
from elmo.compat.tfhub import ElmoModule
from elmo.embed.token_cache import TokenCache, write_token_cache
from elmo.formats.pretrained import write_folder
from tests.formats.helpers import character_config, model, word_config

SENTENCES = [["w1", "bank", "w2"], ["w3"], ["closed", "w1"]]
WAYS = {"pickle": lambda thing: pickle.loads(pickle.dumps(thing)), "copy": copy.deepcopy}


def characters():
    return from_pretrained(model(character_config(vocabulary_size=7)))


def same(found, expected):
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("used", [False, True])
@pytest.mark.parametrize("kind", ["words", "characters", "manylangs"])
def test_a_model_comes_back_with_all_it_knows(way, used, kind, data_folder, tmp_path):
    original = {
        "words": lambda: from_pretrained(model(word_config(weight_tying=True))),
        "characters": characters,
        "manylangs": lambda: elmo.load(data_folder("manylangs-fixture/model")),
    }[kind]()
    original.state, original.step, original.training_options = "carry", 17, {"a": 1}
    (tmp_path / "text").write_text("w1 w2\nbank w1\n")
    if used:
        original.embed(SENTENCES, state="carry")
        if original.has_softmax:
            original.evaluate(tmp_path / "text")
    again = WAYS[way](original)
    assert again.config == original.config and repr(again) == repr(original)
    assert (again.state, again.step, again.training_options) == ("carry", 17, {"a": 1})
    assert again.has_softmax == original.has_softmax
    same(again.embed(SENTENCES), original.embed(SENTENCES))
    if original.has_softmax:
        assert again.evaluate(tmp_path / "text") == original.evaluate(tmp_path / "text")


@pytest.mark.parametrize("way", WAYS)
def test_a_word_model_without_a_softmax_stays_without(way):
    again = WAYS[way](from_pretrained(model(word_config(), softmax=False)))
    assert not again.has_softmax
    with pytest.raises(ValueError, match="no softmax"):
        again.evaluate("text")


@pytest.mark.parametrize("way", WAYS)
def test_an_embedder_comes_back_with_what_it_carries(way, tmp_path):
    original = characters()
    write_token_cache(original.embedder, ["w1", "bank"], tmp_path / "cache.hdf5")
    embedder = original.new_embedder(token_cache=TokenCache.load(tmp_path / "cache.hdf5"))
    embedder.embed(SENTENCES, state="carry")
    again = WAYS[way](embedder)
    same(again.embed(SENTENCES, state="carry"), embedder.embed(SENTENCES, state="carry"))
    assert again.token_cache.tokens == embedder.token_cache.tokens


def test_an_embedder_that_cannot_be_made_anew_says_why():
    embedder = characters().new_embedder()
    embedder._encoder = None  # as after `release`
    with pytest.raises(pickle.PicklingError, match="let go of its network"):
        pickle.dumps(embedder)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("used", [False, True])
def test_stand_ins_of_other_programs(way, used, tmp_path):
    folder = write_folder(model(character_config(vocabulary_size=7)), tmp_path / "model")
    theirs = ElmoEmbedder(folder / "options.json", folder / "weights.hdf5")
    simple = ElmoModel()
    if used:
        theirs.embed_batch(SENTENCES)
    else:
        assert pickle.loads(pickle.dumps(simple)).vector_size is None
    simple.load(folder)
    module = ElmoModule(folder)
    if used:
        simple.get_elmo_vectors(SENTENCES)
        module([" ".join(s) for s in SENTENCES])
    again = WAYS[way](theirs)
    same(again.embed_batch(SENTENCES), theirs.embed_batch(SENTENCES))  # the state went along
    again = WAYS[way](simple)
    same(again.get_elmo_vectors(SENTENCES), simple.get_elmo_vectors(SENTENCES))
    assert again.get_elmo_substitutes(["w1 w2"]) == simple.get_elmo_substitutes(["w1 w2"])
    again = WAYS[way](module)
    strings = [" ".join(s) for s in SENTENCES]
    same([again(strings)], [module(strings)])


def test_a_model_goes_to_a_process_that_is_spawned():
    original = characters()
    expected = original.embed(SENTENCES, engine="keras")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(_embed, (original,))
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def _embed(sent):
    return sent.embed(SENTENCES, engine="keras")
