"""Novels of ELTeC: from TEI or plain text to sentences, split by novel."""

import hashlib
import io
import lzma
import sys
import zipfile

import pytest

from elmo.system import fetch
from elmo.text import datasets, eltec
from elmo.text.datasets import DatasetError
from elmo.text.files import CorpusError, MissingExtraError
from elmo.text.tei import Novel, read_novel
from tests.formats.web import Site, serving

TEI = """<?xml version="1.0"?>
<TEI xmlns="http://www.tei-c.org/ns/1.0" xml:id="{id}"><teiHeader><fileDesc>
<titleStmt><title>The Twins : ELTeC edition</title><author>Tupper, M.</author></titleStmt>
<sourceDesc><bibl type="digitalSource"><date>2005</date></bibl>
<bibl type="firstEdition"><date>{year}</date></bibl></sourceDesc></fileDesc></teiHeader>
<text><front><p>LONDON, 1851.</p></front><body><pb n="14"/><div><head>CHAPTER I.</head>
<p>She was <hi>not</hi> there—he\n   <pb n="15"/>said so.<note>Not in the first edition.</note></p>
<lg><l>A verse,</l><l>and another.</l></lg>
<p/></div></body><back><p>THE END</p></back></text></TEI>
"""
LINES = ["CHAPTER I.", "She was not there—he said so.", "A verse,", "and another."]
SENTENCES = "CHAPTER I .\nShe was not there — he said so .\nA verse ,\nand another .\n"


def tei(number):
    return TEI.format(id=f"N{number:02}", year=1840 + number).encode()


def archive(numbers):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("ELTeC-deu-1/README.md", "novels")
        packed.writestr("ELTeC-deu-1/level0/N99.xml", tei(99))
        for number in numbers:
            packed.writestr(f"ELTeC-deu-1/level1/N{number:02}_Tupper.xml", tei(number))
    return file.getvalue()


def test_the_body_of_a_novel_is_its_text():
    novel = read_novel(io.BytesIO(tei(4)), "N04.xml")
    assert novel == ("N04", 1844, "Tupper, M.", "The Twins", LINES)


@pytest.mark.parametrize("content", [b"no xml", b"<TEI/>", b"<html><body><p>x</p></body></html>"])
def test_what_is_no_tei_is_refused_by_name(content):
    with pytest.raises(CorpusError, match=r"here\.xml"):
        read_novel(io.BytesIO(content), "here.xml")


def test_no_novel_is_in_two_parts_and_each_tenth_of_the_years_gives_one():
    novels = [(f"N{n}", 1840 + n % 7) for n in range(94)]
    split = eltec.parts(novels[::-1])
    assert split == eltec.parts(novels)
    ordered = [id for id, _ in sorted(novels, key=lambda novel: (novel[1], novel[0]))]
    held = [split[id] for id in ordered if split[id] != "train"]
    assert held == ["valid", "test"] * 5
    tenths = [int(10 * ordered.index(id) / 94) for id in ordered if split[id] != "train"]
    assert tenths == list(range(10))
    with pytest.raises(CorpusError, match="10 novels"):
        eltec.parts(novels[:10])


