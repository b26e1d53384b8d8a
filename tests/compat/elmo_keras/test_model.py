"""`ELMo`: each of its steps, and that what it says is what the floors below say."""

import math
import subprocess
import sys

import keras
import numpy as np
import pytest

import elmo
from elmo.bilm.weights import get_weights
from elmo.config import ConfigError
from elmo.lm_generator import LMDataGenerator
from elmo.model import ELMo
from elmo.text.vocabulary import Vocabulary
from elmo.training.batches.batches import Batches, Sampling


def make(texts, parameters, name="valid.tokens", **options):
    options = {
        **{k: parameters[k] for k in ("sentence_maxlen", "token_maxlen", "batch_size")},
        "token_encoding": parameters.get("token_encoding", "word"),
        **options,
    }
    return LMDataGenerator(texts / name, texts / "words.vocab", **options)


@pytest.fixture(scope="module", params=["word", "char"])
def trained(request, texts, tmp_path_factory):
    """A model that is trained, saved and wrapped, and its parameters."""
    parameters = {
        **{"vocab_size": 21, "num_sampled": 8, "sentence_maxlen": 12, "token_maxlen": 10},
        **{"batch_size": 4, "n_threads": 1, "epochs": 2, "lstm_units_size": 8},
        **{"hidden_units_size": 6, "cnn_filters": [[1, 4], [2, 4]], "n_highway_layers": 1},
        "token_encoding": request.param,
    }
    model = ELMo(parameters, models_dir=tmp_path_factory.mktemp(request.param))
    model.train(make(texts, parameters, "train.tokens"), make(texts, parameters))
    model.save(sampled_softmax=False)
    model.wrap_multi_elmo_encoder(save=True)
    return model, parameters


def test_evaluate_is_exact_and_prints(trained, texts, capsys):
    model, parameters = trained
    result = model.evaluate(make(texts, parameters))
    assert result.tokens == 43 + 6 and result.unknown_share == 1 / 49
    out = capsys.readouterr().out
    assert f"Forward language model perplexity: {result.forward:.2f}\n" in out
    assert f"Backward language model perplexity: {result.backward:.2f}\n" in out
    one_a_batch = make(texts, parameters, batch_size=1)
    assert math.isclose(model.evaluate(one_a_batch).both, result.both, rel_tol=1e-5)


def test_perplexity_is_exp_of_nats_over_real_tokens(trained, texts):
    """From the wrapped encoder's outputs and the softmax's weights, in plain NumPy."""
    model, parameters = trained
    weights = get_weights(model.network)
    kernel = weights.get("softmax/kernel", weights.get("token_encoder/embedding"))
    data = make(texts, parameters)
    nats, n = {"forward": 0.0, "backward": 0.0}, 0
    for [tokens, next_ids, previous_ids], _ in data:
        top = model.encoder.predict(tokens, verbose=0)[-1]  # (B, T, 2P)
        for name, half, targets in (
            ("forward", top[..., :6], next_ids[..., 0]),
            ("backward", top[..., 6:], previous_ids[..., 0]),
        ):
            real = targets > 0
            scores = half[real] @ kernel.T + weights["softmax/bias"]
            top_score = scores.max(axis=1, keepdims=True)
            logs = scores - top_score - np.log(np.exp(scores - top_score).sum(1, keepdims=True))
            nats[name] -= logs[np.arange(len(logs)), targets[real]].sum()
            n += int(real.sum())
    result = model.evaluate(data)
    for name, value in nats.items():
        assert math.isclose(getattr(result, name), math.exp(value / (n / 2)), rel_tol=1e-4)


def test_load_and_elmo_load_give_the_same_model(trained, texts):
    model, parameters = trained
    data = make(texts, parameters)
    wanted = model.evaluate(data).both
    fresh = ELMo(parameters, models_dir=model.models_dir)
    fresh.load()
    assert math.isclose(fresh.evaluate(data).both, wanted, rel_tol=1e-5)
    assert fresh.model.vocabulary.counts is not None
    loaded = elmo.load(model.models_dir / "ELMo_LM")
    split = make(texts, parameters).corpus
    assert math.isclose(loaded.evaluate(split).both, wanted, rel_tol=1e-5)


def test_the_best_epoch_is_kept(trained):
    model, _ = trained
    best = elmo.load(model.models_dir / "ELMo_Training")
    for name, array in get_weights(best.network).items():
        np.testing.assert_array_equal(array, get_weights(model.network)[name])


def test_word_outputs_stand_where_the_tokens_stand(trained, texts):
    model, parameters = trained
    data = make(texts, parameters, shuffle=True)
    data.on_epoch_end()
    sentences = list(data.corpus)
    vectors = model.model.embed(sentences)
    for state, chosen in (("last", lambda v: v[-1]), ("mean", lambda v: v.mean(axis=0))):
        outputs = model.get_outputs(data, output_type="word", state=state)
        assert outputs.shape == (6, 12, 12) and outputs.dtype == np.float32
        for row, number in enumerate(data.order):
            n = len(sentences[number])
            wanted = chosen(vectors[number])
            np.testing.assert_allclose(outputs[row, 1 : n + 1], wanted, atol=1e-5)
            assert not outputs[row, [0, *range(n + 1, 12)]].any()
        np.testing.assert_array_equal(model.get_outputs(data, "words", state), outputs)
    every = model.get_outputs(data, "word", "all")
    assert every.shape == (6, 3, 12, 12)
    np.testing.assert_allclose(every[:, -1], model.get_outputs(data, "word", "last"), atol=1e-5)
    np.testing.assert_allclose(every.mean(1), model.get_outputs(data, "word", "mean"), atol=1e-5)


