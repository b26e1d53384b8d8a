"""ELMo in a spaCy pipeline: vectors, hooks, saving, and as tok2vec under a tagger that is trained."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

spacy = pytest.importorskip("spacy", exc_type=ImportError)

from spacy.cli.train import train  # noqa: E402
from spacy.tokens import Doc, DocBin  # noqa: E402
from spacy.training import Example  # noqa: E402

from elmo.api import from_pretrained  # noqa: E402
from elmo.config import CharCNNConfig, LSTMConfig  # noqa: E402
from elmo.formats.pretrained import write_folder  # noqa: E402
from elmo.integrations.spacy import ElmoPipe, elmo_tok2vec  # noqa: E402
from tests.formats.helpers import character_config, model  # noqa: E402
from tests.guides import run_guide  # noqa: E402

TEXTS = ["The bank closed early.", "", "We sat on the bank  of the river.\nIt rained."]


@pytest.fixture(scope="module")
def bilm():
    return from_pretrained(model(character_config()))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(model(character_config()), tmp_path_factory.mktemp("spacy") / "model")


def pipeline(folder, **config):
    nlp = spacy.blank("en")
    nlp.add_pipe("elmo", config={"model": str(folder), **config})
    return nlp


def words(doc):
    return [token.text for token in doc]


def expected(bilm, doc, layers="all"):
    return bilm.embed([words(doc)], layers=layers)[0]


def test_the_vectors_are_those_of_the_model_on_spacys_tokens(bilm, folder):
    doc = pipeline(folder)(TEXTS[2])
    assert " " in words(doc) and "\n" in words(doc)  # spaCy's own, white space too
    everything = expected(bilm, doc)
    assert doc._.elmo.shape == (len(doc), 3, 6) and doc._.elmo.dtype == np.float32
    np.testing.assert_allclose(doc._.elmo, everything.transpose(1, 0, 2), atol=1e-5)
    np.testing.assert_allclose(doc.tensor, everything.mean(axis=0), atol=1e-5)


@pytest.mark.parametrize("all_layers", [True, False])
@pytest.mark.parametrize("layers", ["average", "top", "sum", "token"])
def test_the_layer_that_was_chosen(bilm, folder, layers, all_layers):
    doc = pipeline(folder, layers=layers, all_layers=all_layers)(TEXTS[0])
    np.testing.assert_allclose(doc.tensor, expected(bilm, doc, layers), atol=1e-5)
    assert (doc._.elmo is not None) == all_layers


def test_hooks(folder):
    nlp = pipeline(folder)
    one, other = nlp(TEXTS[0]), nlp(TEXTS[2])
    np.testing.assert_array_equal(one[1].vector, one.tensor[1])
    np.testing.assert_allclose(one[1:3].vector, (one.tensor[1] + one.tensor[2]) / 2, atol=1e-6)
    np.testing.assert_allclose(one.vector, one.tensor.sum(axis=0) / len(one), atol=1e-6)
    a, b = one.vector.astype(float), other.vector.astype(float)
    cosine = a @ b / np.sqrt((a @ a) * (b @ b))
    assert one.similarity(other) == pytest.approx(cosine, abs=1e-5)
    assert one.similarity(one) == pytest.approx(1, abs=1e-6)
    assert one.has_vector and one[0].has_vector and one[:2].has_vector
    assert one[0].similarity(other[1]) == pytest.approx(
        np.dot(one.tensor[0], other.tensor[1])
        / np.linalg.norm(one.tensor[0])
        / np.linalg.norm(other.tensor[1]),
        abs=1e-5,
    )


def test_hooks_go_before_vectors_of_the_vocabulary(folder):
    nlp = pipeline(folder)
    nlp.vocab.set_vector("bank", np.ones(4, dtype=np.float32))
    doc = nlp(TEXTS[0])
    np.testing.assert_array_equal(doc[1].vector, doc.tensor[1])


def test_an_empty_document(folder):
    nlp = pipeline(folder)
    doc = nlp("")
    assert doc.tensor.shape == (0, 6) and doc._.elmo.shape == (0, 3, 6)
    assert not doc.has_vector and not doc.vector.any() and doc.vector.shape == (6,)
    assert doc.similarity(nlp(TEXTS[0])) == 0


@pytest.mark.parametrize("batch_size", [1, 2, 50])
def test_pipe_agrees_with_one_by_one_and_embeds_in_batches(folder, batch_size, monkeypatch):
    nlp = pipeline(folder)
    alone = [nlp(text) for text in TEXTS]
    sizes, embed = [], type(nlp.get_pipe("elmo").elmo).embed
    monkeypatch.setattr(
        type(nlp.get_pipe("elmo").elmo),
        "embed",
        lambda self, sentences, **choices: (
            sizes.append(len(sentences)) or embed(self, sentences, **choices)
        ),
    )
    together = list(nlp.pipe(TEXTS, batch_size=batch_size))
    assert len(sizes) == -(-len(TEXTS) // batch_size)
    for one, other in zip(alone, together, strict=True):
        assert words(one) == words(other)
        np.testing.assert_allclose(one._.elmo, other._.elmo, atol=1e-5)


def test_sentences_are_read_apart_where_the_document_has_them(bilm, folder):
    nlp = pipeline(folder, layers="top")
    text = "The bank closed. It rained."
    together = nlp(text).tensor
    nlp.add_pipe("sentencizer", first=True)
    doc = nlp(text)
    parts = bilm.embed([["The", "bank", "closed", "."], ["It", "rained", "."]], layers="top")
    np.testing.assert_allclose(doc.tensor, np.concatenate(parts), atol=1e-5)
    assert np.abs(doc.tensor - together).max() > 1e-3


def test_a_long_document(bilm, folder):
    nlp = pipeline(folder, all_layers=False, layers="top")
    doc = nlp(Doc(nlp.vocab, words=["word", "bank", "."] * 1000))
    np.testing.assert_allclose(doc.tensor, expected(bilm, doc, "top"), atol=1e-5)
    assert doc.tensor.shape == (3000, 6)


def same(one, other):
    np.testing.assert_allclose(one.tensor, other.tensor, atol=1e-6)
    assert (one._.elmo is None) == (other._.elmo is None)


def test_saved_with_the_model_inside_it_needs_the_path_no_more(tmp_path):
    folder = write_folder(model(character_config()), tmp_path / "model")
    nlp = pipeline(folder, layers="top", all_layers=False)
    before = nlp(TEXTS[0])
    nlp.to_disk(tmp_path / "saved")
    nlp.to_disk(tmp_path / "saved")  # over itself
    packed = nlp.to_bytes()
    folder.rename(tmp_path / "elsewhere")
    same(spacy.load(tmp_path / "saved")(TEXTS[0]), before)
    again = spacy.blank("en")
    again.add_pipe("elmo", config={"model": "nowhere"})
    same(again.from_bytes(packed)(TEXTS[0]), before)


def test_saved_by_its_path_it_holds_no_weights(folder, tmp_path):
    nlp = pipeline(folder, save="path")
    nlp.to_disk(tmp_path / "saved")
    assert not list((tmp_path / "saved").rglob("*.hdf5"))
    same(spacy.load(tmp_path / "saved")(TEXTS[0]), nlp(TEXTS[0]))
    assert len(nlp.get_pipe("elmo").to_bytes()) < 500
    again = pipeline("nowhere").get_pipe("elmo").from_bytes(nlp.get_pipe("elmo").to_bytes())
    same(again(spacy.blank("en")(TEXTS[0])), nlp(TEXTS[0]))


def test_a_model_in_memory(bilm, tmp_path):
    pipe = ElmoPipe("elmo", bilm)
    pipe.to_disk(tmp_path / "pipe")
    again = ElmoPipe("elmo", "nowhere").from_disk(tmp_path / "pipe")
    one, other = (p(spacy.blank("en")(TEXTS[0])) for p in (pipe, again))
    same(one, other)


def test_documents_keep_their_vectors_when_they_are_stored(folder):
    nlp = pipeline(folder)
    doc = nlp(TEXTS[0])
    stored = DocBin(store_user_data=True, attrs=["ORTH"])
    stored.add(doc)
    with pytest.warns(UserWarning, match="W109"):  # spaCy stores no hooks
        again = Doc(nlp.vocab).from_bytes(doc.to_bytes())
    np.testing.assert_array_equal(again.tensor, doc.tensor)
    np.testing.assert_array_equal(again[1].vector, doc[1].vector)  # spaCy's own way to the tensor
    np.testing.assert_array_equal(again._.elmo, doc._.elmo)
    np.testing.assert_array_equal(next(stored.get_docs(nlp.vocab))._.elmo, doc._.elmo)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "say which model"),
        ({"model": "m", "layers": "all"}, "layers='all': must be 'top', 'average', 'sum', 'token'"),
        ({"model": "m", "save": "here"}, "save='here': must be 'inside' or 'path'"),
    ],
)
def test_settings_that_do_not_go(config, message):
    with pytest.raises(ValueError, match=message):
        spacy.blank("en").add_pipe("elmo", config=config)


def test_a_model_that_is_not_there_is_named():
    with pytest.raises(Exception, match="no-such-folder"):
        pipeline("no-such-folder/at-all")(TEXTS[0])
    with pytest.raises(ValueError, match="save='path'"):
        ElmoPipe("elmo", from_pretrained(model(character_config())), save="path")
    with pytest.raises(TypeError, match="model=3: must be the path"):
        ElmoPipe("elmo", 3)


def test_errors_go_to_the_handler_of_the_pipeline(folder):
    nlp = pipeline("no-such-folder/at-all")
    failed = []
    nlp.set_error_handler(lambda name, pipe, docs, error: failed.append((name, len(docs))))
    assert list(nlp.pipe(TEXTS)) == [] and failed == [("elmo", 3)]


# As tok2vec.


def mix_of(folder, **settings):
    tok2vec = elmo_tok2vec(str(folder), width=8, **settings)
    nlp = spacy.blank("en")
    docs = [nlp.make_doc(text) for text in TEXTS]
    tok2vec.initialize(X=docs)
    return tok2vec, docs


def test_the_output_has_a_row_of_the_width_per_token(folder):
    tok2vec, docs = mix_of(folder)
    found = tok2vec.predict(docs)
    assert [one.shape for one in found] == [(len(doc), 8) for doc in docs]
    assert tok2vec.get_dim("nO") == 8


def test_the_mix_begins_as_the_average(bilm, folder):
    tok2vec, docs = mix_of(folder)
    mixed = tok2vec.layers[0].predict(docs)
    np.testing.assert_allclose(mixed[0], expected(bilm, docs[0], "average"), atol=1e-5)


def test_the_gradient_of_the_mix_is_that_of_finite_differences(folder):
    tok2vec, docs = mix_of(folder)
    mix = tok2vec.layers[0]
    mix.set_param("w", np.array([0.3, -0.5, 0.2], dtype="f"))
    mix.set_param("gamma", np.array([1.4], dtype="f"))
    rng = np.random.default_rng(0)
    mixed, backprop = mix(docs, is_train=True)
    directions = [rng.normal(size=one.shape).astype("f") for one in mixed]
    backprop(directions)

    def objective():
        found = mix.predict(docs)
        return sum(float((a * b).sum()) for a, b in zip(found, directions, strict=True))

    for name in ("w", "gamma"):
        values = mix.get_param(name).copy()
        for i in range(len(values)):
            sides = []
            for shift in (1e-2, -1e-2):
                moved = values.copy()
                moved[i] += shift
                mix.set_param(name, moved)
                sides.append(objective())
            mix.set_param(name, values)
            numeric = (sides[0] - sides[1]) / 2e-2
            assert mix.get_grad(name)[i] == pytest.approx(numeric, abs=2e-3), name


def test_the_cache_gives_the_same_and_spares_the_work(folder, monkeypatch):
    plain, docs = mix_of(folder)
    cached, _ = mix_of(folder, cache=2)
    shim = cached.layers[0].shims[0]
    texts = []
    real = type(shim.held.model).embed
    monkeypatch.setattr(
        type(shim.held.model),
        "embed",
        lambda self, sentences, **c: texts.append(len(sentences)) or real(self, sentences, **c),
    )
    for _ in range(2):
        for doc in docs[:2]:
            for a, b in zip(
                plain.layers[0].predict([doc]), cached.layers[0].predict([doc]), strict=True
            ):
                np.testing.assert_allclose(a, b, atol=1e-6)
    cached.layers[0].predict(docs)  # one too many: the first two stay known until now
    assert len(shim._found) == 2


CONFIG = """
[nlp]
lang = "en"
pipeline = ["tok2vec","tagger"]

