"""A tiny model behind the application, and clients of it."""

import contextlib
import re
import shutil
import threading

import pytest
import uvicorn
from starlette.testclient import TestClient

from elmo.serve import Limits, app
from elmo.serve.running import address_of, listen
from tests.language.conftest import Tiny
from tests.usages.conftest import random_model

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


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    return random_model(tmp_path_factory.mktemp("serve-usages") / "model")


@pytest.fixture(scope="session")
def model(model_folder):
    """The model of the indexes."""
    import elmo

    return elmo.load(model_folder)


@pytest.fixture(scope="session")
def index_folder(model_folder, tmp_path_factory):
    """An index of two periods in which *bank* stands by rivers and lends money; it must stay."""
    from elmo.usages import build

    folder = tmp_path_factory.mktemp("serve-index")
    river = "{} sat on the bank of the river .", "the wet bank of the river {} ."
    money = "a bank lends money {} .", "the bank of the town {} lends gold ."
    fill = ("we", "here", "once", "no", "old", "Bank", "but", "is")
    for year, shares in (("1840", (2, 1)), ("1900", (1, 2))):
        lines = [
            line.format(word)
            for kind, share in zip((river, money), shares, strict=True)
            for line in kind
            for word in fill[: 4 * share]
        ]
        (folder / f"{year}-text.txt").write_text("\n".join(lines), encoding="utf-8")
    build(model_folder, folder / "*.txt", folder / "texts.uses", periods=r"\d{4}")
    return folder / "texts.uses"


@pytest.fixture
def index(index_folder, tmp_path):
    """A copy that may be edited."""
    from elmo.usages import UsageIndex

    return UsageIndex(shutil.copytree(index_folder, tmp_path / "texts.uses"))


@pytest.fixture
def of_index(index, model):
    with client_of(app(model, index)) as client:
        yield client
