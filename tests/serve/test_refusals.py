"""What is refused, each time by a status and one sentence: strangers, nonsense, too much."""

import json

import pytest

from elmo.serve import app
from elmo.serve.security import CONTENT_SECURITY_POLICY, HEADERS
from tests.serve.conftest import HERE, client_of, sentence_of

ANALYSE = {"sentence": "a cat"}


@pytest.mark.parametrize("host", ["127.0.0.1:8017", "localhost:9000", "[::1]:8017", "LOCALHOST"])
def test_names_of_this_machine(client, host):
    assert client.get("/api/info", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8017", "127.0.0.1.evil.example", "10.0.0.1", "", "a:b:c"]
)
def test_a_rebound_name_is_refused(client, host):
    for path in ("/", "/api/info", "/static/main.js"):
        assert "name" in sentence_of(client.get(path, headers={"Host": host}), 403)


def test_names_that_are_allowed(tiny):
    with client_of(app(tiny, hosts={"elmo.example"}, any_address=True)) as client:
        for host, status in (
            ("elmo.example", 200),
            ("192.168.0.7:8017", 200),
            ("evil.example", 403),
        ):
            assert client.get("/api/info", headers={"Host": host}).status_code == status


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://127.0.0.1:8018", "null", "http://localhost:8017", "::"],
)
def test_a_foreign_page_may_not_post(client, origin):
    response = client.post("/api/analyse", json=ANALYSE, headers={"Origin": origin})
    assert "another site" in sentence_of(response, 403)


def test_our_own_page_may(client):
    headers = {"Origin": HERE, "Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/analyse", json=ANALYSE, headers=headers).status_code == 200
    for site in ("cross-site", "same-site"):
        sentence_of(client.get("/api/info", headers={"Sec-Fetch-Site": site}), 403)
        assert client.get("/", headers={"Sec-Fetch-Site": site}).status_code == 200  # a link


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_a_form_is_no_json(client, kind):
    headers = {} if kind is None else {"Content-Type": kind}
    response = client.post("/api/analyse", content=json.dumps(ANALYSE), headers=headers)
    assert "Content-Type: application/json" in sentence_of(response, 415)


@pytest.mark.parametrize(
    "path", ["/", "/static/main.js", "/api/info", "/api/nothing", "/static/no"]
)
def test_every_answer_has_the_headers(client, path):
    headers = client.get(path).headers
    assert {name: headers[name] for name in HEADERS} == HEADERS
    assert headers["Cache-Control"] in ("no-store", "no-cache")
    for part in ("default-src 'none'", "script-src 'self'", "style-src 'self'"):
        assert part in CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    "body, status, said",
    [
        (b"", 400, "no JSON"),
        (b"{", 400, "no JSON"),
        (b"\xff\xfe\x00", 400, "no JSON"),
        (bytes(range(256)), 400, "no JSON"),
        (b'{"sentence": "\\ud800"}', 400, "no JSON"),
        (b"[" * 40_000, 422, "expected `object`"),
        (b'{"sentence": ' + b"[" * 40_000, 422, "sentence"),
        (b'{"sentence": 5}', 422, "sentence: expected"),
        (b'{"sentence": ""}', 422, "sentence: expected"),
        (b'{"sentence": " \\n\\t"}', 422, "sentence: expected"),
        (b'{"sentence": []}', 422, "sentence: expected"),
        (b'{"sentence": ["a b"]}', 422, "sentence"),
        (b'{"sentence": ["a", null]}', 422, "sentence"),
        (b"{}", 422, "missing required field `sentence`"),
        (b'{"sentence": "a", "more": 1}', 422, "unknown field `more`"),
    ],
)
def test_nonsense(client, body, status, said):
    headers = {"Content-Type": "application/json"}
    assert said in sentence_of(client.post("/api/analyse", content=body, headers=headers), status)


@pytest.mark.parametrize(
    "path, body, said",
    [
        ("analyse", {"sentence": "a " * 201}, "has 201 tokens; give at most 200"),
        ("analyse", {"sentence": "a" * 4001}, "length <= 4000"),
        ("similarity", {"first": "a", "second": "b " * 300}, "second: has 300 tokens"),
        (
            "substitutes",
            {"sentence": "a cat", "position": 2},
            "position: is 2; the last token has 1",
        ),
        ("substitutes", {"sentence": "a cat", "position": -1}, "position: expected"),
        ("substitutes", {"sentence": "a cat", "position": 0, "count": 1000}, "count: expected"),
        ("substitutes", {"sentence": "a cat", "position": 0, "combine": "x"}, "combine: invalid"),
    ],
)
def test_beyond_the_limits(client, path, body, said):
    assert said in sentence_of(client.post(f"/api/{path}", json=body), 422)


def test_a_large_body_whether_it_says_so_or_not(impatient):
    large = b'{"sentence": "' + b"a" * 400 + b'"}'
    headers = {"Content-Type": "application/json"}
    response = impatient.post("/api/analyse", content=large, headers=headers)
    assert "larger than 300 bytes" in sentence_of(response, 413)
    parts = iter([large[:200], large[200:]])  # chunked: no length is declared
    response = impatient.post("/api/analyse", content=parts, headers=headers)
    assert "larger than 300 bytes" in sentence_of(response, 413)


def test_an_answer_that_takes_too_long(impatient, monkeypatch):
    import time

    monkeypatch.setattr(type(impatient.app.state.model), "analyse", lambda *_: time.sleep(0.6))
    response = impatient.post("/api/analyse", json=ANALYSE)
    assert "no answer within 0.2 seconds" in sentence_of(response, 504)


def test_a_fault_of_ours_keeps_its_details(client, monkeypatch, caplog):
    def broken(*_):
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(type(client.app.state.model), "similarities", broken)
    response = client.post("/api/similarity", json={"first": "a", "second": "b"})
    assert "secret" not in sentence_of(response, 500)
    assert "secret of the house" in caplog.text
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/api/nothing", 404),
        ("GET", "/static/../application.py", 404),
        ("GET", "/static/%2e%2e/application.py", 404),
        ("GET", "/api/analyse", 405),
        ("DELETE", "/api/info", 405),
        ("PUT", "/", 405),
    ],
)
def test_other_addresses_and_methods(client, method, path, status):
    sentence_of(client.request(method, path), status)
