"""What the API says of an index is what `elmo.usages` says; edits are kept."""

import csv
import io
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest

from elmo.usages import UsageIndex
from elmo.usages.concordance import concordance
from elmo.usages.layouts.wug import read_clusters, read_uses
from elmo.usages.senses.inventory import Senses
from elmo.usages.senses.of_word import described, open_senses
from tests.language.conftest import nearly
from tests.serve.conftest import sentence_of


def get(client, path, **fields):
    response = client.get(f"/api/{path}", params=fields)
    assert response.status_code == 200, response.text
    return response.json()


def post(client, path, **fields):
    response = client.post(f"/api/{path}", json=fields)
    assert response.status_code == 200, response.text
    return response.json()


def test_info(of_index, index):
    found = get(of_index, "info")["usages"]
    assert (found["name"], found["uses"]) == ("texts.uses", len(index))
    assert found["words"] == len(index.words) and found["periods"] == ["1840", "1900"]
    assert found["tokens_by_period"] == index.tokens_by_period()


def test_words_by_their_first_letters(of_index, index):
    every = get(of_index, "words", limit=200)
    assert [(one["word"], one["uses"]) for one in every["words"]] == [
        (word, index.count(word)) for word in index.words
    ]
    found = get(of_index, "words", prefix="Ba")
    assert {one["word"] for one in found["words"]} == {"bank", "Bank"} and found["total"] == 2
    assert get(of_index, "words", prefix="Bank")["words"][0]["word"] == "Bank"
    page = get(of_index, "words", offset=2, limit=3)
    assert page["words"] == every["words"][2:5] and page["total"] == every["total"]


@pytest.mark.parametrize("sort", ["text", "left", "right", "period"])
def test_lines_are_the_concordance(of_index, index, sort):
    wanted = [(u.tokens, u.place, u.period) for u in concordance(index, "bank", sort)]
    found = get(of_index, "concordance", word="bank", sort=sort, limit=200)
    assert [(one["tokens"], one["place"], one["period"]) for one in found["lines"]] == wanted
    assert found["total"] == found["uses"] == found["read"] == len(wanted)
    page = get(of_index, "concordance", word="bank", sort=sort, offset=5, limit=4)
    assert page["lines"] == found["lines"][5:9]


def test_lines_of_a_sense_and_a_period(of_index, index):
    found = open_senses(index, "bank")
    for place, sense in enumerate(found.senses.senses):
        fields = {"word": "bank", "sense": sense.number, "period": "1900", "limit": 200}
        lines = get(of_index, "concordance", **fields)["lines"]
        rows = np.flatnonzero((found.labels == place) & (found.uses.period == 1))
        assert [line["use"] for line in lines] == rows.tolist()
        assert {line["sense"] for line in lines} <= {sense.number}


def test_the_page_of_a_use(of_index):
    every = get(of_index, "concordance", word="bank", sort="left", limit=200)["lines"]
    use = every[13]["use"]
    page = get(of_index, "concordance", word="bank", sort="left", limit=5, use=use)
    assert page["offset"] == 10 and page["lines"][3]["use"] == use


def test_typical_uses_go_first(of_index, index):
    lines = get(of_index, "concordance", word="bank", sort="sense", limit=200)["lines"]
    numbers = [line["sense"] for line in lines]
    assert numbers == sorted(numbers)
    central = described(index, open_senses(index, "bank"))[0]["central"][0]
    first = {tuple(line["tokens"]) for line in lines[:4]}
    assert tuple(central["tokens"]) in first


def test_senses_are_described(of_index, index):
    found = get(of_index, "senses", word="bank")
    wanted = described(index, open_senses(index, "bank"))
    assert not found["kept"] and found["uses"] == index.count("bank")
    for one, other in zip(found["senses"], wanted, strict=True):
        assert (one["number"], one["uses"], one["name"]) == (other["number"], other["uses"], "")
        assert one["words"] == [telling["word"] for telling in other["words"]]
        nearly(one["shares"], list(other["periods"].values()))
        assert [c["tokens"] for c in one["central"]] == [c["tokens"] for c in other["central"]]
    assert np.array([one["counts"] for one in found["senses"]]).sum() == found["uses"]


