"""What commands print for people, from what they return."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elmo.training.report import beside

Result = Mapping[str, Any]


def vocab(result: Result) -> str:
    """A vocabulary that was written."""
    return (
        f"{result['output']}: {result['types']:,} types of {result['tokens']:,} tokens in "
        f"{result['sentences']:,} sentences, {result['unknown_share']:.2%} unknown"
    )


def train(result: Result) -> str:
    """A model that was trained, or the settings of a training."""
    if "toml" in result:
        return str(result["toml"]).rstrip("\n")
    lines = [
        f"{result['output']}: {result['parameters']:,} parameters, {result['vocabulary']:,} types"
    ]
    if best := result["best"]:
        both = f"validation perplexity {best['valid_both']:,.2f}{_beside(best)}"
        lines.append(f"{both} after epoch {best['epoch']:.3g}")
    if further := result["fine_tuning"]:
        from elmo.fine_tuning import sentence

        lines.append(sentence(further))
    lines.append(f"learning curve: {result['curve']}")
    return "\n".join(lines)


def _beside(row: Mapping[str, Any]) -> str:
    numbers = beside(row, "valid_")
    return f" ({numbers})" if numbers else ""


def plot(result: Result) -> str:
    """The best of each run that was drawn."""
    rows = [("run", "best", "at epoch", "last", "million tokens", "hours")]
    for run in result["runs"]:
        training = " (training)" if run["column"].startswith("train") else ""
        size, hours = (run["tokens"] or 0) / 1e6, (run["seconds"] or 0) / 3600
        best, last = (f"{run[which]:,.2f}" for which in ("best", "last"))
        epoch = f"{run['best_epoch']:.3g}"
        rows.append((run["name"] + training, best, epoch, last, f"{size:,.2f}", f"{hours:,.2f}"))
    told = [f"note: {text}" for text in (result["note"], *result["notes"]) if text]
    return "\n".join([_columns(rows), result["output"], *told])


def evaluate(result: Result) -> str:
    """Perplexities, a line for each file where there are several."""
    columns = ("forward", "backward", "both", "unigram", "per_character")
    rows = [("", "forward", "backward", "both", "unigram", "per character", "tokens", "unknown")]
    parts = dict(result["files"]) if len(result["files"]) > 1 else {}
    for name, part in (*parts.items(), ("all" if parts else "perplexity", result)):
        numbers = [_perplexity(part[column], column) for column in columns]
        share = f"{part['unknown_share']:.2%}"
        rows.append((name, *numbers, f"{part['tokens']:,}", share))
    text = _columns(rows)
    if result["unigram"] is None:
        text += "\nunigram: not known, as the model comes without counts of its words"
    if result["unknown_share"]:
        text += (
            "\nWith another vocabulary other words are unknown: compare models by the perplexity per "
            "character."
        )
    return text


def _perplexity(value: float | None, column: str) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if column == "per_character" else f"{value:,.2f}"


def embed(result: Result) -> str:
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


def info(result: Result) -> str:
    """A model's description."""
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


def convert(result: Result) -> str:
    """The files of a model that was written in another form."""
    lines = [f"{result['output']}: {result['to']}, from {result['format'] or 'unknown layout'}"]
    lines += [f"  {name}  {size:,} bytes" for name, size in result["files"].items()]
    return "\n".join(lines + [f"note: {note}" for note in result["notes"]])


def export(result: Result) -> str:
    """The files of an exported graph, and what int8 costs and gives."""
    lines = [f"{result['output']}: {result['format']}, {result['quantize'] or 'float32'}"]
    lines += [f"  {name}  {size:,} bytes" for name, size in result["files"].items()]
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


def models(result: Result) -> str:
    """A line for each published model, and where its files come from."""
    rows = [("name", "language", "parameters", "size", "layout", "trained on")]
    for model in result["models"]:
        parameters = f"{model['parameters'] / 1e6:.1f} M" if model["parameters"] else "–"
        size = f"{model['size'] / 1e6:,.0f} MB" if model["size"] else "–"
        row = (model["name"], model["language"], parameters, size, model["layout"])
        rows.append((*row, model["description"]))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    head, *lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    blocks = [
        "\n".join([line, *(f"    {source}" for source in _sources(model))])
        for line, model in zip(lines, result["models"], strict=True)
    ]
    return "\n".join([head, *blocks])


def _sources(model: Mapping[str, Any]) -> list[str]:
    """The addresses of a model's files, checksums where they are known, the licence at the end."""
    lines = [
        " · ".join([file["url"], *([f"SHA-256 {file['sha256']}"] if file["sha256"] else [])])
        for file in model["files"]
    ]
    lines[-1] += f" · {model['licence'] or 'no licence named'}"
    if not any(file["sha256"] for file in model["files"]):
        lines[-1] += " · no checksum published"
    return lines


def nearest(result: Result) -> str:
    """Sentences that were asked about, and below each the nearest uses."""
    import sys

    from elmo.uses.demo import Teller
    from elmo.uses.nearest import Use

    tell = Teller(sys.stdout)
    more = "" if result["compared"] == result["uses"] else f", {result['compared']:,} compared"
    tell(f"{result['word']}: {result['uses']:,} uses in {result['sentences']:,} sentences{more}")
    for asked in result["asked"]:
        near = [Use(n["tokens"], n["place"], n["similarity"]) for n in asked["nearest"]]
        said = "you say" if asked["given"] else "in text"
        tell.uses(Use(asked["tokens"], asked["place"]), near, said)
    return ""


def cache_tokens(result: Result) -> str:
    """Vectors of words that were written."""
    return (
        f"{result['output']}: {result['words']:,} words of {result['dim']} numbers, "
        f"{result['bytes']:,} bytes"
    )


def demo(result: Result) -> str:
    """Nothing: the demo tells its story while it runs."""
    return ""


def _columns(rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
