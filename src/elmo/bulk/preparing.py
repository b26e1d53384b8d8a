"""The first step of a job: its text is planned, its size known, the files for its parts made."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmo.bulk.fingerprint import difference, fingerprint
from elmo.bulk.meter import Meter
from elmo.bulk.parts import prepare_table
from elmo.bulk.work import Work
from elmo.bulk.workplace import Workplace
from elmo.embed.embedder import CARRIED_ROWS, Embedder
from elmo.embed.results import result_shape
from elmo.system.output import OutputError, writing
from elmo.system.readable import readable
from elmo.text.corpus import Corpus, Line
from elmo.text.sentences import token_list
from elmo.vectors.choices import Choices, Job
from elmo.vectors.plan import Planner
from elmo.vectors.reading import label_of
from elmo.vectors.stores.choosing import files_of, open_store

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class Prepared:
    """A job that is ready to be worked on.

    Attributes:
        job: what is written.
        size: bytes that the output will have.
        whole: the output is there already, and is that of the same job.
    """

    job: Job
    size: int
    whole: bool = False


def prepare(
    embedder: Embedder, source: Any, place: Workplace, choices: Choices, work: Work, meter: Meter
) -> Prepared:
    """Plan a job, or take the plan of an unfinished one.

    Args:
        embedder: what makes the vectors.
        source: the text; see `elmo.bulk.embedding.embed_file`.
        place: where the output is made, locked.
        choices, work: what is written and how.
        meter: told the size before anything is written.

    Raises:
        OutputError: the disk is too small, or the unfinished job is another one.
        FileExistsError: the output is there and does not say what it holds.
    """
    planned = _Planning(embedder, source, place, choices, work)
    if work.resumes and place.unfinished:
        job, before = place.manifest()
        planned.compare(before, place.folder)
        return Prepared(job, _check_disk(embedder, job, place, meter, place.occupied()))
    targets = files_of(place.output, choices, embedder.config.lstm.n_layers)
    if work.resumes and all(path.exists() for path in targets):
        label = label_of(targets[0])
        if label is None:
            raise FileExistsError(
                f"{targets[0]} exists, and does not say what it holds; overwrite it (--overwrite) or "
                "give another name"
            )
        job = planned.compare(label["fingerprint"], targets[0])
        place.remove()
        return Prepared(job, 0, whole=True)
    with full_disk(place.output):
        place.clear()
        place.begin()
        job, found = planned.plan(place.folder)
    _check_words(job)
    size = _check_disk(embedder, job, place, meter, 0)
    with writing(place.output):
        open_store(job, place.output).prepare()
        prepare_table(job, embedder.config.lstm.projection_dim)
        place.commit(job, found)
    return Prepared(job, size)


@dataclass(frozen=True)
class _Planning:
    embedder: Embedder
    source: Any
    place: Workplace
    choices: Choices
    work: Work

    def plan(self, folder: Path) -> tuple[Job, dict[str, Any]]:
        """The job, its plan's files in a folder, and its fingerprint."""
        choices, config = self.choices, self.embedder.config
        named, sentences = named_sentences(self.source)
        multiple = (choices.batch_size or CARRIED_ROWS) if choices.state == "carry" else 1
        planner = Planner(
            part_tokens=choices.part_tokens,
            row=choices.row,
            words=frozenset(choices.only or ()),
            multiple=multiple,
            most_types=self.embedder.word_cache.capacity,
        )
        plan = planner.plan(sentences, folder)
        shape = result_shape(config, choices.layers, "mean", 1)
        if choices.layer is not None:
            shape = shape[1:]
        threads = None if self.work.workers is None else self.work.threads
        found = fingerprint(self.embedder, choices, plan.digest, folder, threads)
        label = {
            "written_by": "elmo-keras",
            "fingerprint": found,
            "sentences": plan.totals.sentence,
            "tokens": plan.tokens,
            "vectors": plan.totals.row,
            "named": named or choices.layout == "manylangs",
        }
        job = Job(
            choices=choices,
            plan=plan,
            folder=folder,
            n_layers=shape[0] if len(shape) == 2 else 0,
            depth=config.lstm.n_layers,
            dim=shape[-1],
            named=named,
            label=label,
        )
        return job, found

    def compare(self, before: dict[str, Any], where: Path) -> Job:
        """The job, which must be the same as before."""
        self.place.folder.mkdir(exist_ok=True)
        with (
            full_disk(self.place.output),
            tempfile.TemporaryDirectory(prefix="again-", dir=self.place.folder) as again,
        ):
            job, now = self.plan(Path(again))
        if (different := difference(before, now)) is not None:
            raise OutputError(
                f"cannot resume {where}: it was {different}; resume it as it was begun, or begin anew "
                "(--overwrite)"
            )
        return job


def _check_words(job: Job) -> None:
    only = job.choices.only
    if only is not None and not job.plan.totals.row:
        more = f" and {len(only) - 3} more" if len(only) > 3 else ""
        raise ValueError(f"none of the words {', '.join(only[:3])}{more} is in the text")


def _check_disk(embedder: Embedder, job: Job, place: Workplace, meter: Meter, had: int) -> int:
    """The bytes of the output, for which there must be room.

    Args:
        had: bytes that the unfinished output has already.
    """
    size, extra = open_store(job, place.output).sizes()
    free = shutil.disk_usage(place.folder).free
    table = job.plan.types * embedder.config.lstm.projection_dim * 4
    meter.announce(job, place.output.name, size, free)
    if size + extra + table > free + had:
        more = f" and {readable(extra + table)} while it is made" if extra else ""
        raise OutputError(
            f"cannot write {place.output}: it will have {readable(size)}{more}, and the disk has "
            f"{readable(free)} free; make room, write elsewhere, or write less (dtype, layers, "
            "pool, only)"
        )
    return size


@contextlib.contextmanager
def full_disk(output: Path) -> Iterator[None]:
    """Within it a full disk is an `OutputError`; other failures may be of the text."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        with writing(output):
            raise


def named_sentences(source: Any) -> tuple[bool, Iterator[tuple[str, Sequence[str]]]]:
    """Whether the sentences of a source have names, and pairs (key, tokens)."""
    if isinstance(source, str | os.PathLike):
        source = [source]
    if isinstance(source, list | tuple) and source and isinstance(source[0], os.PathLike | str):
        source = Corpus(*source, blank_lines="keep")
    if hasattr(source, "with_names"):
        return True, _distinct_names(source.with_names())
    return False, (
        (str(number), tokens if isinstance(tokens, Line) else token_list(tokens, number))
        for number, tokens in enumerate(source)
    )


def _distinct_names(named: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, list[str]]]:
    names: dict[str, str] = {}
    for name, tokens in named:
        key = name.replace("/", "_")
        if key in names:
            raise ValueError(
                f"the names {names[key]!r} and {name!r} would be one key, {key!r}, of the file"
            )
        names[key] = name
        yield key, list(tokens)
