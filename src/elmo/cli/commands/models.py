"""`elmo models`: installed and published models that can be loaded by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from elmo.cli.command import Argument, Command, Option, Result
from elmo.hub.models import MODELS, Layout, RemoteModel


def models(
    words: Annotated[Sequence[str], Argument("WORD", many=True, required=False)] = (),
    *,
    language: Annotated[
        str | None, Option("ISO 639 code, such as de, or name; or protein.", metavar="CODE")
    ] = None,
    layout: Annotated[Layout | None, Option("Of its files.")] = None,
) -> dict[str, Any]:
    """The installed and the published models that can be loaded by name.

    Args:
        words: each must be in a model's name, description or language, in any case.
        language: ISO 639 code or English name, or `"protein"`.
        layout: of its files, as `elmo.hub.models` has it, in any case.

    Raises:
        ValueError: no model is left; says which languages and layouts there are.

    Returns:
        `models`: for each `name`, `description`, `language`, `layout`, `parameters`, `size` in bytes,
        `licence`, `page`, `files` with `url`, `size` and `sha256`, `softmax`, the addresses of a softmax
        and its vocabulary that were published apart; None is not known. `installed`: where nothing
        is asked for or a word is in its name, for each installed model its `name`, its folder `path`
        and its `size` in bytes.
    """
    listed = [words] if isinstance(words, str) else list(words)
    found = [
        model
        for model in MODELS.values()
        if (language is None or language.lower() in (model.language, model.language_name.lower()))
        and (layout is None or model.layout.lower() == layout.lower())
        and all(word.lower() in _searched(model) for word in listed)
    ]
    here = [] if language or layout else _installed(listed)
    if not found and not here:
        asked = {"language": language, "layout": layout, "words": " ".join(listed) or None}
        named = ", ".join(f"{name}={value!r}" for name, value in asked.items() if value is not None)
        languages = ", ".join(sorted({model.language for model in MODELS.values()}))
        layouts = ", ".join(sorted({model.layout for model in MODELS.values()}))
        raise ValueError(
            f"{named}: no such model among {len(MODELS)}; languages are {languages}; layouts are "
            f"{layouts}"
        )
    return {
        "installed": here,
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
                "softmax": [file.url for file in model.softmax or ()],
            }
            for model in found
        ],
    }


def _installed(words: Sequence[str]) -> list[dict[str, Any]]:
    from elmo.hub.installed import installed

    return [
        {
            "name": name,
            "path": str(folder),
            "size": sum(file.stat().st_size for file in folder.iterdir() if file.is_file()),
        }
        for name, folder in installed().items()
        if all(word.lower() in name.lower() for word in words)
    ]


def _searched(model: RemoteModel) -> str:
    return f"{model.name} {model.description} {model.language_name}".lower()


def show(result: Result) -> str:
    """A line for each installed model, and for each published one with where its files come from."""
    here = [
        f"{model['name']}  installed, {model['size'] / 1e6:,.1f} MB: {model['path']}"
        for model in result["installed"]
    ]
    if not result["models"]:
        return "\n".join(here)
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
    return "\n".join([*here, *([""] if here else []), head, *blocks])


def _sources(model: Mapping[str, Any]) -> list[str]:
    """The addresses of a model's files, checksums where they are known, the licence at the end."""
    lines = [
        " · ".join([file["url"], *([f"SHA-256 {file['sha256']}"] if file["sha256"] else [])])
        for file in model["files"]
    ]
    lines[-1] += f" · {model['licence'] or 'no licence named'}"
    if not any(file["sha256"] for file in model["files"]):
        lines[-1] += " · no checksum published"
    return lines + [f"{url} · with --softmax published" for url in model["softmax"]]


COMMAND = Command(
    models,
    show,
    "Installed and published models that can be loaded by name.",
    "elmo models\nelmo models greek\nelmo models --language ru --layout NLPL --json",
    details="Those that have each WORD in name, description or language; without any, all.",
)
