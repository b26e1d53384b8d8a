"""Every row of docs/migrating.md for bilm-tf, AllenNLP and simple_elmo, run as it stands there.

What comes out is held against the numbers of the programs themselves, in `tests/fixtures/migrating` and
in the fixture `bilm-tf-checkpoint`.
"""

import importlib
import json
import re
import shlex
import shutil
import sys
import tomllib
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from click.testing import CliRunner

import elmo
from elmo.cli.main import cli
from elmo.compat import allennlp_alias, allennlp_command
from elmo.compat import simple_elmo as ours_of_simple_elmo
from elmo.hub import resolving as download
from tests.test_migrating import SECTIONS, blocks

WORDS = ("the", "<S>", "river", "Zürich", "</S>", "<UNK>", "文", "zzz")
SMALL = (
    "--dim 16 --projection-dim 8 --set char_embedding_dim=2 --set filters=[[1,4]] --max-steps 1 "
    "--quiet"
)
BIN_TRAIN_ELMO = {
    "token_encoding": "char",
    "max_characters_per_token": 50,
    "n_highway": 2,
    "activation": "relu",
    "n_layers": 2,
    "use_skip_connections": True,
    "cell_clip": 3,
    "proj_clip": 3,
    "dropout": 0.1,
    "batch_size": 128,
    "window": 20,
    "negatives": 8192,
    "optimizer": "adagrad",
    "learning_rate": 0.2,
    "initial_accumulator": 1.0,
    "clip_norm": 10.0,
    "loss_scale": 20,
    "epochs": 10,
}
"""Constants in the source of bin/train_elmo.py and of the training that it calls."""


def rows(section):
    """Pairs of what stands first as code in each cell of a section's table."""
    lines = [line for line in SECTIONS[section].splitlines() if line.startswith("| ")][1:]
    pairs = []
    for line in lines:
        there, here = line.strip("| ").split(" | ")
        code = re.findall(r"`([^`]+)`", here)
        pairs.append((there.replace("`", ""), code[0] if code else here))
    return pairs


CHECKS = {}


def checks(section, there):
    """Registers the check of the row that begins so."""

    def register(function):
        CHECKS[section, there] = function
        return function

    return register


ROWS = [
    pytest.param(section, there, here, id=f"{section}: {there[:60]}")
    for section in ("bilm-tf", "AllenNLP", "simple_elmo")
    for there, here in rows(section)
]


@pytest.mark.parametrize(("section", "there", "here"), ROWS)
def test_a_row(section, there, here, place):
    found = [
        (name, check)
        for (of, name), check in CHECKS.items()
        if of == section and there.startswith(name)
    ]
    assert found, f"no check of the row {there!r}; register one"
    check = max(found, key=lambda pair: len(pair[0]))[1]
    check(place, here)


def test_every_check_has_its_row():
    there = {(section, there) for section, there, _ in (row.values for row in ROWS)}
    for section, name in CHECKS:
        assert any(of == section and row.startswith(name) for of, row in there), name


class Place:
    """A folder with the files that the rows name, and what the programs gave for them."""

    def __init__(self, folder, numbers, expected, sentences):
        self.folder, self.numbers, self.expected = folder, numbers, expected
        self.sentences = sentences

    def run(self, command, more=""):
        """A command line of `elmo`, as it stands in the guide."""
        program, *arguments = shlex.split(f"{command} {more}")
        assert program == "elmo"
        result = CliRunner().invoke(cli, arguments, prog_name="elmo")
        assert result.exit_code == 0, result.output
        return result.output

    def evaluate(self, code, **names):
        """An expression of the guide."""
        return eval(code, {"elmo": elmo, "sentences": self.sentences, **names})

    def close(self, file, name, numbers=range(5)):
        """A file of vectors holds those of the program, line by line."""
        with h5py.File(self.folder / file) as found:
            for number in numbers:
                wanted = self.numbers[f"{name}/{number}"]
                np.testing.assert_allclose(found[str(number)][()], wanted, atol=1e-5)

    def keys(self, file):
        with h5py.File(self.folder / file) as found:
            return sorted(found)


