"""The blocks of Python in a guide, run from top to bottom as a reader would."""

import os
import re
import subprocess
import sys
from pathlib import Path

GUIDES = Path(__file__).parent.parent / "docs" / "guides"
BLOCK = re.compile(r"(<!-- another process: (\w+) -->\n)?```python\n(.*?)^```$", re.M | re.S)


def run_guide(name):
    """Run a guide in the current folder.

    A block under `<!-- another process: BACKEND -->` runs in a process of its own.

    Returns:
        The names that the blocks have defined, and what each other process printed.
    """
    names, printed = {"__name__": "__main__"}, []
    found = list(BLOCK.finditer((GUIDES / name).read_text(encoding="utf-8")))
    assert len(found) > 3
    for block in found:
        _, backend, code = block.groups()
        if backend:
            printed.append(_elsewhere(code, backend))
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
