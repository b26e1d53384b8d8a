"""Vocabularies: counting, both layouts, ranks, and files that are refused."""

import gzip
import lzma
import os
import random
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elmo.text import counting, vocabulary_files
from elmo.text.corpus import Corpus, CorpusError
from elmo.text.counting import count_tokens
from elmo.text.vocabulary import MissingVocabularyError, Vocabulary, VocabularyError

SPECIAL = ["<S>", "</S>", "<UNK>"]


@pytest.fixture
def write(tmp_path):
    def to(text, name="vocab.txt"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return to


def test_frequency_order_with_ties_in_code_point_order():
    vocabulary = Vocabulary.from_corpus([["b", "a", "é", "b"], ["Z", "é", "c"]])
    assert vocabulary.tokens == [*SPECIAL, "b", "é", "Z", "a", "c"]
    assert vocabulary.counts.tolist() == [2, 2, 0, 2, 2, 1, 1, 1]
    assert vocabulary.counts.dtype == np.int64


def test_min_count_and_max_size_count_the_rest_as_unknown():
    corpus = [["a"] * 5 + ["b"] * 3 + ["c"] * 3 + ["d"]]
    vocabulary = Vocabulary.from_corpus(corpus, min_count=2)
    assert vocabulary.tokens[3:] == ["a", "b", "c"]
    assert vocabulary.counts[vocabulary.unk_id] == 1
    vocabulary = Vocabulary.from_corpus(corpus, max_size=5)
    assert vocabulary.tokens[3:] == ["a", "b"]
    assert vocabulary.counts.tolist() == [1, 1, 4, 5, 3]


def test_special_words_of_a_text_are_unknown_words():
    corpus = [["<S>", "a", "</S>"], ["<UNK>", "<unk>"]]
    vocabulary = Vocabulary.from_corpus(corpus)
    assert vocabulary.tokens == [*SPECIAL, "<unk>", "a"]
    assert vocabulary.counts.tolist() == [2, 2, 3, 1, 1]
    mapped = Vocabulary.from_corpus(corpus, unk_token="<unk>")
    assert mapped.tokens == [*SPECIAL, "a"]
    assert mapped.counts.tolist() == [2, 2, 4, 1]
    assert mapped.id("<unk>") == mapped.unk_id
    assert np.array_equal(mapped.with_counts(corpus).counts, mapped.counts)


def test_lowercase():
    vocabulary = Vocabulary.from_corpus([["The", "the", "<UNK>"]], lowercase=True)
    assert vocabulary.tokens == [*SPECIAL, "the"]
    assert vocabulary.counts.tolist() == [1, 1, 1, 2]
    assert vocabulary.ids(["THE", "<UNK>", "cat"]).tolist() == [3, 2, 2]
    assert "THE" in vocabulary and "<UNK>" in vocabulary and 3 not in vocabulary
    assert Vocabulary.from_corpus(Corpus.from_sentences(["The"], lowercase=True)).lowercase


def test_look_up():
    vocabulary = Vocabulary([*SPECIAL, "a"])
    ids = vocabulary.ids(["a", "b", "</S>"])
    assert ids.tolist() == [3, 2, 1]
    assert ids.dtype == np.int32
    assert vocabulary.ids([]).shape == (0,)
    assert (len(vocabulary), vocabulary.pad_id) == (4, None)


rows = st.lists(st.lists(st.sampled_from(["a", "b", "ä", "C", "c\u00a0d", "\x00"])), min_size=1)


@given(rows, st.sampled_from(["skip", "keep"]), st.sampled_from([None, 1, 2, 3]), st.booleans())
def test_counting_bytes_agrees_with_iterating(tmp_path_factory, rows, blank, longest, lower):
    path = tmp_path_factory.mktemp("count") / "a.txt"
    path.write_bytes("\n".join(" ".join(row) for row in [*rows, ["end"]]).encode())
    corpus = Corpus(path, blank_lines=blank, max_sentence_tokens=longest, lowercase=lower)
    sentences = list(corpus)
    expected = Counter(token for tokens in sentences for token in tokens)
    assert count_tokens(corpus) == (expected, len(sentences))


@pytest.mark.parametrize("start", range(0, 40, 3))
def test_every_line_is_in_one_share(tmp_path, monkeypatch, start):
    monkeypatch.setattr(counting, "_BLOCK", 7)
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone two\n\nthree four five\nsix\nseven eight nine ten\n\nend")
    size = path.stat().st_size
    found, sentences = Counter(), 0
    for low, high in ((0, start), (start, start + 9), (start + 9, size)):
        share = counting._Share(str(path), low, min(high, size), True, "strict", None)
        sentences += counting._count_share(share, found)
    assert sentences == 7
    assert found == Counter(b"one two three four five six seven eight nine ten end".split())


def test_the_number_of_processes_changes_nothing(tmp_path):
    random.seed(3)
    words = [f"w{random.randint(0, 300)}" for _ in range(20_000)]
    one, two = tmp_path / "1.txt", tmp_path / "2.txt"
    one.write_text("\n".join(" ".join(words[i : i + 9]) for i in range(0, 15_000, 9)))
    two.write_text(" ".join(words[15_000:]) + "\n")
    corpus = Corpus(one, two, max_sentence_tokens=50)
    alone = Vocabulary.from_corpus(corpus, processes=1)
    assert alone.counts[0] == sum(1 for _ in corpus)
    together = Vocabulary.from_corpus(corpus, processes=3)
    assert alone == together
    assert np.array_equal(alone.counts, together.counts)


@pytest.mark.parametrize("processes", [1, 2])
def test_counting_reports_errors_like_reading(write, processes):
    path = write(b"a\n" * 100 + b"\xff\n" + b"b\n" * 100, "text.txt")
    with pytest.raises(CorpusError, match=r"text\.txt, line 101: not UTF-8"):
        Vocabulary.from_corpus(Corpus(path), processes=processes)
    found = Vocabulary.from_corpus(Corpus(path, encoding_errors="replace"), processes=processes)
    assert dict(zip(found.tokens[3:], found.counts[3:].tolist(), strict=True)) == {
        "a": 100,
        "b": 100,
        "\ufffd": 1,
    }
    with pytest.raises(CorpusError, match="no sentence"):
        Vocabulary.from_corpus(Corpus(write(b"\n\n", "blank.txt")), processes=processes)
    with pytest.raises(CorpusError, match="cut off"):
        Vocabulary.from_corpus(
            Corpus(write(b"\x1f\x8b\x08\0\0\0\0\0", "a.gz")), processes=processes
        )


def test_wrong_arguments():
    for arguments, name in (
        ({"min_count": 0}, "min_count=0"),
        ({"max_size": 3}, "max_size=3"),
        ({"min_count": 5}, "min_count=5: no token"),
    ):
        with pytest.raises(VocabularyError, match=name):
            Vocabulary.from_corpus([["a"]], **arguments)
    with pytest.raises(ValueError, match="processes=0"):
        Vocabulary.from_corpus([["a"]], processes=0)
    with pytest.raises(VocabularyError, match="no sentence"):
        Vocabulary.from_corpus([])
    with pytest.raises(VocabularyError, match="counts of shape"):
        Vocabulary([*SPECIAL, "a"], [1, 2])


def test_published_layout(write):
    vocabulary = Vocabulary.load(write("<S>\n</S>\n<UNK>\nthe\n\u0085\n<unk>\n"))
    assert vocabulary.tokens == [*SPECIAL, "the", "\u0085", "<unk>"]
    assert vocabulary.layout == "published"
    assert vocabulary.counts is None and vocabulary.pad_id is None
    assert vocabulary.id("<unk>") == 5


def test_token_id_layout(write):
    vocabulary = Vocabulary.load(
        write("\ufeff<pad> 0\r\nof\t 5 \r\n<unk> 1\n<bos> 2\n<eos>   3\nthe 4\n\n", "wiki.vocab")
    )
    assert vocabulary.tokens == ["<pad>", "<UNK>", "<S>", "</S>", "the", "of"]
    assert (vocabulary.pad_id, vocabulary.unk_id) == (0, 1)
    assert (vocabulary.bos_id, vocabulary.eos_id) == (2, 3)
    assert vocabulary.lowercase
    assert vocabulary.ids(["Of", "<unk>", "<bos>"]).tolist() == [5, 1, 1]


def test_the_vocabulary_of_elmo_keras(data_folder):
    vocabulary = Vocabulary.load(data_folder("wikitext-2/wiki.vocab"))
    assert (len(vocabulary), vocabulary.lowercase, vocabulary.pad_id) == (28_914, True, 0)
    assert vocabulary.id("robbed") == 4 and vocabulary.id("ltd.") == 28_913
    with pytest.raises(VocabularyError, match="with_counts"):
        vocabulary.ranks()
    counted = vocabulary.with_counts(Corpus(data_folder("wikitext-2/wiki.valid.tokens")))
    first = int(np.flatnonzero(counted.ranks() == 0)[0])
    assert counted.tokens[first] == "the"
    assert counted.counts[vocabulary.bos_id] == 3760 - 1299


@pytest.mark.parametrize("layout", ["published", "token_id"])
@pytest.mark.parametrize("with_counts", [True, False])
def test_saving_and_loading(tmp_path, layout, with_counts):
    vocabulary = Vocabulary.from_corpus([["a", "ü", "a\x00", "a", "\u2028", "<unk>", "<pad"]])
    if not with_counts:
        vocabulary = Vocabulary(vocabulary.tokens)
    path = tmp_path / "vocab.txt"
    vocabulary.save(path, layout=layout)
    loaded = Vocabulary.load(path, lowercase=False)
    assert loaded == vocabulary
    assert loaded.layout == layout
    assert (tmp_path / "vocab.counts.txt").exists() == with_counts
    if with_counts:
        assert np.array_equal(loaded.counts, vocabulary.counts)
    assert sorted(p.name for p in tmp_path.iterdir() if "part" in p.name) == []


def test_a_vocabulary_keeps_its_ids_through_either_layout(write, tmp_path):
    vocabulary = Vocabulary.load(write("<pad> 0\nz 4\n<unk> 1\n<bos> 2\n<eos> 3\n"))
    vocabulary.save(tmp_path / "again.txt")
    assert (tmp_path / "again.txt").read_text() == "<pad> 0\n<unk> 1\n<bos> 2\n<eos> 3\nz 4\n"
    vocabulary.save(tmp_path / "lines.txt", layout="published")
    assert (tmp_path / "lines.txt").read_text() == "<pad>\n<UNK>\n<S>\n</S>\nz\n"
    lines = Vocabulary.load(tmp_path / "lines.txt", lowercase=True)
    assert lines == vocabulary and lines.pad_id == 0
    with pytest.raises(VocabularyError, match="order of frequency"):
        lines.ranks()


def test_saving_leaves_the_old_file_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "vocab.txt"
    Vocabulary([*SPECIAL, "old"]).save(path)

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left.*vocab\.txt'$"):
        Vocabulary([*SPECIAL, "new"]).save(path)
    assert path.read_text() == "<S>\n</S>\n<UNK>\nold\n"
    assert [p.name for p in tmp_path.iterdir()] == ["vocab.txt"]


def test_a_full_disk_leaves_vocabulary_and_counts(tmp_path, monkeypatch):
    old = Vocabulary.from_corpus([["a", "b", "a"]])
    old.save(tmp_path / "v.txt")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 2
    written, calls = vocabulary_files._write, []

    def full(file, lines):
        calls.append(lines)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        written(file, lines)

    monkeypatch.setattr(vocabulary_files, "_write", full)
    with pytest.raises(OSError, match="No space"):
        Vocabulary.from_corpus([["c", "d"]]).save(tmp_path / "v.txt")
    assert before == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_where_a_vocabulary_cannot_be_saved_is_named(tmp_path):
    vocabulary = Vocabulary([*SPECIAL, "a"])
    with pytest.raises(FileNotFoundError, match=r"folder does not exist.*gone.vocab\.txt'$"):
        vocabulary.save(tmp_path / "gone" / "vocab.txt")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        vocabulary.save(tmp_path)


def test_counts_of_an_older_vocabulary_do_not_stay(tmp_path):
    path = tmp_path / "vocab.txt"
    Vocabulary.from_corpus([["a"]]).save(path)
    Vocabulary([*SPECIAL, "b"]).save(path)
    assert Vocabulary.load(path).counts is None


def test_foreign_counts_are_refused(write):
    path = write("<S>\n</S>\n<UNK>\na\n")
    for counts in (
        "a\t1\n",
        "<S>\t1\n</S>\t1\n<UNK>\t0\nb\t1\n",
        "<S>\t1\n</S>\t1\n<UNK>\t0\na x\n",
    ):
        write(counts, "vocab.counts.txt")
        with pytest.raises(VocabularyError, match=r"vocab\.counts\.txt: does not belong"):
            Vocabulary.load(path)


@pytest.mark.parametrize("token", ["", "a\nb", " a", "b\t"])
def test_tokens_that_fit_on_no_line(tmp_path, token):
    with pytest.raises(VocabularyError, match="does not fit on a line"):
        Vocabulary([*SPECIAL, token]).save(tmp_path / "vocab.txt")
    assert not list(tmp_path.iterdir())


def test_ranks():
    counted = Vocabulary([*SPECIAL, "a", "b"], [7, 7, 0, 2, 9])
    assert counted.ranks().tolist() == [1, 2, 4, 3, 0]
    assert counted.ranks().dtype == np.int32
    assert Vocabulary([*SPECIAL, "a"]).ranks().tolist() == [0, 1, 2, 3]
    with pytest.raises(VocabularyError, match=r"with_counts\(corpus\)"):
        Vocabulary(["a", *SPECIAL]).ranks()


BAD = {
    "empty": ("", "is empty"),
    "only blank lines": ("\n\n", "is empty"),
    "no boundaries": ("<UNK>\na\n", "lacks <S>, </S>"),
    "no unknown word": ("<S>\n</S>\na\n", "lacks <UNK>"),
    "specials of the other layout": ("<pad> 0\n<unk> 1\na 2\n", "lacks <S>, </S>"),
    "duplicate": ("<S>\n</S>\n<UNK>\na\nb\na\n", r"line 6: the token 'a' comes a second .* line 4"),
    "blank line": ("<S>\n</S>\n\n<UNK>\n", "line 3: is blank"),
    "duplicate with ids": (
        "<unk> 0\na 1\n<bos> 2\n<eos> 3\na 4\n",
        r"line 5: the token 'a' .* line 2",
    ),
    "duplicate id": ("<unk> 0\na 1\n<bos> 1\n<eos> 2\n", r"line 3: the id 1 .* line 2"),
    "gap": ("<unk> 0\n<bos> 1\n<eos> 3\n", "no token has the id 2"),
    "id from 1": ("<unk> 1\n<bos> 2\n<eos> 3\n", "no token has the id 0"),
    "id that is none": ("<unk> 0\n<bos> 1\n<eos> two\n", r"line 3: the id 'two' of '<eos>'"),
    "negative id": ("<unk> 0\n<bos> -1\n", "line 2: the id '-1'"),
    "id missing": ("<unk> 0\n<bos>\n", "line 2: '<bos>' has no id"),
    "blank among ids": ("<unk> 0\n\n<bos> 1\n", "line 2: is blank"),
    "not UTF-8": (b"<S>\n</S>\n<UNK>\n\xff\n", "line 4: not UTF-8"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_files(write, kind):
    content, reason = BAD[kind]
    with pytest.raises(VocabularyError, match=rf"vocab\.txt.*{reason}"):
        Vocabulary.load(write(content))


def test_missing_file_folder_and_layout(tmp_path, write):
    with pytest.raises(MissingVocabularyError, match="no such vocabulary"):
        Vocabulary.load(tmp_path / "gone.txt")
    with pytest.raises(VocabularyError, match="is a folder"):
        Vocabulary.load(tmp_path)
    with pytest.raises(VocabularyError, match="layout='json'"):
        Vocabulary.load(write("<S>\n"), layout="json")
    with pytest.raises(VocabularyError, match="'a' comes 2 times"):
        Vocabulary([*SPECIAL, "a", "a"])


def test_the_line_that_has_no_id_in_the_one_billion_word_vocabulary(write):
    path = write("<S>\n</S>\n<UNK>\n!!!MAXTERMID\nthe\n")
    assert Vocabulary.load(path).id("the") == 3


@pytest.mark.parametrize(
    "packing, pack", [("gz", gzip.compress), ("xz", lzma.compress), ("", lambda data: data)]
)
def test_a_packed_vocabulary_is_read_as_a_plain_one(tmp_path, packing, pack):
    path = tmp_path / f"vocab.txt{packing and '.'}{packing}"
    path.write_bytes(pack("<S>\n</S>\n<UNK>\né\n".encode()))
    assert Vocabulary.load(path).tokens == ["<S>", "</S>", "<UNK>", "é"]
    if packing:
        path.write_bytes(path.read_bytes()[:-9])
        with pytest.raises(VocabularyError, match=r"vocab.txt.*after line \d"):
            Vocabulary.load(path)


def test_a_vocabulary_is_read_no_further_than_its_model_s_types(tmp_path):
    path = tmp_path / "vocab.txt.gz"
    with gzip.open(path, "wb", 1) as file:
        file.write(b"<S>\n</S>\n<UNK>\n")
        for start in range(0, 4_000_000, 100_000):
            file.write("".join(f"w{n}\n" for n in range(start, start + 100_000)).encode())
    tracemalloc.start()
    with pytest.raises(VocabularyError, match="has more than the 10 types"):
        Vocabulary.load(path, most=10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000
    path.write_bytes(gzip.compress(b"<S>\n</S>\n<UNK>\nword\n\n\n"))
    assert len(Vocabulary.load(path, most=4)) == 4


def test_a_vocabulary_of_one_endless_line_is_refused_at_once(tmp_path):
    path = tmp_path / "vocab.txt.gz"
    path.write_bytes(gzip.compress(b"x" * (1 << 27)))
    tracemalloc.start()
    with pytest.raises(VocabularyError, match="line 1: has more than 1,048,576 bytes"):
        Vocabulary.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000