@pytest.fixture
def place(tmp_path, monkeypatch, data_folder, peer_model, peer_numbers, peer_text):
    checkpoint = data_folder("bilm-tf-checkpoint")
    shutil.copytree(peer_model, tmp_path / "MODEL")
    (tmp_path / "save_dir").mkdir()
    (tmp_path / "text").mkdir()
    for source, target in (
        (peer_text[0], "text.txt"),
        (peer_text[0], "in.txt"),
        (checkpoint / "vocab.txt", "vocab.txt"),
        (checkpoint / "heldout.txt", "heldout.txt"),
        (checkpoint / "heldout.txt", "text/heldout.txt"),
        *((path, f"save_dir/{path.name}") for path in (checkpoint / "model").iterdir()),
    ):
        (tmp_path / target).write_bytes(source.read_bytes())
    (tmp_path / "words.txt").write_text("".join(f"{word}\n" for word in WORDS), encoding="utf-8")
    resolve = download.resolve
    monkeypatch.setattr(
        download,
        "resolve",
        lambda s, **more: tmp_path / "MODEL" if s == "original" else resolve(s, **more),
    )
    monkeypatch.chdir(tmp_path)
    expected = json.loads((checkpoint / "expected.json").read_text(encoding="utf-8"))
    return Place(tmp_path, peer_numbers, expected, peer_text[1])


@checks("bilm-tf", "dump_bilm_embeddings")
def dump_bilm_embeddings(place, here):
    place.run(here)
    place.close("out.hdf5", "bilm/dump")
    assert place.keys("out.hdf5") == ["0", "1", "2", "3", "4"]


@checks("bilm-tf", "dump_token_embeddings")
def dump_token_embeddings(place, here):
    place.run(here)
    with h5py.File("tokens.hdf5") as file:
        np.testing.assert_allclose(file["embedding"], place.numbers["bilm/tokens"], atol=1e-5)


@checks("bilm-tf", "TokenBatcher")
def token_batcher(place, here):
    with h5py.File("tokens.hdf5", "w") as file:
        file["embedding"] = place.numbers["bilm/tokens"]
    (place.folder / "words.txt").rename("tokens.vocab.txt")
    place.run(here)
    by_characters = elmo.load("MODEL").embed(place.sentences)
    with h5py.File("out.hdf5") as file:
        for number, wanted in enumerate(by_characters):
            np.testing.assert_allclose(file[str(number)][()], wanted, atol=1e-5)
    # With <UNK> for what the file has not, as TokenBatcher has it:
    known = [[t if t in WORDS else "<UNK>" for t in s] for s in place.sentences[:3]]
    (place.folder / "text.txt").write_text("".join(f"{' '.join(s)}\n" for s in known))
    place.run(here, "--overwrite")
    with h5py.File("out.hdf5") as file:
        for number, tokens in enumerate(known):
            wanted = place.numbers["bilm/token_batch"][number, :, : len(tokens)]
            np.testing.assert_allclose(file[str(number)][()], wanted, atol=1e-5)


@checks("bilm-tf", "Batcher")
def batcher(place, here):
    found = place.evaluate(here, model=elmo.load("MODEL"), sentences=place.sentences[:3])
    np.testing.assert_array_equal(found, place.numbers["bilm/ids"])


def mixed(name):
    def check(place, here):
        model = elmo.load("MODEL")
        layer = place.evaluate(here, model=model)
        found = keras.ops.convert_to_numpy(layer(model.encode(place.sentences[:3])))
        for row, wanted, tokens in zip(
            found, place.numbers[f"bilm/mix/{name}"], place.sentences[:3], strict=True
        ):
            np.testing.assert_allclose(row[: len(tokens)], wanted[: len(tokens)], atol=1e-5)

    return check


