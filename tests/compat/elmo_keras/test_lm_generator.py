"""`LMDataGenerator`: shapes, ids, targets, splitting and order."""

import numpy as np
import pytest

from elmo.lm_generator import LMDataGenerator
from elmo.text.vocabulary import Vocabulary


def make(texts, name="valid.tokens", **options):
    options = {"sentence_maxlen": 12, "token_maxlen": 10, "batch_size": 4, **options}
    return LMDataGenerator(texts / name, texts / "words.vocab", **options)


def test_shapes_and_types(texts):
    for encoding, width in (("word", ()), ("char", (10,))):
        data = make(texts, token_encoding=encoding)
        assert len(data) == 2  # five sentences, one of them in two parts
        for number, rows in ((0, 4), (1, 2)):
            [tokens, next_ids, previous_ids], nothing = data[number]
            assert tokens.shape == (rows, 12, *width) and nothing == []
            assert next_ids.shape == previous_ids.shape == (rows, 12, 1)
            assert tokens.dtype == next_ids.dtype == previous_ids.dtype == np.int32
        with pytest.raises(IndexError, match="batch 2: must be from 0 to 1"):
            data[2]
        assert sum(len(tokens) for [tokens, *_], _ in data) == 6


def test_ids_are_the_files_own_and_lower_cased(texts):
    [tokens, next_ids, previous_ids], _ = make(texts)[0]
    file = dict(line.split() for line in (texts / "words.vocab").read_text().splitlines())
    line = "<bos> the old cat chased a bird in the garden . <eos>"
    assert tokens[0].tolist() == [int(file[word]) for word in line.split()]
    assert tokens[3].tolist() == [2, 1, 9, 4, 6, 3, *[0] * 6]  # Zebras saw the cat
    assert next_ids[0, :, 0].tolist() == [*tokens[0, 1:].tolist(), 0]
    assert previous_ids[0, :, 0].tolist() == [0, *tokens[0, :-1].tolist()]
    assert previous_ids[3, :, 0].tolist() == [0, 2, 1, 9, 4, 6, *[0] * 6]


def test_both_directions_have_a_target_for_each_token_and_boundary(texts):
    for encoding in ("word", "char"):
        data = make(texts, "train.tokens", token_encoding=encoding)
        wanted = data.encoded.n_tokens + data.encoded.n_sentences
        batches = [item for item, _ in data]
        assert sum(np.count_nonzero(b[1]) for b in batches) == wanted
        assert sum(np.count_nonzero(b[2]) for b in batches) == wanted


def test_long_sentences_are_split_and_nothing_is_lost(texts):
    data = make(texts, sentence_maxlen=5, batch_size=100)
    [tokens, *_], _ = data[0]
    inside = tokens[tokens > 3]
    whole = make(texts, sentence_maxlen=40, batch_size=100)[0][0][0]
    assert inside.tolist() == whole[whole > 3].tolist()
    assert len(tokens) == 4 + 2 + 3 + 2 + 6
    assert data.lines.tolist() == [1] * 4 + [2] * 2 + [3] * 3 + [4] * 2 + [5] * 6


def test_characters_are_bytes_plus_one(texts):
    [tokens, *_], _ = make(texts, token_encoding="char")[0]
    assert tokens[0, 0, :4].tolist() == [259, 257, 260, 261]
    assert tokens[0, 1, :6].tolist() == [259, *(b + 1 for b in b"the"), 260, 261]
    assert (tokens[1, 6:] == 0).all()


def test_another_layout_leaves_room_for_padding(texts, tmp_path):
    (tmp_path / "vocab.txt").write_text("<S>\n</S>\n<UNK>\nthe\ncat\n")
    data = LMDataGenerator(texts / "valid.tokens", tmp_path / "vocab.txt", sentence_maxlen=20)
    assert data[0][0][0][3, :7].tolist() == [1, 3, 3, 4, 5, 2, 0]
    assert data[0][0][0][0, 1] == 3  # The: this vocabulary is not lower-cased


def test_another_order_after_each_epoch(texts):
    data, same, still = make(texts), make(texts), make(texts, shuffle=False)
    first = np.concatenate([item[0] for item, _ in data])
    for generator in (data, same, still):
        generator.on_epoch_end()
        generator.on_epoch_end()
    second = np.concatenate([item[0] for item, _ in data])
    assert (second != first).any()
    assert (second == first[data.order]).all()
    assert (data.order == same.order).all()
    assert (np.concatenate([item[0] for item, _ in still]) == first).all()


def test_bad_arguments(texts, tmp_path):
    with pytest.raises(ValueError, match="token_encoding='bpe': must be 'word' or 'char'"):
        make(texts, token_encoding="bpe")
    for name in ("sentence_maxlen", "token_maxlen", "batch_size"):
        with pytest.raises(ValueError, match=f"{name}=0: must be a whole number"):
            make(texts, **{name: 0})
    with pytest.raises(FileNotFoundError, match="missing"):
        make(texts, "missing.tokens")
    with pytest.raises(FileNotFoundError, match=r"no\.vocab"):
        LMDataGenerator(texts / "valid.tokens", tmp_path / "no.vocab")
    (tmp_path / "empty.tokens").write_text("\n \n")
    with pytest.raises(ValueError, match=r"empty\.tokens: there is no sentence in it"):
        LMDataGenerator(tmp_path / "empty.tokens", Vocabulary.load(texts / "words.vocab"))


def test_the_vocabulary_of_wikitext(data_folder, tmp_path):
    (tmp_path / "text.tokens").write_text(" = Robbed = \n")
    vocab = data_folder("wikitext-2/wiki.vocab")
    data = LMDataGenerator(tmp_path / "text.tokens", vocab, sentence_maxlen=6)
    assert len(data.vocabulary) == 28914 and data.vocabulary.lowercase
    [tokens, *_], _ = data[0]
    equals = data.vocabulary.id("=")
    assert tokens.tolist() == [[2, equals, 4, equals, 3, 0]]
