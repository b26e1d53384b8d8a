"""A process that works on parts: `python -m elmo.bulk.worker OUTPUT PACKED THREADS`.

It reads a task a line from standard input, `block 3` or `part 12`, and answers with lines of JSON:
`{"tokens": …}` on the way, `{"done": true}`, or `{"error": …, "kind": …}`. When its input ends,
because its parent closed it or is no more, it goes away at once.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
import traceback
from typing import Any

EVERY = 0.5  # seconds between two words about progress


def main() -> None:
    """Work until there is nothing more to read."""
    # Ctrl-C goes to every process of a terminal; the parent sees to it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer

    def say(**values: Any) -> None:
        print(json.dumps(values), file=answers, flush=True)

    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(tasks,), daemon=True).start()
    try:
        runner = _runner(sys.argv[1], sys.argv[2], int(sys.argv[3]))
        say(ready=True)
        while True:
            kind, number = tasks.get().split()
            if kind == "block":
                runner.block(int(number))
            else:
                runner.part(int(number), _tell(say))
            say(done=True)
    except BaseException as error:
        say(
            error=str(error),
            kind=type(error).__name__,
            meant=isinstance(error, OSError | ValueError | MemoryError),
            trace=traceback.format_exc(),
        )
        sys.exit(1)


def _runner(output: str, packed: str, threads: int) -> Any:
    _limit_threads(threads)
    from pathlib import Path

    from elmo.bulk.parts import PartRunner
    from elmo.bulk.sending import unpack
    from elmo.bulk.workplace import Workplace

    place = Workplace(output)
    job, _ = place.manifest()
    embedder = unpack(Path(packed))
    if embedder.engine.name == "torch":
        _limit_torch(threads)
    return PartRunner(embedder, job, place)


def _limit_threads(threads: int) -> None:
    """What the environment cannot say; the rest stands in `elmo.bulk.workers`."""
    backend = os.environ.get("KERAS_BACKEND")
    if backend == "torch":
        _limit_torch(threads)
    elif backend == "tensorflow":
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def _limit_torch(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)


def _read(tasks: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)


def _tell(say: Any) -> Any:
    last = time.monotonic()

    def tell(sentences: int, tokens: int) -> None:
        nonlocal last
        if time.monotonic() - last >= EVERY:
            last = time.monotonic()
            say(sentences=sentences, tokens=tokens)

    return tell


if __name__ == "__main__":
    main()
