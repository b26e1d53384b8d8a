"""The end of a job: the output in its place, and what its parts counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from elmo.bulk.parts import part_name
from elmo.bulk.preparing import Prepared
from elmo.bulk.workplace import Workplace
from elmo.embed.embedder import Embedder
from elmo.system.output import writing
from elmo.text.encoding import EncodingReport
from elmo.vectors.choices import Job
from elmo.vectors.stores.choosing import open_store


@dataclass(frozen=True)
class Made:
    """An output that is whole.

    Attributes:
        prepared: the job.
        resumed: how many of its parts were done before.
        encoding: what the sentence encoder counted in all of them, where that is known.
    """

    prepared: Prepared
    resumed: int = 0
    encoding: EncodingReport | None = None


def finish(job: Job, place: Workplace, targets: list[Path]) -> None:
    """Put the output in its place and clean up."""
    with writing(place.output):
        open_store(job, place.output).finish()
        place.move(targets)
    place.remove()


def counted(embedder: Embedder, place: Workplace, parts: int) -> EncodingReport | None:
    """What the sentence encoder counted in all parts."""
    if not hasattr(embedder.sentence_encoder, "report"):
        return None
    report = EncodingReport()
    for number in range(parts):
        facts = place.facts(part_name(number)) or {}
        for name in ("sentences", "tokens", "unknown", "cut"):
            setattr(report, name, getattr(report, name) + facts.get(name, 0))
        if report.first_cut is None and facts.get("first_cut"):
            report.first_cut = tuple(facts["first_cut"])
    return report
