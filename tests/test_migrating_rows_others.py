"""The rows of docs/migrating.md for ELMoForManyLangs, TensorFlow Hub, ELMo-keras and SeqVec, run.

What comes out is held against numbers of ELMoForManyLangs and SeqVec themselves, in
`tests/fixtures/migrating/others.npz`; against bilm-tf's layers, put together as the page of the hub's
module says, in float64; and for ELMo-keras, whose models are others, against what its source does with
the encoder's levels.
"""

import random
import re
import shlex
import shutil

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import elmo
from elmo.cli.main import cli
from elmo.compat.elmoformanylangs import Embedder
from elmo.compat.tfhub import ElmoModule
from elmo.hub import resolving as download
from elmo.lm_generator import LMDataGenerator
from elmo.model import ELMo
from tests.conftest import FIXTURES
from tests.test_migrating import SECTIONS

NUMBERS = FIXTURES / "migrating"
CHECKS = {}


def rows(section):
    """Pairs of what stands first as code in each cell of a section's table."""
    pairs = []
    for line in SECTIONS[section].splitlines():
        if line.startswith("| `"):
            cells = re.split(r"(?<!\\) \| ", line.strip("| "))
            there, *here = (cell.replace("\\|", "|") for cell in cells)
            code = re.match(r"`([^`]+)`", " | ".join(here))
            pairs.append((re.match(r"`([^`]+)`", there)[1], code[1] if code else here[0]))
    return pairs


def checks(section, *there):
    """Registers the check of the rows for what stands there."""

    def register(function):
        CHECKS.update(dict.fromkeys(((section, row) for row in there), function))
        return function

    return register


ROWS = [
    pytest.param(section, there, here, id=f"{section}: {there[-60:]}")
    for section in ("ELMoForManyLangs", "TensorFlow Hub", "ELMo-keras", "SeqVec")
    for there, here in rows(section)
]


@pytest.mark.parametrize(("section", "there", "here"), ROWS)
def test_a_row(section, there, here, place):
    assert (section, there) in CHECKS, f"no check of the row {there!r}; register one"
    CHECKS[section, there](place, there, here)


def test_every_check_has_its_row():
    assert {(row.values[0], row.values[1]) for row in ROWS} == set(CHECKS)


@pytest.fixture(scope="module")
def numbers():
    with np.load(NUMBERS / "others.npz") as file:
        return dict(file)


class Place:
    """A folder with the files that the rows name, and what the programs gave for them."""

    def __init__(self, request, numbers):
        self.request, self.numbers = request, numbers

    def get(self, fixture):
        return self.request.getfixturevalue(fixture)

    def run(self, command):
        """A command line of `elmo`, as it stands in the guide."""
        program, *arguments = shlex.split(command)
        assert program == "elmo"
        result = CliRunner().invoke(cli, arguments, prog_name="elmo")
        assert result.exit_code == 0, result.output

    def wanted(self, name):
        """The program's arrays whose names begin so, by the rest of it."""
        found = {
            key.removeprefix(name): a for key, a in self.numbers.items() if key.startswith(name)
        }
        assert found
        return found


@pytest.fixture
def place(request, numbers, peer_model, data_folder, tmp_path, monkeypatch):
    many = data_folder("manylangs-fixture")
    shutil.copytree(many / "model", tmp_path / "MODEL")
    for source, target in (("in.fasta",) * 2, ("in.conllu",) * 2, ("plain.txt", "in.txt")):
        shutil.copy(NUMBERS / source, tmp_path / target)
    resolve = download.resolve
    names = {"seqvec": peer_model, "original": peer_model, "manylangs-en": many / "model"}
    monkeypatch.setattr(download, "resolve", lambda s, **m: names.get(str(s)) or resolve(s, **m))
    monkeypatch.chdir(tmp_path)
    return Place(request, numbers)


def close(found, wanted, atol=1e-5):
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, atol=atol)


# ELMoForManyLangs


def manylangs_sentences(data_folder):
    text = (data_folder("manylangs-fixture") / "sentences.txt").read_text(encoding="utf-8")
    return [line.split(" ") for line in text.splitlines()]


@checks(
    "ELMoForManyLangs",
    "e.sents2elmo(sentences)",
    *(f"e.sents2elmo(sentences, output_layer={layer})" for layer in (-2, 2, 1, 0)),
)
def sents2elmo(place, there, here):
    data_folder = place.get("data_folder")
    sentences = manylangs_sentences(data_folder)
    names = {"sentences": sentences, "e": Embedder("manylangs-en")}
    names["model"] = elmo.load("manylangs-en")
    layer = there.partition("output_layer=")[2].rstrip(")") or "-1"
    kind = {"-1": "average", "-2": "all"}.get(layer, layer)
    with np.load(data_folder("manylangs-fixture") / "expected.npz") as expected:
        for code in (there, here):  # the new class runs their line, and the row what it says
            for number, found in enumerate(eval(code, names)):
                close(found, expected[f"stateless/{number}/{kind}"])
    assert len(sentences) <= 64  # one batch there, too
    close(
        eval(there, names | {"sentences": sentences[:1], "e": Embedder("manylangs-en")})[0],
        place.numbers[f"manylangs/layer/{layer}"],
    )


