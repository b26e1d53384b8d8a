"""An index of uses, built of texts: planned, embedded part by part, added to."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elmo.bulk.embedding import embed_file
from elmo.bulk.fingerprint import model_digest
from elmo.bulk.work import Progress, Work, part_of
from elmo.bulk.workplace import SUFFIX as UNFINISHED
from elmo.system.memory import return_freed_memory
from elmo.system.notebook import html_table
from elmo.system.output import OutputError, writing
from elmo.system.readable import readable
from elmo.text.corpus import IN_MEMORY, Corpus, EncodingErrors, TextFormat
from elmo.text.counting import count_tokens
from elmo.text.sources import Text, as_corpus
from elmo.usages.description import HALF_WRITTEN, NAME, SEGMENT, Description, Segment, of_model
from elmo.usages.documents import CountedDocuments, in_order, periods_of
from elmo.usages.layers import chosen_layer
from elmo.usages.segment import SegmentReader
from elmo.vectors.choices import Choices
from elmo.vectors.stores.choosing import word_list

if TYPE_CHECKING:
    from elmo.api import BiLM
    from elmo.embed.embedder import Embedder
    from elmo.engines.choosing import EngineName, Precision
    from elmo.hub.resolving import Source

PART_TOKENS = (1 << 14, 1 << 18)
PART_BYTES = 1 << 28  # of the vectors of a part, which are held in memory


@dataclass(frozen=True)
class BuildReport:
    """What was indexed.

    Attributes:
        path: the folder.
        documents, sentences, tokens: of the texts that were indexed now.
        uses: how many vectors there are of them.
        periods: how many documents each period has.
        without_period: names of documents that have none, where periods were asked for.
        unfound: listed words that the texts do not have.
        bytes: size of the vectors and all that lies with them.
        parts, resumed: how many parts there were, and how many were done before.
        seconds: how long it took.
    """

    path: Path
    documents: int
    sentences: int
    tokens: int
    uses: int
    periods: dict[str, int]
    without_period: tuple[str, ...]
    unfound: tuple[str, ...]
    bytes: int
    parts: int
    resumed: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `json` can write."""
        return {
            **vars(self),
            "path": str(self.path),
            "without_period": list(self.without_period),
            "unfound": list(self.unfound),
        }

    def _repr_html_(self) -> str:
        return html_table(
            "Indexed",
            {
                "written": str(self.path),
                "documents": self.documents,
                "sentences": self.sentences,
                "tokens": self.tokens,
                "uses": self.uses,
                "periods": ", ".join(f"{k}: {n:,}" for k, n in self.periods.items()) or None,
                "size": readable(self.bytes),
                "took": f"{self.seconds:,.1f} s",
            },
        )


def build(
    model: BiLM | Source,
    text: Text,
    output: str | os.PathLike[str],
    *,
    words: str | os.PathLike[str] | Iterable[str] | None = None,
    min_count: int = 1,
    layer: str | int = "top",
    periods: str | os.PathLike[str] | None = None,
    precision: Precision = "float32",
    engine: EngineName | None = None,
    vocabulary: str | os.PathLike[str] | None = None,
    lowercase: bool = False,
    raw: bool = False,
    encoding_errors: EncodingErrors = "strict",
    text_format: TextFormat = "auto",
    add: bool = False,
    overwrite: bool = False,
    resume: bool = False,
    jobs: int | None = None,
    threads: int = 1,
    part_tokens: int | None = None,
    part: str | tuple[int, int] | None = None,
    progress: Progress = None,
) -> BuildReport:
    """Index every use of every word of a text: its vector, sentence, place, document and period.

    The text is read and planned, the size of the index computed, and refused where the disk cannot
    hold it. Then it is embedded part by part. Memory does not grow with the text, but for its
    vocabulary. A build that was killed is resumed with `resume=True` and gives the same bytes.
    `elmo.usages.description` says what the folder holds.

    Args:
        model: a `BiLM`, or whatever `elmo.load` takes; the index remembers where it is.
        text: paths or patterns, a file being a document; a `Corpus`; or lists of tokens.
        output: the folder of the index.
        words: the words whose uses are kept: a list, a file with one per line, or a string with commas;
            None for all. Sentences with none of them are not read by the model.
        min_count: words that the text has less often have no uses.
        layer: whose vectors: `"top"`, `"average"`, `"sum"`, `"token"`, or a number from 0 (the token's).
        periods: of the documents; see `elmo.usages.documents.periods_of`.
        precision, engine: see `BiLM.embed`.
        vocabulary: of a model whose files have none.
        lowercase, raw, encoding_errors, text_format: how paths are read; see `Corpus`.
        add: the index is there, and more documents come to it. What is not given here (`layer`,
            `precision`, `lowercase`) is as it was.
        overwrite: replace an index that is there.
        resume, jobs, threads, progress: see `elmo.bulk.work.Work`.
        part_tokens: a part ends with the sentence that makes it this long; it is written whole or not
            at all.
        part: `"i/n"`, the share of this process where others build the index with it.

    Raises:
        ValueError: a choice that there is not, or no word is left.
        FileExistsError: there is an index, and neither `add`, `overwrite` nor `resume` is on.
        FileNotFoundError: there is none to add to.
        CorpusError: the text cannot be read.
        OutputError: it cannot be written, or what was begun was another one.
    """
    begin = time.perf_counter()
    folder, work = Path(output), Work(overwrite, resume, jobs, threads, progress, part_of(part))
    before = _before(folder, add, work)
    if add and before is not None:
        layer, precision, lowercase = before.layer, before.precision, before.lowercase
        words, min_count = words or before.words, max(min_count, before.min_count)
    documents = CountedDocuments(
        as_corpus(
            text,
            lowercase=lowercase,
            raw=raw,
            encoding_errors=encoding_errors,
            text_format=text_format,
        )
    )
    found_periods = periods_of(documents.files, periods)
    target = _target(folder, before, documents.files, add, work)
    embedder = _embedder(model, vocabulary, precision, engine, work.workers)
    if add and before is not None and before.model_digest != model_digest(embedder):
        raise ValueError(f"{folder}: was made by another model ({before.model}); add with that one")
    chosen = chosen_layer(layer, embedder.config.lstm.n_layers)
    listed = None if words is None else word_list(words)
    kept = _kept(documents.corpus, listed, min_count, _words_of(folder, before if add else None))
    choices = Choices(
        layers=chosen.layers,
        layer=chosen.number,
        format="types",
        layout="",
        dtype="int8",
        only=kept,
        part_tokens=part_tokens or _part_tokens(embedder),
    )
    with _folder(folder):
        written = embed_file(embedder, documents, target, choices, work)
        segment = Segment(target.name, tuple(documents.documents(found_periods)))
        base = before if add else None
        if base is None:
            base = Description(
                model=of_model(model),
                model_digest=model_digest(embedder),
                vocabulary=None if vocabulary is None else os.path.abspath(vocabulary),
                layer=str(layer),
                precision=precision,
                lowercase=lowercase,
                words=listed,
                min_count=min_count,
            )
        if segment.folder not in {one.folder for one in base.segments}:
            with writing(folder):
                base.with_segment(segment).write(folder)
    known = [document.period for document in segment.documents]
    missing = {*(listed or ())} - {*(kept or listed or ())} | {*written.unfound}
    return BuildReport(
        path=folder,
        documents=len(segment.documents),
        sentences=written.sentences,
        tokens=written.tokens,
        uses=written.vectors,
        periods={period: known.count(period) for period in in_order({*known} - {""})},
        without_period=tuple(d.name for d in segment.documents if periods and not d.period),
        unfound=tuple(word for word in listed or () if word in missing),
        bytes=written.bytes,
        parts=written.parts,
        resumed=written.resumed,
        seconds=time.perf_counter() - begin,
    )


