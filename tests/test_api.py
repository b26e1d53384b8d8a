"""`BiLM`: all that the one object does, on a tiny model whose numbers the NumPy reference knows."""

import copy
import logging
import math
import pickle

import h5py
import numpy as np
import pytest

import elmo
from elmo.api import BiLM, UnknownVocabularyError
from elmo.bilm.initialization import new_network
from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.system.errors import FormatError
from elmo.text.encoding import SentenceEncoder
from tests.language.conftest import Tiny, nearly

TEXT = ["the cat saw a dog", "", "a bird sang"]


@pytest.fixture(scope="module")
def made():
    return Tiny("characters")


@pytest.fixture
def model(made):
    return made.model


def layers_of(made, sentences=TEXT, state=None):
    """All layers of each sentence without its boundaries, by the reference."""
    found = []
    for sentence in sentences:
        layers, end = made.reference.layers(made.encoder.encode(sentence.split()), state)
        state = None if state is None else end
        found.append(layers[:, 1:-1])
    return found


def test_what_it_says_of_itself(model):
    assert repr(model) == (
        "BiLM(characters, 2 layers of 6 cells projected to 4, both, vocabulary "
        f"{len(model.vocabulary)})"
    )
    shown = model._repr_html_()
    assert "characters" in shown and "2, 6 cells projected to 4" in shown
    assert f"{model.network.count_params():,}" in shown
    assert model.config.output_dim == 8 and model.has_softmax and model.step is None


def test_encode_gives_ids_for_keras(model):
    ids = model.encode(["the cat", ["dog"]])
    assert ids.dtype == np.int32 and ids.shape == (2, 4, 50)
    assert ids[0, 1, :5].tolist() == [259, *(ord(c) + 1 for c in "the"), 260]
    assert not ids[1, 3].any(), "padding is zero"
    with pytest.raises(TypeError, match="must be a list of sentences, not one string"):
        model.encode("the cat")


def test_embed_is_the_reference(made):
    for found, wanted in zip(made.model.embed(TEXT), layers_of(made), strict=True):
        assert found.dtype == np.float32
        nearly(found, wanted)


@pytest.mark.parametrize("layers", ["top", "average", "sum", "token"])
@pytest.mark.parametrize("pool", [None, "mean"])
def test_layers_and_pools(made, layers, pool):
    found = made.model.embed(TEXT, layers=layers, pool=pool)
    for vectors, whole in zip(found, layers_of(made), strict=True):
        wanted = {
            "top": whole[-1],
            "average": whole.mean(axis=0),
            "sum": whole.sum(axis=0),
            "token": whole[0, :, :4],
        }[layers]
        if pool:
            wanted = wanted.sum(axis=0) / max(1, len(wanted))
        nearly(vectors, wanted)


def test_a_carried_state_goes_on_until_it_is_forgotten(made):
    model = copy.copy(made.model)
    carried = layers_of(made, state=made.reference.zero_state())
    for _ in range(2):
        for sentence, wanted in zip(TEXT, carried, strict=True):
            nearly(model.embed([sentence], state="carry", batch_size=1)[0], wanted)
        model.reset_state()
    first, again = (model.embed(TEXT[:1], state="carry", batch_size=1)[0] for _ in range(2))
    assert np.abs(first - again)[1:].max() > 1e-4


@pytest.mark.parametrize("engine", ["keras", "torch"])
def test_engines_and_precisions(made, engine):
    if engine == "torch":
        pytest.importorskip("torch")
        low = np.concatenate(made.model.embed(TEXT, precision="bfloat16", engine="torch"), axis=1)
        wanted = np.concatenate(layers_of(made), axis=1)
        assert 1e-6 < np.abs(low - wanted).max() < 0.05
    for found, wanted in zip(made.model.embed(TEXT, engine=engine), layers_of(made), strict=True):
        nearly(found, wanted)
    assert made.model.embedder_in("float32", engine).engine.name == engine


