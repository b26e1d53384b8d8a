"""The work of a job: all parts that are not done yet, here or in several processes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elmo.bulk.finishing import Made, counted, finish
from elmo.bulk.meter import Meter
from elmo.bulk.parts import BLOCK, PartRunner, block_name, part_name
from elmo.bulk.preparing import Prepared, full_disk, prepare
from elmo.bulk.sending import pack
from elmo.bulk.work import Work
from elmo.bulk.workers import Workers
from elmo.bulk.workplace import Workplace
from elmo.embed.embedder import Embedder
from elmo.vectors.choices import Choices


def alone(
    embedder: Embedder,
    source: Any,
    place: Workplace,
    targets: list[Path],
    choices: Choices,
    work: Work,
    meter: Meter,
) -> Made:
    """Make an output in this process and the workers that it starts.

    Args:
        embedder, source, choices, work: as in `elmo.bulk.embedding.embed_file`.
        place: where the output is made, locked.
        targets: the files of the output.
        meter: told what is done.

    Raises:
        OutputError: the output cannot be written.
        WorkerError: one of the processes died.
    """
    prepared = prepare(embedder, source, place, choices, work, meter)
    if prepared.whole:
        return Made(prepared)
    resumed = _work_on(embedder, prepared, place, work, meter)
    encoding = counted(embedder, place, len(prepared.job.plan))
    finish(prepared.job, place, targets)
    return Made(prepared, resumed, encoding)


def _work_on(
    embedder: Embedder, prepared: Prepared, place: Workplace, work: Work, meter: Meter
) -> int:
    """Do all parts that are not done yet; returns how many were done before."""
    job = prepared.job
    runner = PartRunner(embedder, job, place)
    done = parts_done(place, len(job.plan))
    blocks = [n for n in range(runner.blocks) if place.facts(block_name(n)) is None]
    parts = sorted(set(range(len(job.plan))) - set(done))
    if work.jobs is None:
        _here(runner, meter, blocks, parts, done, prepared.size)
    elif parts:
        folder = place.folder / "worker"
        folder.mkdir(exist_ok=True)
        with full_disk(place.output):
            pack(embedder, folder)
        with Workers(place.output, folder, min(work.jobs, len(parts)), work.threads) as workers:
            _together(workers, prepared, meter, blocks, parts, done)
    return len(done)


def parts_done(place: Workplace, number: int) -> list[int]:
    """Which of a job's parts are whole and on the disk."""
    return [n for n in range(number) if place.facts(part_name(n)) is not None]


def _here(
    runner: PartRunner,
    meter: Meter,
    blocks: Sequence[int],
    parts: Sequence[int],
    done: Sequence[int],
    size: int,
) -> None:
    if blocks and parts:
        meter.start_types(BLOCK * len(blocks), 0)
        for count, number in enumerate(blocks, 1):
            runner.block(number)
            meter.types(BLOCK * count)
    meter.start(runner.job, size, done)
    for number in parts:
        runner.part(number, functools.partial(meter.tell, number))
        meter.done(number)


def _together(
    workers: Workers,
    prepared: Prepared,
    meter: Meter,
    blocks: Sequence[int],
    parts: Sequence[int],
    done: Sequence[int],
) -> None:
    finished = 0

    def of_block(task: str, answer: dict[str, Any]) -> None:
        nonlocal finished
        finished += BLOCK
        meter.types(finished)

    def of_part(task: str, answer: dict[str, Any]) -> None:
        number = int(task.split()[1])
        if answer.get("done"):
            meter.done(number)
        else:
            meter.tell(number, answer["sentences"], answer["tokens"])

    if blocks:
        meter.start_types(BLOCK * len(blocks), 0)
        workers.run([f"block {number}" for number in blocks], of_block)
    meter.start(prepared.job, prepared.size, done)
    workers.run([f"part {number}" for number in parts], of_part)