def test_sentence_outputs_are_means_over_real_tokens(trained, texts):
    model, parameters = trained
    data = make(texts, parameters)
    lengths = np.array([len(tokens) for tokens in data.corpus])
    for state in ("last", "mean", "all"):
        words = model.get_outputs(data, "word", state)
        sentences = model.get_outputs(data, "sentence", state)
        assert sentences.shape == ((6, 3, 12) if state == "all" else (6, 12))
        divide = lengths.reshape(-1, *[1] * (sentences.ndim - 1))
        np.testing.assert_allclose(sentences, words.sum(axis=-2) / divide, atol=1e-5)


def test_the_keras_encoder_gives_every_level_and_is_saved(trained, texts, tmp_path):
    model, parameters = trained
    data = make(texts, parameters)
    [tokens, *_], _ = data[0]
    levels = model.encoder.predict(tokens, verbose=0)
    wanted = model.get_outputs(data, "word", "all")[:4]
    assert [level.shape for level in levels] == [(4, 12, 12)] * 3
    inside = wanted.any(axis=(1, 3))
    for number, level in enumerate(levels):
        np.testing.assert_allclose(level[inside], wanted[:, number][inside], atol=1e-5)
    model.encoder.save(tmp_path / "encoder.keras")
    again = keras.saving.load_model(tmp_path / "encoder.keras")
    np.testing.assert_allclose(again.predict(tokens, verbose=0)[-1], levels[-1], atol=1e-6)


