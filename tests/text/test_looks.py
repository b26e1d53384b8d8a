"""Treebanks are read as what they are; a text that looks like something else is told of."""

import gzip
import logging

import pytest

from elmo.text import looks
from elmo.text.corpus import Corpus, CorpusError
from elmo.text.counting import count_tokens
from elmo.text.vocabulary import Vocabulary

REST = "\t_" * 8
TREEBANK = f"""# newdoc id = a
# sent_id = 1
# text = Vámonos a New York
1-2\tVámonos{REST}
1\tVamos{REST}
2\tnos{REST}
2.1\tø{REST}
3\ta{REST}
4\tNew York{REST}

# sent_id = 2
1\tNo{REST}
"""
SENTENCES = [["Vamos", "nos", "a", "New York"], ["No"]]


@pytest.mark.parametrize("name", ["a.conllu", "a.txt", "a.conllu.gz"])
@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_conllu_by_its_name_and_by_its_look(tmp_path, name, end):
    path = tmp_path / name
    content = (TREEBANK.rstrip("\n") + end).encode()
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    corpus = Corpus(path)
    assert list(corpus) == SENTENCES
    assert [number for _, number, _ in corpus.with_line_numbers()] == [5, 12]
    assert count_tokens(corpus)[0]["New York"] == 1
    assert list(Corpus(path, lowercase=True, max_sentence_tokens=3))[:2] == [
        ["vamos", "nos", "a"],
        ["new york"],
    ]


def test_a_form_with_a_space_is_a_word_of_the_vocabulary(tmp_path):
    (tmp_path / "a.conllu").write_text(TREEBANK)
    Vocabulary.from_corpus(Corpus(tmp_path / "a.conllu")).save(tmp_path / "vocab.txt")
    assert "New York" in Vocabulary.load(tmp_path / "vocab.txt").tokens


def test_what_is_said_comes_before_what_it_looks_like(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(TREEBANK)
    assert next(iter(Corpus(path, text_format="lines"))) == ["#", "newdoc", "id", "=", "a"]
    path.write_text("no treebank at all\n")
    with pytest.raises(CorpusError, match=r"a.txt, line 1: is no word of CoNLL-U"):
        list(Corpus(path, text_format="conllu"))
    with pytest.raises(CorpusError, match="text_format='xml': must be"):
        Corpus(path, text_format="xml")


def test_a_damaged_line_of_a_treebank_is_named(tmp_path):
    path = tmp_path / "a.conllu"
    path.write_text(TREEBANK.replace(f"3\ta{REST}", "3\ta"))
    with pytest.raises(CorpusError, match=r"a.conllu, line 8: is no word"):
        list(Corpus(path))


@pytest.mark.parametrize(
    "text, said",
    [
        ("<doc>\n<s>a b</s>\n<s>c</s>\n</doc>\n", "XML or HTML"),
        ("id\tform\ttag\n1\ta\tN\n2\tb\tV\n", "a table with tabs"),
        ('id,text,year\n1,"a b, c",1840\n2,"d",1850\n', "a table with commas"),
        (f"{'word ' * 500}\n" * 3, "500 words per line"),
    ],
)
def test_a_text_that_looks_like_something_else_is_told_of_once(tmp_path, caplog, text, said):
    path = tmp_path / "a.txt"
    path.write_text(text)
    corpus = Corpus(path)
    with caplog.at_level(logging.WARNING, "elmo"):
        list(corpus), list(corpus)
    (record,) = caplog.records
    assert said in record.getMessage() and "a.txt" in record.getMessage()


@pytest.mark.parametrize(
    "text",
    [
        "The cat sat .\nIt purred .\n",
        "One , two , three .\nFour , five , six .\nA , b , c .\n",
        "a\tb c\nd\n",
        "# a heading\n1 2 3\n",
        "<unk> is a word\n" * 3,
        "x < y\n" * 5,
    ],
)
def test_plain_text_is_left_in_peace(tmp_path, caplog, text):
    path = tmp_path / "a.txt"
    path.write_text(text)
    with caplog.at_level(logging.WARNING, "elmo"):
        assert len(list(Corpus(path))) == text.count("\n")
    assert not caplog.records


def test_unk_in_a_text_is_told_of_where_it_is_no_unknown_word(caplog):
    text = [["a", "<unk>"], ["<unk>"]]
    with caplog.at_level(logging.WARNING, "elmo"):
        Vocabulary.from_corpus(text)
    assert "'<unk>' 2 times" in caplog.text and "--unk-token" in caplog.text
    caplog.clear()
    Vocabulary.from_corpus(text, unk_token="<unk>")
    assert not caplog.records


def test_words_of_a_treebank_are_numbered_from_one():
    assert not looks.is_conllu(["0\ta" + REST])
    assert looks.is_conllu(["", "1.1\ta" + REST])


def test_commands_read_treebanks_and_what_is_said_of_them(tmp_path):
    from tests.cli.conftest import TINY, as_json, invoke

    path = tmp_path / "bank.txt"
    path.write_text(TREEBANK)
    output = tmp_path / "v.txt"
    assert as_json("vocab", path, "-o", output)["tokens"] == 5
    lines = as_json("vocab", path, "-o", output, "--overwrite", "--text-format", "lines")
    assert lines["tokens"] > 50
    model = tmp_path / "m"
    invoke("train", path, "-o", model, *TINY, "--max-steps", "1", "--quiet")
    assert as_json("evaluate", model, path)["tokens"] == 5 + 2
    assert as_json("evaluate", model, path, "--text-format", "lines")["tokens"] > 50
    assert as_json("embed", model, path, "-o", tmp_path / "v.npz")["tokens"] == 5
    words = ("embed", model, path, "-o", tmp_path / "w.npz", "--text-format", "lines")
    assert as_json(*words)["tokens"] > 50
