"""What `elmo` exports has types that an editor shows."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

import elmo

SCRIPT = """
import elmo

model = elmo.load("folder")
reveal_type(model)
reveal_type(elmo.train("text.txt", output="folder"))
reveal_type(model.embed([["a"]]))
reveal_type(model.evaluate("text.txt"))
reveal_type(model.vocabulary)
reveal_type(elmo.read_vectors("vectors.npy"))
reveal_type(elmo.Corpus("text.txt"))
reveal_type(elmo.BiLMConfig(vocabulary_size=3).lstm)
reveal_type(elmo.datasets)
elmo.nothing
"""
REVEALED = [
    "elmo.api.BiLM",
    "elmo.api.BiLM",
    "list[numpy.ndarray[",
    "elmo.training.evaluation.Evaluation",
    "elmo.text.vocabulary.Vocabulary | None",
    "elmo.vectors.reading.Vectors",
    "elmo.text.corpus.Corpus",
    "elmo.config.LSTMConfig",
    "types.ModuleType",
]


def test_a_type_checker_knows_what_is_exported(tmp_path):
    pytest.importorskip("mypy")
    script = tmp_path / "script.py"
    names = "".join(f"reveal_type(elmo.{name})\n" for name in elmo.__all__)
    script.write_text(SCRIPT + names)
    source = pathlib.Path(elmo.__file__).parent.parent
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--follow-imports=silent", "--no-error-summary"),
            *("--ignore-missing-imports", f"--cache-dir={tmp_path}", str(script)),
        ],
        env={**os.environ, "MYPYPATH": str(source)},
        capture_output=True,
        text=True,
    )
    revealed = [
        name.replace("builtins.list", "list")
        for name in re.findall(r'Revealed type is "(.*)"', done.stdout)
    ]
    assert len(revealed) == len(REVEALED) + len(elmo.__all__), done.stdout + done.stderr
    for found, wanted in zip(revealed, REVEALED, strict=False):
        assert found.startswith(wanted), (found, wanted)
    assert not [found for found in revealed if found == "Any"]
    assert 'has no attribute "nothing"' in done.stdout


def test_the_names_of_the_module_are_what_it_exports():
    assert set(elmo.__all__) == {n for n in dir(elmo) if not n.startswith("__")} | {"__version__"}