checks("bilm-tf", 'weight_layers("input", ops)')(mixed("average"))
checks("bilm-tf", 'weight_layers("input", ops, use_top_only=True)')(mixed("top"))
checks("bilm-tf", 'weight_layers("input", ops, do_layer_norm=True)')(mixed("layer_norm"))


@checks("bilm-tf", "bin/train_elmo.py")
def bin_train_elmo(place, here):
    place.run(here, SMALL)
    settings = json.loads((place.folder / "folder/run/settings.json").read_text())["settings"]
    assert {name: settings[name] for name in BIN_TRAIN_ELMO} == BIN_TRAIN_ELMO
    options = json.loads((place.folder / "folder/options.json").read_text())
    assert options["bidirectional"] and options["n_tokens_vocab"] == 703
    words = (place.folder / "vocab.txt").read_text().split()
    assert (place.folder / "folder/vocab.txt").read_text().split() == words
    # The sizes, which are too large for a test, are those of the recipe.
    recipe = Path(elmo.__file__).parent / "settings" / "recipes" / "published.toml"
    sizes = tomllib.loads(recipe.read_text(encoding="utf-8"))["model"]
    assert (sizes["dim"], sizes["projection_dim"], sizes["char_embedding_dim"]) == (4096, 512, 16)
    assert sum(number for _, number in sizes["filters"]) == 2048


@checks("bilm-tf", "bin/restart.py")
def bin_restart(place, here):
    before = elmo.load("save_dir")
    place.run(here, "--max-steps 1 --quiet")
    settings = json.loads((place.folder / "folder/run/settings.json").read_text())["settings"]
    # Of the checkpoint's options.json and, where it is silent, of bin/restart.py.
    wanted = {"batch_size": 16, "window": 20, "negatives": 96, "clip_norm": 10.0}
    wanted |= {"loss_scale": 20, "optimizer": "adagrad", "learning_rate": 0.2}
    assert {name: settings[name] for name in wanted} == wanted
    assert json.loads((place.folder / "folder/options.json").read_text())["dropout"] == 0.1
    after = elmo.load("folder")
    assert before.step == 200 and after.vocabulary.tokens == before.vocabulary.tokens
    old, new = before.network.named_weights(), after.network.named_weights()
    moved = [float(np.abs(np.asarray(old[name]) - np.asarray(new[name])).max()) for name in old]
    assert 0 < max(moved) <= 0.2 * (1 + 1e-3)  # a step of Adagrad is never larger than its rate


@checks("bilm-tf", "bin/run_test.py")
def bin_run_test(place, here):
    found = json.loads(place.run(here, "--json"))
    assert found["both"] == pytest.approx(29.1756, abs=1e-3)
    assert found["tokens"] == 4139


@checks("bilm-tf", "bin/dump_weights.py")
def bin_dump_weights(place, here):
    place.run(here)
    found, wanted = {}, {}
    for path, arrays in (("folder/weights.hdf5", found), ("MODEL/weights.hdf5", wanted)):
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item, arrays=arrays: (
                    arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
                )
            )
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def command_elmo(layers):
    def check(place, here):
        assert "--batch-size 64" in here  # theirs; the numbers are of batches of two
        place.run(here.replace("--batch-size 64", "--batch-size 2"))
        place.close("out.hdf5", f"allennlp/{layers}")
        names = numbers_json()
        forgets = "bilm-tf" in here
        assert place.keys("out.hdf5") == [*"01234", *([] if forgets else ["sentence_to_index"])]
        if forgets:
            assert names["forgotten"] == [*"01234"]
            return
        with h5py.File("out.hdf5") as file:
            assert json.loads(file["sentence_to_index"][0]) == names["sentence_to_index"]

    return check


def numbers_json():
    path = importlib.import_module("tests.conftest").FIXTURES / "migrating" / "numbers.json"
    return json.loads(path.read_text(encoding="utf-8"))


