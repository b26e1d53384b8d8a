"""HDF5 in AllenNLP's layout has AllenNLP's tokens, and its index the lines as they stand in the file."""

import json

import h5py
import pytest

from elmo.embed.embedder import Embedder
from elmo.text.corpus import Corpus, Line
from elmo.text.encoding import SentenceEncoder
from elmo.vectors.reading import read_vectors
from tests.embed.helpers import CONFIGS, embed_file, network

TEXT = (
    "plain words here\n"
    "New\u00a0York and\u3000Tokyo\n"
    " two  spaces\tand a tab \n"
    "a\u0085b\u2028c\x1cd\n"
    "ends\r\n"
    "two\rlines\n"
    "\n"
    "plain words here\n"
    "last "
)


@pytest.fixture(scope="module")
def embedder():
    config = next(config for config in CONFIGS.values() if config.char_cnn is not None)
    encoder = SentenceEncoder(characters=config.char_cnn.max_characters_per_token)
    return Embedder(network(config), encoder)


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(TEXT.encode())
    return path


def lines_of_allennlp(path):
    """As its command reads a file."""
    with open(path, encoding="utf-8") as file:
        return [line.strip() for line in file]


@pytest.mark.parametrize("part_tokens", [4, 1 << 16])
def test_tokens_and_index(embedder, text, tmp_path, part_tokens):
    output = tmp_path / "v.hdf5"
    source = Corpus(text, blank_lines="keep")
    embed_file(embedder, source, output, part_tokens=part_tokens, progress=False)
    lines = lines_of_allennlp(text)
    with h5py.File(output) as file:
        index = json.loads(file["sentence_to_index"][0])
        counts = [file[str(number)].shape[1] for number in range(len(lines))]
    assert counts == [len(line.split()) for line in lines]
    assert index == {line: str(number) for number, line in enumerate(lines)}
    expected = embedder.embed([line.split() for line in lines])
    for found, wanted in zip(read_vectors(output), expected, strict=True):
        assert abs(found - wanted).max(initial=0) < 1e-5


def test_other_outputs_and_readers_keep_their_own(embedder, text, tmp_path):
    source = Corpus(text, blank_lines="keep")
    embed_file(embedder, source, tmp_path / "v.npz", progress=False)
    embed_file(embedder, source, tmp_path / "b.hdf5", layout="bilm-tf", progress=False)
    own = list(source)
    assert own[1] == ["New\u00a0York", "and\u3000Tokyo"] and len(own) == 9
    for name in ("v.npz", "b.hdf5"):
        assert [v.shape[1] for v in read_vectors(tmp_path / name)] == [len(s) for s in own]


def test_what_is_asked_for_wins(text):
    ascii_alone = Corpus(text, whitespace="ascii", blank_lines="keep").like_allennlp()
    assert list(ascii_alone) == list(Corpus(text, blank_lines="keep"))
    wide = list(Corpus(text, whitespace="unicode", blank_lines="keep"))
    assert [line.text for line in wide] == lines_of_allennlp(text)
    assert all(isinstance(line, Line) and line == line.text.split() for line in wide)
    with pytest.raises(ValueError, match="whitespace='wide': must be"):
        Corpus(text, whitespace="wide")