def test_the_encoder_is_loaded_by_another_process(trained, texts, tmp_path):
    model, parameters = trained
    data = make(texts, parameters)
    code = f"""
import numpy as np
from elmo.lm_generator import LMDataGenerator
from elmo.model import ELMo
model = ELMo({parameters!r}, models_dir={str(model.models_dir)!r})
model.load_elmo_encoder()
data = LMDataGenerator({str(texts / "valid.tokens")!r}, {str(texts / "words.vocab")!r},
    sentence_maxlen=12, token_maxlen=10, token_encoding={data.token_encoding!r})
np.save({str(tmp_path / "vectors.npy")!r}, model.get_outputs(data, "sentence", "mean"))
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=300)
    wanted = model.get_outputs(data, "sentence", "mean")
    np.testing.assert_allclose(np.load(tmp_path / "vectors.npy"), wanted, atol=1e-5)
    assert not any("softmax" in n for n in _saved_names(model.models_dir / "ELMo_Encoder"))


def _saved_names(folder):
    import h5py

    names = []
    with h5py.File(folder / "weights.hdf5") as file:
        file.visit(names.append)
    return names


def test_one_direction(texts, parameters, tmp_path, capsys):
    parameters = {**parameters, "directions": "backward"}
    model = ELMo(parameters, models_dir=tmp_path)
    model.compile_elmo(print_summary=True)
    assert "encoder (BiLMEncoder)" in capsys.readouterr().out
    data = make(texts, parameters)
    model.train(data)
    result = model.evaluate(data)
    assert result.forward is None and result.backward == result.both
    out = capsys.readouterr().out
    assert "Backward language model" in out and "Forward language model" not in out
    assert model.get_outputs(data, "sentence", "mean").shape == (6, 6)


def test_training_learns_and_stops(texts, parameters, tmp_path):
    parameters = {**parameters, "epochs": 40, "patience": 1, "lr": 0.5}
    model = ELMo(parameters, models_dir=tmp_path)
    data, valid = make(texts, parameters, "train.tokens"), make(texts, parameters)
    rank = model._meet(data, "data").vocabulary
    assert rank.counts is None  # a `token id` file has none
    before = model.evaluate(valid).both
    model.train(data, valid)
    assert model.evaluate(valid).both < before / 2
    metrics = (tmp_path / "ELMo_Training" / "run" / "metrics.csv").read_text().splitlines()
    perplexities = [float(line.split(",")[9]) for line in metrics[1:]]
    assert len(perplexities) < 40, "patience has ended it"
    assert perplexities[-1] >= min(perplexities[:-1])
    assert math.isclose(model.evaluate(valid).both, min(perplexities), rel_tol=1e-3)
    counts = dict(zip(model.model.vocabulary.tokens, model.model.vocabulary.counts, strict=True))
    assert counts["dog"] == 12 and counts["<UNK>"] == 3 and counts["<pad>"] == 0


def test_no_patience_is_lost(texts, parameters, tmp_path):
    """With steps so small that nothing gets better, training ends after `patience` epochs."""
    parameters = {**parameters, "epochs": 9, "patience": 2, "lr": 1e-30}
    model = ELMo(parameters, models_dir=tmp_path)
    data = make(texts, parameters)
    model.train(data, data)
    metrics = tmp_path / "ELMo_Training" / "run" / "metrics.csv"
    assert len(metrics.read_text().splitlines()) == 1 + 3


def test_a_batch_is_a_number_of_sentences(texts, parameters):
    data = make(texts, parameters, "train.tokens")

    def batches(**options):
        vocabulary = data.vocabulary.with_counts(data.corpus)
        return Batches(
            data.tokens,
            **{"mode": "sentence", "batch_size": 4, "window": None, "directions": ("forward",)},
            vocabulary_size=21,
            sampling=Sampling(0, vocabulary.ranks()),
            **options,
        )

    for shuffle in (True, False):
        made = batches(shuffle=shuffle)
        seen = [made.batch(i) for i in range(2 * len(made))]
        assert all(b["mask"].shape[1] == 4 for b in seen)
        assert max(b["mask"].shape[2] for b in seen) == 11
        positions = sum(int(b["mask"].sum()) for b in seen)
        assert positions == 2 * made.positions_per_epoch
        first, second = seen[: len(made)], seen[len(made) :]
        same = all(
            a["targets"].shape == b["targets"].shape and (a["targets"] == b["targets"]).all()
            for a, b in zip(first, second, strict=True)
        )
        assert same is not shuffle
    first = batches(shuffle=False).batch(0)["targets"][0, 0]
    assert first.tolist()[:4] == (data[0][0][1][0, :4, 0]).tolist()


def test_data_that_do_not_fit(texts, parameters, tmp_path):
    model = ELMo({**parameters, "vocab_size": 28914}, models_dir=tmp_path)
    with pytest.raises(ValueError, match="vocab_size=28914: must be 21, the number of entries"):
        model.train(make(texts, parameters))
    model = ELMo(parameters, models_dir=tmp_path)
    with pytest.raises(TypeError, match="train_data is of type list: must be an LMDataGenerator"):
        model.train([])
    with pytest.raises(ValueError, match="token_encoding='char': must be 'word'"):
        model.train(make(texts, parameters, token_encoding="char"))
    data = make(texts, parameters)
    other = Vocabulary(
        [*data.vocabulary.tokens[:-1], "new"], lowercase=True, layout=data.vocabulary.layout
    )
    others = LMDataGenerator(texts / "valid.tokens", other, sentence_maxlen=12)
    with pytest.raises(ValueError, match="valid_data: its vocabulary has other entries"):
        model.train(data, others)
    characters = ELMo({**parameters, "token_encoding": "char"}, models_dir=tmp_path)
    long = make(texts, parameters, token_encoding="char", token_maxlen=11)
    with pytest.raises(ValueError, match="token_maxlen=11: must be 10"):
        characters.evaluate(long)


def test_steps_out_of_order(texts, parameters, tmp_path):
    model = ELMo(parameters, models_dir=tmp_path)
    data = make(texts, parameters)
    for step in (model.save, model.wrap_multi_elmo_encoder, lambda: model.get_outputs(data)):
        with pytest.raises(ValueError, match=r"no vocabulary yet; train\(\) it, or load\(\)"):
            step()
    with pytest.raises(ValueError, match=r"no encoder yet; call wrap_multi_elmo_encoder\(\)"):
        _ = model.encoder
    with pytest.raises(FileNotFoundError, match=r"ELMo_LM: there is no saved model; save\(\)"):
        model.load()
    with pytest.raises(FileNotFoundError, match=r"ELMo_Encoder: .*wrap_multi_elmo_encoder"):
        model.load_elmo_encoder()
    with pytest.raises(ConfigError, match="'batchsize'; did you mean 'batch_size'"):
        ELMo({**parameters, "batchsize": 1})


def test_bad_choices(trained, texts):
    model, parameters = trained
    data = make(texts, parameters)
    wanted = "output_type='token': must be one of 'word', 'words', 'sentence'"
    with pytest.raises(ValueError, match=wanted):
        model.get_outputs(data, output_type="token")
    with pytest.raises(ValueError, match="state='first': must be one of 'last', 'mean', 'all'"):
        model.get_outputs(data, state="first")
    with pytest.raises(ValueError, match="sampled_softmax=1: must be True or False"):
        model.save(sampled_softmax=1)


def test_a_model_of_other_parameters_is_not_loaded(trained):
    model, parameters = trained
    other = ELMo({**parameters, "lstm_units_size": 9}, models_dir=model.models_dir)
    for load in (other.load, other.load_elmo_encoder):
        with pytest.raises(ValueError, match="lstm_units_size is 8, not 9"):
            load()


def test_where_models_go(parameters, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "data", raising=False)
    assert str(ELMo(parameters).models_dir) == "models"
    (tmp_path / "data.py").write_text("MODELS_DIR = '/somewhere/models'\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert str(ELMo(parameters).models_dir) == "/somewhere/models"
    assert str(ELMo(parameters, models_dir="here").models_dir) == "here"
