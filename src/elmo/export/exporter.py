"""A model as a folder that runs without this package: a graph, and how strings become its ids."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from elmo.export.encoding import ENCODING, write_encoding
from elmo.export.onnx_check import Accuracy, compare, runtime
from elmo.export.process import write_with
from elmo.formats.contents import Pretrained
from elmo.system.folders import write_together
from elmo.text.builtin import builtin_sentences

Format = Literal["onnx", "savedmodel", "stablehlo"]
Quantize = Literal["int8"]

GRAPH: dict[Format, str] = {"onnx": "model.onnx", "savedmodel": ".", "stablehlo": "model.stablehlo"}
WRITERS: dict[Format, tuple[str, str]] = {
    "savedmodel": ("tensorflow", "elmo.export.saved_model"),
    "stablehlo": ("jax", "elmo.export.stablehlo"),
}
QUANTIZE = (None, "int8")
SAMPLE_TOKENS = 1500


@dataclass(frozen=True)
class ExportReport:
    """What was exported.

    Attributes:
        output: the folder.
        format: of the graph.
        quantize: None or `"int8"`.
        files: their sizes by name.
        accuracy: of int8, measured on this machine beside float32: see
            `elmo.export.onnx_check.compare`; else None.
    """

    output: str
    format: Format
    quantize: Quantize | None
    files: dict[str, int]
    accuracy: Accuracy | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `json` can write."""
        return asdict(self)


def export(
    pretrained: Pretrained,
    output: str | os.PathLike[str],
    *,
    format: Format = "onnx",
    quantize: Quantize | None = None,
    sample: Sequence[Sequence[str]] | None = None,
    overwrite: bool = False,
) -> ExportReport:
    """Export a model's encoder: ids to every layer, of any number of sentences of any length.

    The folder holds all that is needed to run it; docs/export.md shows how.

    Args:
        pretrained: the model as plain arrays; `BiLM.export` hands over its own.
        output: the folder.
        format: `"onnx"`; `"savedmodel"`, written by TensorFlow, or `"stablehlo"`, written by
            `jax.export`, in a process of their own.
        quantize: of ONNX: `"int8"` for LSTMs in 8 bits, a scale per column; its accuracy and speed
            are measured.
        sample: the text for that, lists of tokens; some of the built-in corpus by default.
        overwrite: whether an export that is there is replaced.

    Raises:
        ValueError: an argument is no choice, or the model reads words and has no vocabulary.
        ImportError: a package is missing; names the extra.
        FileExistsError: the folder holds something, and `overwrite` is off or it is no export.
        OSError: it cannot be written.
    """
    if format not in GRAPH:
        raise ValueError(f"format={format!r}: must be {', '.join(map(repr, GRAPH))}")
    if quantize not in QUANTIZE:
        raise ValueError(f"quantize={quantize!r}: must be None or 'int8'")
    if quantize is not None and format != "onnx":
        raise ValueError(f"quantize={quantize!r}: only format='onnx' has it, not {format!r}")
    output = Path(os.path.abspath(output))
    _must_be_free(output, overwrite)
    accuracy: Accuracy | None = None

    def write(folder: Path) -> None:
        nonlocal accuracy
        about = {"graph": GRAPH[format], "format": format, "quantize": quantize}
        write_encoding(pretrained, folder, **about)
        if format in WRITERS:
            write_with(*WRITERS[format], pretrained, folder / GRAPH[format])
        else:
            accuracy = _write_onnx(pretrained, folder / GRAPH[format], quantize, sample)

    _write_folder(output, write)
    return ExportReport(
        output=str(output),
        format=format,
        quantize=quantize,
        files={
            path.relative_to(output).as_posix(): path.stat().st_size
            for path in sorted(output.rglob("*"))
            if path.is_file()
        },
        accuracy=accuracy,
    )


def _write_onnx(
    pretrained: Pretrained,
    path: Path,
    quantize: Quantize | None,
    sample: Sequence[Sequence[str]] | None,
) -> Accuracy | None:
    from elmo.export.onnx_model import build_model, save_model

    if quantize is None:
        save_model(build_model(pretrained.config, pretrained.weights), path)
        return None
    runtime()  # said before the work where it is missing
    if sample is None:
        sample = builtin_sentences(SAMPLE_TOKENS)
    with tempfile.TemporaryDirectory(prefix="elmo-") as folder:
        exact = Path(folder, "exact.onnx")
        save_model(build_model(pretrained.config, pretrained.weights), exact)
        save_model(build_model(pretrained.config, pretrained.weights, quantize), path)
        return compare(exact, path, pretrained.sentence_encoder, sample)


def _must_be_free(output: Path, overwrite: bool) -> None:
    if output.exists() and not output.is_dir():
        raise FileExistsError(f"{output}: is a file; name a folder")
    if not output.exists() or not os.listdir(output):
        return
    if not overwrite:
        raise FileExistsError(f"{output}: exists; replace it (overwrite) or name another folder")
    if not (output / ENCODING).is_file():
        raise FileExistsError(f"{output}: holds something that is no export; name another folder")


def _write_folder(output: Path, write: Callable[[Path], None]) -> None:
    """Write aside, then take the place of what is there."""
    mark = secrets.token_hex(4)
    new, old = (output.with_name(f".{output.name}.{kind}-{mark}") for kind in ("new", "old"))
    write_together(new, write)
    if output.exists():
        os.replace(output, old)
    os.replace(new, output)
    shutil.rmtree(old, ignore_errors=True)
