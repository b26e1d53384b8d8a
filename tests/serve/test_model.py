"""What the API says of sentences is what the model's methods say."""

import math

import numpy as np
import pytest

from elmo.serve import app
from tests.language.conftest import Tiny, nearly
from tests.serve.conftest import client_of, sentence_of

SENTENCE = "the old cat xyz ."


def test_info(client, tiny):
    found = client.get("/api/info").json()
    assert found["model"] == {
        "name": "tiny",
        "reads": "words",
        "vocabulary": len(tiny.vocabulary),
        "directions": ["forward", "backward"],
        "layers": ["token", "1", "2"],
        "dim": tiny.config.output_dim,
        "predicts": True,
    }
    assert found["usages"] is None and found["limits"]["tokens"] == 200


@pytest.mark.parametrize("sentence", [SENTENCE, SENTENCE.split(), "dog", "مرحبا the 猫"])
def test_analysis_is_what_the_model_scores(client, tiny, sentence):
    found = client.post("/api/analyse", json={"sentence": sentence}).json()
    scores = tiny.score([sentence], state="reset")
    tokens = sentence.split() if isinstance(sentence, str) else sentence
    assert [one["token"] for one in found["tokens"]] == tokens
    for direction in ("forward", "backward"):
        mine = scores.direction == direction
        inside = mine & (scores.position > 0) & (scores.position <= len(tokens))
        for name, values in (
            ("surprisal_bits", scores.surprisal_bits),
            ("entropy_bits", scores.entropy_bits),
            ("rank", scores.rank),
        ):
            nearly([one[name][direction] for one in found["tokens"]], values[inside])
        assert [one["unknown"] for one in found["tokens"]] == scores.unknown[inside].tolist()
        total = found["totals"][direction]
        table = scores.by_sentence()
        nearly(total["bits"], table[f"{direction}_bits"][0])
        nearly(total["perplexity"], 2 ** table[f"{direction}_mean_bits"][0])
        nearly(total["end_bits"], scores.surprisal_bits[mine & ~inside][0])


@pytest.mark.parametrize("combine", ["product", "and", "forward", "backward"])
def test_substitutes_are_the_models(client, tiny, combine):
    body = {"sentence": SENTENCE, "position": 2, "count": 4, "combine": combine, "similarity": 2}
    found = client.post("/api/substitutes", json=body).json()
    wanted = tiny.substitutes(SENTENCE, 2, top_k=4, combine=combine, similarity=2.0)
    assert (found["target"], found["position"]) == ("cat", 2)
    assert [one["word"] for one in found["substitutes"]] == [word for word, _ in wanted]
    nearly([one["probability"] for one in found["substitutes"]], [math.exp(p) for _, p in wanted])


def test_similarity_is_the_cosine_of_every_layer(client, tiny):
    first, second = "the old cat", "a bird saw the cat ."
    found = client.post("/api/similarity", json={"first": first, "second": second}).json()
    one, two = tiny.embed([first, second], layers="all")
    assert [table["layer"] for table in found["layers"]] == ["token", "1", "2"]
    for layer, table in enumerate(found["layers"]):
        for i in range(3):
            for j in range(6):
                a, b = one[layer, i], two[layer, j]
                wanted = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
                assert table["cosines"][i][j] == pytest.approx(wanted, abs=2e-5)


def test_a_model_of_characters(characters):
    with client_of(app(characters)) as client:
        found = client.post("/api/analyse", json={"sentence": "unseen cat"}).json()
        nearly(
            [one["surprisal_bits"]["forward"] for one in found["tokens"]],
            characters.score(["unseen cat"]).surprisal_bits[1:5:2],
        )
        assert client.get("/api/info").json()["model"]["reads"] == "characters"


def test_one_direction_alone():
    with client_of(app(Tiny(directions="backward").model)) as client:
        found = client.post("/api/analyse", json={"sentence": "a cat"}).json()
        assert set(found["totals"]) == set(found["tokens"][0]["rank"]) == {"backward"}
        body = {"sentence": "a cat", "position": 1}
        assert "backward" in sentence_of(client.post("/api/substitutes", json=body), 422)
        body["combine"] = "backward"
        assert client.post("/api/substitutes", json=body).json()["substitutes"]


def test_a_model_that_cannot_predict_compares(characters):
    from elmo.api import from_pretrained

    plain = characters.to_pretrained()
    plain.weights.pop("softmax/kernel", None)
    plain.weights.pop("softmax/bias", None)
    with client_of(app(from_pretrained(plain))) as client:
        assert client.get("/api/info").json()["model"]["predicts"] is False
        said = sentence_of(client.post("/api/analyse", json={"sentence": "a cat"}), 422)
        assert "no softmax" in said
        found = client.post("/api/similarity", json={"first": "a cat", "second": "a cat"})
        assert found.json()["layers"][2]["cosines"][1][1] == 1.0


def test_nothing_to_serve():
    with pytest.raises(ValueError, match="nothing to serve: give a model, an index"):
        app()
