"""Waiting threads sleep, unless the user has said otherwise."""

import os
import subprocess
import sys


def test_waiting_threads_sleep():
    code = (
        "from elmo.system.openmp import wait_briefly; import os; wait_briefly(); "
        "print(os.environ.get('GOMP_SPINCOUNT'))"
    )
    plain = {k: v for k, v in os.environ.items() if k not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    plain["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    for more, wanted in (
        ({}, "1000"),
        ({"OMP_WAIT_POLICY": "active"}, "None"),
        ({"GOMP_SPINCOUNT": "7"}, "7"),
    ):
        words = [sys.executable, "-c", code]
        assert subprocess.check_output(words, env=plain | more, text=True).strip() == wanted
