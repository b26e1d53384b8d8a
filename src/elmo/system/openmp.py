"""How the threads of OpenMP, which PyTorch computes with, wait for each other.

At the end of each piece of work the threads that are done wait for the others, by default turning for
some milliseconds before they sleep. That is no loss where each has a core to itself. Where another
process has one of the cores, a recurrence meets such a wait many times in each step: embedding became
two to thirty times slower (benchmarks/NOTES.md).
"""

from __future__ import annotations

import os

TURNS = "1000"  # of the waiting loop, some microseconds: about as long as the gaps within a step
VARIABLES = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")


def wait_briefly() -> None:
    """Have threads sleep when they have waited for some microseconds; what the user has set holds.

    The library reads it when it is loaded, so this comes before PyTorch is imported.
    """
    if not any(name in os.environ for name in VARIABLES):
        os.environ["GOMP_SPINCOUNT"] = TURNS
