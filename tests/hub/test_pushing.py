"""Models go to the hub and come back by its own client; a server on this machine plays the hub."""

import json
import os
import re
from pathlib import Path

import pytest

import elmo
from elmo.formats.pretrained import read, write_folder
from tests.formats.helpers import assert_same_weights, character_config, model, word_config
from tests.hub.server import TOKEN

pytest.importorskip("huggingface_hub")

LICENCE = ("--license", "cc-by-4.0")


@pytest.fixture
def folder(tmp_path):
    return write_folder(model(character_config(vocabulary_size=7)), tmp_path / "model")


def refused(done):
    """The sentence of a command that must fail as users' mistakes do."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr and not done.stdout
    sentence = done.stderr.strip().splitlines()[-1]
    assert sentence.startswith("elmo: error: ")
    return sentence.removeprefix("elmo: error: ")


def test_there_and_back(hub, run, folder, tmp_path):
    (folder / "run").mkdir()
    text = {"settings": {}, "text": {"tokens": 2764, "sentences": 114}}
    (folder / "run" / "settings.json").write_text(json.dumps(text))
    (folder / "run" / "metrics.csv").write_text("epoch,step,valid_both,kept\n2,80,97.65,1\n")
    done = run("-m", "elmo", "push", folder, "user/my-elmo", *LICENCE, "--language", "en", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (_, first), (commit, message) = hub.commits["user/my-elmo"]
    assert (first, message) == (
        "initial commit",
        f"Upload model with elmo-keras {elmo.__version__}",
    )
    assert (found["source"], found["commit"]) == ("hf://user/my-elmo", commit)
    assert found["url"] == f"{run.address}/user/my-elmo"
    tree = hub.tree("user/my-elmo")
    names = {"options.json", "vocab.txt", "vocab.counts.txt", "weights.hdf5"}
    assert {path.name for path in tree.iterdir()} == {*names, "README.md", ".gitattributes"}
    for name in names:
        assert (tree / name).read_bytes() == (folder / name).read_bytes()
    assert found["files"] == {n: (tree / n).stat().st_size for n in {*names, "README.md"}}
    assert any(path.endswith("/lfs/objects/batch") for _, path in hub.requests)
    assert "user/my-elmo" not in hub.private

    card = (tree / "README.md").read_text(encoding="utf-8")
    assert "license: cc-by-4.0" in card and "| validation | – | – | 97.65 |" in card
    (example,) = re.findall(r"^```python\n(.*?)^```$", card, re.M | re.S)
    done = run("-c", example, token=None)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "(3, 5, 6)"
    script = "import sys, elmo; elmo.load('hf://user/my-elmo').save(sys.argv[1], overwrite=True)"
    assert run("-c", script, tmp_path / "again", token=None).returncode == 0
    assert_same_weights(read(tmp_path / "again").weights, read(folder).weights)


def test_a_second_model_takes_the_place_of_the_first(hub, run, folder, tmp_path):
    assert run("-m", "elmo", "push", folder, "user/my-elmo", *LICENCE).returncode == 0
    (hub.tree("user/my-elmo") / "notes.txt").write_text("of the user")
    second = write_folder(model(character_config(), softmax=False), tmp_path / "second")
    done = run("-m", "elmo", "push", second, "user/my-elmo", *LICENCE, "--message", "no softmax")
    assert done.returncode == 0, done.stderr
    assert re.match(
        r"hf://user/my-elmo: http://127\S+/user/my-elmo, commit [0-9a-f]{8}\n", done.stdout
    )
    assert [message for _, message in hub.commits["user/my-elmo"]][2:] == ["no softmax"]
    assert {path.name for path in hub.tree("user/my-elmo").iterdir()} == {
        *("options.json", "weights.hdf5", "README.md", "notes.txt", ".gitattributes")
    }  # no vocabulary of the first


def test_a_private_model_from_python(hub, run, folder):
    script = f"""
import elmo
model = elmo.load({str(folder)!r})
pushed = model.push_to_hub("user/secret", license="mit", private=True, token={TOKEN!r})
print(pushed.source, pushed.commit)
for wrong in (
    lambda: model.push_to_hub("user/secret", token={TOKEN!r}),
    lambda: model.push_to_hub("user/secret", license="mit", run="."),
):
    try:
        wrong()
    except ValueError as error:
        print(error)
"""
    done = run("-c", script, token=None)
    assert done.returncode == 0, done.stderr
    pushed, no_licence, no_run = done.stdout.strip().splitlines()
    assert pushed == f"hf://user/secret {hub.commits['user/secret'][-1][0]}"
    assert hub.private == {"user/secret"}
    assert "licence of the model is missing" in no_licence
    assert no_run == "run='.': not the folder of a training"
    sentence = refused(run("-m", "elmo", "info", "hf://user/secret", token=None))
    assert sentence.startswith("hf://user/secret: cannot be downloaded: private, not there, or")
    assert "HF_TOKEN" in sentence
    done = run("-m", "elmo", "info", "hf://user/secret", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["vocabulary"] == 7


def test_what_is_refused(hub, run, folder):
    def push(*words, **more):
        return refused(run("-m", "elmo", "push", folder, *words, **more))

    assert "licence of the model is missing; give the hub's name of it (--license" in push("user/m")
    assert push("my-elmo", *LICENCE) == "my-elmo: must be user/model"
    assert hub.commits == {} and hub.requests == []
    nothing = "hf://user/m: nothing was committed: "
    assert push("user/m", *LICENCE, token=None).startswith(f"{nothing}private, not there, or the")
    assert "(401)" in push("user/m", *LICENCE, token="hf_of_another")
    assert "no right" in push("others/m", *LICENCE) and hub.commits == {}
    hub.complaint = '"license" must be one of the known ones'
    assert "must be one of the known ones" in push("user/m", "--license", "mine")
    hub.complaint, hub.failing = None, 503
    assert push("user/m", *LICENCE).startswith(nothing)
    assert [message for _, message in hub.commits["user/m"]] == ["initial commit"]
    nobody = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    assert push("user/m", *LICENCE, **nobody).startswith(nothing)


def test_without_the_extra(run, folder, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys; sys.modules['huggingface_hub'] = None\n"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(elmo.__file__).parent.parent)])
    for words in (("push", folder, "user/m", *LICENCE), ("info", "hf://user/m")):
        sentence = refused(run("-m", "elmo", *words, PYTHONPATH=path))
        assert sentence == (
            "hf://user/m: wants the package huggingface_hub: pip install 'elmo-keras[hub]'"
        )


def test_a_word_model(hub, run, tmp_path):
    folder = write_folder(model(word_config(weight_tying=True)), tmp_path / "words")
    assert run("-m", "elmo", "push", folder, "user/words", *LICENCE).returncode == 0
    done = run("-m", "elmo", "info", "hf://user/words", "--json")
    assert json.loads(done.stdout)["architecture"]["weight_tying"] is True
