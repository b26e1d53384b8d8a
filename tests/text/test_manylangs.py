"""Dictionaries and ids of ELMoForManyLangs."""

import numpy as np
import pytest

from elmo.text.manylangs import (
    DictionaryError,
    ManyLangsCharacters,
    read_dictionary,
    write_dictionary,
)

SPECIAL = ["<bos>", "<eos>", "<oov>", "<pad>", "<bow>", "<eow>"]
CHARACTERS = {entry: i for i, entry in enumerate([*"abc<>os", *SPECIAL])}
WORDS = {"<oov>": 0, "<bos>": 1, "<eos>": 2, "<pad>": 3, "abc": 4, "ab": 5}


def spelled(row):
    """A row of characters without its padding, by name."""
    names = {i + 1: entry for entry, i in CHARACTERS.items()}
    entries = [names[i] for i in row]
    while entries[-1] == "<pad>":
        entries.pop()
    return entries


def test_a_sentence():
    ids = ManyLangsCharacters(CHARACTERS, WORDS, 6).encode(["ab", "x"])
    assert ids.shape == (4, 7) and ids.dtype == np.int32
    assert ids[:, 0].tolist() == [2, 6, 1, 3]
    assert [spelled(row[1:]) for row in ids] == [
        ["<eow>", "<bos>", "<bow>"],
        ["<eow>", "a", "b", "<bow>"],
        ["<eow>", "<oov>", "<bow>"],
        ["<eow>", "<eos>", "<bow>"],
    ]
    assert ids[1, -1] == CHARACTERS["<pad>"] + 1, "padding is a character like others"


def test_tokens_are_cut_before_they_are_looked_up():
    ids = ManyLangsCharacters(CHARACTERS, WORDS, 5).encode(["abcabc", "abc"])
    np.testing.assert_array_equal(ids[1], ids[2])
    assert ids[1, 0] == WORDS["abc"] + 1


def test_tokens_spelled_like_special_ones():
    encoder = ManyLangsCharacters(CHARACTERS, WORDS, 8)
    ids = encoder.encode(["<bos>", "<oov>", ""])
    np.testing.assert_array_equal(ids[0], ids[1])
    assert ids[2, 0] == WORDS["<oov>"] + 1
    assert spelled(ids[2, 1:]) == ["<eow>", "<", "o", "o", "<oov>", ">", "<bow>"]
    assert spelled(ids[3, 1:]) == ["<eow>", "<bow>"]


def test_boundaries_are_never_cut():
    ids = ManyLangsCharacters(CHARACTERS, WORDS, 3).encode([])
    assert [spelled(row[1:]) for row in ids] == [
        ["<eow>", "<bos>", "<bow>"],
        ["<eow>", "<eos>", "<bow>"],
    ]


def test_without_words():
    encoder = ManyLangsCharacters(CHARACTERS, None, 6)
    assert encoder.width == 6
    assert encoder.encode(["ab"]).shape == (3, 6)


def test_dictionaries_come_back(tmp_path):
    entries = {"a b": 3, "\u3000": 1, "é": 2, "e\u0301": 0, "x\u2028y": 4}
    write_dictionary(tmp_path / "word.dic", entries)
    assert read_dictionary(tmp_path / "word.dic") == entries
    encoder = ManyLangsCharacters(CHARACTERS, WORDS, 9)
    encoder.save(tmp_path)
    assert ManyLangsCharacters.load(tmp_path, 9) == encoder
    assert ManyLangsCharacters.load(tmp_path, 9, words=False).words is None


def test_lines(tmp_path):
    path = tmp_path / "char.dic"
    path.write_bytes("a\t0\r\n\u00a0\t7\n b \t2".encode())
    assert read_dictionary(path) == {"a": 0, "\u3000": 7, "b ": 2}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\t0\nb\tx\n", "char.dic:2: not an entry"),
        (b"a\t0\n\nb\t1\n", "char.dic:2: not an entry"),
        (b"a\tb\t0\n", "char.dic:1"),
        (b"a\t-1\n", "char.dic:1"),
        (b"a\t" + b"9" * 5000, "char.dic:1"),
        ("a\t٣\n".encode(), "char.dic:1"),
        (b"\xff\t0\n", "not UTF-8"),
        (b"a\t0\n", "lacks <bos>, <eos>, <oov>, <pad>, <bow>, <eow>"),
        (b"", "lacks"),
    ],
)
def test_damaged_dictionaries(tmp_path, content, message):
    (tmp_path / "char.dic").write_bytes(content)
    with pytest.raises(DictionaryError, match=message):
        ManyLangsCharacters.load(tmp_path, words=False)


def test_missing_dictionary(tmp_path):
    with pytest.raises(DictionaryError, match=r"char.dic: cannot be read"):
        ManyLangsCharacters.load(tmp_path)
    with pytest.raises(DictionaryError, match="must be 3 or more"):
        ManyLangsCharacters(CHARACTERS, WORDS, 2)
