"""Routes about the server: what it holds, and the description of its API."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from elmo._version import __version__
from elmo.serve.answers import Info, LimitsInfo, ModelInfo, UsagesInfo
from elmo.serve.asking import Asked
from elmo.serve.limits import CHARACTERS, TOKENS, Limits
from elmo.serve.openapi import description
from elmo.serve.refusing import JSON
from elmo.serve.routing import Question


class AskInfo(Asked):
    """Nothing."""


def questions(model: ModelInfo | None, usages: UsagesInfo | None, limits: Limits) -> list[Question]:
    """The table."""
    known = Info(
        version=__version__,
        model=model,
        usages=usages,
        limits=LimitsInfo(TOKENS, CHARACTERS, limits.body, limits.seconds),
    )

    async def info(asked: AskInfo) -> Info:
        return known

    return [Question("GET", "/info", "What this server answers about.", AskInfo, Info, info)]


def openapi(questions: Sequence[Question]) -> Route:
    """The route of the description."""
    document = msgspec.json.format(msgspec.json.encode(description(questions)))

    async def respond(request: Request) -> Response:
        return Response(document, media_type=JSON)

    return Route("/api/openapi.json", respond, methods=["GET"])
