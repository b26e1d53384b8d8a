import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
from elmo.allocator import keep_freed_memory
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