def _before(folder: Path, add: bool, work: Work) -> Description | None:
    """The index that is there, which what is to be done must allow for."""
    if (folder / NAME).is_file():
        if not (add or work.overwrite or work.resumes):
            raise FileExistsError(
                f"{folder}: holds an index of uses; add to it (--add), replace it (--overwrite), or "
                "name another folder"
            )
        return Description.read(folder)
    if add:
        return Description.read(folder)  # raises, and says why
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder}: is a file; name a folder")
    ours = {*folder.glob(f"{SEGMENT}*"), *folder.glob(HALF_WRITTEN)}
    if folder.is_dir() and set(folder.iterdir()) - ours:
        raise FileExistsError(
            f"{folder}: holds something, and no index of uses; name another folder"
        )
    if not folder.absolute().parent.is_dir():
        raise OutputError(f"cannot write {folder}: its folder does not exist; make it first")
    return None


def _target(
    folder: Path, before: Description | None, files: list[str], add: bool, work: Work
) -> Path:
    """The segment that is to be written, or one that is whole and is only looked at again."""
    if before is None:
        return folder / f"{SEGMENT}0"
    following = folder / before.next_segment
    begun = following.exists() or following.with_name(f"{following.name}{UNFINISHED}").exists()
    last = before.segments[-1]
    if work.resumes and not begun:
        if [document.name for document in last.documents] == (files or [IN_MEMORY]):
            return folder / last.folder
        if not add:
            raise FileExistsError(f"{folder}: is finished, and of other texts; add them (--add)")
    there = {document.name for one in before.segments for document in one.documents}
    if add and (again := [name for name in files if name in there]):
        raise ValueError(f"{again[0]}: is in {folder} already; a document is indexed once")
    return following


def _words_of(folder: Path, before: Description | None) -> frozenset[str]:
    """Words that have uses in an index."""
    if before is None or before.min_count < 2:
        return frozenset()
    segments = [SegmentReader(folder / one.folder) for one in before.segments]
    return frozenset(word for segment in segments for word in segment.words())


def _kept(
    corpus: Corpus, listed: tuple[str, ...] | None, min_count: int, known: frozenset[str]
) -> tuple[str, ...] | None:
    """The words that have uses; None for all."""
    if type(min_count) is not int or min_count < 1:
        raise ValueError(f"min_count={min_count!r}: must be 1 or more")
    if min_count == 1:
        return listed
    counts, _ = count_tokens(corpus)
    among = frozenset(counts if listed is None else listed)
    kept = sorted(w for w in among if counts[w] >= min_count or (counts[w] and w in known))
    if not kept:
        raise ValueError(f"min_count={min_count}: no word of the texts has so many uses")
    return tuple(kept)


def _embedder(
    model: BiLM | Source,
    vocabulary: str | os.PathLike[str] | None,
    precision: Precision,
    engine: EngineName | None,
    jobs: int | None,
) -> Embedder:
    from elmo.api import BiLM, load

    if isinstance(model, BiLM):
        return model.embedder_in(precision, engine)
    embedder = load(model, vocabulary).new_embedder(precision, engine)
    if jobs is None:
        embedder.release()
        gc.collect()  # a network holds itself
        return_freed_memory()
    return embedder


def _part_tokens(embedder: Embedder) -> int:
    """Long parts are written fast, and are held in memory."""
    least, most = PART_TOKENS
    return max(least, min(most, PART_BYTES // embedder.config.output_dim))


@contextlib.contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """Make the folder, and do not leave it empty."""
    with writing(folder):
        folder.mkdir(exist_ok=True)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()
