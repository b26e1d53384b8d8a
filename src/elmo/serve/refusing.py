"""Refusals: a status and one sentence, and nothing else of what went wrong."""

from __future__ import annotations

import logging

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

JSON = "application/json"
_LONGEST = 400  # characters of a sentence; what it quotes may have any number
_log = logging.getLogger("elmo")
_FAULT = "something went wrong in the server, which wrote the details where it was started"
_SENTENCES = {
    404: "there is nothing at this address; /api/openapi.json lists what there is",
    405: "this address is not asked in this way; /api/openapi.json says in which",
}


class Refused(Exception):
    """A request that is not answered.

    Args:
        status: of HTTP.
        sentence: what is wrong and what would do.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def refusal(status: int, sentence: str, headers: dict[str, str] | None = None) -> Response:
    """The response `{"error": sentence}`.

    Example:
        >>> refusal(422, "the sentence is\\nempty").body
        b'{"error":"the sentence is empty"}'
    """
    body = msgspec.json.encode({"error": one_line(sentence)})
    return Response(body, status, headers, media_type=JSON)


def one_line(text: str) -> str:
    """On one line of bounded length, without what JSON cannot carry."""
    text = " ".join(text.split())
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} […] {text[-_LONGEST // 2 :]}"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


async def refused(request: Request, error: Exception) -> Response:
    """The handler of `Refused`."""
    assert isinstance(error, Refused)
    return refusal(error.status, error.sentence)


async def not_there(request: Request, error: Exception) -> Response:
    """The handler of what Starlette refuses: no such address, no such method."""
    assert isinstance(error, HTTPException)
    sentence = _SENTENCES.get(error.status_code, error.detail)
    return refusal(error.status_code, sentence, dict(error.headers or {}))


async def failed(request: Request, error: Exception) -> Response:
    """The handler of everything else: our fault, whose details stay here."""
    return refusal(500, _FAULT)


def log_fault(error: BaseException) -> None:
    """Write the details of a fault of ours where the server was started."""
    _log.error("a request failed", exc_info=error)
