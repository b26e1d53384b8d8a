"""The commands about models themselves, as functions: convert or export one, list them, cache its tokens.

Each returns what `--json` prints. Heavy modules are imported inside, so that help comes quickly.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elmo.cli.commands import local_paths
from elmo.text.files import keep_apart

if TYPE_CHECKING:
    from elmo.formats.contents import Pretrained

_log = logging.getLogger("elmo")

Model = str | os.PathLike[str] | tuple[str | os.PathLike[str], str | os.PathLike[str]]
TARGETS = ("allennlp", "keras", "safetensors")


def convert(
    source: Model,
    output: str | os.PathLike[str],
    *,
    to: str = "allennlp",
    overwrite: bool = False,
    vocabulary: str | os.PathLike[str] | None = None,
) -> dict[str, Any]:
    """Write a model in another form.

    Args:
        source: whatever `elmo.load` takes.
        output: for `"allennlp"` a folder, which AllenNLP, bilm-tf and simple_elmo read, and which
            holds the softmax too; for `"keras"` a file `.keras`; for `"safetensors"` a folder, or a
            file `.safetensors`. The vocabulary lies beside a file, and is inside a Keras file too.
        to: one of `TARGETS`.
        overwrite: replace what is there.
        vocabulary: its file, where the source does not have it.

    Returns:
        `source`, `output`, `to`, `format` (of the source), `files` with their sizes, and `notes`: what
        other programs cannot do with the result.

    Raises:
        ValueError: no such target, or a name that does not fit it.
        FileExistsError: something is there, and `overwrite` is off.
        FormatError: the source cannot be read.
    """
    from elmo.formats.download import name_of, resolve
    from elmo.formats.pretrained import read, write_folder

    if to not in TARGETS:
        raise ValueError(f"to={to!r}: must be {', '.join(map(repr, TARGETS))}")
    output = Path(output)
    keep_apart([output], local_paths(source))
    if to == "keras" and output.suffix != ".keras":
        raise ValueError(f"{output}: must end in .keras")
    found = read(resolve(source, progress=True), vocabulary)
    if to == "allennlp":
        write_folder(found, output, overwrite=overwrite)
        written = [path for path in sorted(output.iterdir()) if path.is_file()]
    elif to == "keras":
        written = _write_keras(found, output, overwrite)
    else:
        written = _write_safetensors(found, output, overwrite)
    return {
        "source": name_of(source),
        "output": str(output),
        "to": to,
        "format": found.extra.get("format"),
        "files": {path.name: path.stat().st_size for path in written},
        "notes": _notes(found, to),
    }


def _write_keras(found: Pretrained, output: Path, overwrite: bool) -> list[Path]:
    from elmo.api import from_pretrained

    beside = output.with_suffix(".vocab.txt")
    written = [output] if found.vocabulary is None else [output, beside]
    _must_be_free(written, overwrite)
    output.parent.mkdir(parents=True, exist_ok=True)
    from_pretrained(found).save(output, overwrite=overwrite)
    if found.vocabulary is not None:
        found.vocabulary.save(beside)
    return written


def _write_safetensors(found: Pretrained, output: Path, overwrite: bool) -> list[Path]:
    from elmo.formats import safetensors_file
    from elmo.text.manylangs import CHARACTER_FILE, WORD_FILE, ManyLangsCharacters

    file = output if output.suffix == ".safetensors" else output / "model.safetensors"
    written = [file]
    if found.vocabulary is not None:
        written.append(file.parent / "vocab.txt")
    if isinstance(found.characters, ManyLangsCharacters):
        written.append(file.parent / CHARACTER_FILE)
        if found.characters.words is not None:
            written.append(file.parent / WORD_FILE)
    _must_be_free(written, overwrite)
    safetensors_file.write(found, file)
    return written


def _must_be_free(paths: list[Path], overwrite: bool) -> None:
    for path in paths:
        if path.is_dir():
            raise IsADirectoryError(f"{path}: is a folder; name a file")
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path}: exists; replace it (--overwrite) or name another")


def _notes(found: Pretrained, to: str) -> list[str]:
    """What is lost, or what others cannot do."""
    from elmo.formats.unfinished import sentence
    from elmo.text.manylangs import ManyLangsCharacters

    config, notes = found.config, []
    if state := found.extra.get("unfinished"):
        notes.append(sentence(state))
    if found.optimizer_slots is not None:
        notes.append("the optimizer's state stays in the training checkpoint")
    if to != "allennlp":
        return notes
    if isinstance(found.characters, ManyLangsCharacters):
        notes.append("words and characters of ELMoForManyLangs: elmo-keras alone reads it")
    elif config.directions != "both":
        notes.append("one direction: elmo-keras alone reads it")
    else:
        projects = config.char_cnn is None or any("projection/kernel" in n for n in found.weights)
        if not (config.lstm.projects and projects):
            notes.append("no projection: bilm-tf reads it, AllenNLP does not")
    if config.lowercase:
        notes.append("lower-cased text: other programs must be given it lower-cased")
    return notes


def export(
    model: Model,
    output: str | os.PathLike[str],
    *,
    format: str = "onnx",
    quantize: str | None = None,
    sample: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write a model as a graph that other programs run; see `elmo.embed.export.exporter.export`.

    Args:
        model: whatever `elmo.load` takes.
        output: the folder.
        format, quantize, overwrite: as there.
        sample: a text to measure int8 on.

    Returns:
        `output`, `format`, `quantize`, `files` with their sizes, `accuracy` (of int8).
    """
    from elmo.embed.export.exporter import export as export_model
    from elmo.formats.download import resolve
    from elmo.formats.pretrained import read
    from elmo.formats.unfinished import sentence
    from elmo.text.corpus import Corpus

    keep_apart([Path(output)], [*local_paths(model), *local_paths(sample)])
    text = None if sample is None else list(Corpus(sample))
    found = read(resolve(model, progress=True))
    if state := found.extra.get("unfinished"):
        _log.warning("%s", sentence(state))
    options: dict[str, Any] = {"quantize": quantize, "sample": text, "overwrite": overwrite}
    return export_model(found, output, format=format, **options).to_dict()


