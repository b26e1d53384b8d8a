"""`elmo embed`: write the vectors of a text to a file."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Unpack

from elmo.cli import options as o
from elmo.cli.command import Argument, Command, Option, Result
from elmo.cli.paths import check_free, check_parent, local_paths

MANY_LAYERS = 8  # of the files that a model's layers may have


def embed(
    model: o.Model,
    source: Annotated[str | os.PathLike[str], Argument("INPUT")],
    output: Annotated[
        str | os.PathLike[str],
        o.output("The file, .hdf5, .npz or .safetensors, or the folder, .parquet or .npy."),
    ],
    *,
    vocabulary: o.Vocabulary = None,
    format: Annotated[
        Literal["hdf5", "npz", "parquet", "npy", "safetensors"] | None,
        Option("What it is, where its name does not say so."),
    ] = None,
    layers: Annotated[
        Literal["all", "top", "average", "sum", "token"],
        Option("Which vectors of a token; the sum of all is SeqVec's."),
    ] = "all",
    pool: Annotated[Literal["mean"] | None, Option("One vector per sentence.")] = None,
    state: Annotated[
        Literal["reset", "carry"],
        Option("Each sentence from zero state, or carried on as in the published code."),
    ] = "reset",
    batch_size: Annotated[int | None, Option("Sentences per batch.", least=1)] = None,
    layout: Annotated[
        Literal["allennlp", "bilm-tf", "manylangs"], Option("Whose keys an .hdf5 file has.")
    ] = "allennlp",
    dtype: Annotated[
        Literal["float32", "float16", "int8"] | None,
        Option(
            "Of the numbers; int8 with a scale for each vector (.parquet, .npy, .safetensors).  "
            "[default: float32 in .hdf5 and .npz, else float16]"
        ),
    ] = None,
    only: Annotated[
        str | Sequence[str] | None,
        Option(
            "Vectors of these words alone, with sentence and position: a file, one per line, or a list "
            "with commas.",
            metavar="WORDS",
        ),
    ] = None,
    fasta: Annotated[
        bool, Option("Amino-acid sequences: a residue is a token, a name is a key.")
    ] = False,
    residues: Annotated[
        Literal["keep", "x", "all"],
        Option(
            "Of --fasta: read B, J, O, U and Z as they are, or as X; with all a * is a residue too, as "
            "in SeqVec."
        ),
    ] = "keep",
    split_char: Annotated[
        str | None,
        Option(
            "Of --fasta: what separates the fields of a header; without it the name ends at the first "
            "space.",
            metavar="C",
        ),
    ] = None,
    id_field: Annotated[
        int,
        Option(
            "Of --fasta: which field of a header is the name, from 0; -1 for the whole.",
            ("--id",),
            metavar="N",
            least=-1,
        ),
    ] = 0,
    token_cache: Annotated[
        str | os.PathLike[str] | None, Option("Vectors of words, by cache-tokens.", metavar="FILE")
    ] = None,
    precision: Annotated[
        Literal["float32", "bfloat16", "int8"],
        Option("Of the computation; the lower ones are faster (extra: torch)."),
    ] = "float32",
    engine: Annotated[
        Literal["keras", "torch"] | None,
        Option(
            "What computes: Keras's backend, or PyTorch on the processor (extra: torch).  [default: "
            "the faster one]"
        ),
    ] = None,
    overwrite: Annotated[
        bool, Option("Replace what is there, and drop an unfinished job.")
    ] = False,
    resume: Annotated[bool, Option("Resume an unfinished job.")] = False,
    jobs: Annotated[
        int | None,
        Option(
            "Worker processes; whatever their number, the same bytes. Without it this process alone, "
            "with all its threads, which may round last digits otherwise.",
            metavar="N",
            least=1,
        ),
    ] = None,
    threads: o.Threads = 1,
    part_tokens: Annotated[
        int,
        Option(
            "Tokens of a part, which is written whole or not at all; one file of Parquet.", least=1
        ),
    ] = 1 << 16,
    part: o.Part = None,
    progress: o.Quiet = True,
    **reading: Unpack[o.ReadingAllLines],
) -> dict[str, Any]:
    """Write the vectors of a text to a file; see `elmo.BiLM.embed_file`, which takes the same.

    A sentence's key is its number from 0; blank lines are kept, so that it is the line's number.
    With `fasta` the source is a FASTA file, the key a sequence's name, and `pool="mean"` gives one
    vector a protein; `residues` is `rare` of `Fasta`, `split_char` and `id_field` are its `split` and
    `field`. `token_cache` is a file of `cache_tokens`;
    `precision` and `engine` those of `elmo.engines.choosing`; `vocabulary` is for a model whose
    files have none.

    Returns:
        `output`, `layers`, `pool`, `state`, `format`, `layout`, `dtype`, and what was written
        (`EmbeddingReport.to_dict`).
    """
    if jobs is not None or part is not None:  # the memory of a GPU is for the workers
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    output = Path(output)
    check_free(output, overwrite or resume or part is not None)
    check_parent(output)
    from elmo.bulk.work import Work, part_of
    from elmo.system.files import keep_apart
    from elmo.vectors.stores.choosing import choose, files_of

    work = Work(
        overwrite=overwrite,
        resume=resume,
        jobs=jobs,
        threads=threads,
        progress=progress,
        part=part_of(part),
    )
    chosen = choose(
        output,
        layers=layers,
        pool=pool,
        state=state,
        batch_size=batch_size,
        format=format,
        layout=layout,
        dtype=dtype,
        only=only,
        part_tokens=part_tokens,
    )
    read = [
        *local_paths(model),
        *local_paths(only),
        *local_paths(token_cache),
        *local_paths(vocabulary),
    ]
    keep_apart(files_of(output, chosen, MANY_LAYERS), read)

    from elmo.api import load
    from elmo.bulk.embedding import embed_file
    from elmo.system.memory import return_freed_memory
    from elmo.text.sources import text_to_embed

    embedder = load(model, vocabulary).new_embedder(precision, engine, token_cache)
    if work.workers is None:
        embedder.release()
        gc.collect()  # a network holds itself
        return_freed_memory()
    report = embed_file(
        embedder,
        text_to_embed(
            source,
            fasta=fasta,
            residues=residues,
            split_char=split_char,
            id_field=id_field,
            **reading,
        ),
        output,
        chosen,
        work,
    )
    names = ("layers", "pool", "state", "format", "layout", "dtype")
    settings = {name: getattr(chosen, name) for name in names}
    return {"output": str(output), **settings, **report.to_dict()}


def show(result: Result) -> str:
    """A file of vectors that was written."""
    known = {k: result[k] for k in ("sentences", "tokens", "vectors")}
    counted = ", ".join(f"{number:,} {name}" for name, number in known.items())
    text = f"{result['output']}: {counted}, {result['bytes']:,} bytes"
    if unfound := result["unfound"]:
        more = f" and {len(unfound) - 5:,} more" if len(unfound) > 5 else ""
        text += f"\nnot in the text: {', '.join(unfound[:5])}{more}"
    if first := result.get("first_cut"):
        where = f"line {first['line']}" + (f" of {first['file']}" if first["file"] else "")
        token = first["token"] if len(first["token"]) <= 24 else first["token"][:24] + "…"
        text += (
            f"\nlonger than the model reads, and cut: {result['cut']:,} tokens, the first {token!r} on "
            f"{where}"
        )
    return text


COMMAND = Command(
    embed,
    show,
    "Write the vectors of a text to a file.",
    "elmo embed my-elmo sentences.txt -o vectors.hdf5 --layers average\n"
    "elmo embed my-elmo corpus.txt.gz -o vectors.parquet --jobs 4\n"
    "elmo embed my-elmo corpus.txt.gz -o vectors.parquet --jobs 4 --resume\n"
    "elmo embed my-elmo corpus.txt.gz -o vectors.parquet --part 3/8\n"
    "elmo embed my-elmo corpus.txt.gz -o bank.npy --only bank,banks --dtype int8",
    details="The text is laid out in parts first, and the size of the output is told and, where the "
    "disk is too small, refused. Until it is whole the output is in NAME.unfinished; killed at any "
    "moment, the same command with --resume continues and gives the same bytes. elmo.read_vectors reads "
    "every format.",
)
