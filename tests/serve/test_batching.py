"""Many clients at once: every answer is the right one, in few passes."""

import asyncio
import threading

import httpx2 as httpx
import pytest

from elmo.serve import Limits, app
from elmo.serve.batching import Batcher
from elmo.serve.refusing import Refused
from tests.language.conftest import nearly
from tests.serve.conftest import served

WORDS = ["the", "cat", "saw", "a", "dog", "bird", "sang", "and", "old", "slept", "in", "garden"]
CLIENTS = 50


def sentences():
    """One for each client, none like another."""
    return [
        " ".join(WORDS[(n + k) % 12] for k in range(1 + n % 9)) + f" {n}" for n in range(CLIENTS)
    ]


def test_fifty_clients(tiny):
    application = app(tiny)
    asked = sentences()

    async def ask(address):
        async with httpx.AsyncClient(base_url=address, timeout=60) as client:
            every = [client.post("/api/analyse", json={"sentence": one}) for one in asked]
            return await asyncio.gather(*every)

    with served(application) as address:
        answers = asyncio.run(ask(address))
    assert [answer.status_code for answer in answers] == [200] * CLIENTS
    scores = tiny.score(asked)
    for number, (sentence, answer) in enumerate(zip(asked, answers, strict=True)):
        found = [one["surprisal_bits"] for one in answer.json()["tokens"]]
        inside = (scores.sentence == number) & (scores.position > 0)
        inside &= scores.position <= len(sentence.split())
        for direction in ("forward", "backward"):
            nearly(
                [one[direction] for one in found],
                scores.surprisal_bits[inside & (scores.direction == direction)],
            )
    batcher = application.state.batcher
    assert batcher.answered == CLIENTS and batcher.passes < CLIENTS / 2


def run(limits, asking):
    async def whole():
        batcher = Batcher(limits)
        try:
            return await asyncio.wait_for(asking(batcher), 20)
        finally:
            await batcher.close()

    return asyncio.run(whole())


def test_alike_requests_are_one_pass_and_others_are_not():
    seen = []

    def doubled(items):
        seen.append(list(items))
        return [2 * item for item in items]

    async def asking(batcher):
        return await asyncio.gather(*(batcher.ask(n % 2, doubled, n) for n in range(10)))

    assert run(Limits(gather=0.02), asking) == [2 * n for n in range(10)]
    assert seen == [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]
    seen.clear()
    run(Limits(gather=0.02, batch=2), asking)
    assert [len(one) for one in seen] == [2, 2, 2, 2, 1, 1]  # the oldest request goes first
    assert sorted(item for one in seen for item in one) == list(range(10))


def test_one_that_fails_takes_none_with_it():
    def inverse(items):
        return [1 / item for item in items]

    async def asking(batcher):
        every = (batcher.ask("inverse", inverse, n) for n in (1, 0, 4))
        return await asyncio.gather(*every, return_exceptions=True)

    one, zero, four = run(Limits(gather=0.02), asking)
    assert (one, four) == (1.0, 0.25) and isinstance(zero, ZeroDivisionError)


def test_a_full_queue_and_a_stop_are_told():
    begun, go_on = threading.Event(), threading.Event()

    def slow(items):
        begun.set()
        go_on.wait(10)
        return items

    async def asking(batcher):
        first = asyncio.create_task(batcher.ask("slow", slow, 0))
        await asyncio.to_thread(begun.wait, 10)
        waiting = [asyncio.create_task(batcher.ask("slow", slow, n)) for n in (1, 2)]
        await asyncio.sleep(0)
        with pytest.raises(Refused, match="too many requests are waiting"):
            await batcher.ask("slow", slow, 3)
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        with pytest.raises(Refused, match="the server is stopping"):
            await batcher.ask("slow", slow, 4)
        go_on.set()
        await closing
        return await asyncio.gather(first, *waiting)

    assert run(Limits(waiting=2), asking) == [0, 1, 2]


def test_what_nobody_waits_for_is_not_computed():
    seen = []

    async def asking(batcher):
        left = asyncio.create_task(batcher.ask("work", seen.extend, "left"))
        await asyncio.sleep(0)
        left.cancel()
        await asyncio.sleep(0.1)
        return await batcher.ask("work", lambda items: items, "stayed")

    assert run(Limits(gather=0.05), asking) == "stayed"
    assert seen == []
