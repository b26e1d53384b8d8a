"""`python -m tests.usages.killed`: builds in processes of its own and kills them, as it is told.

A line of JSON on standard input is a build: `options` of `elmo.usages.build`, and before the `call`-th
of the calls that make things sure on the disk, or write, the process is killed. The answer is a line
too: the `status` that it ended with, and how many `calls` there were.
"""

import json
import os
import sys

from elmo.bulk import fingerprint
from elmo.embed.embedder import Embedder
from elmo.text.encoding import SentenceEncoder
from elmo.usages import building
from tests.bulk.killed import count_calls
from tests.embed.helpers import CONFIGS, NumpyEngine, network

CONFIG = CONFIGS["characters"]


def run(task):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            calls = count_calls(task.get("call"))
            building.build("a model", **task["options"])
            os.write(write, str(calls[0]).encode())
            os._exit(0)
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
            os._exit(1)
    os.close(write)
    _, status = os.waitpid(child, 0)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    return {"status": os.waitstatus_to_exitcode(status), "calls": int(said or 0)}


def main():
    # A child of a fork had better ask no backend.
    fingerprint.model_digest = building.model_digest = lambda embedder: "the same"
    engine = NumpyEngine(CONFIG)
    embedder = Embedder(network(CONFIG), SentenceEncoder(characters=50), engine=engine)
    building._embedder = lambda *_: embedder
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
