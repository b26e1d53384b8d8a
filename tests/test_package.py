"""What the package shows to the world, and how fast it comes."""

import importlib.metadata
import json
import os
import subprocess
import sys

import pytest

import elmo

_LOADED = "import sys, json; json.dump(sorted({m.split('.')[0] for m in sys.modules}), sys.stdout)"
HEAVY = {"keras", "jax", "tensorflow", "torch", "matplotlib", "h5py", "rich"}


def run(code, **environment):
    env = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True
    ).stdout


def test_import_elmo_loads_no_backend():
    loaded = json.loads(run(f"import elmo, elmo.cli.main; {_LOADED}"))
    assert not HEAVY & set(loaded)


def test_import_elmo_loads_little_of_its_own():
    """The names that it exports come when they are asked for."""
    code = "import sys, elmo; print(*sorted(m for m in sys.modules if m.split('.')[0] == 'elmo'))"
    loaded = set(run(code).split())
    assert "elmo" in loaded and "elmo.api" not in loaded
    rooms = {name.split(".")[1] for name in loaded - {"elmo"}}
    assert rooms <= {"_version", "registering", "system"}


def test_help_loads_no_backend_and_is_quick():
    code = (
        "import sys, json\nfrom elmo.cli.main import cli\n"
        "try: cli(['--help'], prog_name='elmo')\nexcept SystemExit: pass\n"
        "print('LOADED', json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    )
    shown, loaded = run(code).split("LOADED")
    assert "train" in shown and "demo" in shown
    assert not HEAVY & set(json.loads(loaded))
    # Time of the processor, which other programs on the machine do not lengthen.
    before = os.times()
    run("from elmo.cli.main import cli\ncli(['--help'], prog_name='elmo')")
    after = os.times()
    used = after.children_user + after.children_system
    assert used - before.children_user - before.children_system < 0.5


def test_the_backend_is_jax_unless_somebody_chose():
    code = "import os, elmo; print(os.environ['KERAS_BACKEND'])"
    env = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env)
    assert out.stdout.strip() == "jax"
    assert run(code, KERAS_BACKEND="torch").strip() == "torch"


@pytest.mark.parametrize("name", elmo.__all__)
def test_what_is_exported_is_there(name):
    assert getattr(elmo, name) is not None
    assert name in dir(elmo)


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = elmo.nothing


def test_the_version_is_that_of_the_distribution():
    try:
        installed = importlib.metadata.version("elmo-keras")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("elmo-keras runs from its sources")
    assert elmo.__version__ == installed


def test_types_are_declared():
    assert os.path.exists(os.path.join(os.path.dirname(elmo.__file__), "py.typed"))
