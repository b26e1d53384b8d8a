"""The built-in corpus: enough of it, English, the same every time, and honest to split."""

import subprocess
import sys
from collections import Counter

import pytest

from elmo.text import builtin
from elmo.text.builtin import builtin_corpus, builtin_sentences, split
from elmo.text.corpus import CorpusError
from elmo.text.prose import sentences, tokenize


@pytest.fixture(scope="module")
def everything():
    return builtin_sentences()


def test_there_is_enough_and_no_sentence_comes_twice(everything):
    assert 250_000 < sum(map(len, everything)) < 900_000
    assert len(set(map(tuple, everything))) == len(everything)
    assert all(4 <= len(tokens) <= 80 for tokens in everything)


def test_it_reads_as_english(everything):
    counts = Counter(token.lower() for tokens in everything for token in tokens)
    assert counts.most_common(2)[0][0] in ("the", ".")
    words = sum(n for token, n in counts.items() if token.replace("'", "").isalpha())
    assert words > 0.75 * counts.total()
    assert sum(counts[w] for w in ("the", "a", "to", "of", "is", "and")) > 0.12 * counts.total()
    assert not any(">>>" in tokens or "::" in tokens for tokens in everything)


def test_every_token_would_come_back_from_a_file(everything):
    for tokens in everything:
        assert " ".join(tokens).split() == tokens


def test_a_limit_takes_the_beginning(everything):
    some = builtin_sentences(max_tokens=5_000)
    assert some == everything[: len(some)]
    assert 4_900 < sum(map(len, some)) <= 5_000
    with pytest.raises(CorpusError, match="max_tokens=0"):
        builtin_sentences(max_tokens=0)


def test_it_is_the_same_in_another_process():
    code = (
        "import sys, hashlib; from elmo.text.builtin import builtin_sentences as b;"
        "print(hashlib.sha256(repr(b(max_tokens=80_000)).encode()).hexdigest(),"
        "'keras' in sys.modules, 'jax' in sys.modules)"
    )
    answers = set()
    for seed in ("1", "2"):
        environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True
        )
        answers.add(run.stdout)
    assert len(answers) == 1
    assert answers.pop().split()[1:] == ["False", "False"]


def test_lowercase():
    corpus = builtin_corpus(max_tokens=2_000, lowercase=True)
    assert all(token == token.lower() for tokens in corpus for token in tokens)


def test_without_pydoc_data_the_library_is_enough(monkeypatch, everything):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    assert sum(map(len, builtin_sentences(max_tokens=20_000))) > 19_900


def test_without_anything_there_is_a_clear_error(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    monkeypatch.setattr(builtin.sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path)})
    with pytest.raises(CorpusError, match="no built-in corpus; give files"):
        builtin_sentences()


def test_broken_sources_are_passed_over(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    monkeypatch.setattr(builtin.sysconfig, "get_paths", lambda: {"stdlib": str(tmp_path)})
    (tmp_path / "a.py").write_text('"""This is \\d the first of all modules."""\n1 +\n')
    (tmp_path / "b.py").write_bytes(b'"""This is \xff not UTF-8 at all."""\n')
    (tmp_path / "c.py").write_text(
        '"""This is the third of\n\nall modules."""\n'
        "# A comment in the file that\n# takes two lines.\nclass A:\n"
        '    r"""A class that is in it with one \\d."""\n'
        '    async def f():\n        """Wait for what is to come."""\n'
    )
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "d.py").write_text('"""This is not in the library."""\n')
    assert [" ".join(tokens) for tokens in builtin_sentences()] == [
        "A class that is in it with one \\ d .",
        "Wait for what is to come .",
        "A comment in the file that takes two lines .",
    ]


def test_prose_leaves_code_titles_and_markup_behind():
    text = """Heading of the Page
*******************

Use :class:`~a.Name` or ``dict`` for *this* case, e.g. in
    loops.  It is **fast**!  See U.S. law for more
about it [1]_.

>>> the_code(is_here)
The output of it.

Example of the call::

    return the value of a function.

      And the rest of it.

* The first item of the list
  goes on here.
* A second one is short.

A sentence that is not at its end
"""
    assert [" ".join(tokens) for tokens in sentences(text)] == [
        "Use a.Name or dict for this case , e.g. in loops .",
        "It is fast !",
        "See U.S . law for more about it .",
        "The first item of the list goes on here .",
        "A second one is short .",
    ]


def test_tokens_of_names_marks_and_contractions():
    line = "Don't use a.b_c() != x-ray -- i.e. ('q')..."
    expected = "Don't use a.b_c ( ) != x-ray -- i.e. ( ' q ' ) ..."
    assert " ".join(tokenize(line)) == expected


@pytest.mark.parametrize("held_out", [0.05, 0.1, 0.5, 0.9])
def test_split_parts_evenly_and_shares_nothing(everything, held_out):
    train, valid = split(everything, held_out)
    assert len(valid) / len(everything) == pytest.approx(held_out, abs=0.01)
    assert len(train) + len(valid) == len(everything)
    assert not set(map(tuple, train)) & set(map(tuple, valid))
    assert split(everything, held_out) == (train, valid)


def test_split_drops_held_out_sentences_that_are_trained_on():
    rows = [["same"]] * 50 + [[str(i)] for i in range(50)]
    train, valid = split(rows, held_out=0.2, run=5)
    assert ["same"] in train and ["same"] not in valid
    assert len(valid) == 10


def test_split_of_few_sentences():
    assert split([["a"], ["b"]], held_out=0.5) == ([["a"]], [["b"]])
    for rows, share in (([["a"]], 0.5), ([["a"], ["a"]], 0.5), ([["a"], ["b"]], 0.01)):
        with pytest.raises(ValueError, match=r"held_out=.*give more sentences"):
            split(rows, share)
    for share in (0, 1, 1.5, -0.1):
        with pytest.raises(ValueError, match="above 0 and below 1"):
            split([["a"], ["b"]], share)