TEST = (
    "python -m elmoformanylangs test --input_format {} --model MODEL --output_prefix out "
    "--output_layer {}"
)


@checks(
    "ELMoForManyLangs",
    TEST.format("plain --input in.txt", "-1"),
    TEST.format("plain --input in.txt", "0,1,2"),
)
def command_test(place, there, here):
    place.run(here)
    kind, layers = re.search(r"input_format (\S+).*output_layer (\S+)", there).groups()
    for layer in layers.split(","):
        with h5py.File(f"out.ly{layer}.hdf5") as file:
            wanted = place.wanted(f"manylangs/{kind}/{layer}/")
            assert sorted(file) == sorted(wanted)
            for key, array in wanted.items():
                close(file[key][()], array)


@checks("ELMoForManyLangs", TEST.format("conll_char --input in.conllu", "-1"))
def conll_char(place, there, here):
    sentences = [["Sue", "likes", "coffee", "and/or", "U.S."], ["tea", "."]]
    found = eval(here, {"model": elmo.load("manylangs-en"), "sentences": sentences})
    wanted = place.wanted("manylangs/conll_char/-1/")
    for vectors, array in zip(found, sorted(wanted.values(), key=len, reverse=True), strict=True):
        close(vectors, array)


# TensorFlow Hub


def hub_inputs(sentences):
    """The same sentences as both signatures take them."""
    longest = max(map(len, sentences))
    rows = [[*sentence, *[""] * (longest - len(sentence))] for sentence in sentences]
    lengths = list(map(len, sentences))
    return {
        "strings": [" ".join(sentence) for sentence in sentences],
        "tokens": {"tokens": rows, "sequence_len": lengths},
        **{"rows": rows, "lengths": lengths},
    }