def test_embed_file_holds_what_embed_gives(model, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("\n".join(TEXT) + "\n")
    report = model.embed_file(text, tmp_path / "v.hdf5", layers="top")
    assert (report.sentences, report.tokens, report.empty) == (3, 8, 1)
    with h5py.File(tmp_path / "v.hdf5") as file:
        for number, wanted in enumerate(model.embed(TEXT, layers="top")):
            nearly(file[str(number)][:], wanted)
    with pytest.raises(FileExistsError, match="exists"):
        model.embed_file(text, tmp_path / "v.hdf5")


@pytest.mark.parametrize("state", ["reset", "carry"])
def test_evaluate_is_the_reference(made, state):
    pairs = [(made.encoder.encode(s.split()), made.encoder.word_ids(s.split())) for s in TEXT if s]
    wanted = made.reference.perplexity(pairs, state=state)
    found = made.model.evaluate([s.split() for s in TEXT if s], state=state)
    for name in ("forward", "backward", "both"):
        assert getattr(found, name) == pytest.approx(wanted[name], rel=1e-5)
    assert found.tokens == 8 + 2 and math.isfinite(found.unigram)


def test_export_embeds_without_the_package(made, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    made.model.export(tmp_path / "graph")
    session = onnxruntime.InferenceSession(str(tmp_path / "graph" / "model.onnx"))
    (name,) = (one.name for one in session.get_inputs())
    ids = made.encoder.encode(TEXT[0].split())
    layers, mask = session.run(None, {name: ids[None]})
    nearly(layers[0][:, 1:-1], layers_of(made)[0])
    assert mask.all()


@pytest.mark.parametrize("name", ["folder", "file.keras"])
def test_saved_and_loaded_it_is_the_same(made, tmp_path, name):
    path = made.model.save(tmp_path / name)
    again = elmo.load(path)
    assert again.vocabulary.tokens == made.vocabulary.tokens
    assert again.state == made.model.state and again.has_softmax
    for found, wanted in zip(again.embed(TEXT), made.model.embed(TEXT), strict=True):
        np.testing.assert_array_equal(found, wanted)
    with pytest.raises(FileExistsError, match="exists"):
        made.model.save(tmp_path / name)
    made.model.save(tmp_path / name, overwrite=True)


def test_the_published_layout_is_a_pair_of_files(made, tmp_path):
    made.model.save(tmp_path / "m")
    assert {"options.json", "weights.hdf5", "vocab.txt"} <= {
        p.name for p in (tmp_path / "m").iterdir()
    }
    pair = elmo.load((tmp_path / "m" / "options.json", tmp_path / "m" / "weights.hdf5"))
    for found, wanted in zip(pair.embed(TEXT), made.model.embed(TEXT), strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_are_models_of_their_own(made, way):
    other = way(made.model)
    wanted = made.model.embed(TEXT)
    for variable in other.network.variables:
        if variable.dtype.startswith("float"):
            variable.assign(np.zeros(variable.shape, "float32"))
    for found, before in zip(made.model.embed(TEXT), wanted, strict=True):
        np.testing.assert_array_equal(found, before)


def test_what_is_no_model(made, tmp_path):
    with pytest.raises(FormatError, match="nothing: no such file or folder"):
        elmo.load(tmp_path / "nothing")
    words = Tiny("word").model
    words.save(tmp_path / "words")
    (tmp_path / "words" / "vocab.txt").unlink()
    with pytest.raises(UnknownVocabularyError, match="put it beside the model as vocab"):
        elmo.load(tmp_path / "words")
    found = elmo.load(tmp_path / "words", made.vocabulary).embed(TEXT)
    np.testing.assert_array_equal(found[0], words.embed(TEXT)[0])


def test_a_model_without_softmax_embeds_and_says_what_it_lacks(made, tmp_path):
    pretrained = made.model.to_pretrained()
    pretrained.weights = {n: a for n, a in pretrained.weights.items() if "softmax" not in n}
    bare = elmo.api.from_pretrained(pretrained)
    nearly(bare.embed(TEXT)[0], made.model.embed(TEXT)[0])
    with pytest.raises(ValueError, match="evaluate: this model has no softmax"):
        bare.evaluate([["the"]])


def test_cut_tokens_are_told_once(caplog):
    characters = CharCNNConfig(embedding_dim=2, filters=[[1, 4]], max_characters_per_token=10)
    lstm = LSTMConfig(dim=6, projection_dim=4, n_layers=1)
    config = BiLMConfig(lstm=lstm, char_cnn=characters)
    model = BiLM(new_network(config, seed=0), SentenceEncoder(characters=10))
    with caplog.at_level(logging.WARNING, "elmo"):
        model.embed(["of 8 bytes"])
        assert not caplog.records
        model.embed(["twelve bytes", "nine-byte nine-byte word"])
        model.embed(["nine-byte"])
    assert [record.getMessage() for record in caplog.records] == [
        "tokens are longer than the model reads, and cut: 2, as 'nine-byte'"
    ]
