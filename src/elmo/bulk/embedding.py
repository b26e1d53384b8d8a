"""The vectors of a whole corpus, written to a store."""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmo.bulk.meter import Meter
from elmo.bulk.parts import part_name
from elmo.bulk.preparing import prepare
from elmo.bulk.work import Work
from elmo.bulk.workers import WorkerError
from elmo.bulk.working import parts_done, work_on
from elmo.bulk.workplace import Workplace
from elmo.embed.embedder import Embedder
from elmo.system.files import keep_apart
from elmo.system.notebook import html_table
from elmo.system.output import OutputError, writing
from elmo.system.readable import readable
from elmo.text.corpus import Corpus
from elmo.text.encoding import EncodingReport
from elmo.vectors.choices import Choices, Job
from elmo.vectors.reading import label_of
from elmo.vectors.stores.choosing import FOLDERS, files_of, open_store

ALONE = Work()


class EmbeddingInterrupted(KeyboardInterrupt):
    """A job was asked to stop; the parts that were done are kept."""


@dataclass(frozen=True)
class EmbeddingReport:
    """What was written.

    Attributes:
        paths: the files, or the folder.
        sentences: number of sentences, empty ones included.
        tokens: number of their tokens.
        empty: how many have none.
        repeated: how many had come before, token for token.
        vectors: how many vectors there are, each of them of all layers.
        bytes: size of the files.
        parts: how many parts it was made in.
        resumed: how many of them were done when it was resumed.
        seconds: how long it took.
        encoding: what the sentence encoder counted (unknown and cut tokens), or None.
        unfound: words of `only` that are not in the text.
    """

    paths: list[Path]
    sentences: int
    tokens: int
    empty: int
    repeated: int
    vectors: int
    bytes: int
    parts: int
    resumed: int
    seconds: float
    encoding: Any = None
    unfound: list[str] = dataclasses.field(default_factory=list)

    def _repr_html_(self) -> str:
        names = "sentences", "empty", "repeated", "tokens", "vectors"
        return html_table(
            "Embedded",
            {
                "written": ", ".join(str(path) for path in self.paths),
                **{name: getattr(self, name) for name in names},
                "unknown": None if self.encoding is None else self.encoding.unknown,
                "size": readable(self.bytes),
                "parts": f"{self.parts:,}, of which {self.resumed:,} were there"
                if self.resumed
                else self.parts,
                "took": f"{self.seconds:,.1f} s",
                "not found": ", ".join(self.unfound[:20]) or None,
            },
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `json` can write."""
        values = {key: value for key, value in vars(self).items() if key != "encoding"}
        values["paths"] = [str(path) for path in self.paths]
        if self.encoding is not None:
            values |= {"unknown": self.encoding.unknown, "cut": self.encoding.cut}
            if self.encoding.first_cut is not None:
                token, line, path = self.encoding.first_cut
                values["first_cut"] = {"token": token, "line": line, "file": path}
        return values


def embed_file(
    embedder: Embedder,
    source: Any,
    output: str | os.PathLike[str],
    choices: Choices,
    work: Work = ALONE,
) -> EmbeddingReport:
    """Write the vectors of a corpus, in memory that does not grow with it.

    The text is read once and laid out in parts (see `elmo.vectors.plan`); the size of the output is
    computed, and refused where the disk cannot hold it. Then part after part is written, each whole or
    not at all, in the folder `NAME.unfinished` beside the output, which takes its place at the end. A
    job that was killed, or stopped by a full disk, is resumed with `resume=True` and gives the same
    bytes.

    The key of a sentence is its number from 0, as a string: of a file the number of its line, a
    blank line being a sentence without tokens; of several files the lines are counted on. Named
    sentences (`Fasta`) are written under their names, with `_` for `/`.

    Args:
        embedder: what makes the vectors. Its own caches and its carried state stay as they are; a job
            with `state="carry"` begins from zero state.
        source: a path or a list of paths (as in `Corpus`); a `Corpus`; a `Fasta`; or sentences,
            lists of tokens (a list of strings is taken for paths).
        output: the file or folder; `elmo.read_vectors` reads all of them.
        choices: what is written; see `elmo.vectors.stores.choosing.choose`.
        work: how.

    Returns:
        What was written.

    Raises:
        ValueError: two choices do not go together, or two sentences have one name.
        CorpusError: the text cannot be read.
        FileExistsError: the output is there, or an unfinished one, and neither `overwrite` nor
            `resume` is on.
        OutputError: it cannot be written (an `OSError`), or the disk is too small for it; or the
            unfinished job was another one.
        WorkerError: one of the processes died.
    """
    if work.jobs is not None and choices.state == "carry":
        raise ValueError(
            "jobs with state='carry': each batch goes on from the one before; leave jobs out"
        )
    begin, depth = time.perf_counter(), embedder.config.lstm.n_layers
    output = Path(output)
    check_place(output, choices, depth, work)
    if choices.format == "hdf5" and choices.layout == "allennlp" and isinstance(source, Corpus):
        source = source.like_allennlp()
    targets, place = files_of(output, choices, depth), Workplace(output)
    keep_apart([*targets, place.folder], map(Path, getattr(source, "files", ())))
    resumed, encoding = 0, None
    with place.locked(), Meter(work.progress) as meter:
        resuming = work.resume and place.unfinished
        try:
            prepared = prepare(embedder, source, place, choices, work, meter)
            if not prepared.whole:
                resumed = work_on(embedder, prepared, place, work, meter)
                encoding = _encoding(embedder, place, len(prepared.job.plan))
                _finish(prepared.job, place, targets)
        except BaseException as error:
            clearer = _give_up(place, resuming, error)
            if clearer is error:
                raise
            raise clearer from error
    plan = prepared.job.plan
    return EmbeddingReport(
        paths=targets,
        sentences=plan.totals.sentence,
        tokens=plan.tokens,
        empty=plan.empty,
        repeated=plan.repeated,
        vectors=plan.totals.row,
        bytes=sum(map(_size_of, targets)),
        parts=len(plan),
        resumed=resumed,
        seconds=time.perf_counter() - begin,
        encoding=encoding,
        unfound=list(plan.unfound),
    )


def _encoding(embedder: Embedder, place: Workplace, parts: int) -> EncodingReport | None:
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


def _finish(job: Job, place: Workplace, targets: list[Path]) -> None:
    """Put the output in its place and clean up."""
    with writing(place.output):
        open_store(job, place.output).finish()
        place.move(targets)
    place.remove()


def _give_up(place: Workplace, resuming: bool, error: BaseException) -> BaseException:
    """Keep finished parts; return an error saying how to resume."""
    try:
        job = place.manifest()[0] if place.unfinished else None
    except OutputError:
        return error
    done = 0 if job is None else len(parts_done(place, len(job.plan)))
    if not done and not resuming:
        place.remove()
        if isinstance(error, OutputError) and error.__cause__ is not None:
            return OutputError(f"{error}; nothing of it was kept")
        return error
    shutil.rmtree(place.folder / "again", ignore_errors=True)
    if job is None:
        return error
    kept = f"{done} of {len(job.plan)} parts are kept"
    if type(error) is KeyboardInterrupt:
        return EmbeddingInterrupted(f"interrupted; {kept}")
    if type(error) is OutputError and error.__cause__ is not None:
        return OutputError(f"{error}; {kept}: make room and resume (--resume)")
    if type(error) is WorkerError:
        return WorkerError(f"{error}; {kept}: resume it (--resume)")
    return error


def _size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(inner.stat().st_size for inner in path.iterdir())


def check_place(output: Path, choices: Choices, depth: int, work: Work = ALONE) -> None:
    """Say before the work, not after it, that an output cannot stand there.

    Args:
        output, choices, work: as in `embed_file`.
        depth: layers of the model above the token's.

    Raises:
        FileExistsError, OutputError: naming what is in the way.
    """
    if not output.absolute().parent.is_dir():
        raise OutputError(f"cannot write {output}: No such file or directory")
    for path in files_of(output, choices, depth):
        if path.is_dir() and choices.format not in FOLDERS:
            raise OutputError(f"cannot write {path}: it is a folder; give a file")
        if not path.exists():
            continue
        if not work.overwrite and not work.resume:
            raise FileExistsError(f"{path} exists; overwrite it (--overwrite) or give another name")
        if choices.format in FOLDERS and label_of(path) is None:
            raise OutputError(f"cannot write {path}: it is there, and no folder of vectors")
    place = Workplace(output)
    if place.unfinished and not work.overwrite and not work.resume:
        raise FileExistsError(
            f"{place.folder} has an unfinished run; resume it (--resume), or begin anew "
            "(--overwrite)"
        )
