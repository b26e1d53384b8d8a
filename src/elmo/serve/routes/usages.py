"""Routes that ask an index of uses: words, lines, senses and their edits, maps, files."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

from msgspec import Struct
from starlette.responses import Response

from elmo.serve import usages_asking as ask
from elmo.serve.asking import Asked, tokens_of
from elmo.serve.batching import Batcher
from elmo.serve.downloads import KINDS, download
from elmo.serve.mapping import points
from elmo.serve.refusing import Refused
from elmo.serve.routing import Answered, Question
from elmo.serve.usages import Usages
from elmo.serve.usages_answers import (
    Lines,
    NearestFound,
    Points,
    SensesFound,
    TellingFound,
    WordsFound,
)

Answer = TypeVar("Answer")
Row = tuple[
    Literal["GET", "POST"],
    str,
    str,
    type[Asked],
    type[Struct] | tuple[str, ...],
    Callable[[Any], Awaitable[Answered]],
]
_UNKNOWN = ((404, "The word has no uses, or there is no such sense, use or period."),)


def questions(usages: Usages, batcher: Batcher, slow: Batcher) -> list[Question]:
    """The table.

    Args:
        usages: who answers.
        batcher: of one thread, in which one request after another is answered.
        slow: of another one, for what takes seconds.
    """

    async def alone(work: Callable[[], Answer]) -> Answer:
        return await batcher.ask(object(), lambda items: [work() for _ in items], None)

    async def words(asked: ask.Words) -> WordsFound:
        return await alone(lambda: usages.words(asked.prefix, asked.offset, asked.limit))

    async def lines(asked: ask.Concordance) -> Lines:
        return await alone(lambda: usages.lines(asked))

    async def nearest(asked: ask.Nearest) -> NearestFound:
        return await alone(lambda: usages.nearest(asked.word, asked.use, asked.count))

    async def like(asked: ask.Like) -> NearestFound:
        tokens, place = tokens_of(asked.sentence), asked.position
        if place >= len(tokens):
            raise Refused(422, f"position: is {place}; the last token has {len(tokens) - 1}")
        return await alone(lambda: usages.like(tokens, place, asked.across, asked.count))

    async def senses(asked: ask.OfWord) -> SensesFound:
        return await alone(lambda: usages.senses(asked.word))

    async def telling(asked: ask.OfWord) -> TellingFound:
        found = await alone(lambda: usages.word(asked.word))
        return await slow.ask(object(), lambda items: [usages.telling(found) for _ in items], None)

    async def mapped(asked: ask.Map) -> Points:
        return await alone(lambda: points(usages, asked.word, asked.method, asked.limit))

    async def file(asked: ask.Download) -> Response:
        return (await alone(lambda: download(usages, asked.word, asked.format))).response()

    async def rename(asked: ask.Rename) -> SensesFound:
        return await alone(lambda: usages.rename(asked.word, asked.sense, asked.name))

    async def merge(asked: ask.Merge) -> SensesFound:
        return await alone(lambda: usages.merge(asked.word, asked.senses))

    async def split(asked: ask.Split) -> SensesFound:
        return await alone(lambda: usages.split(asked.word, asked.sense))

    async def induce(asked: ask.Induce) -> SensesFound:
        return await alone(lambda: usages.induce(asked.word, asked.method, asked.k))

    rows: tuple[Row, ...] = (
        ("GET", "/words", "Words with uses, by their first letters.", ask.Words, WordsFound, words),
        ("GET", "/concordance", "Uses of a word, line by line.", ask.Concordance, Lines, lines),
        ("GET", "/nearest", "Uses most like one of a word.", ask.Nearest, NearestFound, nearest),
        ("POST", "/like", "Uses most like a token of a sentence.", ask.Like, NearestFound, like),
        (
            "GET",
            "/senses",
            "Senses, their periods, what tells them apart.",
            ask.OfWord,
            SensesFound,
            senses,
        ),
        (
            "GET",
            "/senses/telling",
            "Substitutes that tell senses apart.",
            ask.OfWord,
            TellingFound,
            telling,
        ),
        ("GET", "/map", "Where the uses of a word lie in two dimensions.", ask.Map, Points, mapped),
        ("GET", "/download", "A file of a word's uses or senses.", ask.Download, KINDS, file),
        ("POST", "/senses/rename", "Name a sense.", ask.Rename, SensesFound, rename),
        ("POST", "/senses/merge", "Make senses one.", ask.Merge, SensesFound, merge),
        ("POST", "/senses/split", "Split a sense.", ask.Split, SensesFound, split),
        (
            "POST",
            "/senses/induce",
            "Find senses anew, and keep them.",
            ask.Induce,
            SensesFound,
            induce,
        ),
    )
    return [Question(*row, refuses=_UNKNOWN) for row in rows]
