"""`elmo info`: what a model is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from elmo.cli import options as o
from elmo.cli.command import Command, Result


def info(model: o.Model) -> dict[str, Any]:
    """What a model is made of; its network is not built.

    Returns:
        `source`, `format`, `architecture`, `parameters` (of the encoder and of the softmax),
        `vocabulary`, `softmax`, `state`, `files` with their sizes; of a run of ours `run`, the line of
        its metrics for the epoch whose weights these are, `last`, its last line, and `unfinished`, the
        `step` that it has come to and the `total`, or None.
    """
    from elmo.formats.pretrained import read
    from elmo.hub.resolving import name_of, resolve

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
    return (
        {"run": kept(rows), "last": max(every, key=lambda r: r["step"] or 0)} if every else nothing
    )


def show(result: Result) -> str:
    """A model's description."""
    from elmo.training.report import beside

    config, counts = result["architecture"], result["parameters"]
    lstm, characters = config["lstm"], config["char_cnn"]
    if characters is None:
        reads = "whole words"
    else:
        filters = sum(number for _, number in characters["filters"])
        reads = f"characters: {filters:,} filters, {characters['n_highway']} highway layers"
    rows = [
        ("model", f"{result['source']} ({result['format'] or 'unknown layout'})"),
        ("reads", reads + (", lower-cased" if config["lowercase"] else "")),
        (
            "network",
            f"{lstm['n_layers']} LSTM layers of {lstm['dim']:,} cells projected to "
            f"{lstm['projection_dim']:,}, "
            + ("both directions" if config["directions"] == "both" else config["directions"]),
        ),
        (
            "parameters",
            f"{counts['encoder']:,} in the encoder, {counts['softmax']:,} in the softmax",
        ),
        (
            "vocabulary",
            "not known" if result["vocabulary"] is None else f"{result['vocabulary']:,} types",
        ),
        ("softmax", "yes" if result["softmax"] else "no: it embeds, and cannot predict"),
    ]
    if run := result["run"]:
        valid = run.get("valid_both")
        text = f"epoch {run['epoch']:.3g}"
        text += f", validation {valid:,.2f}" if valid else ""
        if (last := result["last"]) and last["epoch"] != run["epoch"]:
            text += f", the best of {last['epoch']:.3g}"
        rows.append(("training", text))
        if valid and (numbers := beside(run, "valid_")):
            rows.append(("beside it", numbers))
    if state := result["unfinished"]:
        from elmo.formats.unfinished import sentence

        rows.append(("unfinished", sentence(state)))
    rows += [("file", f"{name}  {size:,} bytes") for name, size in result["files"].items()]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


COMMAND = Command(info, show, "What a model is made of.", "elmo info my-elmo")
