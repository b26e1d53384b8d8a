"""How fast simple_elmo embeds, run by the Python of its own environment; see benchmarks/embed_speed.py.

Reads {"folder", "sentences", "batch_size", "repeat"} as JSON from standard input and prints one JSON
object: seconds of each run (the first one apart, it also warms up), and the process's peak memory.
"""

import json
import os
import resource
import sys
import time
from importlib.metadata import version

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

from simple_elmo import ElmoModel


def main():
    task = json.load(sys.stdin)
    model = ElmoModel()
    model.load(task["folder"], max_batch_size=task["batch_size"])
    seconds = []
    for number in range(task["repeat"] + 1):
        begin = time.perf_counter()
        model.get_elmo_vectors(task["sentences"], warmup=number == 0, layers="all")
        seconds.append(time.perf_counter() - begin)
    print(
        json.dumps(
            {
                "seconds": seconds[1:],
                "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
                "versions": {n: version(n) for n in ("simple_elmo", "tensorflow-cpu", "tf_keras")},
            }
        )
    )


if __name__ == "__main__":
    main()
