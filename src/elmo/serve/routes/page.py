"""The page: files of this package, which a browser asks about again each time."""

from __future__ import annotations

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent.parent / "static"
_ASK_AGAIN = {"Cache-Control": "no-cache"}


class _Files(StaticFiles):
    """Files that are current after each update of the package."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_ASK_AGAIN)
        return response


async def page(request: Request) -> Response:
    """`/`: the page itself."""
    return FileResponse(STATIC / "index.html", headers=_ASK_AGAIN)


def routes() -> list[BaseRoute]:
    """For Starlette."""
    return [Route("/", page, methods=["GET"]), Mount("/static", _Files(directory=STATIC))]
