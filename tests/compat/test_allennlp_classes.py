"""AllenNLP's smaller classes: its mix, its token embedder, its ids."""

import keras
import numpy as np
import pytest

from elmo.compat.allennlp import (
    Elmo,
    ELMoCharacterMapper,
    ELMoTokenCharactersIndexer,
    ElmoTokenEmbedder,
    ScalarMix,
    batch_to_ids,
)
from elmo.compat.byte_ids import PublishedEncoder

TORCH = keras.backend.backend() == "torch"
SENTENCES = [["a", "bank", "closed"], ["it", "rained"]]


def array(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def shares(w):
    return np.exp(w) / np.exp(w).sum()


@pytest.fixture
def tensors():
    return list(np.random.default_rng(3).normal(size=(3, 3, 4, 5)).astype("float32"))


@pytest.mark.numerics
def test_a_mix(tensors):
    mix = ScalarMix(3, initial_scalar_parameters=[0.1, 0.2, 0.3])
    mix.mix.gamma.assign(0.5)
    wanted = 0.5 * np.einsum("k,kbtd->btd", shares([0.1, 0.2, 0.3]), tensors)
    np.testing.assert_allclose(array(mix(tensors)), wanted, atol=1e-6)
    flat = [tensor.reshape(12, 5) for tensor in tensors]  # any number of axes
    np.testing.assert_allclose(array(mix(flat)), wanted.reshape(12, 5), atol=1e-6)


@pytest.mark.numerics
def test_a_mix_of_normalized_tensors(tensors):
    mask = np.ones((3, 4), "int32")
    mask[1, 2:] = 0
    mix = ScalarMix(3, do_layer_norm=True, initial_scalar_parameters=[0.1, 0.2, 0.3])
    wanted = sum(
        share * (tensor - tensor[mask == 1].mean()) / tensor[mask == 1].std()
        for share, tensor in zip(shares([0.1, 0.2, 0.3]), tensors, strict=True)
    )
    np.testing.assert_allclose(array(mix(tensors, mask)), wanted, atol=1e-5)
    plain = ScalarMix(3)  # where nothing is normalized the mask is not asked
    np.testing.assert_array_equal(array(plain(tensors, mask)), array(plain(tensors)))


def test_what_a_mix_learns(tensors):
    mix = ScalarMix(3)
    assert sorted(v.shape for v in mix.trainable_variables) == [(), (3,)]  # before any call
    fixed = ScalarMix(3, initial_scalar_parameters=[1.0, 2.0, 3.0], trainable=False)
    assert not fixed.trainable_variables
    assert [float(array(w)[0]) for w in fixed.scalar_parameters] == [1.0, 2.0, 3.0]
    assert array(fixed.gamma).tolist() == [1.0]
    again = ScalarMix.from_config(fixed.get_config())
    np.testing.assert_array_equal(array(again(tensors)), array(fixed(tensors)))
    assert not again.trainable_variables


@pytest.mark.skipif(not TORCH, reason="of PyTorch's backend")
@pytest.mark.numerics
def test_parameters_of_a_mix_can_be_set(tensors):
    mix = ScalarMix(3)
    for number in range(3):
        mix.scalar_parameters[number].data[0] = 0.1 * (number + 1)
    mix.gamma.data[0] = 0.5
    wanted = 0.5 * np.einsum("k,kbtd->btd", shares([0.1, 0.2, 0.3]), tensors)
    np.testing.assert_allclose(array(mix(tensors)), wanted, atol=1e-6)


def test_refused_mixes(tensors):
    with pytest.raises(ValueError, match="3 tensors were given, and mixture_size=2"):
        ScalarMix(2)(tensors)
    with pytest.raises(ValueError, match=r"initial_scalar_parameters=\[0.0\].*mixture_size=2"):
        ScalarMix(2, initial_scalar_parameters=[0.0])


@pytest.mark.numerics
def test_a_token_embedder(files):
    ids = batch_to_ids(SENTENCES)
    options = {"dropout": 0, "scalar_mix_parameters": [0.0, 1.0, -1.0]}
    (wanted,) = Elmo(*files, 1, **options)(ids)["elmo_representations"]
    embed = ElmoTokenEmbedder(*files, **options)
    assert embed.get_output_dim() == 6 and not embed.trainable_variables
    np.testing.assert_allclose(array(embed(ids)), array(wanted), atol=1e-6)
    smaller = ElmoTokenEmbedder(*files, projection_dim=4, state="reset", **options)
    assert smaller.get_output_dim() == 4
    kernel, bias = map(array, smaller.trainable_variables)  # there before any call
    np.testing.assert_allclose(array(smaller(ids)), array(wanted) @ kernel + bias, atol=1e-5)
    assert array(smaller(ids[None])).shape == (1, 2, 3, 4)


def test_what_a_token_embedder_learns(files):
    assert len(ElmoTokenEmbedder(*files).trainable_variables) == 2
    assert len(ElmoTokenEmbedder(*files, projection_dim=4).trainable_variables) == 4
    tuned = ElmoTokenEmbedder(*files, requires_grad=True)
    assert len(tuned.trainable_variables) == 2 + len(tuned.elmo.encoder.trainable_variables) > 10


def test_a_token_embedder_by_its_configuration(files):
    class Words:
        def get_token_to_index_vocabulary(self, namespace):
            assert namespace == "tokens"
            return {"<pad>": 0, "a": 1, "bank": 2}

    class Params(dict):
        archived = ()

        def add_file_to_archive(self, name):
            self.archived += (name,)

    params = Params(type="elmo_token_embedder", options_file=files[0], weight_file=files[1])
    params |= {"namespace_to_cache": "tokens", "projection_dim": 4, "dropout": 0}
    embed = ElmoTokenEmbedder.from_params(Words(), params)
    assert params.archived == ("options_file", "weight_file")
    assert ElmoTokenEmbedder.from_params(Words(), dict(params)).get_output_dim() == 4
    assert embed.get_output_dim() == 4
    assert embed.elmo.vocab_to_cache == ["<pad>", "a", "bank"]
    again = ElmoTokenEmbedder.from_config(embed.get_config())
    assert again.get_output_dim() == 4 and again.elmo.vocab_to_cache == embed.elmo.vocab_to_cache


def test_a_token_embedder_in_a_saved_model(files, tmp_path):
    ids = keras.Input((None, 50), dtype="int32")
    embed = ElmoTokenEmbedder(*files, projection_dim=4, dropout=0, state="reset")
    model = keras.Model(ids, embed(ids))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    batch = np.asarray(batch_to_ids(SENTENCES))
    np.testing.assert_allclose(array(again(batch)), array(model(batch)), atol=1e-6)


def test_ids_of_tokens():
    mapper = ELMoCharacterMapper({"<first>": 1})
    assert mapper.convert_word_to_char_ids("<first>") == [259, 2, 260] + [261] * 47
    encoder = PublishedEncoder()
    words = ["Zürich", "🙂", "x" * 60, "", "<S>", "</S>", "Āt"]
    for word, ids in zip(words, encoder.encode(words)[1:-1], strict=True):
        assert mapper.convert_word_to_char_ids(word) == ids.tolist()
    begin = [number + 1 for number in ELMoCharacterMapper.beginning_of_sentence_characters]
    assert begin == encoder.begin.tolist()
    assert mapper == ELMoCharacterMapper({"<first>": 1}) != ELMoCharacterMapper()
    with pytest.raises(ValueError, match=r"tokens_to_add=.*300.*0 to 260"):
        ELMoCharacterMapper({"x": 300})


def test_ids_of_sentences_are_padded():
    class Token:
        def __init__(self, text):
            self.text = text

    indexer = ELMoTokenCharactersIndexer(tokens_to_add={"<first>": 1})
    ids = indexer.tokens_to_indices([Token("<first>"), Token("bank")], None, "elmo")
    padded = indexer.as_padded_tensor(ids, {"elmo": 3}, {})["elmo"]
    assert padded.tolist() == [*ids["elmo"], [0] * 50]
    assert padded.tolist()[1] == np.asarray(batch_to_ids([["bank"]]))[0, 0].tolist()
    assert indexer.as_padded_tensor(ids, {"elmo": 1})["elmo"].tolist() == ids["elmo"][:1]
    with pytest.raises(ValueError, match="number 1 has no text"):
        indexer.tokens_to_indices([Token("a"), Token(None)])


def test_ids_are_tensors_where_the_backend_is_pytorch():
    ids = batch_to_ids(SENTENCES)
    if TORCH:
        import torch

        assert isinstance(ids, torch.Tensor) and ids.dtype == torch.int64
    else:
        assert isinstance(ids, np.ndarray) and ids.dtype == np.int32
