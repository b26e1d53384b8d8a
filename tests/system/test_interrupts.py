"""Ctrl-C ends a command even where Python would ignore it."""

import subprocess
import sys

LOST = """
import signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from elmo.system.interrupts import keep_interrupts
if KEPT:
    keep_interrupts()
class Deaf:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
        time.sleep(0)
try:
    thing = Deaf()
    del thing
    time.sleep(WAIT)
    print("went on")
except KeyboardInterrupt:
    print("interrupted")
"""


def run(kept: bool) -> subprocess.CompletedProcess[str]:
    code = LOST.replace("KEPT", str(kept)).replace("WAIT", "20" if kept else "0.2")
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_an_ignored_interrupt_is_raised_again():
    lost = run(kept=False)
    assert "KeyboardInterrupt" in lost.stderr  # what Python does by itself
    assert lost.stdout == "went on\n"
    kept = run(kept=True)
    assert kept.stdout == "interrupted\n" and kept.stderr == ""
