"""All settings with their values and a line on each: as a TOML file, and as a page.

What a setting means is said once, in the docstring of the class that holds it.

    python -m elmo.settings.described > docs/settings.md
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from elmo.settings.settings import _OWN, _PARTS, Settings

_TABLES = {  # the parts of settings, in the order of reading
    "model": ("token_encoding", "lstm", "model"),
    "characters": ("char_cnn",),
    "dropout": ("dropout",),
    "vocabulary": ("vocabulary",),
    "training": ("training",),
}
_ABOUT = {
    "model": "what is trained",
    "characters": 'how spellings are read, with token_encoding = "char"',
    "dropout": "rates of what is dropped in training",
    "vocabulary": "which types the model knows",
    "training": "how it is trained",
}
_OWN_LINES = {
    "token_encoding": '`"word"`: a table of word vectors; `"char"`: a vector from the spelling.',
    "dropout": "sets `input_dropout` and `output_dropout` together.",
}
_OWN_KINDS = {"token_encoding": ("word", "char"), "dropout": float}
_WIDTH = 40  # where the explanations begin


def described() -> dict[str, dict[str, str]]:
    """Tables of settings by plain name, and what each means.

    Example:
        >>> described()["training"]["epochs"], described()["dropout"]["word_dropout"]
        ('passes over the text.', 'whole tokens, their vector set to zero.')
    """
    tables: dict[str, dict[str, str]] = {}
    for table, parts in _TABLES.items():
        tables[table] = {}
        for part in parts:
            if part in _OWN_LINES and part not in _PARTS:
                tables[table][part] = _OWN_LINES[part]
                continue
            if part in _OWN:  # the rate of both stands before its parts
                tables[table][part] = _OWN_LINES[part]
            cls, names = _PARTS[part]
            lines = _arguments(cls.__doc__ or "")
            tables[table] |= {name: lines.get(inner, "") for name, inner in names.items()}
    return tables


def kind_of(name: str) -> Any:
    """What values a setting takes: `int`, `float`, `bool`, `str`, or a tuple of the words that do.

    Example:
        >>> kind_of("epochs"), kind_of("learning_rate"), kind_of("mode"), kind_of("vocabulary")
        (<class 'int'>, <class 'float'>, ('stream', 'sentence'), <class 'str'>)
    """
    if name in _OWN_KINDS:
        return _OWN_KINDS[name]
    cls, inner = next((cls, names[name]) for cls, names in _PARTS.values() if name in names)
    hint = get_type_hints(cls)[inner]
    kinds = [kind for kind in (get_args(hint) or (hint,)) if kind is not NoneType]
    if get_origin(hint) is Literal:
        return tuple(kinds)
    return kinds[0]


def as_toml(settings: Settings, note: str = "") -> str:
    """Every setting with its value and what it means; `--config` reads the same settings from it.

    Args:
        settings: those that are set; the rest has its default.
        note: a sentence for the top.

    Example:
        >>> text = as_toml(Settings.from_values({"epochs": 3}))
        >>> next(line for line in text.splitlines() if line.startswith("epochs"))
        'epochs = 3                              # passes over the text'
    """
    values = settings.resolved()
    lines = [f"# {line}" for line in note.splitlines()]
    characters = values["token_encoding"] == "char"
    default = Settings({"token_encoding": "char"}).resolved()
    for table, names in described().items():
        lines += ["", f"[{table}]".ljust(_WIDTH) + f"# {_ABOUT[table]}"]
        for name, text in names.items():
            if name == "dropout" and values[name] is None:
                entry = "# dropout = 0.0"
            elif table == "characters" and not characters:
                entry = f"# {name} = {toml(default[name])}"
            else:
                entry = f"{name} = {toml(values[name])}"
            first = text.partition(". ")[0].removesuffix(".").replace("`", "")
            lines.append(f"{entry:<{_WIDTH - 1}} # {first}" if first else entry)
    return "\n".join(lines).lstrip("\n") + "\n"


def as_page() -> str:
    """The page of all settings, in Markdown."""
    values = Settings({}).resolved()
    characters = Settings({"token_encoding": "char"}).resolved()
    lines = [
        "# Settings of a training",
        "",
        "Each is a keyword of `elmo.train`, a key of the TOML file of `--config`, and a name for",
        "`--set`; the commonest have options of their own. `elmo train --print-config` prints them all",
        "as a TOML file, changed by what `--config`, `--set` and options say.",
        'None is `"none"` there. Without',
        "`--config` `elmo train` picks sizes that suit the amount of text, unless you name one;",
        "`elmo train --print-config CORPUS` prints those.",
    ]
    for table, names in described().items():
        lines += ["", f"## {table.capitalize()}", "", f"{_ABOUT[table].capitalize()}.", ""]
        lines += ["| setting | default | |", "|---|---|---|"]
        for name, text in names.items():
            value = characters[name] if table == "characters" else values[name]
            shown = "" if name == "dropout" else f"`{toml(value)}`"
            lines.append(f"| `{name}` | {shown} | {_escaped(text)} |")
    return "\n".join(lines) + "\n"


def toml(value: Any) -> str:
    """A value as TOML writes it; None is `"none"`, which settings read as None.

    Example:
        >>> toml([[1, 8]]), toml(None), toml(True), toml('a "b"')
        ('[[1, 8]]', '"none"', 'true', '"a \\\\"b\\\\""')
    """
    if value is None:
        return '"none"'
    if isinstance(value, str):
        # JSON's escapes are TOML's but for DEL; other characters stand for themselves.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return repr(value)


def _arguments(docstring: str) -> Mapping[str, str]:
    """What a docstring says of each argument, on one line."""
    return dict(_entries(docstring))


def _entries(docstring: str) -> Iterator[tuple[str, str]]:
    _, _, rest = docstring.partition("Args:\n")
    names, text = "", ""
    for line in [*rest.splitlines(), "end"]:
        if names and line.startswith(" " * 12):
            text += " " + line.strip()
            continue
        if names:
            for name in names.split(", "):
                yield name, " ".join(text.split())
        entry = re.fullmatch(r" {8}(\w+(?:, \w+)*): (.*)", line)
        if entry is None:
            return
        names, text = entry.groups()


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(as_page(), end="")
