"""Corpora: what is a line, what is a token, what is refused and how."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from elmo.text import raw
from elmo.text.corpus import Corpus, CorpusError, MissingTextError, split_tokens

PACKERS = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}
TEXT = b"The cat sat .\n\nIt  purred\t.\n"
SENTENCES = [["The", "cat", "sat", "."], ["It", "purred", "."]]


@pytest.fixture
def write(tmp_path):
    def to(name, content):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return to


def test_lines_are_sentences_and_can_be_read_again(write):
    corpus = Corpus(write("a.txt", TEXT))
    assert list(corpus) == SENTENCES
    assert list(corpus) == SENTENCES


def test_blank_lines_are_kept_on_demand(write):
    path = write("a.txt", b"\n \r\na b\r\n\n")
    assert list(Corpus(path, blank_lines="keep")) == [[], [], ["a", "b"], []]
    assert list(Corpus(path)) == [["a", "b"]]


def test_the_last_line_needs_no_end(write):
    assert list(Corpus(write("a.txt", b"a\nb"), blank_lines="keep")) == [["a"], ["b"]]


def test_a_byte_order_mark_is_dropped_at_the_start_only(write):
    path = write("a.txt", "\ufeffa b\n\ufeffc\n".encode())
    assert list(Corpus(path)) == [["a", "b"], ["\ufeffc"]]


def test_only_ascii_whitespace_parts_tokens(write):
    odd = ["a\x00b", "\x07", "c\u0085d", "e\u2028f", "g\u00a0h", "\x1c", "i\u3000"]
    path = write("a.txt", ("\x0b".join(odd) + "\fz\ry\n").encode())
    assert list(Corpus(path)) == [[*odd, "z", "y"]]
    assert list(Corpus.from_sentences([" ".join(odd)])) == [odd]


@given(st.lists(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5)))
def test_what_is_written_with_spaces_is_read_back(tmp_path_factory, rows):
    rows = [[t for token in row for t in split_tokens(token)] for row in rows]
    rows.append(["end"])
    if rows[0] and rows[0][0].startswith("\ufeff"):
        rows.insert(0, ["start"])
    path = tmp_path_factory.mktemp("corpus") / "a.txt"
    path.write_bytes("\n".join(" ".join(row) for row in rows).encode())
    assert list(Corpus(path, blank_lines="keep")) == rows


def test_lowercase(write):
    assert list(Corpus(write("a.txt", "Ünder THE\n".encode()), lowercase=True)) == [
        ["ünder", "the"]
    ]


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_files_are_unpacked(write, suffix):
    packed = PACKERS[suffix](TEXT)
    assert list(Corpus(write("a.txt" + suffix, packed))) == SENTENCES
    assert list(Corpus(write("no-suffix", packed))) == SENTENCES


@pytest.mark.parametrize("suffix", PACKERS)
def test_several_packed_members_are_one_text(write, suffix):
    pack = PACKERS[suffix]
    assert list(Corpus(write("a" + suffix, pack(TEXT) + pack(TEXT)))) == SENTENCES * 2


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_packed_file_that_breaks_off_is_an_error(write, suffix):
    lines = b"".join(b"%d some words %d\n" % (i, i * 7919) for i in range(50_000))
    path = write("a.txt" + suffix, PACKERS[suffix](lines)[:-20])
    with pytest.raises(CorpusError, match=r"a\.txt\S*, after line \d+: .* cut off"):
        list(Corpus(path))


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_damaged_packed_file_is_an_error(write, suffix):
    lines = b"".join(b"%d some words %d\n" % (i, i * 7919) for i in range(5_000))
    packed = bytearray(PACKERS[suffix](lines))
    for i in range(len(packed) // 2, len(packed) // 2 + 40):
        packed[i] ^= 0xFF
    with pytest.raises(CorpusError, match=r"after line .* (unpacked|cut off)"):
        list(Corpus(write("a.txt" + suffix, bytes(packed))))


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_name_that_promises_packing_is_held_to_it(write, suffix):
    with pytest.raises(CorpusError, match="in spite of its name"):
        list(Corpus(write("a.txt" + suffix, TEXT)))


def test_folders_patterns_and_lists(write, tmp_path):
    write("b/2.txt", b"two\n")
    write("b/1.txt.gz", gzip.compress(b"one\n"))
    write("b/deep/news.en-00001-of-00100", b"three\n")
    write("b/.hidden.txt", b"no\n")
    write("b/vectors.npz", b"no\n")
    folder = str(tmp_path / "b")
    expected = [["one"], ["two"], ["three"]]
    assert list(Corpus(folder)) == expected
    assert list(Corpus(os.path.join(folder, "**", "[12n]*"))) == expected
    assert list(Corpus(str(tmp_path / "?"))) == expected
    files = Corpus(folder).files
    assert list(Corpus(files)) == list(Corpus(*files)) == expected
    assert [os.path.basename(f) for f in files] == ["1.txt.gz", "2.txt", "news.en-00001-of-00100"]


def test_a_file_whose_name_looks_like_a_pattern(write):
    assert list(Corpus(write("a[1].txt", b"x\n"))) == [["x"]]


def test_by_file_and_line_numbers(write):
    one, two = write("1.txt", b"a b c\n\nd\n"), write("2.txt", b"\ne\n")
    corpus = Corpus(one, two, max_sentence_tokens=2)
    assert {path: list(part) for path, part in corpus.by_file()} == {
        str(one): [["a", "b"], ["c"], ["d"]],
        str(two): [["e"]],
    }
    assert list(corpus.with_line_numbers()) == [
        (str(one), 1, ["a", "b"]),
        (str(one), 1, ["c"]),
        (str(one), 3, ["d"]),
        (str(two), 2, ["e"]),
    ]


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input_is_read_again_and_again(monkeypatch, packed):
    class Input:
        buffer = io.BytesIO(gzip.compress(TEXT) if packed else TEXT)

    monkeypatch.setattr(sys, "stdin", Input())
    corpus = Corpus("-")
    assert corpus.files == ["-"]
    assert list(corpus) == list(corpus) == SENTENCES
    copy = corpus._texts[0].path
    del corpus
    assert not os.path.exists(copy)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are a matter of Unix")
def test_a_pipe_can_be_read_twice(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = f"open({str(pipe)!r}, 'wb').write({TEXT!r})"
    with subprocess.Popen([sys.executable, "-c", code]):
        corpus = Corpus(pipe)
        assert list(corpus) == list(corpus) == SENTENCES


def test_long_sentences_are_split_and_nothing_is_lost(write):
    words = [str(i) for i in range(100_000)]
    path = write("a.txt", b" ".join(w.encode() for w in words) + b"\n")
    assert list(Corpus(path)) == [words]
    parts = list(Corpus(path, max_sentence_tokens=300))
    assert [len(part) for part in parts] == [300] * 333 + [100]
    assert [word for part in parts for word in part] == words
    assert list(Corpus.from_sentences([words], max_sentence_tokens=300)) == parts


def test_an_endless_line_takes_bounded_memory(write, monkeypatch):
    monkeypatch.setattr("elmo.text.corpus._PIECE", 1 << 12)
    path = write("a.txt", b"word  " * 500_000 + b"\nlast" + b"x" * 10_000)  # 3 MB
    tracemalloc.start()
    try:
        numbers = [
            (n, len(s)) for _, n, s in Corpus(path, max_sentence_tokens=1000).with_line_numbers()
        ]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert numbers == [(1, 1000)] * 500 + [(2, 1)]
    assert peak < 500_000


def test_pieces_of_a_long_line_are_one_sentence(write, monkeypatch):
    words = ["one", "twoo", "three", "fourfour", "five"]
    path = write("a.txt", " ".join(words).encode() + b"  \n\nz\n")
    for piece in range(1, 12):
        monkeypatch.setattr("elmo.text.corpus._PIECE", piece)
        assert list(Corpus(path, blank_lines="keep")) == [words, [], ["z"]]
        assert list(Corpus(path, max_sentence_tokens=5)) == [words, ["z"]]


def test_a_token_of_ten_thousand_characters(write):
    token = "ä" * 10_000
    assert list(Corpus(write("a.txt", f"a {token} b\n".encode()))) == [["a", token, "b"]]


def test_bytes_that_are_not_utf8(write):
    path = write("a.txt", b"good\ncaf\xe9 noir\n")
    with pytest.raises(CorpusError, match=r"a\.txt, line 2: not UTF-8 .*--encoding-errors replace"):
        list(Corpus(path))
    assert list(Corpus(path, encoding_errors="replace")) == [["good"], ["caf\ufffd", "noir"]]


def test_missing_things_are_named(tmp_path, write):
    write("json/a.json", b"{}")
    for source, reason in (
        ("gone.txt", r"gone\.txt': no such file"),
        ("*.gone", r"\*\.gone': the pattern matches no file"),
        ("json", "json: the folder holds no text file"),
    ):
        with pytest.raises(FileNotFoundError, match=reason):
            Corpus(str(tmp_path / source))
        with pytest.raises(MissingTextError):
            Corpus(tmp_path / source)


@pytest.mark.parametrize("content", [b"", b"\n \n\t\r\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_a_corpus_without_a_sentence(write, content):
    with pytest.raises(CorpusError, match=r"a\.txt: there is no sentence"):
        list(Corpus(write("a.txt", content)))


def test_one_empty_file_among_others_is_no_error(write):
    corpus = Corpus(write("a.txt", b""), write("b.txt", b"x\n"))
    assert list(corpus) == [["x"]]


def test_no_source_and_wrong_values(write):
    path = write("a.txt", TEXT)
    with pytest.raises(CorpusError, match="at least one"):
        Corpus()
    with pytest.raises(TypeError, match="from_sentences"):
        Corpus([["a", "b"]])
    with pytest.raises(CorpusError, match="blank_lines='drop'"):
        Corpus(path, blank_lines="drop")
    with pytest.raises(CorpusError, match="encoding_errors='ignore'"):
        Corpus(path, encoding_errors="ignore")
    with pytest.raises(CorpusError, match="max_sentence_tokens=0"):
        Corpus(path, max_sentence_tokens=0)
    with pytest.raises(TypeError, match=r"sentence 1, token 0 .* is 3"):
        Corpus.from_sentences([["a"], [3]])
    with pytest.raises(TypeError, match="not one string"):
        Corpus.from_sentences("a b")
    with pytest.raises(TypeError, match=r"sentence 0 is 1 .int.: must be"):
        Corpus.from_sentences([1])


def test_in_memory(write):
    corpus = Corpus.from_sentences([["A"], [], "b c"], blank_lines="keep", lowercase=True)
    assert list(corpus) == [["a"], [], ["b", "c"]]
    assert corpus.files == []
    assert [path for path, _ in corpus.by_file()] == ["<memory>"]
    with pytest.raises(CorpusError, match="no sentence"):
        list(Corpus.from_sentences([]))


def test_raw_text(write):
    pytest.importorskip("syntok")
    text = "Dr. Smith doesn't know\r\nit. Does he?\n\nA title\n\nThe end \u2014 of 3.5 pages.\n"
    path = write("a.txt", text.encode())
    assert list(Corpus(path, raw=True).with_line_numbers()) == [
        (str(path), 1, ["Dr", ".", "Smith", "does", "n't", "know", "it", "."]),
        (str(path), 2, ["Does", "he", "?"]),
        (str(path), 4, ["A", "title"]),
        (str(path), 6, ["The", "end", "\u2014", "of", "3.5", "pages", "."]),
    ]
    assert list(Corpus(path, raw=True, lowercase=True))[2] == ["a", "title"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my mother-in-law's X-ray", ["my", "mother-in-law", "'s", "X-ray"]),
        ("pre- and post-war", ["pre", "-", "and", "post-war"]),
        ("\u2018so-so\u2019, a snake_case", ["\u2018", "so-so", "\u2019", ",", "a", "snake_case"]),
        ("F-16 and 1914-1918", ["F-16", "and", "1914-1918"]),
        ("McDonald came.Then he left", ["McDonald", "came", ".", "Then", "he", "left"]),
        ("Donau\u00addampf and Donau\u2010Dampf", ["Donaudampf", "and", "Donau\u2010Dampf"]),
        ("don't mind--and \u2014yes", ["do", "n't", "mind", "--", "and", "\u2014", "yes"]),
    ],
)
def test_words_of_raw_text_stay_whole(text, expected):
    pytest.importorskip("syntok")
    assert raw.tokens(text) == expected


def test_long_raw_text_is_segmented_block_by_block(write, monkeypatch):
    pytest.importorskip("syntok")
    lines = [f"This is sentence\nnumber {i} of many." for i in range(200)]
    path = write("a.txt", "\n".join(lines).encode())
    whole = list(Corpus(path, raw=True).with_line_numbers())
    assert len(whole) == 200
    monkeypatch.setattr("elmo.text.raw._BLOCK", 100)
    assert list(Corpus(path, raw=True).with_line_numbers()) == whole
    assert [line for _, line, _ in whole] == list(range(1, 400, 2))


def test_raw_text_without_its_package(write, monkeypatch):
    monkeypatch.setitem(sys.modules, "syntok", None)
    monkeypatch.setitem(sys.modules, "syntok.segmenter", None)
    with pytest.raises(ImportError, match=r"elmo-keras\[raw\]"):
        Corpus(write("a.txt", TEXT), raw=True)


def test_raw_text_refuses_what_has_no_meaning_there(write):
    path = write("a.txt", TEXT)
    with pytest.raises(CorpusError, match="language='fi'"):
        Corpus(path, raw=True, language="fi")
    with pytest.raises(CorpusError, match="blank_lines='keep'"):
        Corpus(path, raw=True, blank_lines="keep")


def test_wikitext_has_its_published_size(data_folder):
    path = data_folder("wikitext-2/wiki.valid.tokens")
    rows = list(Corpus(path, blank_lines="keep"))
    assert sum(map(len, rows)) + len(rows) == 217_646
