"""One output made by several processes, of one host or of many, that see the same folder.

Nobody leads. Each process is started by itself (an array job of Slurm, `xargs -P`, a shell per host)
with the same text, model and choices and a share `(i, n)` of its own. Whichever comes first plans the
job. A process begins with the parts of its share; then it does whatever part nobody has, or whose
process is lost (`elmo.bulk.claims`). It stays until all parts are done, so that the output is whole
as long as one process lives. Whichever sees the last part done puts the output in its place.

Parts are functions of the plan, so the bytes are those of a single process with `jobs=1`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elmo.bulk.claims import Claims
from elmo.bulk.finishing import Made, counted, finish
from elmo.bulk.meter import Meter
from elmo.bulk.parts import BLOCK, PartRunner, block_name, part_name
from elmo.bulk.preparing import Prepared, full_disk, prepare
from elmo.bulk.sending import pack
from elmo.bulk.work import Work
from elmo.bulk.workers import WorkerError, Workers
from elmo.bulk.working import parts_done
from elmo.bulk.workplace import Workplace
from elmo.embed.embedder import Embedder
from elmo.vectors.choices import Choices

PAUSE = 0.5  # seconds until it is looked again whether others are done


def in_order(number: int, share: tuple[int, int]) -> list[int]:
    """The order in which a share does things: its own first, then those of the shares after it.

    Example:
        >>> in_order(7, (2, 3))
        [1, 4, 2, 5, 0, 3, 6]
    """
    first, shares = share[0] - 1, share[1]
    return [n for k in range(shares) for n in range((first + k) % shares, number, shares)]


def share(
    embedder: Embedder,
    source: Any,
    place: Workplace,
    targets: list[Path],
    choices: Choices,
    work: Work,
    meter: Meter,
) -> Made:
    """Do the share of this process, and what others leave, until the output is whole.

    Args:
        embedder, source, choices: as in `elmo.bulk.embedding.embed_file`.
        place: where the output is made, locked for those who share it.
        targets: the files of the output.
        work: how, with `part`.
        meter: told what is done.

    Returns:
        The output, with the parts that were done when this process came; what the sentence encoder
        counted is not known where another process has put the output in its place meanwhile.

    Raises:
        OutputError: it cannot be written, or the others make another output under this name.
        WorkerError: a worker process of this one died.
    """
    assert work.part is not None
    with Claims(place.folder) as claims:
        prepared = _joined(embedder, source, place, targets, choices, work, meter, claims)
        if prepared.whole:
            return Made(prepared)
        before = len(parts_done(place, len(prepared.job.plan)))
        shared = _Shared(place, claims, work.part, meter)
        blocks = PartRunner(embedder, prepared.job, place).blocks
        packed = place.folder / f"worker-{claims.owner}"
        processes = min(work.workers or 1, max(1, len(prepared.job.plan)))
        try:
            with full_disk(place.output):
                packed.mkdir()
                pack(embedder, packed)
            with Workers(place.output, packed, processes, work.threads) as workers:
                shared.blocks(workers, blocks)
                shared.parts(workers, prepared)
        except (FileNotFoundError, WorkerError):
            if place.unfinished:
                raise
            # The others have done everything, and removed the folder that this one began to work in.
            return Made(prepared, before)
        encoding = counted(embedder, place, len(prepared.job.plan))
        if not place.unfinished:  # its marks may have gone while they were read
            encoding = None
        while place.unfinished:
            if claims.claim("finish"):
                with contextlib.suppress(FileNotFoundError):
                    if place.unfinished:
                        finish(prepared.job, place, targets)
            else:
                time.sleep(PAUSE)
        return Made(prepared, before, encoding)


def _joined(
    embedder: Embedder,
    source: Any,
    place: Workplace,
    targets: list[Path],
    choices: Choices,
    work: Work,
    meter: Meter,
    claims: Claims,
) -> Prepared:
    """The job, planned by this process or by another one with the same choices."""
    while True:
        if place.unfinished or all(target.exists() for target in targets):
            try:
                return prepare(embedder, source, place, choices, work, meter)
            except FileNotFoundError:
                if place.unfinished:  # else the others have finished it meanwhile
                    raise
        elif claims.claim("prepare"):
            try:
                if not place.unfinished:
                    return prepare(embedder, source, place, choices, work, meter)
            finally:
                claims.give_back("prepare")
        time.sleep(PAUSE)


@dataclass
class _Shared:
    """Things that several processes do, each once."""

    place: Workplace
    claims: Claims
    share: tuple[int, int]
    meter: Meter
    _counted: set[str] = field(default_factory=set)

    def blocks(self, workers: Workers, number: int) -> None:
        """See to it that the vectors of all distinct tokens are there."""
        if not number:
            return
        self.meter.start_types(BLOCK * number, 0)

        def tell(task: str, answer: dict[str, Any]) -> None:
            self.claims.give_back(block_name(int(task.split()[1])))

        def count(number: int) -> None:
            self.meter.types(BLOCK * len(self._counted))

        self._all(workers, "block", block_name, number, tell, count)

    def parts(self, workers: Workers, prepared: Prepared) -> None:
        """See to it that all parts are done."""
        number = len(prepared.job.plan)
        self._counted = set(map(part_name, parts_done(self.place, number)))
        self.meter.start(prepared.job, prepared.size, parts_done(self.place, number))

        def tell(task: str, answer: dict[str, Any]) -> None:
            part = int(task.split()[1])
            if answer.get("done"):
                self._counted.add(part_name(part))
                self.meter.done(part)
                self.claims.give_back(part_name(part))
            else:
                self.meter.tell(part, answer["sentences"], answer["tokens"])

        self._all(workers, "part", part_name, number, tell, self.meter.done)

    def _all(
        self,
        workers: Workers,
        kind: str,
        name_of: Callable[[int], str],
        number: int,
        tell: Callable[[str, dict[str, Any]], None],
        by_others: Callable[[int], None],
    ) -> None:
        order = in_order(number, self.share)
        while True:
            left = [n for n in order if self.place.facts(name_of(n)) is None]
            if not left or not self.place.unfinished:
                return
            for done in sorted(set(order) - set(left)):
                if name_of(done) not in self._counted:
                    self._counted.add(name_of(done))
                    by_others(done)
            if not workers.run(self._claimed(kind, name_of, left), tell):
                time.sleep(PAUSE)  # what is left is done by others

    def _claimed(
        self, kind: str, name_of: Callable[[int], str], numbers: Sequence[int]
    ) -> Iterator[str]:
        """Tasks that this process could claim, each claimed when a worker is free."""
        for number in numbers:
            name = name_of(number)
            if self.place.facts(name) is None and self.claims.claim(name):
                if self.place.facts(name) is None:
                    yield f"{kind} {number}"
                else:
                    self.claims.give_back(name)
