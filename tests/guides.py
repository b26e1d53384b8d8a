"""The blocks of Python in a guide, run from top to bottom as a reader would."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

GUIDES = Path(__file__).parent.parent / "docs" / "guides"
BLOCK = re.compile(r"(<!-- other processes: ([\w ]+) -->\n)?```python\n(.*?)^```$", re.M | re.S)


def run_guide(name, stop=None):
    """Run a guide in the current folder, up to the line `stop` where one is given.

    A block under `<!-- other processes: BACKEND … -->` runs in a process per backend that is installed.

    Returns:
        The names that the blocks have defined, and what each other process printed.
    """
    names, printed = {"__name__": "__main__"}, []
    text = (GUIDES / name).read_text(encoding="utf-8")
    if stop is not None:
        text = text[: text.index(stop)]
    found = list(BLOCK.finditer(text))
    assert len(found) > 1
    for block in found:
        _, backends, code = block.groups()
        if backends:
            installed = filter(importlib.util.find_spec, backends.split())
            printed += [_elsewhere(code, backend) for backend in installed]
        else:
            exec(compile(code, f"{name}: {code.splitlines()[0]}", "exec"), names)
    return names, printed


def _elsewhere(code, backend):
    where = os.pathsep.join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": where},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
