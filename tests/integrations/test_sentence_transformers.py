"""ELMo as the first module of a SentenceTransformer: their `encode`, their `save` and load."""

import numpy as np
import pytest

pytest.importorskip("sentence_transformers", exc_type=ImportError)

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Pooling

from elmo.api import from_pretrained
from elmo.formats.pretrained import write_folder
from elmo.integrations.sentence_transformers import ElmoModule
from tests.formats.helpers import character_config, model
from tests.guides import run_guide

TEXTS = ["The bank closed .", "It", "", "We sat on the bank of the river , and it rained ."] * 3


@pytest.fixture(scope="module")
def bilm():
    return from_pretrained(model(character_config()))


def transformer(elmo, mode="mean", *more):
    pooling = Pooling(elmo.get_embedding_dimension(), pooling_mode=mode)
    return SentenceTransformer(modules=[elmo, pooling, *more], device="cpu")


@pytest.mark.parametrize("layers", ["average", "top", "sum", "token"])
def test_their_encode_gives_our_mean_pooled_vectors(bilm, layers):
    found = transformer(ElmoModule(bilm, layers=layers)).encode(TEXTS, batch_size=5)
    ours = bilm.embed(TEXTS, layers=layers, pool="mean")
    np.testing.assert_allclose(found, np.stack(ours), atol=1e-5)
    assert not found[2].any() and found[0].any()


def test_padding_never_counts(bilm):
    found = transformer(ElmoModule(bilm), "max").encode([TEXTS[0], TEXTS[3]])
    ours = [one.max(axis=0) for one in bilm.embed([TEXTS[0], TEXTS[3]], layers="average")]
    np.testing.assert_allclose(found, np.stack(ours), atol=1e-5)


def test_vectors_of_tokens(bilm):
    found = transformer(ElmoModule(bilm)).encode(TEXTS[:2], output_value="token_embeddings")
    for one, other in zip(found, bilm.embed(TEXTS[:2], layers="average"), strict=True):
        np.testing.assert_allclose(one.numpy()[: len(other)], other, atol=1e-5)


def test_saved_and_loaded_by_them(tmp_path):
    folder = write_folder(model(character_config()), tmp_path / "model")
    before = transformer(ElmoModule(folder, layers="top"))
    before.save(str(tmp_path / "saved"))
    before.save(str(tmp_path / "saved"))  # over itself
    folder.rename(tmp_path / "elsewhere")
    after = SentenceTransformer(str(tmp_path / "saved"), device="cpu", trust_remote_code=True)
    assert after[0].layers == "top"
    np.testing.assert_allclose(after.encode(TEXTS), before.encode(TEXTS), atol=1e-6)


def test_a_prompt_is_read_with_the_text(bilm):
    whole = transformer(ElmoModule(bilm))
    found = whole.encode(["closed ."], prompt="The bank ")
    np.testing.assert_allclose(found, whole.encode(["The bank closed ."]), atol=1e-6)


def test_running_text_is_split(bilm):
    pytest.importorskip("syntok")
    found = transformer(ElmoModule(bilm, tokenizer="raw")).encode(["The bank closed. It rained."])
    ours = bilm.embed(["The bank closed . It rained ."], layers="average", pool="mean")
    np.testing.assert_allclose(found, np.stack(ours), atol=1e-5)


def test_gradients_reach_a_module_after_it(bilm):
    dense = Dense(6, 4, activation_function=torch.nn.Identity())
    whole = transformer(ElmoModule(bilm), "mean", dense)
    whole(whole.preprocess(TEXTS[:4]))["sentence_embedding"].sum().backward()
    ours = np.sum(bilm.embed(TEXTS[:4], layers="average", pool="mean"), axis=0)
    np.testing.assert_allclose(dense.linear.weight.grad, np.tile(ours, (4, 1)), atol=1e-5)


def test_what_is_refused(bilm, tmp_path):
    with pytest.raises(ValueError, match="layers='all': must be 'top', 'average'"):
        ElmoModule(bilm, layers="all")
    with pytest.raises(ValueError, match="tokenizer='words': must be 'spaces' or 'raw'"):
        ElmoModule(bilm, tokenizer="words")
    with pytest.raises(TypeError, match="model=3: must be a BiLM"):
        ElmoModule(3)
    with pytest.raises(TypeError, match=r"text 1 .* is 3 \(int\)"):
        ElmoModule(bilm).preprocess(["a", 3])
    ElmoModule(bilm).save_config(str(tmp_path))
    with pytest.raises(FileNotFoundError, match="has no folder elmo"):
        ElmoModule.load(str(tmp_path))


def test_the_guide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_folder(model(character_config()), tmp_path / "my-elmo")
    names, _ = run_guide("sentence-transformers.md")
    assert names["difference"] < 1e-5 and names["vectors"].shape == (2, 6)
    found = names["again"].encode(["We sat on the bank of the river ."])[0]
    np.testing.assert_allclose(found, names["vectors"][1], atol=1e-6)
