"""`elmo convert`: write a model in another form."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from elmo.cli import options as o
from elmo.cli.columns import file_lines
from elmo.cli.command import Argument, Command, Option, Result
from elmo.cli.paths import check_files, local_paths

if TYPE_CHECKING:
    from elmo.formats.contents import Pretrained
    from elmo.hub.softmax import AVocabulary

Target = Literal["allennlp", "keras", "safetensors"]


def convert(
    source: Annotated[o.ModelSource, Argument("SRC")],
    output: Annotated[str | os.PathLike[str], Argument("DST")],
    *,
    to: Annotated[
        Target,
        Option("A folder for AllenNLP, bilm-tf and simple_elmo, or a file; elmo opens each."),
    ] = "allennlp",
    vocabulary: o.Vocabulary = None,
    softmax: o.Softmax = None,
    bits: Annotated[
        int | None,
        Option("Of a folder's weights: round them, for a smaller file; 8 take a third.", least=2),
    ] = None,
    overwrite: o.Overwrite = False,
) -> dict[str, Any]:
    """Write a model in another form.

    Args:
        source: whatever `elmo.load` takes.
        output: for `"allennlp"` a folder, which AllenNLP, bilm-tf and simple_elmo read, and which
            holds the softmax too; for `"keras"` a file `.keras`; for `"safetensors"` a folder, or a
            file `.safetensors`. The vocabulary lies beside a file, and is inside a Keras file too.
        to: one of `Target`.
        bits: round the weights of a folder to so many bits (`elmo.formats.rounding`).
        overwrite: replace what is there.
        vocabulary: its file, where the source does not have it.
        softmax: as in `elmo.load`; the result has it.

    Returns:
        `source`, `output`, `to`, `format` (of the source), `files` with their sizes, and `notes`: what
        other programs cannot do with the result.

    Raises:
        ValueError: no such target, or a name that does not fit it.
        FileExistsError: something is there, and `overwrite` is off.
        FormatError: the source cannot be read.
    """
    from elmo.formats import rounding
    from elmo.formats.pretrained import read, write_folder
    from elmo.hub.resolving import name_of, resolve
    from elmo.hub.softmax import resolve_softmax
    from elmo.system.files import keep_apart

    if to not in get_args(Target):
        raise ValueError(f"to={to!r}: must be {', '.join(map(repr, get_args(Target)))}")
    output = Path(output)
    keep_apart([output], [*local_paths(source), *local_paths(softmax)])
    if bits is not None:
        rounding.check(bits)
    if bits is not None and to != "allennlp":
        raise ValueError(f"bits={bits}: a folder's weights are rounded, not those of to={to!r}")
    if to == "keras" and output.suffix != ".keras":
        raise ValueError(f"{output}: must end in .keras")
    types: AVocabulary = vocabulary
    if softmax is not None:
        softmax, types = resolve_softmax(source, softmax, vocabulary, progress=True)
    found = read(resolve(source, progress=True), types, softmax)
    if to == "allennlp":
        write_folder(found, output, overwrite=overwrite, bits=bits)
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
    check_files(written, overwrite)
    output.parent.mkdir(parents=True, exist_ok=True)
    from_pretrained(found).save(output, overwrite=overwrite)
    if found.vocabulary is not None:
        found.vocabulary.save(beside)
    return written


def _write_safetensors(found: Pretrained, output: Path, overwrite: bool) -> list[Path]:
    from elmo.formats import safetensors
    from elmo.text.manylangs import CHARACTER_FILE, WORD_FILE

    file = output if output.suffix == ".safetensors" else output / "model.safetensors"
    written = [file]
    if found.vocabulary is not None:
        written.append(file.parent / "vocab.txt")
    if found.dictionaries is not None:
        written.append(file.parent / CHARACTER_FILE)
        if found.dictionaries.words is not None:
            written.append(file.parent / WORD_FILE)
    check_files(written, overwrite)
    safetensors.write(found, file)
    return written


def _notes(found: Pretrained, to: Target) -> list[str]:
    """What is lost, or what others cannot do."""
    from elmo.formats.unfinished import sentence

    config, notes = found.config, []
    if state := found.extra.get("unfinished"):
        notes.append(sentence(state))
    if found.optimizer_slots is not None:
        notes.append("the optimizer's state stays in the training checkpoint")
    if to != "allennlp":
        return notes
    if found.dictionaries is not None:
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


def show(result: Result) -> str:
    """The files of a model that was written in another form."""
    lines = [f"{result['output']}: {result['to']}, from {result['format'] or 'unknown layout'}"]
    lines += file_lines(result["files"])
    return "\n".join(lines + [f"note: {note}" for note in result["notes"]])


COMMAND = Command(
    convert,
    show,
    "Write a model in another form.",
    "elmo convert original my-folder --to allennlp\nelmo convert my-elmo my-elmo.keras --to keras",
)