[components]

[components.tok2vec]
factory = "tok2vec"

[components.tok2vec.model]
@architectures = "elmo.Tok2Vec.v1"
model = "{folder}"
width = 32
save = "{save}"
cache = 100

[components.tagger]
factory = "tagger"

[components.tagger.model]
@architectures = "spacy.Tagger.v2"
nO = null

[components.tagger.model.tok2vec]
@architectures = "spacy.Tok2VecListener.v1"
width = ${{components.tok2vec.model.width}}
upstream = "tok2vec"
"""


@pytest.mark.parametrize("save", ["inside", "path"])
def test_a_tagger_learns_over_it_through_a_listener_and_is_saved(tmp_path, save):
    from thinc.api import Config

    cnn = CharCNNConfig(embedding_dim=8, filters=[[1, 16], [3, 32]], n_highway=1)
    settings = character_config(lstm=LSTMConfig(dim=32, projection_dim=16), char_cnn=cnn)
    folder = write_folder(model(settings), tmp_path / "model")
    config = Config().from_str(CONFIG.format(folder=folder.as_posix(), save=save))
    nlp = spacy.util.load_model_from_config(config, auto_fill=True, validate=True)
    tagged = [
        (["The", "bank", "closed"], ["DET", "NOUN", "VERB"]),
        (["We", "saw", "the", "river"], ["PRON", "VERB", "DET", "NOUN"]),
    ]
    examples = [
        Example(Doc(nlp.vocab, words=w), Doc(nlp.vocab, words=w, tags=t)) for w, t in tagged
    ]
    spacy.util.fix_random_seed(0)
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.005
    losses = []
    for _ in range(100):
        losses.append(nlp.update(examples, sgd=optimizer, losses={})["tagger"])
    assert losses[-1] < losses[0] / 4
    w = nlp.get_pipe("tok2vec").model.layers[0].get_param("w")
    assert np.abs(w).max() > 1e-3  # the mix is trained
    assert nlp.evaluate(examples)["tag_acc"] == 1.0
    nlp.to_disk(tmp_path / "saved")
    if save == "inside":
        folder.rename(tmp_path / "elsewhere")
    again = spacy.load(tmp_path / "saved")
    doc = Doc(again.vocab, words=tagged[0][0])
    assert [token.tag_ for token in again(doc)] == tagged[0][1]


def test_widths_that_do_not_go(folder):
    with pytest.raises(ValueError, match="width=0: must be 1 or more"):
        elmo_tok2vec(str(folder), width=0)
    with pytest.raises(ValueError, match="cache=-1: must be 0 or more"):
        elmo_tok2vec(str(folder), width=8, cache=-1)


def test_the_guide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(model(character_config()), tmp_path / "my-elmo")
    names, _ = run_guide("spacy.md")
    one, other = (nlp("The bank closed. It rained.") for nlp in (names["nlp"], names["again"]))
    np.testing.assert_allclose(one.tensor, other.tensor, atol=1e-6)
    np.testing.assert_allclose(names["docs"][0].tensor, one.tensor, atol=1e-5)
    assert names["doc"]._.elmo.shape == (4, 3, 6)


def test_the_example_prepares_what_spacy_trains_on(tmp_path):
    folder = write_folder(model(character_config()), tmp_path / "model")
    block = "The\tDET\nbank\tNOUN\nclosed\tVERB\n\nIt\tPRON\nrained\tVERB\n\n"
    for name in ("train", "dev", "test"):
        (tmp_path / f"{name}.tsv").write_text(block * 3)
    script = Path(__file__).parents[2] / "examples" / "spacy" / "prepare.py"
    words = ["--data", str(tmp_path), "-o", str(tmp_path / "pos"), "--sentences", "4"]
    done = subprocess.run(
        [sys.executable, str(script), *words], capture_output=True, text=True, check=True
    )
    assert "train: 4 sentences, 10 tokens" in done.stdout
    paths = {f"paths.{name}": str(tmp_path / "pos" / f"{name}.spacy") for name in ("train", "dev")}
    settings = {"paths.elmo": str(folder), "training.max_epochs": 1, "training.eval_frequency": 1}
    train(tmp_path / "pos" / "config.cfg", tmp_path / "out", overrides={**paths, **settings})
    trained = spacy.load(tmp_path / "out" / "model-last")
    assert trained.pipe_names == ["tok2vec", "tagger"]
    assert trained.get_pipe("tagger").labels == ("DET", "NOUN", "PRON", "VERB")
