"""What is wrong with a sentence is said with its place, wherever sentences come in."""

import numpy as np
import pytest

from elmo.api import BiLM
from elmo.bilm.initialization import new_network
from elmo.compat.allennlp import ElmoEmbedder, batch_to_ids
from elmo.compat.elmoformanylangs import Embedder as ManyLangsEmbedder
from elmo.compat.simple_elmo import ElmoModel
from elmo.compat.tfhub import ElmoModule
from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.formats.pretrained import write_folder
from elmo.text.corpus import Corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.manylangs import ManyLangsCharacters
from elmo.text.sentences import token_list, token_lists
from tests.formats.helpers import character_config
from tests.formats.helpers import model as pretrained

MANYLANGS = ManyLangsCharacters(
    {c: i for i, c in enumerate(["a", "<bos>", "<eos>", "<oov>", "<pad>", "<bow>", "<eow>"])},
    None,
    5,
)


@pytest.fixture(scope="module")
def ways(tmp_path_factory):
    """Every function that takes sentences, by its name."""
    characters = CharCNNConfig(embedding_dim=2, filters=[[1, 4], [2, 4]])
    config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), char_cnn=characters)
    model = BiLM(new_network(config, seed=0), SentenceEncoder(characters=50))
    folder = write_folder(
        pretrained(character_config(vocabulary_size=7)), tmp_path_factory.mktemp("door") / "model"
    )
    allennlp = ElmoEmbedder(folder / "options.json", folder / "weights.hdf5")
    simple = ElmoModel()
    simple.load(folder)
    many = ManyLangsEmbedder(model)
    return {
        "encode": model.encode,
        "embed": model.embed,
        "embed_iter": lambda sentences: list(model.embedder.embed_iter(sentences)),
        "Corpus": Corpus.from_sentences,
        "encode_batch": SentenceEncoder(characters=5).encode_batch,
        "ManyLangsCharacters": MANYLANGS.encode_batch,
        "batch_to_ids": batch_to_ids,
        "embed_batch": allennlp.embed_batch,
        "embed_sentences": lambda sentences: list(allennlp.embed_sentences(sentences, 1)),
        "get_elmo_vectors": simple.get_elmo_vectors,
        "get_elmo_substitutes": simple.get_elmo_substitutes,
        "sents2elmo": many.sents2elmo,
    }


WAYS = ["encode", "embed", "embed_iter", "Corpus", "encode_batch", "ManyLangsCharacters"]
WAYS += ["batch_to_ids", "embed_batch", "embed_sentences"]
WAYS += ["get_elmo_vectors", "get_elmo_substitutes", "sents2elmo"]


@pytest.mark.parametrize("way", WAYS)
def test_the_door(ways, way):
    call = ways[way]
    for wrong in ("The bank closed .", b"The bank", None, 7):
        with pytest.raises(TypeError, match=r"must be a list of (sentences|tokens)"):
            call(wrong)
    for token in (None, float("nan"), 7, np.float32(3), b"bank", ["bank"]):
        with pytest.raises(TypeError, match=r"sentence 1, token 2 \(counted from 0\) is .*: every"):
            call([["The", "bank"], ["closed", ".", token]])
    for sentence in (None, float("nan"), b"The bank"):
        with pytest.raises(TypeError, match=r"sentence 1 is .*: must be a list of tokens"):
            call([["The", "bank"], sentence])


@pytest.mark.parametrize("way", ["batch_to_ids", "embed_batch", "embed_sentences", "encode_batch"])
def test_strings_where_the_other_program_would_read_their_characters(ways, way):
    with pytest.raises(
        TypeError, match="sentence 0 is the str 'The bank': must be a list of tokens"
    ):
        ways[way](["The bank"])


def test_what_was_encoded_before_the_error_stays_right():
    encoder, fresh = SentenceEncoder(characters=6), SentenceEncoder(characters=6)
    with pytest.raises(TypeError):
        encoder.encode(["one", "two", None])
    expected = fresh.encode(["two", "one", "three"])
    np.testing.assert_array_equal(encoder.encode(["two", "one", "three"]), expected)
    assert encoder.report == fresh.report


def test_a_hub_module_refuses_what_is_no_string(ways):
    module = ElmoModule(ways["embed"].__self__)
    with pytest.raises(TypeError, match=r"sentence 1 .* is None"):
        module(["The bank", None])
    tokens = {"tokens": [["The", float("nan")]], "sequence_len": [2]}
    with pytest.raises(TypeError, match=r"sentence 0, token 1 .* is nan"):
        module(tokens, signature="tokens")


def test_long_values_are_shown_in_part():
    with pytest.raises(TypeError) as caught:
        token_lists("x" * 100_000)
    assert len(str(caught.value)) < 200
    with pytest.raises(TypeError) as caught:
        token_list([list(range(100_000))])
    assert len(str(caught.value)) < 200


def test_strings_of_numpy_are_strings():
    assert token_list(np.array(["The", "bank"])) == ["The", "bank"]
