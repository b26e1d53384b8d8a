"""FASTA files: what SeqVec's program reads, and errors that name the line."""

import gzip

import pytest

from elmo.text.corpus import CorpusError, MissingTextError
from elmo.text.fasta import Fasta


def write(tmp_path, text, name="in.fasta"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def records(path, **settings):
    return [(name, "".join(residues)) for name, residues in Fasta(path, **settings).with_names()]


def test_sequences_over_lines(tmp_path):
    path = write(tmp_path, ";comment\n>a first\nMK V\r\n lq\n\n>b\nBJOUZX*\n")
    assert records(path) == [("a", "MKVLQ"), ("b", "BJOUZX")]
    assert records(path, rare="x")[1] == ("b", "XXXXXX")
    assert next(iter(Fasta(path))) == ["M", "K", "V", "L", "Q"]


def test_a_stop_inside_is_unknown(tmp_path):
    assert records(write(tmp_path, ">a\nMK*\nV**\n")) == [("a", "MKXV")]


def test_a_stop_is_a_residue_where_all_are_kept(tmp_path):
    path = write(tmp_path, ">a\nMK*\nVB**\n>b\n*\n")
    assert records(path, rare="all") == [("a", "MK*VB**"), ("b", "*")]


def test_packed_and_several_files(tmp_path):
    one = write(tmp_path, gzip.compress(b">a\nMK\n"), "one.fasta.gz")
    two = write(tmp_path, b"\xef\xbb\xbf>b\nMA\n", "two.fasta")
    assert [name for name, _ in Fasta(one, two).with_names()] == ["a", "b"]


def test_fields_of_the_header(tmp_path):
    path = write(tmp_path, ">sp|P69905|HBA_HUMAN alpha\nMV\n")
    assert records(path, split="|", field=1) == [("P69905", "MV")]
    assert records(path)[0][0] == "sp|P69905|HBA_HUMAN"
    for split in ("|", None):
        assert records(path, split=split, field=-1)[0][0] == "sp|P69905|HBA_HUMAN alpha"
    for settings in ({"split": ""}, {"field": -2}, {"rare": "some"}):
        with pytest.raises(CorpusError, match=f"{next(iter(settings))}="):
            Fasta(path, **settings)
    with pytest.raises(CorpusError, match="has no field 3"):
        records(path, split="|", field=3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("MKV\n", "line 1: no FASTA file"),
        (">a\nMK-V\n", "line 2: '-' is no residue"),
        (">a\nMK1\n", "line 2: '1' is no residue"),
        (">a\n>b\nMK\n", "line 1: the record 'a' has no sequence"),
        (">a\nMK\n>b\n*\n", "line 3: the record 'b' has no sequence"),
        (">\nMK\n", "line 1: the record has no name"),
        (">a\nMK\n>a\nMA\n", "line 3: the name 'a' comes a second time, first at .*line 1"),
        ("\n", "there is no sequence in it"),
        (b">a\n\xff\n", "line 2: not UTF-8"),
        (gzip.compress(b">a\n" + b"MK" * 5000, mtime=0)[:-20], "cut off"),
    ],
)
def test_errors_name_the_line(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(CorpusError, match=message):
        records(path)


def test_no_file(tmp_path):
    with pytest.raises(MissingTextError):
        Fasta(tmp_path / "none.fasta")
    with pytest.raises(CorpusError, match="at least one"):
        Fasta()
    with pytest.raises(CorpusError, match="rare='drop'"):
        Fasta(write(tmp_path, ">a\nM\n"), rare="drop")
