"""Routes as a table: what each is asked and answers; server and description are made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from elmo.serve.asking import Asked
from elmo.serve.batching import STOPPING
from elmo.serve.refusing import JSON, Refused, failed, log_fault

Answered = Struct | Response


@dataclass(frozen=True)
class Question:
    """A route of the API.

    Args:
        method: GET has its fields in the address, POST in a JSON body.
        path: under `/api`.
        summary: a line for the description.
        asks: the fields.
        answers: the type of the answer; of files their media types.
        answer: from the request to the answer.
        refuses: statuses beside 422 that it may give, with when.
    """

    method: Literal["GET", "POST"]
    path: str
    summary: str
    asks: type[Asked]
    answers: type[Struct] | tuple[str, ...]
    answer: Callable[[Any], Awaitable[Answered]]
    refuses: tuple[tuple[int, str], ...] = ()

    @property
    def name(self) -> str:
        """An identifier: `/words/senses` by POST is `post_words_senses`."""
        return self.method.lower() + self.path.replace("/", "_").replace("-", "_").replace(".", "_")

    def route(self) -> Route:
        """For Starlette."""
        return Route(f"/api{self.path}", self._respond, methods=[self.method], name=self.name)

    async def _respond(self, request: Request) -> Response:
        try:
            answer = await self.answer(await self._asked(request))
        except Refused:
            raise
        except asyncio.CancelledError:  # the server has waited long enough for its last answers
            raise Refused(503, STOPPING) from None
        except Exception as error:
            log_fault(error)
            return await failed(request, error)
        if isinstance(answer, Response):
            return answer
        return Response(msgspec.json.encode(answer), media_type=JSON)

    async def _asked(self, request: Request) -> Asked:
        try:
            if self.method == "POST":
                return msgspec.json.decode(await request.body(), type=self.asks)
            return msgspec.convert(dict(request.query_params), self.asks, strict=False)
        except msgspec.ValidationError as error:
            raise Refused(422, _said(str(error))) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused(400, f"the body is no JSON: {error}") from None


def _said(text: str) -> str:
    """What msgspec says of a wrong field, the field first.

    Example:
        >>> _said("Expected `int` >= 0 - at `$.position`"), _said("Object missing required field `word`")
        ('position: expected `int` >= 0', 'object missing required field `word`')
    """
    what, _, place = text.partition(" - at `$.")
    what = what[:1].lower() + what[1:]
    return f"{place.rstrip('`')}: {what}" if place else what


def routes(questions: Iterable[Question]) -> list[Route]:
    """For Starlette."""
    return [question.route() for question in questions]