def models(
    words: Sequence[str] = (), *, language: str | None = None, layout: str | None = None
) -> dict[str, Any]:
    """The published models that can be loaded by name.

    Args:
        words: each must be in a model's name or description, in any case.
        language: ISO 639 code, or `"protein"`.
        layout: of its files, as `elmo.formats.registry` has it, in any case.

    Raises:
        ValueError: no model is left; says which languages and layouts there are.

    Returns:
        `models`: for each `name`, `description`, `language`, `layout`, `parameters`, `size` in bytes,
        `licence`, `page`, `files` with `url`, `size` and `sha256`; None is not known.
    """
    from elmo.formats.registry import MODELS

    listed = [words] if isinstance(words, str) else list(words)
    found = [
        model
        for model in MODELS.values()
        if (language is None or model.language.lower() == language.lower())
        and (layout is None or model.layout.lower() == layout.lower())
        and all(word.lower() in f"{model.name} {model.description}".lower() for word in listed)
    ]
    if not found:
        asked = {"language": language, "layout": layout, "words": " ".join(listed) or None}
        named = ", ".join(f"{name}={value!r}" for name, value in asked.items() if value is not None)
        languages = ", ".join(sorted({model.language for model in MODELS.values()}))
        layouts = ", ".join(sorted({model.layout for model in MODELS.values()}))
        raise ValueError(
            f"{named}: no such model among {len(MODELS)}; languages are {languages}; layouts are "
            f"{layouts}"
        )
    return {
        "models": [
            {
                "name": model.name,
                "description": model.description,
                "language": model.language,
                "layout": model.layout,
                "parameters": model.parameters,
                "size": model.size,
                "licence": model.licence,
                "page": model.page,
                "files": [
                    {"url": file.url, "size": file.size, "sha256": file.sha256}
                    for file in model.files
                ],
            }
            for model in found
        ]
    }


def cache_tokens(
    model: Model,
    vocabulary: str | os.PathLike[str] | None,
    output: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> dict[str, Any]:
    """Work out the vectors of words once, for `elmo embed --token-cache` or other programs.

    Args:
        model: one that reads characters.
        vocabulary: a file of words, one a line; None for the model's own.
        output: `.hdf5` in bilm-tf's layout, `.txt` or `.txt.gz` in AllenNLP's; the words in their
            order go to `NAME.vocab.txt` beside it.
        overwrite: replace the files if they are there.

    Returns:
        `output`, `vocabulary` (the file beside it), `words`, `dim`, `bytes`.

    Raises:
        ValueError: the model reads whole words, or there is no vocabulary.
        FileExistsError: a file is there, and `overwrite` is off.
    """
    from elmo.api import load
    from elmo.embed.token_cache import beside, write_token_cache
    from elmo.text.vocabulary_files import read_vocabulary

    keep_apart(
        [Path(output), beside(Path(output))], [*local_paths(model), *local_paths(vocabulary)]
    )
    found = load(model)
    if vocabulary is not None:
        tokens, _ = read_vocabulary(vocabulary, None)
    elif found.vocabulary is not None:
        tokens = found.vocabulary.tokens
    else:
        raise ValueError(f"{model}: has no vocabulary of its own; name a file of words")
    file, listed = write_token_cache(found.embedder, tokens, output, overwrite=overwrite)
    with open(listed, "rb") as names:
        words = sum(1 for _ in names)
    return {
        "output": str(file),
        "vocabulary": str(listed),
        "words": words,
        "dim": found.config.lstm.projection_dim,
        "bytes": file.stat().st_size,
    }
