"""The NumPy reference itself, held to what the published programs computed."""

import json
import warnings

import h5py
import numpy as np
import pytest

from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from tests.reference.bilm import ReferenceBiLM
from tests.reference.published import byte_ids, read_weights, sentence_ids
from tests.reference.random_model import random_sentence, random_weights, weight_shapes


def published_config(options, **settings):
    """A configuration from the text of an options.json."""
    lstm, char_cnn = options["lstm"], options["char_cnn"]
    return BiLMConfig(
        lstm=LSTMConfig(**lstm),
        char_cnn=CharCNNConfig(
            embedding_dim=char_cnn["embedding"]["dim"],
            filters=char_cnn["filters"],
            n_highway=char_cnn["n_highway"],
            activation=char_cnn["activation"],
        ),
        **settings,
    )


def assert_close(actual, expected, limit):
    assert actual.shape == expected.shape
    np.testing.assert_allclose(actual, expected, rtol=0, atol=limit)


@pytest.fixture(scope="module")
def allennlp(data_folder):
    folder = data_folder("allennlp-elmo-fixture")
    config = published_config(json.loads((folder / "options.json").read_text()))
    weights = read_weights(folder / "lm_weights.hdf5")
    assert {name: value.shape for name, value in weights.items()} == weight_shapes(config)
    return folder, ReferenceBiLM(weights, config)


def test_allennlp_token_embeddings(allennlp):
    folder, model = allennlp
    tokens = (folder / "vocab_test.txt").read_text(encoding="utf-8").split()
    ids = np.stack([byte_ids(token) for token in tokens])
    with h5py.File(folder / "elmo_token_embeddings.hdf5") as file:
        assert_close(model.token_vectors(ids), file["embedding"][()], 4e-6)


def test_allennlp_documents_with_carried_state(allennlp):
    folder, model = allennlp
    documents = json.loads((folder / "sentences.json").read_text(encoding="utf-8"))
    assert len(documents) == 3
    for number, sentences in enumerate(documents):
        state = None
        with h5py.File(folder / f"lm_embeddings_{number}.hdf5") as file:
            assert len(sentences) == len(file) == 10
            for i, sentence in enumerate(sentences):
                layers, state = model.layers(sentence_ids(sentence.split()), state)
                forward, backward = np.split(layers[-1, 1:-1], 2, axis=-1)
                assert_close(np.stack([forward, backward]), file[str(i)][()], 4e-6)


@pytest.fixture(scope="module")
def bilm_tf(data_folder):
    folder = data_folder("bilm-tf-checkpoint")
    options = json.loads((folder / "model/options.json").read_text())
    config = published_config(options, vocabulary_size=options["n_tokens_vocab"])
    return folder, config, read_weights(folder / "weights.hdf5")