def hub_outputs(numbers, weights=(0, 0, 0), scaling=1.0):
    """What the module documents, from the layers that bilm-tf gives for the first sentence it read."""
    layers = numbers["bilm/dump/0"].astype(np.float64)
    shares = scaling * np.exp(weights) / np.exp(weights).sum()
    mixed = np.einsum("l,ltd->td", shares, layers)
    return {
        "word_emb": layers[0][:, : layers.shape[2] // 2],
        "lstm_outputs1": layers[1],
        "lstm_outputs2": layers[2],
        "elmo": mixed,
        "default": mixed.mean(axis=0),
    }


@checks(
    "TensorFlow Hub",
    "module(strings)",
    'module(strings, signature="default", as_dict=True)',
    'module(tokens, signature="tokens", as_dict=True)',
    'module.signatures["default"](strings)',
    'module.signatures["tokens"](tokens=rows, sequence_len=lengths)',
)
def hub_call(place, there, here):
    assert here.startswith("the same")
    sentences, wanted = place.get("peer_text")[1], hub_outputs(place.get("peer_numbers"))
    names = {"module": ElmoModule("original"), **hub_inputs(sentences[:2])}
    found = eval(there, names)
    if there == "module(strings)":
        return close(found[0], wanted["default"])
    assert found.keys() == wanted.keys()
    n = len(sentences[0])
    for name, array in wanted.items():
        row = found[name][0]
        close(row if name == "default" else row[:n], array)
        assert name == "default" or not row[n:].any()


@checks("TensorFlow Hub", "hub.Module(url, trainable=True)")
def hub_trainable(place, there, here):
    from tests.compat.test_tfhub import gradients

    sentences, numbers = place.get("peer_text")[1], place.get("peer_numbers")
    module = eval(here, {"ElmoModule": ElmoModule})
    direction = np.random.default_rng(3).normal(size=48)
    found = gradients(module, [" ".join(sentences[0])], direction)
    assert len(found) == 2 and sum(np.size(g) for g in found) == 4
    step, start = 1e-4, np.array([0, 0, 0, 1.0])

    def loss(values):
        return hub_outputs(numbers, values[:3], values[3])["default"] @ direction

    slopes = [(loss(start + step * e) - loss(start - step * e)) / (2 * step) for e in np.eye(4)]
    flat = np.concatenate([np.ravel(g) for g in sorted(found, key=np.size, reverse=True)])
    np.testing.assert_allclose(flat, slopes, atol=1e-4)


# ELMo-keras


@pytest.fixture(scope="module")
def elmo_keras(tmp_path_factory):
    """A model that has met a text, and a generator of it."""
    folder = tmp_path_factory.mktemp("elmo-keras")
    words = ["<pad>", "<unk>", "<bos>", "<eos>", "the", "a", "cat", "saw", "."]
    (folder / "vocab").write_text("".join(f"{word} {i}\n" for i, word in enumerate(words)))
    (folder / "text").write_text(" \n the cat saw a cat . \n \n a dog saw the cat \n")
    parameters = {"vocab_size": 9, "lstm_units_size": 8, "hidden_units_size": 4, "num_sampled": 0}
    parameters |= {"sentence_maxlen": 10, "epochs": 1, "batch_size": 2}
    model = ELMo(parameters, models_dir=folder / "models")
    generator = LMDataGenerator(folder / "text", folder / "vocab", sentence_maxlen=10, batch_size=2)
    model.train(generator)
    model.wrap_multi_elmo_encoder()
    return model, generator


@checks(
    "ELMo-keras",
    *(
        f"elmo_model.get_outputs(generator, output_type='{kind}', state='{state}')"
        for kind, state in (("words", "last"), ("words", "mean"), ("word", "mean"))
    ),
)
def get_outputs(place, there, here):
    model, generator = place.get("elmo_keras")
    code = there if here.startswith("the same") else here
    found = eval(code, {"elmo_model": model, "generator": generator})
    # As there: the encoder's levels over a batch, the last of them or the mean of all.
    levels = np.asarray([np.asarray(level) for level in model.encoder(generator[0][0][0])])
    wanted = levels[-1] if "last" in there else levels.mean(axis=0)
    lengths = [6, 5]
    if "'words'" in there:
        for row, vectors, n in zip(found, wanted, lengths, strict=True):
            close(row[1 : n + 1], vectors[1 : n + 1])
            assert not row[[0, *range(n + 1, 10)]].any()
    else:
        means = [
            vectors[1 : n + 1].mean(axis=0) for vectors, n in zip(wanted, lengths, strict=True)
        ]
        close(found, np.array(means))


@checks("ELMo-keras", "generator.vocab")
def generator_vocab(place, there, here):
    _, generator = place.get("elmo_keras")
    vocab = eval(there, {"generator": generator})
    assert list(vocab)[:5] == ["<pad>", "<unk>", "<bos>", "<eos>", "the"]
    line = "<bos> the cat saw a cat . <eos>"
    ids = [vocab[word] for word in line.split()]
    assert generator[0][0][0][0, :8].tolist() == ids


@checks("ELMo-keras", "generator.indices")
def generator_indices(place, there, here):
    _, generator = place.get("elmo_keras")
    assert eval(there, {"generator": generator}).tolist() == [1, 3]


@checks("ELMo-keras", "from elmo.custom_layers import TimestepDropout")
def custom_layers(place, there, here):
    for name in ("TimestepDropout", "Camouflage", "Highway", "SampledSoftmax"):
        with pytest.raises(ImportError, match=rf"elmo\.custom_layers\.{name}: ELMo-keras's layers"):
            exec(there.replace("TimestepDropout", name))


# SeqVec


@checks(
    "SeqVec",
    *(
        f"seqvec -i in.fasta -o out.npz{options}"
        for options in ("", " --protein", " --layer LSTM2", " --layer all", " --layer CNN")
    ),
    "seqvec -i in.fasta -o out.npz --layer LSTM1",
)
def seqvec(place, there, here):
    place.run(here)
    kind = there.partition(".npz")[2].removeprefix(" --").removeprefix("layer ") or "sum"
    wanted = place.wanted(f"seqvec/{kind}/")
    with np.load("out.npz") as found:
        assert set(found) == set(wanted) == {"P69905", "P01308", "Q9XYZ1", "P0"}
        for key, array in wanted.items():
            vectors = found[key]
            if kind == "all":
                vectors = np.concatenate(vectors, axis=1)
            number = {"CNN": 0, "LSTM1": 1}.get(kind, ...)
            close(vectors[number], array)


@checks("SeqVec", "seqvec -i in.fasta -o out.h5")
def seqvec_hdf5(place, there, here):
    place.run(here)
    with h5py.File("out.h5") as file:
        assert sorted(file) == place.numbers["seqvec/keys"].tolist()
        for key, array in place.wanted("seqvec/sum/").items():
            close(file[key][()], array)


@checks("SeqVec", "seqvec -i in.fasta -o out.npz --id -1")
def seqvec_whole_headers(place, there, here):
    place.run(here)
    with np.load("out.npz") as found:
        assert set(found) == set(place.wanted("seqvec/whole/"))


@checks("SeqVec", 'seqvec -i in.fasta -o out.npz --split-char " " --id 0')
def seqvec_first_words(place, there, here):
    place.run(here)
    with np.load("out.npz") as found:
        assert set(found) == {name.split(" ")[0] for name in place.wanted("seqvec/whole/")}


# What no row says


def test_an_embedder_of_several_batches_and_calls(data_folder, numbers):
    """The state goes on from batch to batch, which come in the order that `random` draws."""
    sentences = manylangs_sentences(data_folder)
    embedder = Embedder(data_folder("manylangs-fixture") / "model", batch_size=5)
    random.seed(7)
    for call, layer in enumerate((-2, -1, 1)):
        for number, found in enumerate(embedder.sents2elmo(sentences, layer)):
            close(found, numbers[f"manylangs/calls/{call}/{number}"])


def test_seqvec_carries_the_state_from_batch_to_batch(numbers):
    """What the guide says of batches: those after the first differ, the first are as alone."""
    assert np.abs(numbers["seqvec/batches/P69905"] - numbers["seqvec/sum/P69905"]).max() > 0.1
    close(numbers["seqvec/batches/P01308"], numbers["seqvec/sum/P01308"])
