"""A server that is stopped while an answer takes long."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request

SLOW = """
import sys, time
from elmo.cli.main import cli
from elmo.serve import running
from elmo.serve.questions import Questions

def slow(self, sentences):
    print("asked", flush=True)
    time.sleep(4)
    return sentences

running._LAST_ANSWERS = 1
Questions.analyse, Questions.warm = slow, lambda self: None
cli(["serve", sys.argv[1], "--port", "0"])
"""


def test_an_answer_that_takes_too_long_is_given_up_without_a_traceback(model_folder):
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, model_folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    answers = []

    def ask(address):
        headers = {"Content-Type": "application/json"}
        body = b'{"sentence": "the bank"}'
        try:
            urllib.request.urlopen(
                urllib.request.Request(f"{address}api/analyse", body, headers), timeout=60
            )
        except urllib.error.HTTPError as error:
            with error:
                answers.append((error.code, json.load(error)))

    try:
        address = process.stdout.readline().split()[1]
        client = threading.Thread(target=ask, args=(address,))
        client.start()
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
        client.join(60)
    finally:
        process.kill()
    assert answers == [(503, {"error": "the server is stopping"})]
    assert process.returncode == 0
    assert out.startswith("stopped;")
    compiling, given_up = err.splitlines()
    assert compiling == "compiling the model for the first answers"
    assert "Cancel 1 running task" in given_up
