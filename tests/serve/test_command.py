"""`elmo serve`: begins, says where it is, stops at Ctrl-C; what cannot be is one sentence."""

import json
import signal
import socket
import sys
import urllib.request

import pytest

from tests.cli.conftest import invoke, refused, spawn
from tests.usages.conftest import random_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return random_model(tmp_path_factory.mktemp("serve") / "small")


def begun(*words):
    """A server as a process of its own, and its address."""
    process = spawn("serve", *words, "--port", 0)
    line = process.stdout.readline()
    if not line.startswith("serving http"):
        process.kill()
        raise AssertionError(line + "".join(process.communicate()))
    return process, line.split()[1]


def ask(address, body=b'{"sentence": "the bank closed ."}'):
    request = urllib.request.Request(
        f"{address}api/analyse", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_and_stops(folder, stop):
    process, address = begun(folder)
    try:
        assert address.startswith("http://127.0.0.1:")
        with urllib.request.urlopen(address, timeout=60) as response:
            assert b"<title>elmo</title>" in response.read()
        assert len(ask(address)["tokens"]) == 4
        process.send_signal(stop)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert "Traceback" not in err
    if stop == signal.SIGINT:
        assert process.returncode == 0
        assert out == "stopped; 1 requests in 1 passes of the model\n"


def test_a_port_that_is_taken(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refused("serve", folder, "--port", port)
    assert f"127.0.0.1 port {port}: is taken; name another port" in said


@pytest.mark.parametrize(
    "words, said",
    [
        ((), "nothing to serve: give a model, an index of uses (--usages), or both"),
        (("no-such-model", "--port", 0), "no-such-model"),
        (("--usages", "no-such-index", "--port", 0), "no-such-index: holds no index of uses"),
        (("x", "--port", "65536"), "port=65536: must be 0 to 65535"),
        (("x", "--host", "no.such.host.invalid"), "there is no such host"),
    ],
)
def test_what_cannot_be_served(words, said):
    assert said in refused("serve", *words)


def test_without_the_extra(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette", None)
    for name in [name for name in sys.modules if name.startswith(("starlette.", "elmo.serve"))]:
        monkeypatch.delitem(sys.modules, name)
    assert "pip install 'elmo-keras[serve]'" in refused("serve", folder, "--port", 0)


def test_help_is_quick():
    assert "--usages" in invoke("serve", "--help").stdout