def test_substitutes_tell_senses_apart(of_index):
    found = get(of_index, "senses/telling", word="bank")["substitutes"]
    numbers = [str(one["number"]) for one in get(of_index, "senses", word="bank")["senses"]]
    assert sorted(found) == sorted(numbers) and any(found.values())


def test_edits_are_kept_in_the_file(of_index, index):
    before = post(of_index, "senses/induce", word="bank", k=3)
    assert before["kept"] and len(before["senses"]) == 3
    named = post(of_index, "senses/rename", word="bank", sense=1, name="river  bank")
    assert named["senses"][0]["name"] == "river bank"
    merged = post(of_index, "senses/merge", word="bank", senses=[1, 3])
    sizes = [one["uses"] for one in before["senses"]]
    assert [one["uses"] for one in merged["senses"]] == [sizes[0] + sizes[2], sizes[1]]
    split = post(of_index, "senses/split", word="bank", sense=1)
    assert sum(one["uses"] for one in split["senses"]) == sum(sizes)
    kept = Senses.read(index.folder, "bank")
    assert [one.number for one in kept.senses] == [one["number"] for one in split["senses"]]
    assert len(kept.edits) == 3 and kept.sense(1).name == "river bank"
    lines = get(of_index, "concordance", word="bank", limit=200)["lines"]
    labels = open_senses(UsageIndex(index.folder), "bank").labels
    assert [line["sense"] for line in lines] == [kept.senses[label].number for label in labels]


def test_a_map_has_the_principal_components(of_index, index):
    found = get(of_index, "map", word="bank")
    vectors = index.uses("bank").vectors
    centred = vectors - vectors.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    for axis, name in enumerate("xy"):
        np.testing.assert_allclose(np.abs(found[name]), np.abs(u[:, axis] * s[axis]), atol=2e-4)
    nearly(found["explained"], np.round(s[:2] ** 2 / (s**2).sum(), 4))
    assert found["use"] == list(range(len(vectors))) and max(found["period"]) == 1
    few = get(of_index, "map", word="bank", limit=5)
    assert few["use"][0] == 0 and few["use"][-1] == len(vectors) - 1 and len(few["x"]) == 5


def test_nearest_uses(of_index, index):
    found = get(of_index, "nearest", word="bank", use=3, count=4)
    vectors = index.uses("bank").vectors
    centred = vectors - vectors.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    cosines = unit @ unit[3]
    assert found["asked"]["use"] == 3
    for line in found["nearest"]:
        assert line["similarity"] == pytest.approx(cosines[line["use"]], abs=1e-4)
    sentences = [use.tokens for use in concordance(index, "bank")]
    others = [row for row, tokens in enumerate(sentences) if tokens != sentences[3]]
    assert found["nearest"][0]["similarity"] == pytest.approx(cosines[others].max(), abs=1e-4)


@pytest.mark.parametrize("across", [False, True])
def test_uses_like_a_sentence_of_your_own(of_index, index, across):
    sentence = "once a bank lends gold ."
    found = post(of_index, "like", sentence=sentence, position=2, across=across, count=3)
    wanted = index.like(sentence.split(), 2, across=across, k=3)
    assert [one["tokens"] for one in found["nearest"]] == [use.tokens for use in wanted]
    assert found["asked"]["place"] == 2


def test_a_table_to_download(of_index, index):
    post(of_index, "senses/rename", word="bank", sense=1, name="=1+1")
    response = of_index.get("/api/download", params={"word": "bank", "format": "csv"})
    assert response.headers["Content-Disposition"].startswith('attachment; filename="bank.csv"')
    rows = list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert len(rows) == index.count("bank") and {row["word"] for row in rows} == {"bank"}
    use = concordance(index, "bank")[0]
    assert rows[0]["before"] == " ".join(use.tokens[: use.place])
    assert {row["name"] for row in rows if row["sense"] == "1"} == {"'=1+1"}  # no formula


