"""Requests that come at the same time are computed in one pass, in one thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from elmo.serve.limits import Limits
from elmo.serve.refusing import Refused

Item = TypeVar("Item")
Answer = TypeVar("Answer")
Work = Callable[[list[Item]], Sequence[Answer]]

BUSY = "too many requests are waiting; try again in a moment"
STOPPING = "the server is stopping"


@dataclass(frozen=True, eq=False)
class _Asked:
    key: Hashable
    work: Work[Any, Any]
    item: Any
    future: asyncio.Future[Any]


class Batcher:
    """A queue before one thread: takes what waits with the same key, and computes it together.

    The first request waits `limits.gather` seconds for others. While a pass runs, more come in, and
    are the next one; so the more clients there are, the larger is a pass, not their number.

    Args:
        limits: how many are taken together, wait, and how long.
        name: of the thread.

    Attributes:
        passes: how many were computed.
        answered: how many requests they answered.
    """

    def __init__(self, limits: Limits, name: str = "elmo-model") -> None:
        self.limits = limits
        self.passes = self.answered = 0
        self._waiting: list[_Asked] = []
        self._running: asyncio.Task[None] | None = None
        self._stopping = False
        self._thread = ThreadPoolExecutor(1, name)

    async def ask(self, key: Hashable, work: Work[Item, Answer], item: Item) -> Answer:
        """The answer to one item.

        Args:
            key: items of one key are computed together.
            work: from a list of items to their answers, in the same order; of one key the same.
            item: this one.

        Raises:
            Refused: too many wait, it took too long, or the server stops.
            Exception: what `work` raises for this item alone.
        """
        if self._stopping:
            raise Refused(503, STOPPING)
        if len(self._waiting) >= self.limits.waiting:
            raise Refused(503, BUSY)
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Asked(key, work, item, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        try:
            return await asyncio.wait_for(future, self.limits.seconds)
        except TimeoutError:
            raise Refused(
                504, f"no answer within {self.limits.seconds:g} seconds; ask for less"
            ) from None

    async def close(self) -> None:
        """Answer what waits, take nothing more, and end the thread."""
        self._stopping = True
        if self._running is not None:
            await self._running
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            await asyncio.sleep(self.limits.gather)
            batch = self._take()
            if not batch:
                continue
            items = [one.item for one in batch]
            found = await loop.run_in_executor(self._thread, computed, batch[0].work, items)
            self.passes += 1
            self.answered += len(batch)
            for one, (answer, error) in zip(batch, found, strict=True):
                if one.future.done():  # it took too long, or the client has left
                    continue
                if error is None:
                    one.future.set_result(answer)
                else:
                    one.future.set_exception(error)

    def _take(self) -> list[_Asked]:
        """The next batch: all of the oldest request's key, at most `limits.batch`."""
        waiting = [one for one in self._waiting if not one.future.done()]
        alike = [one for one in waiting if one.key == waiting[0].key][: self.limits.batch]
        taken = set(map(id, alike))
        self._waiting[:] = [one for one in waiting if id(one) not in taken]
        return alike


def computed(
    work: Work[Item, Answer], items: list[Item]
) -> list[tuple[Answer | None, Exception | None]]:
    """Answers, or what was raised instead: where a pass fails, each item on its own.

    Example:
        >>> computed(lambda items: [1 / item for item in items], [2, 0])
        [(0.5, None), (None, ZeroDivisionError('division by zero'))]
    """
    with contextlib.suppress(Exception):
        return [(answer, None) for answer in _all(work, items)]
    found: list[tuple[Answer | None, Exception | None]] = []
    for item in items:
        try:
            found.append((_all(work, [item])[0], None))
        except Exception as error:
            found.append((None, error))
    return found


def _all(work: Work[Item, Answer], items: list[Item]) -> Sequence[Answer]:
    answers = work(items)
    if len(answers) != len(items):
        raise RuntimeError(f"{len(items)} items have {len(answers)} answers")
    return answers
