"""From a text to a whole output: planned, worked on part by part, put in its place."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from elmo.embed.embedder import CARRIED_ROWS, Embedder
from elmo.embed.fingerprint import difference, fingerprint
from elmo.embed.jobs import WorkerError, Workers
from elmo.embed.meter import Meter, readable
from elmo.embed.output import OutputError, writing
from elmo.embed.parts import BLOCK, PartRunner, block_name, part_name, prepare_table
from elmo.embed.plan import Planner
from elmo.embed.results import result_shape
from elmo.embed.sending import pack
from elmo.embed.stores.choosing import files_of, open_store
from elmo.embed.stores.job import Choices, Job
from elmo.embed.stores.reading import label_of
from elmo.embed.workplace import Workplace
from elmo.text.corpus import Corpus, Line
from elmo.text.encoding import EncodingReport
from elmo.text.sentences import token_list

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class EmbeddingInterrupted(KeyboardInterrupt):
    """Embedding was asked to stop; what was done is kept."""


class Run:
    """The making of one output.

    Args:
        embedder: what makes the vectors.
        output: what is to be.
        choices: how.
        threads: of a worker process; None where this process works alone.

    Attributes:
        place: where it is made.
        targets: the files, or the folder, that it will be.
        was_whole: whether it was there already.
        job: what is written, once it is planned.
        resumed: how many parts an earlier run had done.
        encoding: what the sentence encoder counted, at the end.
    """

    def __init__(
        self, embedder: Embedder, output: Path, choices: Choices, threads: int | None
    ) -> None:
        self.embedder, self.choices, self.threads = embedder, choices, threads
        self.place = Workplace(output)
        self.targets = files_of(output, choices, embedder.config.lstm.n_layers)
        self.was_whole = False
        self.resumed = 0
        self.encoding: EncodingReport | None = None
        self.job: Job | None = None
        self._goes_on = False

    # Before the work.

    def prepare(self, source: Any, resume: bool, meter: Meter) -> None:
        """Plan, or take up the plan of an earlier run.

        Raises:
            OutputError: the disk is too small, or the earlier run was another one.
        """
        self._goes_on = resume and self.place.unfinished
        if self._goes_on:
            self.job, old = self.place.manifest()
            self._compare(source, old, self.place.folder)
        elif resume and all(path.exists() for path in self.targets):
            label = label_of(self.targets[0])
            if label is None:
                raise FileExistsError(
                    f"{self.targets[0]} exists, and does not say what it holds; overwrite it "
                    "(--overwrite) or give another name"
                )
            self._compare(source, label["fingerprint"], self.targets[0])
            self.was_whole = True
            self.place.remove()
            return
        else:
            with self._full_disk():
                self.place.clear()
                self.place.begin()
                self.job, self._fingerprint = self._plan(source, self.place.folder)
            self._check_words()
        store = open_store(self.job, self.place.output)
        self.size, extra = store.sizes()
        self._check_disk(extra, meter)
        if not self._goes_on:
            with writing(self.place.output):
                store.prepare()
                prepare_table(self.job, self.embedder.config.lstm.projection_dim)
                self.place.commit(self.job, self._fingerprint)

    def _plan(self, source: Any, folder: Path) -> tuple[Job, dict[str, Any]]:
        choices, config = self.choices, self.embedder.config
        named, sentences = named_sentences(source)
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
        found = fingerprint(self.embedder, choices, plan.digest, folder, self.threads)
        label = {
            "written_by": "elmo-keras",
            "fingerprint": found,
            "sentences": plan.end.sentence,
            "tokens": plan.tokens,
            "vectors": plan.end.row,
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

    def _compare(self, source: Any, old: dict[str, Any], where: Path) -> None:
        """See that the same thing is to be done as before."""
        folder = self.place.folder / "again"
        folder.mkdir(exist_ok=True)
        with self._full_disk():
            job, new = self._plan(source, folder)
        if (different := difference(old, new)) is not None:
            raise OutputError(
                f"cannot go on with {where}: it was {different}; go on as it was begun, or begin "
                "anew (--overwrite)"
            )
        shutil.rmtree(folder)
        if not self._goes_on:
            self.job = job

    def _check_words(self) -> None:
        if self.choices.only is not None and not self.job.plan.end.row:
            words = ", ".join(self.choices.only[:3])
            more = f" and {len(self.choices.only) - 3} more" if len(self.choices.only) > 3 else ""
            raise ValueError(f"only: none of the words {words}{more} is in the text")

    def _check_disk(self, extra: int, meter: Meter) -> None:
        output = self.place.output
        free = shutil.disk_usage(self.place.folder).free
        table = self.job.plan.types * self.embedder.config.lstm.projection_dim * 4
        meter.announce(self.job, output.name, self.size, free)
        needed = self.size + extra + table
        had = self.place.occupied() if self._goes_on else 0
        if needed > free + had:
            more = f" and {readable(extra + table)} while it is made" if extra else ""
            raise OutputError(
                f"cannot write {output}: it will have {readable(self.size)}{more}, and the disk has "
                f"{readable(free)} free; make room, write elsewhere, or write less (dtype, layers, "
                "pool, only)"
            )

    def _full_disk(self) -> Any:
        return _FullDisk(self.place.output)

    # The work.

    def work(self, meter: Meter, jobs: int | None) -> None:
        """Do all parts that are not done yet."""
        runner = PartRunner(self.embedder, self.job, self.place)
        done = [n for n in range(len(self.job.plan)) if self._has(part_name(n))]
        self.resumed = len(done)
        blocks = [n for n in range(runner.blocks) if not self._has(block_name(n))]
        parts = sorted(set(range(len(self.job.plan))) - set(done))
        if jobs is None:
            self._alone(runner, meter, blocks, parts, done)
        elif parts:
            folder = self.place.folder / "worker"
            folder.mkdir(exist_ok=True)
            with self._full_disk():
                pack(self.embedder, folder)
            with Workers(self.place.output, min(jobs, len(parts)), self.threads or 1) as workers:
                self._together(workers, meter, blocks, parts, done)

    def _has(self, name: str) -> bool:
        return self.place.facts(name) is not None

    def _alone(
        self,
        runner: PartRunner,
        meter: Meter,
        blocks: Sequence[int],
        parts: Sequence[int],
        done: Sequence[int],
    ) -> None:
        try:
            if blocks and parts:
                meter.start_types(BLOCK * len(blocks), 0)
                for count, number in enumerate(blocks, 1):
                    runner.block(number)
                    meter.types(BLOCK * count)
            meter.start(self.job, self.size, done)
            for number in parts:
                runner.part(number, lambda s, t, number=number: meter.tell(number, s, t))
                meter.done(number)
        finally:
            runner.close()

    def _together(
        self,
        workers: Workers,
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
        meter.start(self.job, self.size, done)
        workers.run([f"part {number}" for number in parts], of_part)

    # Behind it.

    def finish(self) -> None:
        """Put the output in its place and clean up."""
        self.encoding = self._encoding()
        with writing(self.place.output):
            open_store(self.job, self.place.output).finish()
            self.place.move(self.targets)
        self.place.remove()

    def _encoding(self) -> EncodingReport | None:
        if not hasattr(self.embedder.sentence_encoder, "report"):
            return None
        report = EncodingReport()
        for number in range(len(self.job.plan)):
            facts = self.place.facts(part_name(number)) or {}
            for name in ("sentences", "tokens", "unknown", "cut"):
                setattr(report, name, getattr(report, name) + facts.get(name, 0))
            if report.first_cut is None and facts.get("first_cut"):
                report.first_cut = tuple(facts["first_cut"])
        return report

    def give_up(self, error: BaseException) -> BaseException:
        """Keep what is worth it, and say how to go on; gives the error that says so."""
        done = 0
        if self.job is not None and self.place.unfinished:
            done = sum(self._has(part_name(n)) for n in range(len(self.job.plan)))
        if not done and not self._goes_on:
            self.place.remove()
            if isinstance(error, OutputError) and error.__cause__ is not None:
                return OutputError(f"{error}; nothing of it was kept")
            return error
        shutil.rmtree(self.place.folder / "again", ignore_errors=True)
        if self.job is None:
            return error
        kept = f"{done} of {len(self.job.plan)} parts are kept"
        if type(error) is KeyboardInterrupt:
            return EmbeddingInterrupted(f"interrupted; {kept}")
        if type(error) is OutputError and error.__cause__ is not None:
            return OutputError(f"{error}; {kept}: make room and go on (--resume)")
        if type(error) is WorkerError:
            return WorkerError(f"{error}; {kept}: go on (--resume)")
        return error


class _FullDisk:
    """Within it a full disk is an `OutputError`; other failures may be of the text."""

    def __init__(self, output: Path) -> None:
        self.output = output

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if isinstance(error, OSError) and error.errno in _FULL:
            with writing(self.output):
                raise error


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(inner.stat().st_size for inner in path.iterdir())


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