def test_a_usage_graph_to_download(of_index, index, tmp_path):
    post(of_index, "senses/induce", word="bank", k=2)
    response = of_index.get("/api/download", params={"word": "bank", "format": "wug"})
    with zipfile.ZipFile(io.BytesIO(response.content)) as packed:
        packed.extractall(tmp_path)
    uses = read_uses(next(tmp_path.rglob("uses.tsv")))
    assert len(uses) == index.count("bank") and {one.lemma for one in uses} == {"bank"}
    clusters = read_clusters(
        next(path for path in tmp_path.rglob("clusters/**/*") if path.is_file())
    )
    labels = open_senses(index, "bank").labels
    assert [clusters[one.identifier] for one in uses] == [str(n + 1) for n in labels]


@pytest.mark.parametrize("figure", ["periods.svg", "map.svg"])
def test_figures_to_download(of_index, figure):
    response = of_index.get("/api/download", params={"word": "bank", "format": figure})
    assert response.headers["Content-Type"].startswith("image/svg+xml")
    root = ElementTree.fromstring(response.content)
    assert root.tag.endswith("svg") and "bank" in "".join(root.itertext())
    again = of_index.get("/api/download", params={"word": "bank", "format": figure})
    assert again.content == response.content


@pytest.mark.parametrize(
    "path, fields, status, said",
    [
        ("senses", {"word": "bnak"}, 404, "does not occur in the texts; spelled like it: bank"),
        ("concordance", {"word": "bank", "sense": 99}, 404, "sense: 99 is none of 'bank'"),
        ("concordance", {"word": "bank", "period": "1850"}, 404, "'1850' is none of the periods"),
        ("concordance", {"word": "bank", "use": 999}, 404, "use: 999 is not among these lines"),
        ("concordance", {"word": "bank", "sort": "best"}, 422, "sort: invalid"),
        ("concordance", {"word": "bank", "limit": "many"}, 422, "limit: expected `int`"),
        ("concordance", {}, 422, "missing required field `word`"),
        ("nearest", {"word": "bank", "use": 999}, 404, "use: is 999; 'bank' has 0 to"),
    ],
)
def test_what_cannot_be_read(of_index, path, fields, status, said):
    assert said in sentence_of(of_index.get(f"/api/{path}", params=fields), status)


@pytest.mark.parametrize(
    "path, fields, status, said",
    [
        ("senses/rename", {"word": "bank", "sense": 99, "name": "x"}, 422, "is no sense"),
        ("senses/rename", {"word": "bank", "sense": 1, "name": "7"}, 422, "another's, or a number"),
        ("senses/merge", {"word": "bank", "senses": [1, 1]}, 422, "two or more different"),
        ("senses/merge", {"word": "bank", "senses": [1]}, 422, "senses: expected"),
        ("senses/induce", {"word": "the river", "k": 2}, 404, "does not occur"),
        ("like", {"sentence": "a xyz", "position": 1}, 404, "does not occur"),
        ("like", {"sentence": "a xyz", "position": 2}, 422, "position: is 2"),
    ],
)
def test_what_cannot_be_done(of_index, index, path, fields, status, said):
    assert said in sentence_of(of_index.post(f"/api/{path}", json=fields), status)
    assert not (index.folder / "senses").exists()


def test_an_index_without_its_model(index):
    from elmo.serve import app
    from tests.serve.conftest import client_of

    with client_of(app(usages=index)) as client:
        assert get(client, "info")["model"] is None
        response = client.post("/api/like", json={"sentence": "a bank", "position": 1})
        assert "is not served" in sentence_of(response, 422)
        assert get(client, "senses/telling", word="bank")["substitutes"] == {}
        sentence_of(client.post("/api/analyse", json={"sentence": "a"}), 404)
