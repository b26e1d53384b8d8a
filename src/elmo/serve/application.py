"""The application: routes over a model and an index of uses, behind a guard."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Collection
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from elmo.serve.answers import UsagesInfo
from elmo.serve.batching import Batcher
from elmo.serve.limits import Limits
from elmo.serve.questions import Questions
from elmo.serve.refusing import Refused, failed, not_there, refused
from elmo.serve.routes import about, page
from elmo.serve.routes import model as of_model
from elmo.serve.routing import Question, routes
from elmo.serve.security import LOOPBACK, Guard

if TYPE_CHECKING:
    from elmo.api import BiLM
    from elmo.usages.index import UsageIndex

STANDARD = Limits()


def app(
    model: BiLM | None = None,
    usages: UsageIndex | str | os.PathLike[str] | None = None,
    limits: Limits = STANDARD,
    *,
    name: str = "model",
    hosts: Collection[str] = LOOPBACK,
    any_address: bool = False,
) -> Starlette:
    """The page and its API, as an ASGI application.

    Its `state` has the `model` that is asked, through the `batcher`, and the `questions` of the API.

    Args:
        model: who answers about sentences; None for an index alone.
        usages: an index of uses, or its folder.
        limits: of requests.
        name: how the page calls the model.
        hosts: names by which the server may be asked, without ports.
        any_address: take every IP address as a name too; for a server that other machines reach.

    Raises:
        ValueError: there is neither a model nor an index.
        MissingExtraError: scikit-learn, which an index needs, is not installed.
    """
    if model is None and usages is None:
        raise ValueError("nothing to serve: give a model, an index of uses (--usages), or both")
    batcher = Batcher(limits)
    questions: list[Question] = []
    asked = None if model is None else Questions(model, name)
    if asked is not None:
        questions += of_model.questions(asked, batcher)
    batchers, info = [batcher], None
    if usages is not None:
        batchers += [Batcher(limits, "elmo-usages"), Batcher(limits, "elmo-telling")]
        info = _usages_questions(usages, model, batchers[1:], questions)
    questions[:0] = about.questions(None if asked is None else asked.info(), info, limits)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        for one in batchers:
            await one.close()

    every: list[BaseRoute] = [*routes(questions), about.openapi(questions), *page.routes()]
    made = Starlette(
        routes=every,
        lifespan=lifespan,
        middleware=[Middleware(Guard, hosts=hosts, any_address=any_address, body=limits.body)],
        exception_handlers={Refused: refused, HTTPException: not_there, Exception: failed},
    )
    made.state.batcher, made.state.model = batcher, asked
    made.state.questions = tuple(questions)
    return made


def _usages_questions(
    usages: UsageIndex | str | os.PathLike[str],
    model: BiLM | None,
    batchers: list[Batcher],
    questions: list[Question],
) -> UsagesInfo:
    """Add the routes of an index, and say what it holds."""
    from elmo.serve.routes import usages as of_usages
    from elmo.serve.usages import Usages
    from elmo.usages.extra import need_sklearn
    from elmo.usages.index import UsageIndex

    need_sklearn("the page of an index of uses")
    asked = Usages(usages if isinstance(usages, UsageIndex) else UsageIndex(usages), model)
    questions += of_usages.questions(asked, *batchers)
    return asked.info()
