"""The page under many clients: time of a sentence's analysis beside the model's own time.

    python -m benchmarks.serve MODEL [--text FILE] [--clients 50] [--requests 10] [--json]

Starts `elmo serve`, and clients in threads that each send one request after another, every one another
sentence. Every answer is compared with what the model says of the sentence when it is asked directly. The
model's own time is that of one sentence alone with a `Scorer` that is compiled, the median of 20.
Sentences of all lengths are read once before, by the server and directly: compiling is not measured.
"""

import argparse
import http.client
import itertools
import json
import statistics
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

import numpy as np

import elmo
from benchmarks.tools.arithmetic import machine
from elmo.language.scores import Scorer, joined
from elmo.text.builtin import builtin_sentences
from elmo.text.corpus import Corpus

LONGEST = 40  # tokens of a sentence
WARMING = 12  # sentences of all lengths that are read before


def ask(connection, sentence):
    """The server's analysis, and its seconds."""
    begin = time.perf_counter()
    body = json.dumps({"sentence": sentence}).encode()
    connection.request("POST", "/api/analyse", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    found = json.loads(response.read())
    if response.status != 200:
        raise RuntimeError(f"{response.status}: {found['error']}")
    return found, time.perf_counter() - begin


def client(address, sentences, found):
    """One request after another; keeps answers and times, or what went wrong."""
    connection = http.client.HTTPConnection(address, timeout=120)
    for number, sentence in sentences:
        try:
            found[number] = ask(connection, sentence)
        except Exception as error:
            found[number] = error
    connection.close()


def bits(analysis):
    """Surprisal of every token, forward and backward."""
    return np.array([list(t["surprisal_bits"].values()) for t in analysis["tokens"]], float)


def wanted(scorer, sentences):
    """The same from the model itself."""
    scores = joined(scorer.scores(sentences))
    lengths = np.array([len(one) for one in sentences])
    inside = (scores.position > 0) & (scores.position <= lengths[scores.sentence])
    table = scores.surprisal_bits[inside].reshape(-1, len(set(scores.direction)))
    return np.split(table, np.cumsum(lengths)[:-1])


def own_time(scorer, sentences):
    """Median seconds of one sentence alone."""
    times = []
    for sentence in sentences[:20]:
        begin = time.perf_counter()
        joined(scorer.scores([sentence]))
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def measure(source, sentences, clients, requests):
    """Answers, times and passes of a server."""
    scorer = Scorer(elmo.load(source).language_model(), "reset")
    asked = sentences[: clients * requests]
    right = wanted(scorer, asked)
    own_time(scorer, asked)  # compiles
    alone = own_time(scorer, asked)
    command = [sys.executable, "-m", "elmo", "serve", source, "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    address = urlsplit(server.stdout.readline().split()[1]).netloc
    try:
        by_length = sorted(sentences, key=len)
        spread = by_length[:: max(1, len(by_length) // WARMING)]
        client(address, list(enumerate(spread)), {})  # compiles
        found = {}
        threads = [
            threading.Thread(
                target=client, args=(address, list(enumerate(asked))[first::clients], found)
            )
            for first in range(clients)
        ]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - begin
    finally:
        server.send_signal(2)
        said = server.communicate(timeout=60)[0].split()
    lost = sum(isinstance(one, Exception) for one in found.values()) + len(asked) - len(found)
    errors = [
        float(np.abs(bits(found[n][0]) - right[n]).max())
        for n in found
        if not isinstance(found[n], Exception)
    ]
    times = sorted(one[1] for one in found.values() if not isinstance(one, Exception))
    return {
        "clients": clients,
        "requests": len(asked),
        "lost": lost,
        "largest_error_bits": max(errors),
        "model_seconds": alone,
        "median_seconds": times[len(times) // 2],
        "p95_seconds": times[int(len(times) * 0.95)],
        "p95_beyond_model": times[int(len(times) * 0.95)] - alone,
        "requests_per_second": len(times) / seconds,
        "passes": int(said[4].replace(",", "")) - len(spread),
        "machine": machine(),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--text", help="sentences; by default Python's documentation")
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--requests", type=int, default=10, help="of each client")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    read = Corpus(given.text) if given.text else builtin_sentences()
    short = (list(one) for one in read if 2 < len(one) <= LONGEST)
    chosen = list(itertools.islice(short, 4000))
    result = measure(given.model, chosen, given.clients, given.requests)
    if given.json:
        print(json.dumps(result))
        return
    for name, value in result.items():
        print(f"{name:22} {value}")


if __name__ == "__main__":
    main()
