"""Byte ids, sentences, batches, buckets and whole corpora as ids."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo.text import encoded_corpus
from elmo.text.characters import Characters
from elmo.text.corpus import Corpus, CorpusError
from elmo.text.encoded_corpus import encode_corpus
from elmo.text.encoding import SentenceEncoder, length_buckets
from elmo.text.vocabulary import Vocabulary

SPECIAL = ["<S>", "</S>", "<UNK>"]
VOCABULARY = Vocabulary([*SPECIAL, "the", "cat"])
tokens = st.text(max_size=12)


def spelled(token: str, size: int) -> list[int]:
    """The published rule, written out once more."""
    row = [258, *list(token.encode("utf-8", "surrogatepass"))[: size - 2], 259]
    return row + [260] * (size - len(row))


@given(st.lists(tokens, max_size=6), st.integers(3, 20))
def test_rows_are_bytes_between_begin_and_end(words, size):
    characters = Characters(size)
    assert characters.table(words).tolist() == [spelled(word, size) for word in words]
    assert characters.is_cut(words).tolist() == [
        len(word.encode("utf-8", "surrogatepass")) > size - 2 for word in words
    ]


def test_boundaries_of_a_sentence():
    characters = Characters(5)
    assert characters.begin_sentence.tolist() == [258, 256, 259, 260, 260]
    assert characters.end_sentence.tolist() == [258, 257, 259, 260, 260]
    assert characters.ids("a").dtype == np.int32


@pytest.mark.parametrize("size", [2, 0, -1, 5.0, True, "50"])
def test_sizes_without_room_for_a_byte(size):
    with pytest.raises(ValueError, match="max_characters_per_token="):
        Characters(size)


def test_word_ids_are_one_more_than_the_vocabulary_says():
    ids = SentenceEncoder(VOCABULARY).encode(["the", "cat", "dog"])
    assert ids.tolist() == [1, 4, 5, 3, 2]
    assert ids.dtype == np.int32


def test_character_ids_are_one_more_than_published():
    encoder = SentenceEncoder(VOCABULARY, characters=6)
    ids = encoder.encode(["dög"])
    assert ids.dtype == np.int32
    assert (ids - 1).tolist() == [
        [258, 256, 259, 260, 260, 260],
        spelled("dög", 6),
        [258, 257, 259, 260, 260, 260],
    ]
    assert encoder.word_ids(["dög", "cat"]).tolist() == [1, 3, 5, 2]


def test_batches_are_padded_behind_with_zeros():
    sentences = [["cat"], [], ["the", "cat"]]
    words = SentenceEncoder(VOCABULARY).encode_batch(sentences, length=6)
    assert words.tolist() == [[1, 5, 2, 0, 0, 0], [1, 2, 0, 0, 0, 0], [1, 4, 5, 2, 0, 0]]
    encoder = SentenceEncoder(VOCABULARY, Characters(5))
    batch = encoder.encode_batch(sentences)
    assert batch.shape == (3, 4, 5) and batch.dtype == np.int32
    for row, sentence in zip(batch, sentences, strict=True):
        n = len(sentence) + 2
        assert np.array_equal(row[:n], encoder.encode(sentence))
        assert not row[n:].any()
    assert encoder.word_ids_batch(sentences, 6).tolist() == words.tolist()
    assert SentenceEncoder(VOCABULARY).encode_batch([]).shape == (0, 2)


def test_a_batch_is_never_cut():
    with pytest.raises(ValueError, match="length=3: must be 4 or more"):
        SentenceEncoder(VOCABULARY).encode_batch([["a"], ["a", "b"]], length=3)


def test_words_spelled_like_boundaries_are_unknown_words():
    vocabulary = Vocabulary(["<pad>", "<UNK>", "<S>", "</S>", "a"], layout="token_id")
    encoder = SentenceEncoder(vocabulary, characters=7)
    words = ["<S>", "</S>", "<pad>", "<UNK>", "a"]
    assert encoder.word_ids(words).tolist() == [3, 2, 2, 2, 2, 5, 4]
    assert (encoder.encode(words)[1:-1] - 1).tolist() == [spelled(word, 7) for word in words]
    assert encoder.report.unknown == 4


def test_lowercase_of_encoder_and_of_vocabulary():
    assert SentenceEncoder(VOCABULARY, lowercase=True).encode(["THE"]).tolist() == [1, 4, 2]
    lowered = Vocabulary(VOCABULARY.tokens, lowercase=True)
    encoder = SentenceEncoder(lowered, characters=5)  # targets lower-cased, spelling as it is
    assert encoder.word_ids(["THE"]).tolist() == [1, 4, 2]
    assert (encoder.encode(["THE"])[1] - 1).tolist() == spelled("THE", 5)


def test_the_report_counts_unknown_and_cut_tokens():
    encoder = SentenceEncoder(VOCABULARY, characters=7)
    encoder.encode_batch([["the", "cats"], ["a" * 5]])
    assert encoder.report.first_cut is None
    encoder.encode_batch([["cat"], ["the", "äää", "parrots"]])
    report = encoder.report
    assert (report.sentences, report.tokens, report.unknown, report.cut) == (4, 7, 4, 2)
    assert report.unknown_share == pytest.approx(4 / (7 + 4))
    assert report.first_cut == ("äää", 4, None)
    assert "2 cut in length (the first is 'äää' on line 4)" in str(report)
    encoder.reset_report()
    encoder.encode(["parrots"], line=17)
    assert encoder.report.first_cut == ("parrots", 17, None)
    assert SentenceEncoder(VOCABULARY).report.unknown_share == 0


def test_distinct_tokens_are_forgotten_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr("elmo.text.encoding._CACHED_TYPES", 10)
    encoder = SentenceEncoder(VOCABULARY, characters=8)
    for start in range(0, 100, 7):
        words = ["cat", *(str(i) for i in range(start, start + 8))]
        assert (encoder.encode(words)[1:-1] - 1).tolist() == [spelled(w, 8) for w in words]
    assert len(encoder._table) <= 20


def test_wrong_sentences_and_settings():
    encoder = SentenceEncoder(VOCABULARY)
    with pytest.raises(TypeError, match="str 'the cat': must be a list of tokens"):
        encoder.encode("the cat")
    with pytest.raises(TypeError, match=r"token 1 .* is 3 .int.: every token"):
        encoder.encode(["the", 3])
    assert encoder.encode(["the"]).tolist() == [1, 4, 2]  # goes on after an error
    with pytest.raises(ValueError, match="at least one must be given"):
        SentenceEncoder()
    with pytest.raises(ValueError, match="need a vocabulary"):
        SentenceEncoder(characters=5).word_ids(["a"])


@given(
    st.lists(st.integers(1, 60), max_size=80),
    st.sampled_from([None, 1, 7]),
    st.sampled_from([None, 1, 50, 400]),
    st.sampled_from([None, (8, 16, 32)]),
    st.sampled_from([None, 0, 5]),
)
def test_buckets(lengths, batch_size, budget, widths, seed):
    if batch_size is None and budget is None:
        budget = 100
    arguments = dict(batch_size=batch_size, token_budget=budget, widths=widths, seed=seed)
    batches = length_buckets(lengths, **arguments)
    assert sorted(i for batch in batches for i in batch.tolist()) == list(range(len(lengths)))
    for batch in batches:
        sizes = [lengths[i] for i in batch]
        if widths is not None:
            sizes = [min((w for w in widths if w >= size), default=size) for size in sizes]
            assert len(set(sizes)) == 1
        assert batch_size is None or len(batch) <= batch_size
        assert budget is None or len(batch) == 1 or len(batch) * max(sizes) <= budget
    again = length_buckets(np.array(lengths, np.int32), **arguments)
    assert [b.tolist() for b in batches] == [b.tolist() for b in again]


def test_buckets_waste_little_and_depend_on_the_seed():
    lengths = np.random.default_rng(0).integers(3, 120, 2000)
    batches = length_buckets(lengths, token_budget=4096, seed=1)
    padded = sum(len(b) * lengths[b].max() for b in batches)
    assert lengths.sum() / padded > 0.95
    assert len(batches) <= padded / 4096 * 1.1
    other = length_buckets(lengths, token_budget=4096, seed=2)
    assert [b.tolist() for b in batches] != [b.tolist() for b in other]


@pytest.mark.parametrize("arguments", [{}, {"batch_size": 0}, {"token_budget": -1}])
def test_buckets_of_no_size(arguments):
    with pytest.raises(ValueError, match=r"batch_size|token_budget"):
        length_buckets([1, 2], **arguments)


SENTENCES = [["the", "cat"], [], ["Dög", "the", "the"], ["elephants"], ["cat"]]


@pytest.mark.parametrize(("characters", "with_vocabulary"), [(None, True), (6, True), (6, False)])
@pytest.mark.parametrize("in_folder", [True, False])
@pytest.mark.parametrize("chunk", [1, 3, 1 << 20])
def test_a_corpus_is_its_sentences_one_by_one(
    tmp_path, monkeypatch, characters, with_vocabulary, in_folder, chunk
):
    monkeypatch.setattr(encoded_corpus, "_CHUNK", chunk)
    monkeypatch.setattr(encoded_corpus, "_WORD_TYPES", 1)
    encoder = SentenceEncoder(VOCABULARY if with_vocabulary else None, characters)
    corpus = Corpus.from_sentences(SENTENCES, blank_lines="keep")
    folder = tmp_path / "ids" if in_folder else None
    encoded = encode_corpus(encoder, corpus, folder)
    assert (encoded.n_sentences, encoded.n_tokens) == (5, 7)
    assert encoded.offsets.tolist() == [0, 2, 2, 5, 6, 7]
    assert encoded.lengths.tolist() == [2, 0, 3, 1, 1]
    for i, sentence in enumerate(SENTENCES):
        part = slice(encoded.offsets[i], encoded.offsets[i + 1])
        if with_vocabulary:
            assert encoded.ids.dtype == np.int32
            assert [encoded.bos, *encoded.ids[part], encoded.eos] == list(
                encoder.word_ids(sentence)
            )
            assert np.array_equal(encoded.sentence(i), encoded.ids[part])
        else:
            assert encoded.ids is None and encoded.bos is None
            assert np.array_equal(encoded.sentence(i), encoded.types[part])
        if characters:
            rows = encoded.type_bytes[[1, *encoded.types[part], 2]]
            assert np.array_equal(rows, encoder.encode(sentence))
            assert not encoded.type_bytes[0].any()
        else:
            assert encoded.types is None and encoded.type_bytes is None
    assert encoded.unknown == (2 if with_vocabulary else 0)
    assert encoded.cut == (1 if characters else 0)
    assert encoded.report.first_cut == (("elephants", 4, None) if characters else None)
    with pytest.raises(IndexError, match="sentence 5"):
        encoded.sentence(5)


def test_encoding_again_into_a_folder_leaves_the_first_arrays_whole(tmp_path):
    encoder = SentenceEncoder(VOCABULARY)
    first = encode_corpus(encoder, [["the", "cat"]], tmp_path)
    second = encode_corpus(encoder, [["cat"]], tmp_path)
    assert (first.ids.tolist(), second.ids.tolist()) == ([4, 5], [5])
    assert encode_corpus(encoder, [[]], tmp_path).ids.tolist() == []


def test_ids_of_a_large_text_are_in_files_that_nobody_sees(tmp_path, monkeypatch):
    sentences = [["the", "cat"] * n for n in range(1, 40)]
    encoder = SentenceEncoder(VOCABULARY, characters=5)
    small = encode_corpus(encoder, sentences)
    monkeypatch.setattr(encoded_corpus, "_LARGE", 300)
    monkeypatch.setattr(encoded_corpus, "_CHUNK", 100)
    monkeypatch.setattr(encoded_corpus.tempfile, "tempdir", str(tmp_path))
    large = encode_corpus(encoder, sentences)
    for name in ("ids", "types"):
        one, other = getattr(small, name), getattr(large, name)
        assert not isinstance(one, np.memmap) and isinstance(other, np.memmap)
        np.testing.assert_array_equal(one, other)
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_no_room_for_ids_is_an_error_that_says_what_would_do(monkeypatch):
    monkeypatch.setattr(encoded_corpus, "_LARGE", 1)
    full = open("/dev/full", "r+b", 0)  # noqa: SIM115 - closed where it fails
    monkeypatch.setattr(encoded_corpus.tempfile, "TemporaryFile", lambda prefix: full)
    with pytest.raises(OSError, match=r"No space left.*TMPDIR"):
        encode_corpus(SentenceEncoder(VOCABULARY), [["the", "cat"]])


def test_where_a_token_was_first_cut_in_a_file(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(f"a b\n\nc {'d' * 10_000}\n{'e' * 99}\n")
    encoded = encode_corpus(SentenceEncoder(characters=50), Corpus(path))
    assert encoded.report.first_cut == ("d" * 10_000, 3, str(path))
    assert encoded.cut == 2
    assert f"'{'d' * 24}…' on line 3 of {path}" in str(encoded.report)


def test_an_empty_corpus_is_an_error():
    with pytest.raises(CorpusError, match="no sentence"):
        encode_corpus(SentenceEncoder(VOCABULARY), [])


def test_wikitext_with_its_own_vocabulary_knows_every_word(data_folder):
    corpus = Corpus(data_folder("wikitext-2/wiki.valid.tokens"), blank_lines="keep")
    vocabulary = Vocabulary.from_corpus(corpus)
    encoded = encode_corpus(SentenceEncoder(vocabulary, 50), corpus)
    assert encoded.n_tokens + encoded.n_sentences == 217_646
    assert encoded.unknown == 0
    found = np.bincount(encoded.ids - 1, minlength=len(vocabulary))
    assert np.array_equal(found[3:], vocabulary.counts[3:])
