"""`python -m tests.bulk.killed`: embeds in processes of its own and kills them, as it is told.

A line of JSON on standard input is a run: `options` of `embed_file`, and `after` seconds or before the
`call`-th time that something is made sure on the disk, when the process is killed. The answer is a
line too: the `status` that it ended with, and how many `calls` there were and `seconds` it took.
"""

import json
import os
import random
import signal
import sys
import time

from elmo.bulk import fingerprint
from elmo.embed.embedder import Embedder
from elmo.text.encoding import SentenceEncoder
from tests.embed.helpers import CONFIGS, NumpyEngine, embed_file, network

CONFIG = CONFIGS["characters"]


def sentences():
    draw = random.Random(0)
    words = [f"w{number}" for number in range(60)]
    return [draw.choices(words, k=draw.randrange(12)) for _ in range(150)]


def count_calls(call):
    """Kill this process before the `call`-th of the calls that make things sure."""
    calls = [0]

    def counting(function):
        def counted(*arguments, **options):
            calls[0] += 1
            if calls[0] == call:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return counted

    for name in ("fsync", "replace", "unlink", "rmdir", "pwrite"):
        setattr(os, name, counting(getattr(os, name)))
    return calls


def run(embedder, task):
    """One run, in a process that is killed; gives what it says and its status."""
    read, write = os.pipe()
    begin = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            calls = count_calls(task.get("call"))
            embed_file(embedder, sentences(), **task["options"])
            os.write(write, str(calls[0]).encode())
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(1)
    os.close(write)
    if task.get("after") is not None:
        time.sleep(task["after"])
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    seconds = time.monotonic() - begin
    with os.fdopen(read) as pipe:
        said = pipe.read()
    status = os.waitstatus_to_exitcode(status)
    return {"status": status, "calls": int(said or 0), "seconds": seconds}


def main():
    fingerprint.model_digest = lambda embedder: (
        "the same"
    )  # a child of a fork had better ask no backend
    engine = NumpyEngine(CONFIG)
    embedder = Embedder(network(CONFIG), SentenceEncoder(characters=50), engine=engine)
    for line in sys.stdin:
        print(json.dumps(run(embedder, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
