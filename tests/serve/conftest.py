"""A tiny model behind the application, and clients of it."""

import contextlib
import re
import threading

import pytest
import uvicorn
from starlette.testclient import TestClient

from elmo.serve import Limits, app
from elmo.serve.running import address_of, listen
from tests.language.conftest import Tiny

HERE = "http://127.0.0.1:8017"


@contextlib.contextmanager
def client_of(application):
    """A client in this process."""
    with TestClient(application, base_url=HERE) as client:
        yield client


@contextlib.contextmanager
def served(application):
    """The address of a server in a thread of this process."""
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(application, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield address_of(listening)
    finally:
        server.should_exit = True
        thread.join(30)
        listening.close()


def sentence_of(response, status):
    """The one sentence of a refusal."""
    assert response.status_code == status, response.text
    said = response.json()
    assert set(said) == {"error"} and said["error"]
    assert "\n" not in said["error"] and not re.search(r"Traceback|File \"", said["error"])
    return said["error"]


@pytest.fixture(scope="session")
def tiny():
    """A model that reads words."""
    return Tiny().model


@pytest.fixture(scope="session")
def characters():
    """A model that reads characters."""
    return Tiny("characters").model


@pytest.fixture(scope="session")
def client(tiny):
    with client_of(app(tiny, name="tiny")) as client:
        yield client


@pytest.fixture
def impatient(tiny):
    """With limits that are soon reached."""
    with client_of(app(tiny, limits=Limits(seconds=0.2, body=300))) as client:
        yield client
