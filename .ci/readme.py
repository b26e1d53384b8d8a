"""Runs the README's commands, in their order, in a new virtual environment and an empty folder.

    python .ci/readme.py [--keep FOLDER]

The texts that the README speaks of are made from what the demo keeps. Needs a package index, and some
minutes.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = ".[onnx,safetensors,stores]"  # what the commands under "First use" need besides


def blocks(text: str) -> list[tuple[str, str]]:
    """Pairs of a language and the code in a fence."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)


def write_texts(work: Path) -> None:
    """`corpus/`, `valid.txt`, `test.txt` and `sentences.txt`, from the text that the demo held out."""
    lines = (work / "elmo-demo/run/held-out.txt").read_text(encoding="utf-8").splitlines()
    lines = ["The bank closed .", "He sat on the bank of the river .", *lines]
    third = len(lines) // 3
    (work / "corpus").mkdir()
    with gzip.open(work / "corpus/a.txt.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines[:third]) + "\n")
    parts = {"valid": lines[third : 2 * third], "test": lines[2 * third :], "sentences": lines[:50]}
    for name, part in parts.items():
        (work / f"{name}.txt").write_text("\n".join(part) + "\n", encoding="utf-8")
    with gzip.open(work / "corpus/b.gz", "wt", encoding="utf-8") as file:
        file.write("\n".join(lines[:50]) + "\n")


def main() -> None:
    """Run everything; the first command that fails ends it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--keep", type=Path, help="work in this new folder, and leave it there")
    keep = parser.parse_args().keep
    with tempfile.TemporaryDirectory() as folder:
        work = keep or Path(folder)
        work.mkdir(exist_ok=True)
        run_all(work)


def run_all(work: Path) -> None:
    """The README's blocks of shell and Python, in `work`."""
    venv.create(work / "venv", with_pip=True)
    place = work / "venv" / ("Scripts" if os.name == "nt" else "bin")
    environment = {**os.environ, "PATH": f"{place}{os.pathsep}{os.environ['PATH']}"}
    for name in ("PYTHONPATH", "PYTHONHOME", "KERAS_BACKEND"):
        environment.pop(name, None)

    def run(command: str, folder: Path) -> None:
        print(f"\n$ {command}", flush=True)
        begin = time.perf_counter()
        done = subprocess.run(command, shell=True, cwd=folder, env=environment)
        print(f"({time.perf_counter() - begin:.0f} s)", flush=True)
        if done.returncode:
            sys.exit(f"failed with exit status {done.returncode}: {command}")

    for language, code in blocks((ROOT / "README.md").read_text(encoding="utf-8")):
        if language == "python":
            # The shell's block has written under the README's names.
            code = code.replace('output="my-elmo"', 'output="again"').replace("vectors.", "again.")
            (work / "readme.py").write_text(code, encoding="utf-8")
            run("python readme.py", work)
        for line in code.splitlines() if language == "" else ():
            if line.startswith("pip install"):
                run(line, ROOT)
            elif line.startswith("elmo "):
                run(line, work)
                if line == "elmo demo":
                    write_texts(work)
                    run(f'pip install -e "{EXTRAS}"', ROOT)


if __name__ == "__main__":
    main()