def test_plain_texts_in_the_data_folder_give_the_sentences_of_the_archive(tmp_path, monkeypatch):
    own = tmp_path / "data" / "eltec-eng"
    own.mkdir(parents=True)
    rows = ["id\tyear\tauthor\ttitle\twords\tcharacters\n"]
    for number in range(11):
        rows.append(f"N{number:02}\t{1840 + number}\tTupper, M.\tThe Twins\t1\t1\n")
        with lzma.open(own / f"N{number:02}.txt.xz", "wt", encoding="utf-8") as text:
            text.write("".join(f"{line}\n" for line in LINES))
    (own / "novels.tsv").write_text("".join(rows))
    monkeypatch.setenv("ELMO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("ELMO_CACHE", str(tmp_path / "cache"))
    with pytest.warns(UserWarning, match=r"the text of ENG18400, .*, N00, .* is not the one"):
        from_texts = datasets.path("eltec-eng", "train")
    packed = tmp_path / "novels.zip"
    packed.write_bytes(archive(range(11)))
    eltec.write_sentences(eltec.from_archive(packed), tmp_path / "novels")
    files = sorted(p.relative_to(from_texts.parent) for p in from_texts.parent.rglob("*.*"))
    assert len(files) == 12
    for file in files:
        assert (from_texts.parent / file).read_text() == (tmp_path / "novels" / file).read_text()
    assert (from_texts / "N05.txt").read_text() == SENTENCES
    table = (tmp_path / "novels" / "novels.tsv").read_text().splitlines()
    assert table[2] == "N01\ttest\t1841\tTupper, M.\tThe Twins\t4\t18"
    corpus = datasets.load("eltec-eng").valid
    assert sum(1 for _ in corpus) == 5 * 4


def test_only_novels_with_another_text_are_named(tmp_path):
    novels = [Novel(f"N{n:02}", 1840 + n, "", "", [f"Text {n}."]) for n in range(11)]
    digests = {n.id: hashlib.sha256(n.lines[0].encode()).hexdigest()[:16] for n in novels}
    eltec.write_sentences(novels, tmp_path / "same", digests)  # a warning would be an error
    with pytest.warns(UserWarning, match="the text of N03 is not"):
        eltec.write_sentences(novels, tmp_path / "other", {**digests, "N03": "0" * 16})


def test_another_text_is_named_before_anything_is_written(tmp_path):
    novels = [Novel(f"N{n:02}", 1840 + n, "", "", [f"Text {n}."]) for n in range(11)]
    with pytest.raises(UserWarning, match="is not the one"):  # warnings are errors in the tests
        eltec.write_sentences(novels, tmp_path / "novels", {"N03": "0" * 16})
    assert not list(tmp_path.iterdir())


def test_an_archive_is_downloaded_once(tmp_path, monkeypatch):
    monkeypatch.delenv("ELMO_DATA", raising=False)
    monkeypatch.setenv("ELMO_CACHE", str(tmp_path))
    monkeypatch.setattr(fetch, "PAUSE", 0.0)
    site = Site({"/deu.zip": archive(range(12))})
    with serving(site) as url:
        monkeypatch.setattr(eltec, "address", lambda language: f"{url}/{language}.zip")
        for part in ("train", "valid", "test"):
            found = datasets.path("eltec-deu", part)
            assert len(list(found.iterdir())) == {"train": 2}.get(part, 5)
        assert len(site.requests) == 1
        with pytest.raises(DatasetError, match=r"eltec-fra .*fra\.zip at .*eltec-fra\.zip"):
            datasets.path("eltec-fra")


def test_an_archive_that_was_put_into_the_cache_is_not_downloaded(tmp_path, monkeypatch):
    monkeypatch.delenv("ELMO_DATA", raising=False)
    monkeypatch.setenv("ELMO_CACHE", str(tmp_path))
    monkeypatch.setattr(fetch, "PAUSE", 0.0)
    site = Site({})
    with serving(site) as url:
        monkeypatch.setattr(eltec, "address", lambda language: f"{url}/{language}.zip")
        with pytest.raises(DatasetError, match=r"put the archive of .* at .*eltec-deu\.zip"):
            datasets.path("eltec-deu")
        asked = len(site.requests)
        (tmp_path / "datasets" / "eltec-deu.zip").write_bytes(archive(range(12)))
        assert len(list(datasets.path("eltec-deu").iterdir())) == 2
        assert len(site.requests) == asked


def test_without_syntok_nothing_is_downloaded(tmp_path, monkeypatch):
    monkeypatch.delenv("ELMO_DATA", raising=False)
    monkeypatch.setenv("ELMO_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "syntok.segmenter", None)
    site = Site({"/deu.zip": archive(range(12))})
    with serving(site) as url:
        monkeypatch.setattr(eltec, "address", lambda language: f"{url}/{language}.zip")
        with pytest.raises(MissingExtraError, match="syntok"):
            datasets.path("eltec-deu")
    assert not site.requests


def test_an_archive_without_novels_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("ELMO_DATA", raising=False)
    monkeypatch.setenv("ELMO_CACHE", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    with serving(Site({"/deu.zip": archive([])})) as url:
        monkeypatch.setattr(eltec, "address", lambda language: f"{url}/{language}.zip")
        with pytest.raises(DatasetError, match="no folder level1"):
            datasets.path("eltec-deu")
    assert not (tmp_path / "datasets" / "eltec-deu-1").exists()
