"""Neighbours against cosines of the NumPy reference's vectors."""

import numpy as np
import pytest

from elmo.language import neighbours as module
from tests.elsewhere import slow_elsewhere
from tests.language.conftest import nearly

SENTENCE = "the dog sang and the old cat"
LAYERS = {
    "token": lambda layers: layers[0],
    "top": lambda layers: layers[-1],
    1: lambda layers: layers[1],
    "average": lambda layers: layers.mean(axis=0),
}


def vector(tiny, tokens, position, layer):
    layers, _ = tiny.reference.layers(tiny.encoder.encode(tokens))
    return LAYERS[layer](layers)[position + 1]


def check(tiny, found, wanted, types, layer):
    def cosine(word):
        one = vector(tiny, [word], 0, layer)
        return one @ wanted / np.linalg.norm(one) / np.linalg.norm(wanted)

    assert {one.word for one in found} == set(types) and len(found) == len(types)
    nearly([one.cosine for one in found], [cosine(one.word) for one in found])
    cosines = [one.cosine for one in found]
    assert cosines == sorted(cosines, reverse=True)


@pytest.mark.numerics
@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        ("characters", None),
        *(slow_elsewhere("word", layer) for layer in (None, *LAYERS)),
        slow_elsewhere("characters", "average"),
    ],
)
def test_types_and_tokens(tiny, kind, layer, monkeypatch):
    """Blocks that do not divide the types."""
    monkeypatch.setattr(module, "BLOCK", 5)
    made = tiny(kind)
    types = set(made.vocabulary.tokens) - {"<S>", "</S>", "<UNK>", "cat"}
    alone = made.model.neighbours("cat", top_k=100, layer=layer)
    check(made, alone, vector(made, ["cat"], 0, layer or "token"), types, layer or "token")
    tokens = SENTENCE.split()
    context = made.model.neighbours("cat", SENTENCE, top_k=100, layer=layer)
    check(made, context, vector(made, tokens, 6, layer or "top"), types, layer or "top")
    marked = "the dog sang and [the] old cat"
    second = made.model.neighbours("the", marked, top_k=100, layer=layer)
    wanted = vector(made, tokens, 4, layer or "top")
    check(made, second, wanted, types - {"the"} | {"cat"}, layer or "top")


def test_among(tiny, tmp_path):
    made = tiny()
    whole = dict(made.model.neighbours("cat", top_k=100))
    file = tmp_path / "words.txt"
    file.write_text("dog\nbird\ncat\nzebra\n")
    for among in (["dog", "bird", "cat", "zebra"], file):
        found = made.model.neighbours("cat", among=among)
        assert {one.word for one in found} == {"dog", "bird"}
        nearly([one.cosine for one in found], [whole[one.word] for one in found])
    frequent = [t for t in made.vocabulary.tokens if t not in ("<S>", "</S>", "<UNK>")][:5]
    found = made.model.neighbours("slept", among=5)
    assert {one.word for one in found} == set(frequent) and "slept" not in frequent
    unknown = dict(tiny("characters").model.neighbours("cat", among=["zebra", "dog"]))
    assert set(unknown) == {"zebra", "dog"}


def test_the_table_is_made_once(tiny, monkeypatch):
    model = tiny().model
    first = model.neighbours("cat", top_k=2)
    assert len(first) == 2
    sizes = []
    embed = type(model.embedder).embed

    def counting(self, sentences, *args, **kwargs):
        sizes.append(len(sentences))
        return embed(self, sentences, *args, **kwargs)

    monkeypatch.setattr(type(model.embedder), "embed", counting)
    assert model.neighbours("cat", top_k=2) == first and model.neighbours("dog")
    assert sizes == [1, 1], "the words that are asked for alone"


def test_refusals(tiny):
    made = tiny()
    ask = made.model.neighbours
    for word, options, message in (
        (
            "zebra",
            {},
            "word='zebra': is not in the model's vocabulary; take one that is, or a model",
        ),
        ("<S>", {}, "word='<S>': is not in the model's vocabulary"),
        ("cat", {"sentence": "a dog"}, "does not hold 'cat'; mark one as \\[cat\\]"),
        ("a", {"sentence": ["a", "a"]}, "word='a': occurs 2 times in the sentence"),
        ("cat", {"layer": 3}, "layer=3: must be .*, or a number from 0 .* to 2"),
        ("cat", {"layer": "all"}, "layer='all': must be"),
        ("cat", {"among": 0}, "among=0: must be 1 or more"),
        ("cat", {"among": ["zebra"]}, "among: no word is in the model's vocabulary"),
        ("cat", {"top_k": 0}, "top_k=0"),
    ):
        with pytest.raises(ValueError, match=message):
            ask(word, **options)
    assert tiny("characters").model.neighbours("zebra", top_k=1)