checks("AllenNLP", "allennlp elmo in.txt out.hdf5 --all")(command_elmo("all"))
checks("AllenNLP", "allennlp elmo in.txt out.hdf5 --top")(command_elmo("top"))
checks("AllenNLP", "allennlp elmo in.txt out.hdf5 --average")(command_elmo("average"))
checks("AllenNLP", "allennlp elmo in.txt out.hdf5 --all --forget-sentences")(command_elmo("all"))


@checks("AllenNLP", "allennlp elmo in.txt out.hdf5 --top --use-sentence-keys")
def sentence_keys(place, here):
    program, arguments = here.split(" elmo ")
    assert program == "python -m elmo.compat.as_allennlp"
    allennlp_command.run([*shlex.split(arguments), "--batch-size", "2"])
    with h5py.File("out.hdf5") as file:
        assert sorted(file) == sorted(numbers_json()["sentence_keys"])
        for number, tokens in enumerate(place.sentences):
            wanted = place.numbers[f"allennlp/top/{number}"]
            np.testing.assert_allclose(file[" ".join(tokens)][()], wanted, atol=1e-5)


@checks("AllenNLP", "ElmoTokenEmbedder(")
def token_embedder(place, here):
    from elmo.compat.allennlp import ElmoTokenEmbedder, batch_to_ids

    files = "MODEL/options.json", "MODEL/weights.hdf5"
    there = "ElmoTokenEmbedder(options_file, weight_file, projection_dim=64)"
    assert there in SECTIONS["AllenNLP"] and "import ElmoTokenEmbedder" in here
    names = {
        "options_file": files[0],
        "weight_file": files[1],
        "ElmoTokenEmbedder": ElmoTokenEmbedder,
    }
    ids = batch_to_ids(place.sentences)
    assert tuple(eval(there, names)(ids).shape) == (*ids.shape[:2], 64)
    found = keras.ops.convert_to_numpy(ElmoTokenEmbedder(*files, dropout=0)(ids))
    np.testing.assert_allclose(found, place.numbers["allennlp/layer"], atol=1e-5)


@checks("AllenNLP", "ScalarMix(")
def scalar_mix(place, here):
    from elmo.compat.allennlp import ScalarMix

    assert "ScalarMix(3, do_layer_norm=True)" in SECTIONS["AllenNLP"] and "ScalarMix" in here
    layers = np.random.default_rng(0).normal(2, 3, (3, 2, 4, 5)).astype("float32")
    found = keras.ops.convert_to_numpy(ScalarMix(3, do_layer_norm=True)(list(layers)))
    normed = [(layer - layer.mean()) / layer.std() for layer in layers]
    np.testing.assert_allclose(found, np.mean(normed, axis=0), atol=1e-5)


@checks("AllenNLP", "ELMoTokenCharactersIndexer(")
def indexer(place, here):
    from elmo.compat.allennlp import ELMoTokenCharactersIndexer

    code = 'ELMoTokenCharactersIndexer(tokens_to_add={"<first>": 1})'
    assert code in SECTIONS["AllenNLP"] and "ELMoTokenCharactersIndexer" in here
    made = eval(code, {"ELMoTokenCharactersIndexer": ELMoTokenCharactersIndexer})
    ids = made.tokens_to_indices(["<first>", *place.sentences[0]], None, "elmo")["elmo"]
    assert ids[0] == [259, 2, 260] + [261] * 47
    wanted = place.numbers["allennlp/ids"][0, : len(place.sentences[0])]
    np.testing.assert_array_equal(ids[1:], wanted)


