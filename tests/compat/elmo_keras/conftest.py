"""A tiny text, a `token id` vocabulary and parameters that train in seconds."""

import pytest

WORDS = "the a cat dog bird saw heard chased in garden house slept sang . , and old"
SENTENCES = [
    "The old cat chased a bird in the garden .",
    "A dog slept .",
    "the bird sang , and the old dog heard",
    "Zebras saw the cat",
    "a cat saw a dog , and a dog saw a cat in the old house",
]


@pytest.fixture(scope="session")
def texts(tmp_path_factory):
    """A folder with `train.tokens`, `valid.tokens` and `words.vocab` (21 entries)."""
    folder = tmp_path_factory.mktemp("texts")
    train = "".join(f" {sentence} \n \n" for sentence in SENTENCES * 3)
    (folder / "train.tokens").write_text(train)
    (folder / "valid.tokens").write_text("".join(f" {s} \n" for s in SENTENCES))
    entries = ["<pad>", "<unk>", "<bos>", "<eos>", *WORDS.split()]
    (folder / "words.vocab").write_text("".join(f"{t} {i}\n" for i, t in enumerate(entries)))
    return folder


@pytest.fixture
def parameters():
    return {
        "vocab_size": 21,
        "num_sampled": 8,
        "sentence_maxlen": 12,
        "token_maxlen": 10,
        "epochs": 1,
        "batch_size": 4,
        "n_threads": 1,
        "n_lstm_layers": 2,
        "cnn_filters": [[1, 4], [2, 4]],
        "n_highway_layers": 1,
        "char_embedding_size": 4,
        "lstm_units_size": 8,
        "hidden_units_size": 6,
    }
