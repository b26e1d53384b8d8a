import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from elmo.system.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()

def work():
    return len(b"x" * 64_000_000)  # asked for, written and freed

for _ in range(3):
    work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has this option")
def test_freed_memory_is_not_asked_for_again():
    def faults(how):
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
        )
        return int(run.stdout)

    returned, kept = faults("return"), faults("keep")
    assert returned >= 10 * 30  # ten times 64 MB in pages of 4 KB, or of 2 MB
    assert kept < returned / 20


HOLES = """
import numpy as np
from elmo.system.memory import keep_freed_memory, return_freed_memory
keep_freed_memory()

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1])

pieces = [np.ones(1_000_000, np.uint8) for _ in range(100)]
before = resident()
del pieces[::2]  # between others that stay
held = resident()
assert return_freed_memory()
print(before - held, before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has this function")
def test_freed_memory_between_other_pieces_is_returned():
    run = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    held, returned = map(int, run.stdout.split())
    page = 4096
    assert held * page < 5e6 and returned * page > 40e6  # of 50 MB
