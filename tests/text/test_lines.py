"""What a line is: every reader of a text finds the lines of `str.split("\\n")`, wherever it is cut."""

import io
import itertools
import lzma
import re
import tracemalloc
from collections import Counter

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from elmo.text import corpus as corpus_module
from elmo.text import counting
from elmo.text.corpus import Corpus, CorpusError
from elmo.text.counting import count_tokens
from elmo.text.encoded_corpus import encode_corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.files import open_text
from elmo.text.vocabulary import Vocabulary

TEXTS = st.text(st.sampled_from("ab \t\r\n\x0b\x0c\u00a0\u2028é\x85"), max_size=40)


def expected(text, blank_lines, longest=None):
    """Sentences by the definition: lines, tokens between ASCII whitespace, parts."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    for line in lines:
        tokens = [t for t in re.split("[ \t\r\n\x0b\x0c]+", line) if t]
        if tokens or blank_lines == "keep":
            size = longest or max(1, len(tokens))
            yield from [tokens[k : k + size] for k in range(0, max(1, len(tokens)), size)]


@settings(max_examples=300, deadline=None)
@given(
    text=TEXTS,
    piece=st.integers(1, 9),
    blank_lines=st.sampled_from(["skip", "keep"]),
    longest=st.sampled_from([None, 1, 3]),
)
def test_a_text_that_is_cut_anywhere_has_its_lines(
    tmp_path_factory, text, piece, blank_lines, longest
):
    path = tmp_path_factory.getbasetemp() / "cut.txt"
    path.write_bytes(text.encode())
    wanted = list(expected(text, blank_lines, longest))
    read = Corpus(path, blank_lines=blank_lines, max_sentence_tokens=longest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus_module, "_PIECE", piece)
        patch.setattr(counting, "_BLOCK", piece)
        if not wanted:
            with pytest.raises(CorpusError, match="no sentence"):
                list(read)
            return
        assert list(read) == wanted
        assert count_tokens(read, processes=1) == (
            Counter(t for s in wanted for t in s),
            len(wanted),
        )


@settings(max_examples=150, deadline=None)
@given(
    text=TEXTS,
    cuts=st.lists(st.integers(0, 60), max_size=3),
    piece=st.integers(1, 9),
    keep=st.booleans(),
    longest=st.sampled_from([None, 2]),
)
def test_ranges_of_a_file_together_have_its_sentences_once(
    tmp_path_factory, text, cuts, piece, keep, longest
):
    path = tmp_path_factory.getbasetemp() / "ranges.txt"
    content = text.encode()
    path.write_bytes(content)
    wanted = list(expected(text, "keep" if keep else "skip", longest))
    bounds = sorted({0, len(content), *(c for c in cuts if c < len(content))})
    counts, sentences = Counter(), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "_BLOCK", piece)
        for start, end in itertools.pairwise(bounds):
            share = counting._Share(str(path), start, end, keep, "strict", longest)
            sentences += counting._count_share(share, counts)
    assert sentences == len(wanted)
    assert counts == Counter(t.encode() for s in wanted for t in s)


@pytest.mark.parametrize("end", ["", " ", "\t", "\r", " \t \r", "\n", " \n", "\r\n"])
def test_the_last_line_counts_however_it_ends(tmp_path, end):
    path = tmp_path / "a.txt"
    path.write_bytes(f"a b\nc d{end}".encode())
    assert list(Corpus(path)) == [["a", "b"], ["c", "d"]]
    vocabulary = Vocabulary.from_corpus(Corpus(path))
    assert dict(zip(vocabulary.tokens, vocabulary.counts, strict=True))["d"] == 1
    encoded = encode_corpus(SentenceEncoder(vocabulary), Corpus(path))
    assert encoded.report.sentences == 2 and encoded.report.tokens == 4


def test_the_last_line_of_raw_text_counts(tmp_path):
    pytest.importorskip("syntok")
    path = tmp_path / "a.txt"
    path.write_bytes(b"It is.\nIt was ")
    assert [t for s in Corpus(path, raw=True) for t in s] == ["It", "is", ".", "It", "was"]


def peak(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_frames_of_zstandard_are_unpacked_bit_by_bit(tmp_path):
    path = tmp_path / "a.txt.zst"
    line = b"a " * 499 + b"a\n"
    content = line * 200_000  # 200 MB in a few KB
    path.write_bytes(zstandard.ZstdCompressor().compress(content))
    assert path.stat().st_size < 100_000
    total = 0

    def read():
        nonlocal total
        with open_text(str(path)) as stream:
            while block := stream.read(1 << 16):
                total += len(block)

    assert peak(read) < 40_000_000
    assert total == len(content)


@pytest.mark.parametrize("frames", [1, 3])
def test_what_zstandard_packs_comes_out_again(tmp_path, frames):
    path = tmp_path / "a.txt.zst"
    content = [bytes([97 + k % 26]) * (k % 700) + b"\n" for k in range(3000)]
    packed = [
        zstandard.ZstdCompressor().compress(b"".join(content[k::frames])) for k in range(frames)
    ]
    path.write_bytes(b"".join(packed))
    with open_text(str(path)) as stream:
        assert stream.read() == b"".join(b"".join(content[k::frames]) for k in range(frames))
    path.write_bytes(b"".join(packed)[:-3])
    with pytest.raises(EOFError), open_text(str(path)) as stream:
        stream.read()


def test_a_token_without_end_is_refused(tmp_path):
    path = tmp_path / "a.txt.xz"
    path.write_bytes(lzma.compress(b"a b\n" + b"x" * (1 << 26)))
    for read in (lambda: list(Corpus(path)), lambda: count_tokens(Corpus(path))):
        with pytest.raises(CorpusError, match=r"a.txt.xz, line 2: .* no token"):
            read()


def test_a_line_too_long_for_a_sentence_is_refused_and_one_that_is_split_is_not(tmp_path):
    path = tmp_path / "a.txt.xz"
    path.write_bytes(lzma.compress(b"a b\n" + b"word " * (1 << 23)))
    with pytest.raises(CorpusError, match=r"line 2: has more than 33,554,432 bytes.*--raw"):
        list(Corpus(path))
    split = Corpus(path, max_sentence_tokens=1000)
    assert sum(map(len, split)) == 2 + (1 << 23)
    assert count_tokens(split) == ({"a": 1, "b": 1, "word": 1 << 23}, 2 + -(-(1 << 23) // 1000) - 1)


def test_counting_takes_bounded_memory_whatever_the_length_of_a_line(tmp_path, monkeypatch):
    monkeypatch.setattr(counting, "_BLOCK", 1 << 14)
    path = tmp_path / "a.txt"
    path.write_bytes(b"word other  " * 500_000)  # 6 MB
    found = []
    assert peak(lambda: found.append(count_tokens(Corpus(path), processes=1))) < 2_000_000
    assert found == [({"word": 500_000, "other": 500_000}, 1)]


def test_blocks_end_at_lines_or_tokens():
    share = counting._Share("", 0, None, False, "strict", None)
    blocks = list(counting._blocks(io.BytesIO(b"ab cd\nef"), share))
    assert b"".join(blocks) == b"ab cd\nef"
