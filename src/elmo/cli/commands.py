"""The commands as functions: the same names as on the command line, plain values in and out.

Each returns what `--json` prints. Heavy modules are imported inside, so that help comes quickly.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Paths = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
Model = str | os.PathLike[str] | tuple[str | os.PathLike[str], str | os.PathLike[str]]


def vocab(
    corpus: Paths,
    output: str | os.PathLike[str],
    *,
    min_count: int = 1,
    max_size: int | None = None,
    unk_token: str | None = None,
    lowercase: bool = False,
    layout: str = "published",
    overwrite: bool = False,
    raw: bool = False,
    encoding_errors: str = "strict",
    text_format: str = "auto",
) -> dict[str, Any]:
    """Count a text and write its vocabulary.

    Args:
        corpus: paths or patterns.
        output: the vocabulary file.
        min_count, max_size, unk_token, lowercase: see `Vocabulary.from_corpus`.
        layout: `"published"` or `"token_id"`.
        overwrite: replace the file if there is one.
        raw, encoding_errors, text_format: see `Corpus`.

    Returns:
        `output`, `types`, `sentences`, `tokens`, `unknown_share` (of the tokens and ends of sentences,
        as `elmo evaluate` counts).
    """
    from elmo.text.corpus import Corpus
    from elmo.text.files import keep_apart
    from elmo.text.vocabulary import Vocabulary
    from elmo.text.vocabulary_files import counts_path

    output = Path(output)
    for path in (output, counts_path(output)):
        _must_be_free(path, overwrite)
    text = Corpus(
        *_listed(corpus), raw=raw, encoding_errors=encoding_errors, text_format=text_format
    )
    keep_apart([output, counts_path(output)], map(Path, text.files))
    vocabulary = Vocabulary.from_corpus(
        text, min_count=min_count, max_size=max_size, lowercase=lowercase, unk_token=unk_token
    )
    vocabulary.save(output, layout=layout)
    counts = vocabulary.counts
    sentences, unknown = int(counts[vocabulary.bos_id]), int(counts[vocabulary.unk_id])
    tokens = int(counts.sum()) - 2 * sentences
    return {
        "output": str(output),
        "types": len(vocabulary),
        "sentences": sentences,
        "tokens": tokens,
        "unknown_share": unknown / (tokens + sentences),
    }


def train(
    corpus: Paths,
    output: str | os.PathLike[str] | None,
    *,
    valid: Paths = (),
    test: Paths = (),
    config: str | os.PathLike[str] | None = None,
    start_from: str | os.PathLike[str] | None = None,
    keep_vocabulary: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    blank_lines: str = "skip",
    encoding_errors: str = "strict",
    text_format: str = "auto",
    raw: bool = False,
    progress: Any = True,
    tensorboard: str | os.PathLike[str] | None = None,
    wandb: str | None = None,
    print_config: bool = False,
    assignments: Iterable[tuple[str, Any]] = (),
    **settings: Any,
) -> dict[str, Any]:
    """Train an ELMo on text and save it; see `elmo.train`.

    Args:
        corpus, valid, test: paths or patterns.
        output: the folder.
        config: a TOML file of settings.
        start_from, keep_vocabulary: a model to train further, and whether to add no words to it.
        resume, overwrite, blank_lines, encoding_errors, text_format, raw, progress: as for `elmo.train`.
        tensorboard: folder for TensorBoard's events, `""` for `run/tensorboard` in the output.
        wandb: a project of Weights & Biases.
        print_config: train nothing; see Returns. Then `output` may be None and `corpus` empty.
        assignments: pairs (name, value) of settings.
        **settings: settings by name; None for what is not set.

    Returns:
        `output`, `curve`, `metrics` (the last line of `metrics.csv`), `best` (the line that was
        kept), `parameters`, `vocabulary`; `fine_tuning`: None, or what was reached from where
        (`elmo.fine_tuning`). With `print_config`: `settings`, all by name, and `toml`, the same as a
        file for `config`; of a corpus and no `config` with the sizes that are chosen for it.
    """
    import json

    from elmo.config import ConfigError
    from elmo.fine_tuning import REPORT
    from elmo.integrations import trackers
    from elmo.runs import train as train_model
    from elmo.training.report import kept, read_metrics

    chosen = {name: value for name, value in settings.items() if value is not None}
    for name, value in assignments:
        if name in chosen:
            raise ConfigError(f"{name} is set twice: {chosen[name]!r} and {value!r}")
        chosen[name] = value
    if print_config:
        if resume or start_from is not None:
            raise ConfigError(
                "print_config: prints the settings of a new training; leave out "
                + ("resume" if resume else "from, whose model has its own")
            )
        reading = {
            "blank_lines": blank_lines,
            "encoding_errors": encoding_errors,
            "raw": raw,
            "text_format": text_format,
        }
        return _settings(_listed(corpus), bool(_listed(valid)), config, chosen, reading)
    if output is None:
        raise ConfigError("output=None: must be the folder for the model")
    callbacks = []
    if tensorboard is not None:
        folder = tensorboard or Path(output) / "run" / "tensorboard"
        callbacks.append(trackers.tensorboard(folder))
    if wandb is not None:
        callbacks.append(trackers.wandb(wandb, name=Path(output).name, config=chosen))
    model = train_model(
        _listed(corpus),
        valid=_listed(valid) or None,
        test=_listed(test) or None,
        output=output,
        config=config,
        start_from=start_from,
        keep_vocabulary=keep_vocabulary,
        resume=resume,
        overwrite=overwrite,
        blank_lines=blank_lines,
        encoding_errors=encoding_errors,
        text_format=text_format,
        raw=raw,
        progress=progress,
        callbacks=callbacks,
        **chosen,
    )
    run = Path(output) / "run"
    further = run / REPORT
    rows = read_metrics(run / "metrics.csv")
    best = kept(rows)
    return {
        "output": os.fspath(output),
        "curve": str(run / "curve.png"),
        "metrics": rows[-1] if rows else None,
        "best": best if best and best["valid_both"] is not None else None,
        "parameters": int(model.network.count_params()),
        "vocabulary": len(model.vocabulary),
        "fine_tuning": json.loads(further.read_text("utf-8")) if further.is_file() else None,
    }


def _settings(
    corpus: Sequence[str | os.PathLike[str]],
    validated: bool,
    config: str | os.PathLike[str] | None,
    chosen: dict[str, Any],
    reading: dict[str, Any],
) -> dict[str, Any]:
    """The settings that a training would have, and the file that says them."""
    from elmo.runs import fitting, settings_from, vocabulary_of
    from elmo.text.sources import as_corpus
    from elmo.training.described import as_toml

    settings, notes = settings_from(config).merged(chosen), []
    if corpus and config is None:
        longest = settings.training.max_sentence_tokens
        text = as_corpus(corpus, **reading, max_sentence_tokens=longest)
        words = vocabulary_of(settings, text, None)
        settings = fitting(settings, words, validated=validated, tell=notes.append)
    elif config is None:
        notes.append(
            "Without --config `elmo train` chooses sizes that suit the text, where none is given: "
            "name a CORPUS to see them."
        )
    return {"settings": settings.resolved(), "toml": as_toml(settings, "\n".join(notes))}


def evaluate(
    model: Model,
    files: Paths,
    *,
    vocabulary: str | os.PathLike[str] | None = None,
    state: str | None = None,
    blank_lines: str = "skip",
    encoding_errors: str = "strict",
    text_format: str = "auto",
    raw: bool = False,
) -> dict[str, Any]:
    """Exact perplexity of texts; see `elmo.BiLM.evaluate`.

    `vocabulary` is for a model whose files have none.

    Returns:
        `forward`, `backward` (None for a direction that the model lacks), `both`, `tokens`,
        `unknown_share`, `unigram` (None where the vocabulary has no counts), `per_character`,
        `characters` (`elmo.training.evaluation.Evaluation`), and `files` with the same for each file.
    """
    from elmo.api import load

    result = load(model, vocabulary).evaluate(
        *_listed(files),
        state=state,
        blank_lines=blank_lines,
        encoding_errors=encoding_errors,
        text_format=text_format,
        raw=raw,
    )
    return result.to_dict()


def embed(
    model: Model,
    source: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    vocabulary: str | os.PathLike[str] | None = None,
    layers: str = "all",
    pool: str | None = None,
    state: str = "reset",
    batch_size: int | None = None,
    format: str | None = None,
    layout: str = "allennlp",
    dtype: str | None = None,
    only: str | Sequence[str] | None = None,
    fasta: bool = False,
    residues: str = "keep",
    split_char: str | None = None,
    id_field: int = 0,
    token_cache: str | os.PathLike[str] | None = None,
    precision: str = "float32",
    engine: str | None = None,
    overwrite: bool = False,
    resume: bool = False,
    jobs: int | None = None,
    threads: int = 1,
    part_tokens: int = 1 << 16,
    blank_lines: str = "keep",
    encoding_errors: str = "strict",
    text_format: str = "auto",
    raw: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Write the vectors of a text to a file; see `elmo.BiLM.embed_file`, which takes the same.

    A sentence's key is its number from 0; blank lines are kept, so that it is the line's number.
    With `fasta` the source is a FASTA file, the key a sequence's name, and `pool="mean"` gives one
    vector a protein; `residues` is `rare` of `Fasta`, `split_char` and `id_field` are its `split` and
    `field`. `token_cache` is a file of `cache_tokens`;
    `precision` and `engine` those of `elmo.embed.precision`; `vocabulary` is for a model whose
    files have none.

    Returns:
        `output`, `layers`, `pool`, `state`, `format`, `layout`, `dtype`, and what was written
        (`EmbeddingReport.to_dict`).
    """
    if jobs is not None:  # the memory of a GPU is for the workers
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    output = Path(output)
    _must_be_free(output, overwrite or resume, folder=True)
    from elmo.embed.stores.choosing import choose, files_of
    from elmo.text.files import keep_apart

    options = {"layers": layers, "pool": pool, "state": state, "batch_size": batch_size}
    options |= {"format": format, "layout": layout, "dtype": dtype, "only": only}
    chosen = choose(output, **options, part_tokens=part_tokens)
    read = [
        *local_paths(model),
        *local_paths(only),
        *local_paths(token_cache),
        *local_paths(vocabulary),
    ]
    keep_apart(files_of(output, chosen, MANY_LAYERS), read)

    from elmo.allocator import return_freed_memory
    from elmo.api import load
    from elmo.text.sources import text_to_embed

    embedder = load(model, vocabulary).new_embedder(precision, engine, token_cache)
    if jobs is None:
        embedder.release()
        gc.collect()  # a network holds itself
        return_freed_memory()
    reading = {
        "blank_lines": blank_lines,
        "encoding_errors": encoding_errors,
        "raw": raw,
        "text_format": text_format,
    }
    reading |= {"residues": residues, "split_char": split_char, "id_field": id_field}
    report = embedder.embed_file(
        text_to_embed(source, fasta=fasta, **reading),
        output,
        **options,
        overwrite=overwrite,
        resume=resume,
        jobs=jobs,
        threads=threads,
        part_tokens=part_tokens,
        progress=progress,
    )
    names = ("layers", "pool", "state", "format", "layout", "dtype")
    settings = {name: getattr(chosen, name) for name in names}
    return {"output": str(output), **settings, **report.to_dict()}


