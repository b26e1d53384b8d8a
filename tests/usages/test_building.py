"""`elmo usages build`: what the folder holds, against what the model gives sentence by sentence."""

import itertools
import json
import shutil
from collections import Counter

import numpy as np
import pytest

import elmo
from elmo.bulk import preparing
from elmo.system.errors import FormatError
from elmo.system.output import OutputError
from elmo.usages import UsageIndex, build
from elmo.vectors.numbers import to_dtype
from tests.cli.conftest import as_json, invoke, refused
from tests.usages.conftest import NOVELS, SENTENCES, random_model, write_texts

ALL = [sentence for sentences in SENTENCES.values() for sentence in sentences]
COUNTS = Counter(token for sentence in ALL for token in sentence)


def array(folder, name, segment=0):
    return np.load(folder / f"uses-{segment}" / f"{name}.npy")


def bytes_of(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def as_sets(index):
    """The vector of each use: by word, sentence, place, document and period."""
    found = {}
    for word in index.words:
        uses = index.uses(word)
        places = zip(uses.sentence, uses.place, uses.document, uses.period, strict=True)
        for vector, (sentence, place, document, period) in zip(uses.vectors, places, strict=True):
            where = index.document(document).name, index.periods[period] if period >= 0 else None
            found[word, tuple(index.sentence(sentence)), place, where] = vector
    assert len(found) == len(index)
    return found


@pytest.mark.parametrize("layer", ["top", "average", "sum", "0", "1", "2"])
def test_rows_are_the_vectors_of_the_model_in_int8(model, model_folder, texts, tmp_path, layer):
    build(model, texts, tmp_path / "i", layer=layer)
    number = int(layer) if layer.isdigit() else None
    vectors = model.embed(ALL, layers="all" if number is not None else layer)
    folder = tmp_path / "i"
    types = array(folder, "types").tobytes().decode()
    ends, offsets = array(folder, "type_offsets"), array(folder, "offsets")
    order = sorted(COUNTS, key=lambda word: (-COUNTS[word], word))
    assert [types[a:b] for a, b in itertools.pairwise(ends)] == order
    assert array(folder, "counts").tolist() == [COUNTS[word] for word in order]
    uses = [(w, s, p) for w in order for s, t in enumerate(ALL) for p, x in enumerate(t) if x == w]
    assert offsets.tolist() == np.cumsum([0, *(COUNTS[word] for word in order)]).tolist()
    wanted = [vectors[s][:, p][number] if number is not None else vectors[s][p] for _, s, p in uses]
    if layer == "0":  # the half of each direction is the same
        wanted = [vector[: len(vector) // 2] for vector in wanted]
    values, scales = to_dtype(np.stack(wanted).astype("float32"), "int8")
    found = array(folder, "vectors")
    assert found.dtype == np.int8 and np.abs(found.astype(int) - values).max() <= 1
    assert (found == values).mean() > 0.99
    np.testing.assert_allclose(array(folder, "scales"), scales, rtol=1e-5)
    assert array(folder, "sentence").tolist() == [s for _, s, _ in uses]
    assert array(folder, "place").tolist() == [p for _, _, p in uses]
    assert [order[t] for t in array(folder, "tokens")] == [t for s in ALL for t in s]
    assert array(folder, "sentence_offsets").tolist() == np.cumsum([0, *map(len, ALL)]).tolist()


def test_an_index_gives_words_uses_sentences_and_documents(model, built):
    index = UsageIndex(built)
    assert index.words[:3] == ["bank", ".", "the"] and set(index.words) == set(COUNTS)
    assert (index.count("bank"), index.count("shore"), len(index)) == (7, 0, sum(COUNTS.values()))
    assert "bank" in index and "shore" not in index and index.periods == ("1840", "1900")
    uses = index.uses("bank")
    assert uses.periods == index.periods and uses.period.tolist() == [0, 0, 0, 0, 1, 1, 1]
    for n in range(len(uses)):
        sentence = index.sentence(uses.sentence[n])
        assert sentence == ALL[uses.sentence[n]] and sentence[uses.place[n]] == "bank"
        wanted = model.embed([sentence], layers="top")[0][uses.place[n]]
        assert np.abs(uses.vectors[n] - wanted).max() <= np.abs(wanted).max() / 127
        document = index.document(uses.document[n])
        assert sentence in SENTENCES[document.name.rpartition("/")[2]]
        assert document == index.document_of(int(uses.sentence[n]))
    late = index.uses("bank", "1900")
    assert len(late) == index.counts("bank")["1900"] and set(late.sentence) == {4, 6}
    assert index.uses("bank", most=2).sentence.tolist() == [0, 6]
    assert index.tokens_by_period() == {
        year: sum(len(s) for n in SENTENCES if n[:4] == year for s in SENTENCES[n])
        for year in ("1840", "1900")
    }
    assert index.frequency("bank") == 7 and index.dim == 16
    with pytest.raises(IndexError, match="sentence 7: must be from 0 to 6"):
        index.sentence(7)
    with pytest.raises(ValueError, match="period='1850': must be one of 1840, 1900"):
        index.uses("bank", "1850")


@pytest.mark.parametrize(
    "asked, said",
    [
        ("BANK", "does not occur in the texts; spelled like it: bank, Bank"),
        ("banks", "'banks': does not occur in the texts; spelled like it: bank"),
        ("xyzzy", "'xyzzy': does not occur in the texts"),
    ],
)
def test_an_unknown_word_is_told_with_near_spellings(built, asked, said):
    with pytest.raises(ValueError) as error:
        UsageIndex(built).uses(asked)
    assert said in str(error.value)
    assert said in refused("usages", "show", built, asked)


def test_listed_words_alone_are_read_and_kept(model, texts, tmp_path):
    whole = build(model, texts, tmp_path / "whole")
    report = build(model, texts, tmp_path / "few", words="gold,bank,absent")
    few, index = UsageIndex(tmp_path / "few"), UsageIndex(tmp_path / "whole")
    assert few.words == ["bank", "gold"] and report.unfound == ("absent",)
    assert (report.uses, report.tokens) == (8, whole.tokens)
    for word in few.words:
        np.testing.assert_allclose(
            few.uses(word).vectors, index.uses(word).vectors, rtol=0, atol=0.02
        )
        assert few.uses(word).sentence.tolist() == index.uses(word).sentence.tolist()
    assert few.sentence(5) == ["once", "here"] and few.frequency("river") == 2
    with pytest.raises(ValueError, match="'river': stands 2 times in the texts, and was not"):
        few.uses("river")
    with pytest.raises(ValueError, match="none of the words shore is in the text"):
        build(model, texts, tmp_path / "none", words=["shore"])
    assert not (tmp_path / "none").exists()


def test_sentences_without_listed_words_are_not_read(model, texts, tmp_path, monkeypatch):
    seen, embedder = [], model.embedder
    plain = type(embedder).embed_iter

    def watched(self, sentences, *choices):
        return plain(self, (seen.append(list(s)) or s for s in sentences), *choices)

    monkeypatch.setattr(type(embedder), "embed_iter", watched)
    build(model, texts, tmp_path / "i", words="gold,wet")
    assert seen == [sentence for sentence in ALL if {"gold", "wet"} & {*sentence}]


def test_rare_words_have_no_uses(model, texts, tmp_path):
    build(model, texts, tmp_path / "i", min_count=2)
    assert set(UsageIndex(tmp_path / "i").words) == {w for w, n in COUNTS.items() if n > 1}
    build(model, texts, tmp_path / "j", min_count=3, words=["bank", "river"])
    assert UsageIndex(tmp_path / "j").words == ["bank"]
    with pytest.raises(ValueError, match="min_count=99: no word"):
        build(model, texts, tmp_path / "k", min_count=99)


@pytest.mark.parametrize("options", [{}, {"words": "bank,the"}])
def test_added_documents_are_as_if_built_together(model, model_folder, texts, tmp_path, options):
    options |= {"periods": r"\d{4}", "layer": "average"}
    build(model, texts, tmp_path / "whole", **options)
    build(model, texts / "1840-a.txt", tmp_path / "parts", **options)
    kept = bytes_of(tmp_path / "parts" / "uses-0")
    for name in ("1900-c.txt", "1840-b.txt"):
        build(model, texts / name, tmp_path / "parts", add=True, periods=r"\d{4}")
    assert bytes_of(tmp_path / "parts" / "uses-0") == kept
    whole, parts = UsageIndex(tmp_path / "whole"), UsageIndex(tmp_path / "parts")
    assert parts.words == whole.words and parts.periods == whole.periods
    assert parts.tokens_by_period() == whole.tokens_by_period()
    one, other = as_sets(parts), as_sets(whole)
    assert one.keys() == other.keys()
    for (
        use,
        vector,
    ) in one.items():  # batches of other sizes round otherwise, by a step of int8 at most
        np.testing.assert_allclose(vector, other[use], rtol=0, atol=np.abs(vector).max() / 126)
    with pytest.raises(ValueError, match=r"1900-c.txt: is in .*parts already"):
        build(model, texts / "1900-c.txt", tmp_path / "parts", add=True)
    again = build(
        model, texts / "1840-b.txt", tmp_path / "parts", add=True, resume=True, periods=r"\d{4}"
    )
    assert again.documents == 1 and len(UsageIndex(tmp_path / "parts").segments) == 3
    other = random_model(tmp_path / "other", seed=1)
    with pytest.raises(ValueError, match="was made by another model"):
        build(other, write_texts(tmp_path / "new"), tmp_path / "parts", add=True)


def test_rare_words_of_added_documents_that_the_index_has_are_kept(model, texts, tmp_path):
    build(model, [texts / "1840-a.txt", texts / "1840-b.txt"], tmp_path / "i", min_count=2)
    build(model, texts / "1900-c.txt", tmp_path / "i", add=True)
    index = UsageIndex(tmp_path / "i")
    assert index.count("wet") == 0 and index.count("river") == 2  # too rare at first, and added
    assert index.count("the") == COUNTS["the"] and "gold" not in index


def test_several_processes_write_the_same_bytes(model_folder, texts, tmp_path):
    for name, jobs in (("one", 1), ("two", 2)):
        build(model_folder, texts, tmp_path / name, jobs=jobs, part_tokens=12)
    one, two = (bytes_of(tmp_path / name) for name in ("one", "two"))
    assert one == two and len(one) == 12


def test_periods_of_a_table_of_folders_and_of_names(model, texts, tmp_path):
    table = tmp_path / "years.tsv"
    table.write_text("id\tyear\tauthor\n1840-a\tearly\tX\n1900-c.txt\tlate\n")
    report = build(model, texts, tmp_path / "table", periods=table)
    assert report.periods == {"early": 1, "late": 1}
    assert [name.rpartition("/")[2] for name in report.without_period] == ["1840-b.txt"]
    index = UsageIndex(tmp_path / "table")
    assert index.uses("the").period.tolist() == [0, 0, 0, -1, 1, 1]
    folders = tmp_path / "folders"
    folders.mkdir()
    for name in NOVELS:
        write_texts(folders / name[:4], {name: NOVELS[name]})
    assert build(model, folders, tmp_path / "f", periods="folders").periods == {
        "1840": 2,
        "1900": 1,
    }
    assert build(model, texts, tmp_path / "n", periods=r"-(\w)").periods == {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize(
    "periods, said",
    [
        (r"\d{5}", "gives none of the documents a period (1840-a.txt"),
        ("(", "no regular expression"),
        ("years.tsv", "cannot be read"),
        ("bad.tsv", "bad.tsv, line 2: must be the name of a document, a tab"),
        ("two.tsv", "two.tsv, line 2: 'a' has the period '1' above, and '2' here"),
    ],
)
def test_periods_that_cannot_be_found_are_told(
    model_folder, texts, tmp_path, monkeypatch, periods, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.tsv").write_text("1840-a\t1840\n1840-b 1840\n")
    (tmp_path / "two.tsv").write_text("a\t1\na\t2\n")
    assert said in refused("usages", "build", model_folder, texts, "-o", "i", "--periods", periods)
    assert not (tmp_path / "i").exists()


def test_what_stands_in_the_way_is_told(model_folder, texts, tmp_path):
    target = tmp_path / "i"
    words = ("usages", "build", model_folder, texts, "-o", target)
    assert "holds no index of uses; build one first" in refused(*words, "--add")
    assert as_json(*words, "--quiet")["documents"] == 3
    assert "holds an index of uses; add to it (--add)" in refused(*words)
    before = bytes_of(target)
    assert as_json(*words, "--quiet", "--resume")["uses"] == sum(COUNTS.values())
    assert bytes_of(target) == before
    assert as_json(*words, "--quiet", "--overwrite", "--lowercase")["uses"] == sum(COUNTS.values())
    assert not (target / "uses-0").exists() and "Bank" not in UsageIndex(target)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("mine")
    assert "holds something, and no index" in refused(*words[:-1], tmp_path / "other")
    assert "make it first" in refused(*words[:-1], tmp_path / "no" / "i")
    assert "holds no index of uses" in refused("usages", "show", tmp_path / "other", "bank")
    (tmp_path / "blank.txt").write_text("\n\n")
    said = refused("usages", "build", model_folder, tmp_path / "blank.txt", "-o", tmp_path / "b")
    assert "there is no sentence" in said and not (tmp_path / "b").exists()
    assert "layer=7: the model has 0" in refused(*words[:-1], tmp_path / "l", "--layer", 7)
    assert "named twice" in refused(*words[:3], texts, texts, "-o", tmp_path / "t")


def test_a_disk_that_is_too_small_is_known_before(model, texts, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(preparing.shutil, "disk_usage", lambda path: usage._replace(free=900))
    with pytest.raises(OutputError, match=r"it will have .*, and the disk has 900 bytes free"):
        build(model, texts, tmp_path / "i")
    assert not (tmp_path / "i").exists()


def test_the_size_is_told_before(model, tmp_path, capsys):
    words = [f"w{n}" for n in range(40)]
    text = [words[n : n + 9] for n in range(30)] * 40
    report = build(model, text, tmp_path / "i", progress=True)
    told = capsys.readouterr().err
    assert "1,200 sentences, 10,800 tokens: " in told and " as int8 in uses-0" in told
    size = told.partition("tokens: ")[2].partition(" as")[0]
    number, unit = size.split()
    assert float(number) * {"kB": 1e3, "MB": 1e6}[unit] == pytest.approx(report.bytes, rel=0.1)


@pytest.mark.parametrize("name", ["vectors", "scales", "offsets", "types", "tokens"])
def test_a_damaged_folder_is_told(built, tmp_path, name):
    for number, damage in enumerate((bytes.__len__, lambda data: len(data) // 2, lambda data: 0)):
        folder = tmp_path / f"{name}{number}"
        shutil.copytree(built, folder)
        path = folder / "uses-0" / f"{name}.npy"
        data = path.read_bytes()
        path.write_bytes(data[: damage(data)])
        if number:
            with pytest.raises(FormatError, match=f"{name}.npy: .*build the index again"):
                UsageIndex(folder)
    folder = tmp_path / f"{name}0"
    (folder / "uses-0" / f"{name}.npy").unlink()
    with pytest.raises(FormatError, match="build the index again"):
        UsageIndex(folder)


def test_a_damaged_description_is_told(built, tmp_path):
    folder = shutil.copytree(built, tmp_path / "i")
    described = json.loads((folder / "usages.json").read_text())
    for change, said in (
        ({"version": 99}, "another version"),
        ({"segments": [{}]}, "damaged"),
        ({"segments": [{"folder": "uses-0", "documents": []}]}, "has not the sentences"),
    ):
        (folder / "usages.json").write_text(json.dumps({**described, **change}))
        assert said in refused("usages", "show", folder, "bank")
    (folder / "usages.json").write_text("{")
    assert "not JSON" in refused("usages", "show", folder, "bank")


def test_the_front_door(built):
    index = elmo.usages.open(built)
    assert isinstance(index, UsageIndex)
    assert f"{len(index):,} uses of {len(COUNTS):,} words in 3 documents" in repr(index)
    assert invoke("usages", "--help").exit_code == 0
