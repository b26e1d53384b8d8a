"""The benchmarks by name: `python -m benchmarks` lists them, `python -m benchmarks NAME …` runs one."""

import ast
import runpy
import sys
from pathlib import Path

HERE = Path(__file__).parent


def scripts():
    """Names and first lines of the benchmarks.

    Example:
        >>> scripts()["train_speed"][:29]
        'Speed of a training step: tok'
    """
    found = {}
    for path in sorted(HERE.glob("[a-z]*.py")):
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[path.stem] = text.partition("\n")[0].rstrip(".")
    return found


def main():
    known = scripts()
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        width = max(map(len, known))
        for name, line in known.items():
            print(f"{name:{width}}  {line}")
        return
    name = sys.argv.pop(1)
    if name not in known:
        sys.exit(f"no benchmark {name!r}: must be one of {', '.join(known)}")
    sys.argv[0] = f"benchmarks.{name}"
    runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