def info(model: Model) -> dict[str, Any]:
    """What a model is made of; its network is not built.

    Returns:
        `source`, `format`, `architecture`, `parameters` (of the encoder and of the softmax),
        `vocabulary`, `softmax`, `state`, `files` with their sizes; of a run of ours `run`, the line of
        its metrics for the epoch whose weights these are, `last`, its last line, and `unfinished`, the
        `step` that it has come to and the `total`, or None.
    """
    from elmo.formats.download import name_of, resolve
    from elmo.formats.pretrained import read

    place = resolve(model, progress=True)
    found = read(place)
    sizes = {name: int(array.size) for name, array in found.weights.items()}
    softmax = sum(size for name, size in sizes.items() if name.startswith("softmax/"))
    words = found.vocabulary
    settings = found.extra.get("settings") or {}
    return {
        "source": name_of(model),
        "format": found.extra.get("format"),
        "architecture": found.config.to_dict(),
        "parameters": {"encoder": sum(sizes.values()) - softmax, "softmax": softmax},
        "vocabulary": None if words is None else len(words),
        "softmax": found.has_softmax,
        "state": settings.get("state"),
        "files": _files(place),
        **_metrics(place),
        "unfinished": found.extra.get("unfinished"),
    }


def _files(path: Path | tuple[Path, Path]) -> dict[str, int]:
    if isinstance(path, tuple):
        return {name: size for part in path for name, size in _files(part).items()}
    if path.is_file():
        return {path.name: path.stat().st_size}
    if not path.is_dir():
        return {}
    names = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
    return {p.name: p.stat().st_size for p in names}


