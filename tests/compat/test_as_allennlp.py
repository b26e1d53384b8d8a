"""AllenNLP's own names for what stands in for it."""

import importlib
import json
import os
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest

from elmo.compat import allennlp_alias, allennlp_command
from elmo.compat.allennlp import ElmoEmbedder

TORCH = keras.backend.backend() == "torch"
MODULE = "elmo.compat.as_allennlp"


@pytest.fixture
def alias():
    """AllenNLP's names while a test runs."""
    sys.modules.pop(MODULE, None)
    importlib.import_module(MODULE)
    yield
    allennlp_alias.uninstall()
    assert "allennlp" not in sys.modules


def test_the_embedder(alias, files):
    import allennlp.commands.elmo  # as Flair has it

    assert allennlp.commands.elmo.ElmoEmbedder is ElmoEmbedder
    assert allennlp.commands.elmo.DEFAULT_OPTIONS_FILE.startswith("https://")
    embedder = allennlp.commands.elmo.ElmoEmbedder(
        options_file=files[0], weight_file=files[1], cuda_device=-1
    )
    (found,) = embedder.embed_batch([["a", "bank"]])
    assert found.shape == (3, 2, 6)


def test_modules_want_pytorch(alias):
    if TORCH:
        from allennlp.modules import Elmo as by_package
        from allennlp.modules.elmo import Elmo, batch_to_ids  # noqa: F401
        from allennlp.modules.token_embedders import ElmoTokenEmbedder  # noqa: F401

        assert Elmo is by_package
        return
    with pytest.raises(ImportError, match=r"KERAS_BACKEND=torch"):
        importlib.import_module("allennlp.modules.elmo")
    assert "allennlp.modules.elmo" not in sys.modules


@pytest.mark.parametrize(
    "module",
    [n for n in allennlp_alias.MODULES if TORCH or not n.startswith(("allennlp.m", "allennlp.n"))],
)
def test_every_name(alias, module):
    found = importlib.import_module(module)
    for name in allennlp_alias.MODULES[module]:
        assert getattr(found, name) is not None


def test_other_modules_are_named(alias):
    with pytest.raises(ModuleNotFoundError, match=r"allennlp\.models.*ELMo alone"):
        importlib.import_module("allennlp.models")
    with pytest.raises(ImportError, match="cannot import name 'Model'"):
        exec("from allennlp.commands.elmo import Model")


def test_the_real_one_stays(tmp_path, monkeypatch):
    (tmp_path / "allennlp").mkdir()
    (tmp_path / "allennlp" / "__init__.py").write_text("real = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop(MODULE, None)
    before = list(sys.meta_path)
    with pytest.raises(ImportError, match=rf"{tmp_path}.*replaces nothing"):
        importlib.import_module(MODULE)
    assert sys.meta_path == before
    try:
        assert importlib.import_module("allennlp").real
        with pytest.raises(ImportError, match="replaces nothing"):  # imported already
            importlib.import_module(MODULE)
    finally:
        sys.modules.pop("allennlp", None)


def test_a_program_as_it_is(tmp_path, files):
    """It runs under the names, with its own arguments and the modules beside it."""
    (tmp_path / "beside.py").write_text("from allennlp.commands.elmo import ElmoEmbedder\n")
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nfrom beside import ElmoEmbedder\n"
        "print(ElmoEmbedder(*sys.argv[1:]).embed_sentence(['a', 'bank']).shape, __name__)\n"
    )
    run = [sys.executable, "-m", MODULE]
    done = subprocess.run([*run, program, *files], capture_output=True, text=True)
    assert done.stdout == "(3, 2, 6) __main__\n", done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"), [(["none.py"], "none.py: no such program\nusage:"), ([], "usage:")]
)
def test_refused_programs(alias, capsys, arguments, text):
    with pytest.raises(SystemExit) as stopped:
        sys.modules[MODULE].main(arguments)
    assert stopped.value.code == 2 and text in capsys.readouterr().err


def test_the_command(peer_model, peer_numbers, peer_text, tmp_path):
    """What `allennlp elmo` itself wrote, dataset for dataset."""
    names = json.loads((peer_text[0].parent / "numbers.json").read_text(encoding="utf-8"))
    model = ["--options-file", str(peer_model / "options.json")]
    model += ["--weight-file", str(peer_model / "weights.hdf5"), "--batch-size", "2"]
    output = tmp_path / "out.hdf5"
    for layers in ("all", "top", "average"):
        allennlp_command.run([str(peer_text[0]), str(output), f"--{layers}", *model])
        with h5py.File(output) as file:
            assert json.loads(file["sentence_to_index"][0]) == names["sentence_to_index"]
            assert len(file) == 6
            for number in range(5):
                wanted = peer_numbers[f"allennlp/{layers}/{number}"]
                np.testing.assert_allclose(file[str(number)][()], wanted, atol=1e-5)
    for flag, keys in (
        ("--forget-sentences", names["forgotten"]),
        ("--use-sentence-keys", names["sentence_keys"]),
    ):
        allennlp_command.run([str(peer_text[0]), str(output), "--top", flag, *model])
        with h5py.File(output) as file:
            assert sorted(file) == sorted(keys)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["in.txt", "out.hdf5"], "one of the arguments --all --top --average is required"),
        (["in.txt", "out.hdf5", "--top", "--batch-size", "0"], "--batch-size 0: must be 1"),
        (["none.txt", "out.hdf5", "--top"], "none.txt"),
        (["in.txt", "none/out.hdf5", "--top"], "none"),
        (["in.txt", "out.hdf5", "--top", "--use-sentence-keys"], "cannot be a key"),
        (["in.txt", "out.hdf5", "--top", "--weight-file", "none.hdf5"], "none.hdf5"),
    ],
)
def test_refused_commands(files, tmp_path, monkeypatch, capsys, arguments, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.txt").write_text("a b\na b\n")
    model = ["--options-file", files[0], "--weight-file", files[1]]
    with pytest.raises(SystemExit) as stopped:
        allennlp_command.run([*arguments[:2], *model, *arguments[2:]])
    assert stopped.value.code == 2
    assert text in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["in.txt"]
