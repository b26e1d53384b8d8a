"""`elmo export`: write a model as a graph that runs without this package."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from elmo.cli import options as o
from elmo.cli.columns import file_lines
from elmo.cli.command import Command, Option, Result
from elmo.cli.paths import local_paths

_log = logging.getLogger("elmo")


def export(
    model: o.Model,
    output: Annotated[
        str | os.PathLike[str],
        o.output("Folder for the graph and what turns strings into its ids."),
    ],
    *,
    format: Annotated[
        Literal["onnx", "savedmodel", "stablehlo"],
        Option("Of the graph: for ONNX Runtime, TensorFlow or jax.export."),
    ] = "onnx",
    quantize: Annotated[
        Literal["int8"] | None,
        Option("LSTMs in 8 bits, of ONNX; says how accurate and how fast that is."),
    ] = None,
    sample: Annotated[
        str | os.PathLike[str] | None,
        Option("A text to measure that on.  [default: built-in]", metavar="FILE"),
    ] = None,
    overwrite: Annotated[bool, Option("Replace the export that is there.")] = False,
) -> dict[str, Any]:
    """Write a model as a graph that other programs run; see `elmo.export.exporter.export`.

    Args:
        model: whatever `elmo.load` takes.
        output: the folder.
        format, quantize, overwrite: as there.
        sample: a text to measure int8 on.

    Returns:
        `output`, `format`, `quantize`, `files` with their sizes, `accuracy` (of int8).
    """
    from elmo.export.exporter import export as export_model
    from elmo.formats.pretrained import read
    from elmo.formats.unfinished import sentence
    from elmo.hub.resolving import resolve
    from elmo.system.files import keep_apart
    from elmo.text.corpus import Corpus

    keep_apart([Path(output)], [*local_paths(model), *local_paths(sample)])
    text = None if sample is None else list(Corpus(sample))
    found = read(resolve(model, progress=True))
    if state := found.extra.get("unfinished"):
        _log.warning("%s", sentence(state))
    return export_model(
        found, output, format=format, quantize=quantize, sample=text, overwrite=overwrite
    ).to_dict()


def show(result: Result) -> str:
    """The files of an exported graph, and what int8 costs and gives."""
    lines = [f"{result['output']}: {result['format']}, {result['quantize'] or 'float32'}"]
    lines += file_lines(result["files"])
    if found := result["accuracy"]:
        speed = found["tokens_per_second"]
        lines.append(
            f"cosine to float32 over {found['tokens']:,} tokens, all layers: least "
            f"{found['least_cosine']:.5f}, mean {found['mean_cosine']:.5f}"
        )
        lines.append(
            f"tokens/s in ONNX Runtime: {speed['int8']:,.0f}, float32 {speed['float32']:,.0f}"
        )
    return "\n".join(lines)


COMMAND = Command(
    export,
    show,
    "Write a model as a graph that runs without this package.",
    "elmo export my-elmo -o my-graph\nelmo export my-elmo -o my-graph --quantize int8",
    details="ONNX wants the extra onnx (pip install 'elmo-keras[onnx]'), a SavedModel the extra "
    "tensorflow.",
)
