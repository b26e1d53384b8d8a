"""The vectors of a whole corpus, written to a store."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from elmo.embed.embedder import Embedder, Layers
from elmo.embed.meter import Meter, readable
from elmo.embed.output import OutputError
from elmo.embed.run import Run, size_of
from elmo.embed.stores.choosing import FOLDERS, choose, files_of
from elmo.embed.stores.job import Choices
from elmo.embed.stores.reading import label_of
from elmo.embed.workplace import Workplace
from elmo.notebook import html_table
from elmo.text.corpus import Corpus
from elmo.text.files import keep_apart


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
        resumed: how many of them an earlier run had done.
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
    source: str | os.PathLike[str] | Iterable[Any],
    output: str | os.PathLike[str],
    *,
    layers: Layers = "all",
    pool: Literal["mean"] | None = None,
    state: Literal["reset", "carry"] = "reset",
    batch_size: int | None = None,
    format: Literal["hdf5", "npz", "parquet", "npy", "safetensors"] | None = None,
    layout: Literal["allennlp", "bilm-tf", "manylangs"] = "allennlp",
    dtype: Literal["float32", "float16", "int8"] | None = None,
    only: str | os.PathLike[str] | Iterable[str] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    jobs: int | None = None,
    threads: int = 1,
    part_tokens: int = 1 << 16,
    progress: bool | Callable[[int, int], None] | None = None,
) -> EmbeddingReport:
    """Write the vectors of a corpus, in memory that does not grow with it.

    The text is read once and laid out in parts (see `elmo.embed.plan`); what will be written is worked
    out, and refused where the disk cannot hold it. Then part after part is written, each whole or not
    at all, in the folder `NAME.unfinished` beside the output, which takes its place at the end. A run
    that was killed, or stopped by a full disk, goes on with `resume=True` and gives the same bytes.

    The key of a sentence is its number from 0, as a string: of a file the number of its line, a
    blank line being a sentence without tokens; of several files the lines are counted on. Named
    sentences (`Fasta`) are written under their names, with `_` for `/`.

    Args:
        embedder: what makes the vectors.
        source: a path or a list of paths (as in `Corpus`); a `Corpus`; a `Fasta`; or sentences,
            lists of tokens (a list of strings is taken for paths).
        output: by its ending `.hdf5` (or `.h5`), `.npz`, `.safetensors`, or `.parquet` and `.npy`, which
            are folders. `elmo.read_vectors` reads them all.
        layers, pool, state, batch_size: as in `Embedder.embed`.
        format: which of them it is, where the name does not say so.
        layout: of HDF5; see `elmo.embed.stores.keyed`.
        dtype: of the numbers; by default `"float32"` in HDF5 and `.npz`, `"float16"` elsewhere.
            `"int8"` has a scale for each vector, and an error of at most half of it (1/254 of the
            vector's largest number).
        only: words, a file of them, one a line, or a string with commas: the vectors of these words
            alone are kept, with the number of the sentence and the position in it.
        overwrite: whether an output that is there is replaced, and an unfinished one dropped.
        resume: go on with the unfinished output, if there is one.
        jobs: so many processes work on the parts, with the same result whatever their number; None
            for this process alone, with all its threads.
        threads: of each of these processes. Sums of several threads are rounded in another order.
        part_tokens: a part ends with the sentence that makes it this long.
        progress: True for a bar (or lines, where there is no terminal), or a function of the number
            of sentences and of tokens so far.

    Returns:
        What was written.

    Raises:
        ValueError: an argument is no choice, or two sentences have one name.
        CorpusError: the text cannot be read.
        FileExistsError: the output is there, or an unfinished one, and neither `overwrite` nor
            `resume` is on.
        OutputError: it cannot be written (an `OSError`), or the disk is too small for it; or the
            unfinished run was another one.
        WorkerError: one of the processes died.
    """
    choices = choose(
        output,
        **{"layers": layers, "pool": pool, "state": state, "batch_size": batch_size},
        **{"format": format, "layout": layout, "dtype": dtype, "only": only},
        part_tokens=part_tokens,
    )
    _check_jobs(jobs, threads, state)
    begin = time.perf_counter()
    output = Path(output)
    check_place(output, choices, embedder.config.lstm.n_layers, overwrite, resume)
    if choices.format == "hdf5" and choices.layout == "allennlp" and isinstance(source, Corpus):
        source = source.like_allennlp()
    targets = files_of(output, choices, embedder.config.lstm.n_layers)
    keep_apart([*targets, Workplace(output).folder], map(Path, getattr(source, "files", ())))
    run = Run(embedder, output, choices, None if jobs is None else threads)
    with run.place.locked(), Meter(progress) as meter:
        try:
            run.prepare(source, resume, meter)
            if not run.was_whole:
                run.work(meter, jobs)
                run.finish()
        except BaseException as error:
            clearer = run.give_up(error)
            if clearer is error:
                raise
            raise clearer from error
    return _report(run, time.perf_counter() - begin)


def _report(run: Run, seconds: float) -> EmbeddingReport:
    plan = run.job.plan
    return EmbeddingReport(
        paths=run.targets,
        sentences=plan.end.sentence,
        tokens=plan.tokens,
        empty=plan.empty,
        repeated=plan.repeated,
        vectors=plan.end.row,
        bytes=sum(map(size_of, run.targets)),
        parts=len(plan),
        resumed=run.resumed,
        seconds=seconds,
        encoding=run.encoding,
        unfound=list(plan.unfound),
    )


def _check_jobs(jobs: int | None, threads: int, state: str) -> None:
    for name, value in (("jobs", jobs), ("threads", threads)):
        if value is not None and not (type(value) is int and value >= 1):
            raise ValueError(f"{name}={value!r}: must be 1 or more")
    if jobs is not None and state == "carry":
        raise ValueError(
            "jobs with state='carry': each batch goes on from the one before; leave jobs out"
        )


def check_place(
    output: Path, choices: Choices, depth: int, overwrite: bool = False, resume: bool = False
) -> None:
    """Say before the work, not after it, that an output cannot stand there.

    Args:
        output, overwrite, resume: as in `embed_file`.
        choices: what was chosen.
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
        if not overwrite and not resume:
            raise FileExistsError(f"{path} exists; overwrite it (--overwrite) or give another name")
        if choices.format in FOLDERS and label_of(path) is None:
            raise OutputError(f"cannot write {path}: it is there, and no folder of vectors")
    place = Workplace(output)
    if place.unfinished and not overwrite and not resume:
        raise FileExistsError(
            f"{place.folder} has an unfinished run; go on with it (--resume), or begin anew "
            "(--overwrite)"
        )
