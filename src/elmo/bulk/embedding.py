"""The vectors of a whole corpus, written to a store."""

from __future__ import annotations

import dataclasses
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmo.bulk.meter import Meter
from elmo.bulk.sharing import share
from elmo.bulk.work import Work
from elmo.bulk.workers import WorkerError
from elmo.bulk.working import alone, parts_done
from elmo.bulk.workplace import Workplace
from elmo.embed.embedder import Embedder
from elmo.system.files import keep_apart
from elmo.system.notebook import html_table
from elmo.system.output import OutputError
from elmo.system.readable import readable
from elmo.text.corpus import Corpus
from elmo.vectors.choices import Choices
from elmo.vectors.reading import label_of
from elmo.vectors.stores.choosing import FOLDERS, files_of

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
        work: how. With `part` other processes make the output together with this one, and whichever
            comes first begins it; all return once it is whole.

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
    if work.workers is not None and choices.state == "carry":
        name = "jobs" if work.part is None else "part"
        raise ValueError(
            f"{name} with state='carry': each batch continues from the one before; leave {name} out"
        )
    begin, depth = time.perf_counter(), embedder.config.lstm.n_layers
    output = Path(output)
    check_place(output, choices, depth, work)
    if choices.format == "hdf5" and choices.layout == "allennlp" and isinstance(source, Corpus):
        source = source.like_allennlp()
    targets, place = files_of(output, choices, depth), Workplace(output)
    keep_apart([*targets, place.folder], map(Path, getattr(source, "files", ())))
    make = alone if work.part is None else share
    with place.locked(shared=work.part is not None), Meter(work.progress) as meter:
        resuming = work.part is not None or (work.resume and place.unfinished)
        try:
            made = make(embedder, source, place, targets, choices, work, meter)
        except BaseException as error:
            clearer = _give_up(place, resuming, error)
            if clearer is error:
                raise
            raise clearer from error
    plan = made.prepared.job.plan
    return EmbeddingReport(
        paths=targets,
        sentences=plan.totals.sentence,
        tokens=plan.tokens,
        empty=plan.empty,
        repeated=plan.repeated,
        vectors=plan.totals.row,
        bytes=sum(map(_size_of, targets)),
        parts=len(plan),
        resumed=made.resumed,
        seconds=time.perf_counter() - begin,
        encoding=made.encoding,
        unfound=list(plan.unfound),
    )


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
        if not work.overwrite and not work.resumes:
            raise FileExistsError(f"{path} exists; overwrite it (--overwrite) or give another name")
        if choices.format in FOLDERS and label_of(path) is None:
            raise OutputError(f"cannot write {path}: it is there, and no folder of vectors")
    place = Workplace(output)
    if place.unfinished and not work.overwrite and not work.resumes:
        raise FileExistsError(
            f"{place.folder} has an unfinished run; resume it (--resume), or begin anew "
            "(--overwrite)"
        )