def bilm_tf_sentences(folder, name):
    """Pairs (ids, words) of the lines of a text, beside their vocabulary."""
    vocabulary = (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
    number = {word: i + 1 for i, word in enumerate(vocabulary)}
    pairs = []
    for line in (folder / name).read_text(encoding="utf-8").splitlines():
        tokens = line.split()
        words = [number.get(word, number["<UNK>"]) for word in ["<S>", *tokens, "</S>"]]
        pairs.append((sentence_ids(tokens), np.array(words)))
    return pairs


def test_bilm_tf_embeddings(bilm_tf):
    folder, config, weights = bilm_tf
    model = ReferenceBiLM(weights, config)
    expected = np.load(folder / "expected.npz")
    for i, (ids, _) in enumerate(bilm_tf_sentences(folder, "sentences.txt")):
        layers, _ = model.layers(ids)
        assert_close(layers[:, 1:-1], expected[f"embeddings/{i}"], 4e-6)


@pytest.fixture(scope="module")
def bilm_tf_with_softmax(bilm_tf):
    folder, config, weights = bilm_tf
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tensorflow = pytest.importorskip("tensorflow")
    reader = tensorflow.train.load_checkpoint(str(folder / "model/model.ckpt-200"))
    softmax = {
        "softmax/kernel": reader.get_tensor("lm/softmax/W"),
        "softmax/bias": reader.get_tensor("lm/softmax/b"),
    }
    weights = weights | softmax
    assert {name: value.shape for name, value in weights.items()} == weight_shapes(config)
    return folder, ReferenceBiLM(weights, config)


def test_bilm_tf_log_probabilities(bilm_tf_with_softmax):
    folder, model = bilm_tf_with_softmax
    expected = np.load(folder / "expected.npz")
    for i, (ids, words) in enumerate(bilm_tf_sentences(folder, "sentences.txt")):
        assert list(words[1:] - 1) == list(expected[f"target/forward/{i}"])
        assert list(words[-2::-1] - 1) == list(expected[f"target/backward/{i}"])
        values, _ = model.log_probabilities(ids, words)
        for direction in ("forward", "backward"):
            assert_close(values[direction], expected[f"logprob/{direction}/{i}"], 1e-5)
            if i == 0:
                scores = model.scores(ids)[0][direction]
                assert_close(scores, expected[f"logits/{direction}/0"], 1e-5)


def test_bilm_tf_perplexities(bilm_tf_with_softmax):
    folder, model = bilm_tf_with_softmax
    sentences = bilm_tf_sentences(folder, "heldout.txt")
    expected = json.loads((folder / "expected.json").read_text())
    reset = model.perplexity(sentences)
    for direction in ("forward", "backward", "both"):
        nats = expected["zero_state"][f"nats_{direction}"]
        assert np.log(reset[direction]) == pytest.approx(nats, abs=1e-6)
    carried = model.perplexity(sentences, state="carry")
    assert carried["both"] == pytest.approx(expected["test"][1]["perplexity"], abs=1e-4)


def manylangs_weights(folder):
    """An ELMoForManyLangs model's weights under the architecture's names, read by PyTorch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch = pytest.importorskip("torch")

    def read(name):
        values = torch.load(folder / name, map_location="cpu", weights_only=True)
        return {key: value.numpy() for key, value in values.items()}

    tokens, layers = read("token_embedder.pkl"), read("encoder.pkl")
    weights = {
        "char_embed": tokens["char_emb_layer.embedding.weight"],
        "word_embed": tokens["word_emb_layer.embedding.weight"],
        "projection/kernel": tokens["projection.weight"].T,
        "projection/bias": tokens["projection.bias"],
    }
    for i in range(4):
        weights[f"cnn_{i}/kernel"] = tokens[f"convolutions.{i}.weight"].transpose(2, 1, 0)
        weights[f"cnn_{i}/bias"] = tokens[f"convolutions.{i}.bias"]
    for k in range(2):
        transform, gate = np.split(tokens[f"highways._layers.{k}.weight"], 2)
        transform_bias, gate_bias = np.split(tokens[f"highways._layers.{k}.bias"], 2)
        # there the gate says how much is kept, here how much is new: 1 - σ(z) = σ(-z)
        weights[f"highway_{k}/carry_kernel"] = -gate.T
        weights[f"highway_{k}/carry_bias"] = -gate_bias
        weights[f"highway_{k}/transform_kernel"] = transform.T
        weights[f"highway_{k}/transform_bias"] = transform_bias
    weights = {f"token_encoder/{name}": value for name, value in weights.items()}

    def reordered(gates):  # input, forget, candidate, output as rows
        entry, forget, candidate, out = np.split(gates, 4)
        return np.concatenate([entry, candidate, forget, out])

    for direction in ("forward", "backward"):
        for layer in range(2):
            there, here = f"{direction}_layer_{layer}", f"{direction}/layer_{layer}"
            weights[f"{here}/kernel"] = reordered(layers[f"{there}.input_linearity.weight"]).T
            recurrent = reordered(layers[f"{there}.state_linearity.weight"])
            weights[f"{here}/recurrent_kernel"] = recurrent.T
            weights[f"{here}/bias"] = reordered(layers[f"{there}.state_linearity.bias"])
            weights[f"{here}/projection_kernel"] = layers[f"{there}.state_projection.weight"].T
    return weights


def manylangs_ids(folder, tokens, width=50):
    """Ids of a sentence with boundaries, (tokens + 2, 1 + width): the word, then the characters."""

    def read(name):
        lines = (folder / name).read_text(encoding="utf-8").split("\n")
        entries = [line.strip().split("\t") for line in lines if line.strip()]
        return {e[0] if len(e) == 2 else "\u3000": int(e[-1]) for e in entries}

    words, characters = read("word.dic"), read("char.dic")
    rows = []
    for token in ["<bos>", *tokens, "<eos>"]:
        cut = token if token in ("<bos>", "<eos>") else token[: width - 2]
        spelling = [cut] if cut in ("<bos>", "<eos>") else list(cut)
        ids = [characters.get(character, characters["<oov>"]) for character in spelling]
        ids = [characters["<eow>"], *ids, characters["<bow>"]]
        ids += [characters["<pad>"]] * (width - len(ids))
        rows.append([words.get(cut, words["<oov>"]), *ids])
    return np.array(rows) + 1, len(words), len(characters)


@pytest.mark.numerics
@pytest.mark.parametrize("container", ["model", "model-zip"])
def test_manylangs(data_folder, container):
    folder = data_folder("manylangs-fixture")
    weights = manylangs_weights(folder / container)
    text = (folder / "sentences.txt").read_text(encoding="utf-8")
    sentences = [line.split(" ") for line in text.rstrip("\n").split("\n")]
    _, n_words, n_characters = manylangs_ids(folder / "model", [])
    config = BiLMConfig(
        lstm=LSTMConfig(dim=40, projection_dim=24, cell_clip=1.4, proj_clip=1.2, forget_bias=0.0),
        char_cnn=CharCNNConfig(
            embedding_dim=10,
            filters=[[1, 6], [2, 8], [3, 10], [5, 12]],
            n_characters=n_characters,
            word_dim=14,
            n_words=n_words,
            always_project=True,
        ),
    )
    assert {name: value.shape for name, value in weights.items()} == weight_shapes(config)
    model, expected, state = ReferenceBiLM(weights, config), np.load(folder / "expected.npz"), None
    for i, tokens in enumerate(sentences):
        ids, _, _ = manylangs_ids(folder / "model", tokens)
        layers, _ = model.layers(ids)
        assert_close(layers[:, 1:-1], expected[f"stateless/{i}/all"], 5e-6)
        layers, state = model.layers(ids, state)
        assert_close(layers[:, 1:-1], expected[f"carry/{i}/all"], 5e-6)


CONFIGS = {
    "words": BiLMConfig(lstm=LSTMConfig(dim=7, projection_dim=4, n_layers=3), vocabulary_size=11),
    "tied, no projection, backward alone": BiLMConfig(
        lstm=LSTMConfig(dim=5, projection_dim=5, use_skip_connections=False, cell_clip=0.4),
        vocabulary_size=9,
        directions="backward",
        weight_tying=True,
    ),
    "characters and words": BiLMConfig(
        lstm=LSTMConfig(dim=6, projection_dim=5, proj_clip=0.3, forget_bias=0.0),
        char_cnn=CharCNNConfig(
            embedding_dim=3,
            filters=[[1, 2], [3, 3]],
            max_characters_per_token=8,
            activation="tanh",
            n_characters=20,
            word_dim=2,
            n_words=6,
            always_project=True,
        ),
        vocabulary_size=8,
    ),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_random_models(config):
    model = ReferenceBiLM(random_weights(config, seed=3), config)
    ids, words = random_sentence(config, 6, np.random.default_rng(0))
    layers, state = model.layers(ids)
    lstm = config.lstm
    assert layers.shape == (lstm.n_layers + 1, 6, config.output_dim)
    assert state[0].shape == (len(config.direction_names), lstm.n_layers, lstm.projection_dim)
    assert state[1].shape == (len(config.direction_names), lstm.n_layers, lstm.dim)
    if lstm.cell_clip is not None:
        assert np.abs(state[1]).max() <= lstm.cell_clip

    padding = np.zeros((2, *ids.shape[1:]), ids.dtype)
    np.testing.assert_array_equal(model.layers(np.concatenate([ids, padding]))[0], layers)

    scores, _ = model.scores(ids)
    values, _ = model.log_probabilities(ids, words)
    for direction in config.direction_names:
        assert scores[direction].shape == (5, config.vocabulary_size)
        assert (values[direction] < 0).all()
    perplexity = model.perplexity([(ids, words)])
    nats = [-value.mean() for value in values.values()]
    assert perplexity["both"] == pytest.approx(np.exp(np.mean(nats)))


def test_state_carries_a_sentence_on():
    config = CONFIGS["words"]
    model = ReferenceBiLM(random_weights(config), config)
    ids, _ = random_sentence(config, 7, np.random.default_rng(1))
    whole, end = model.layers(ids)
    first, state = model.layers(ids[:3])
    second, state = model.layers(ids[3:], state)
    size = config.lstm.projection_dim
    forward = np.concatenate([first, second], axis=1)[..., :size]
    np.testing.assert_allclose(forward, whole[..., :size], atol=1e-12)
    np.testing.assert_allclose(state[0][0], end[0][0], atol=1e-12)