def _metrics(place: Path | tuple[Path, Path]) -> dict[str, Any]:
    """The lines of a run's metrics for the model that was kept and for its end; None without a run."""
    from elmo.training.report import kept, read_metrics, read_steps

    nothing = {"run": None, "last": None}
    if isinstance(place, tuple):
        return nothing
    try:
        path = place / "run" / "metrics.csv"
        rows, between = (read_metrics(path) if path.is_file() else []), read_steps(path)
    except (OSError, ValueError, TypeError):
        return nothing
    every = [*rows, *between]
    return {"run": kept(rows), "last": max(every, key=lambda r: r["step"])} if every else nothing


MANY_LAYERS = 8  # of the files that a model's layers may have


def local_paths(source: Any) -> list[Path]:
    """What of an argument is a path on the disk, and the files in it where it is a folder."""
    parts = source if isinstance(source, tuple | list) else str(source or "").split(",")
    paths = [Path(part) for part in map(str, parts) if part and os.path.exists(part)]
    return paths + [file for path in paths if path.is_dir() for file in path.iterdir()]


def _listed(paths: Paths) -> list[str | os.PathLike[str]]:
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)


def _must_be_free(path: Path, overwrite: bool, folder: bool = False) -> None:
    """Say before the work, not after it, that a file cannot be written."""
    if path.is_dir() and not folder:
        raise IsADirectoryError(f"{path}: is a folder; name a file")
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path}: exists; replace it (--overwrite) or name another")
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(f"{path.absolute().parent}: no such folder to write {path.name} to")