@checks("AllenNLP", "a program that cannot be changed")
def unchanged_program(place, here):
    program = place.folder / "program.py"
    program.write_text(
        "from allennlp.commands.elmo import ElmoEmbedder\n"
        "with open('in.txt', encoding='utf-8') as file:\n"
        "    sentences = [line.split() for line in file]\n"
        "embedder = ElmoEmbedder('MODEL/options.json', 'MODEL/weights.hdf5')\n"
        "import numpy\n"
        "vectors = list(embedder.embed_sentences(sentences, 2))\n"
        "numpy.savez('out.npz', *vectors)\n"
    )
    module, *arguments = here.removeprefix("python -m ").split()
    saved = sys.argv, list(sys.path)
    try:
        importlib.import_module(module).main(arguments)
    finally:
        sys.argv, sys.path[:] = saved
        allennlp_alias.uninstall()
    with np.load("out.npz") as found:
        for number in range(5):
            wanted = place.numbers[f"allennlp/all/{number}"]
            np.testing.assert_allclose(found[f"arr_{number}"], wanted, atol=1e-5)


@checks("simple_elmo", "model.elmo_sentence_input")
@checks("simple_elmo", "model.get_elmo_vectors(sentences, session=session)")
def session(place, here):
    names = dict(vars(ours_of_simple_elmo), sentences=place.sentences)
    names["model"] = model = ours_of_simple_elmo.ElmoModel()
    model.load("MODEL", max_batch_size=2)
    names["session"] = Place  # any object
    (choose,) = [here for there, here in rows("simple_elmo") if "elmo_sentence_input" in there]
    exec(choose, names)
    for number in range(2):
        found = model.get_elmo_vectors(place.sentences, session=names["session"])
        wanted = place.numbers[f"simple_elmo/session_{number}"]
        same_tokens(found, wanted, place.sentences)


@checks("simple_elmo", "model.load(folder, limit=1000)")
def limit(place, here):
    model = ours_of_simple_elmo.ElmoModel()
    eval(here, {"model": model, "folder": "MODEL"})
    found = model.get_elmo_vectors(place.sentences)
    same_tokens(found, place.numbers["simple_elmo/default"], place.sentences)


@checks("simple_elmo", "model.load(save_dir, full=True)")
def substitutes(place, here):
    model = ours_of_simple_elmo.ElmoModel()
    model.load("save_dir", full=True)
    (words,) = model.get_elmo_substitutes(["the first"], topn=2)
    assert [word["word"] for word in words] == ["the", "first"]
    # What they are is held by tests/compat/test_simple_elmo.py, beside bilm-tf's log-probabilities.


def same_tokens(found, wanted, sentences):
    """Vectors agree at tokens; behind them simple_elmo has no zeros."""
    for row, other, tokens in zip(found, wanted, sentences, strict=True):
        np.testing.assert_allclose(row[: len(tokens)], other[: len(tokens)], atol=1e-5)


def run_block(section, place, sentences):
    (code,) = blocks(section, "now")
    names = {
        "sentences": sentences,
        "folder": "MODEL",
        "options_file": "MODEL/options.json",
        "weight_file": "MODEL/weights.hdf5",
    }
    exec(compile(code, f"migrating.md: {section}", "exec"), names)
    return names


def test_the_block_of_bilm_tf(place):
    sentences = place.sentences[:3]
    names = run_block("bilm-tf", place, sentences)
    wanted = place.numbers["bilm/mix/average"]
    same_tokens(names["vectors"], wanted, sentences)
    same_tokens(keras.ops.convert_to_numpy(names["mix"]), wanted, sentences)


def test_the_block_of_allennlp(place):
    names = run_block("AllenNLP", place, place.sentences)
    assert len(names["mixes"]) == 2
    for mix in names["mixes"]:
        found = keras.ops.convert_to_numpy(mix)
        np.testing.assert_allclose(found, place.numbers["allennlp/layer"], atol=1e-5)


def test_the_block_of_simple_elmo(place):
    names = run_block("simple_elmo", place, place.sentences)
    same_tokens(names["vectors"], place.numbers["simple_elmo/default"], place.sentences)
    longest = 2  # the others' sums have what stands behind them, too
    wanted = place.numbers["simple_elmo/mean_default"][longest]
    np.testing.assert_allclose(names["means"][longest], wanted, atol=1e-5)
