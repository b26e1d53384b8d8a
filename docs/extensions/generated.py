"""What the pages take from the program itself when the site is built.

- `<!-- commands -->` becomes the reference of the command line: every command of `elmo` with its help,
  arguments and options.
- ```` ```{returned} read_vectors ```` documents the class that a public function returns.
- ```` ```{public-module} datasets ```` documents a module of `elmo` in the place where it is.
- ```` ```{imports} ```` draws the imports between the rooms of the package.
- READMEs of results and examples, which pages link to, are copied to `docs/copied` and become pages.
- Docstrings may write code between single backquotes, as Markdown does.

A name of `elmo.__all__` that no page documents is a warning, which the build treats as an error.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.inspect import stringify_signature

import elmo

HERE = Path(__file__).parent.parent
sys.path.insert(0, str(HERE))
import draw_imports  # noqa: E402

log = logging.getLogger(__name__)
MARK = "<!-- commands -->"
COPIED = "copied"
FOLDERS = ("benchmarks/results", "examples")


def copy_pages(app: Sphinx, config: Any) -> None:
    """Copy the READMEs that lie outside of `docs`, with what lies beside them."""
    shutil.rmtree(HERE / COPIED, ignore_errors=True)
    for folder in FOLDERS:
        skipped = shutil.ignore_patterns("__pycache__")
        shutil.copytree(HERE.parent / folder, HERE / COPIED / folder, ignore=skipped)


def read_source(app: Sphinx, name: str, source: list[str]) -> None:
    """Fill in the commands, and lead links to what was copied there."""
    text = source[0]
    if MARK in text:
        text = text.replace(MARK, "\n".join(commands()))
    if name.startswith(COPIED):
        up = "../" * name.count("/")
        text = "---\norphan: true\n---\n" + re.sub(r"\]\((\.\./)+docs/", f"]({up}", text)
    else:
        up = "../" * name.count("/")
        for folder in FOLDERS:
            text = text.replace(f"]({up}../{folder}/", f"]({up}{COPIED}/{folder}/")
    source[0] = text


def read_docstring(app: Sphinx, what: str, name: str, _: Any, more: Any, lines: list[str]) -> None:
    """Code between single backquotes, and names of arguments on one line, as napoleon wants them."""
    for i, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[i] = re.sub(r"(?<![`:\w])`([^`]+)`(?![`_])", r"``\1``", line)
    text = "\n".join(lines)
    text = re.sub(r"(?m)^( +(?:\w+, )*\w+,)\n +(?=[\w, ]+:)", r"\1 ", text)
    head, attributes, rest = text.partition("Attributes:\n")
    if attributes:  # napoleon knows lists of names in `Args` alone
        rest = re.sub(r"(?m)^( +)((?:\w+, )+\w+)(: .*(?:\n\1 +.*)*)", _one_by_one, rest)
    text = head + attributes + rest
    # What stands before a colon is no type here: annotations say the types.
    text = re.sub(r"(?m)^((?:Returns|Yields):\n +)(?=\S)", r"\1: ", text)
    if what in ("property", "attribute"):
        text = ": " + text
    lines[:] = text.split("\n")


def _one_by_one(entry: re.Match[str]) -> str:
    indent, names, text = entry.groups()
    return "\n".join(f"{indent}{name}{text}" for name in names.split(", "))


def signature_of_layer(
    app: Sphinx, what: str, name: str, cls: Any, more: Any, arguments: str, returned: str
) -> tuple[str, str] | None:
    """The arguments of a layer, which Keras hides behind `__new__(*args, **kwargs)`."""
    if what != "class" or arguments != "(*args, **kwargs)":
        return None
    own = inspect.signature(cls.__init__)
    kept = [parameter for parameter in own.parameters.values() if parameter.name != "self"]
    return stringify_signature(own.replace(parameters=kept), unqualified_typehints=True), ""


def commands() -> Iterator[str]:
    """The reference of the command line, in lines of Markdown."""
    from elmo.cli.main import cli

    context = click.Context(cli, info_name="elmo", **cli.context_settings)
    yield from of_group(cli, context)


def of_group(group: click.Group, context: click.Context) -> Iterator[str]:
    """The commands of a group, and of the groups in it."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        inner = click.Context(command, context, info_name=name)
        if isinstance(command, click.Group):
            yield from of_group(command, inner)
        else:
            yield from of_command(command, inner)


def of_command(command: click.Command, context: click.Context) -> Iterator[str]:
    """A section: how it is called, what it does, its options, an example."""
    yield from ["", f"## {context.command_path}", ""]
    usage = " ".join(command.collect_usage_pieces(context))
    yield from ["```text", f"{context.command_path} {usage}", "```", ""]
    yield from paragraphs(command.help or "")
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    if shown := [record for record in records if record]:
        yield from ["| option | |", "|---|---|"]
        for names, text in shown:
            yield f"| `{names.replace('|', chr(92) + '|')}` | {escaped(' '.join(text.split()))} |"
        yield ""
    yield from paragraphs(command.epilog or "")


def paragraphs(text: str) -> Iterator[str]:
    """Click's help as Markdown: a paragraph behind a backspace character keeps its lines."""
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text)):
        if paragraph.startswith("\b"):
            first, *rest = paragraph.removeprefix("\b").lstrip("\n").splitlines()
            if rest and first.endswith(":"):
                yield from [f"**{first}**", ""]
                paragraph = "\n".join(rest)
            else:
                paragraph = "\n".join([first, *rest])
            yield from ["```text", inspect.cleandoc(paragraph), "```", ""]
        else:
            yield from [escaped(" ".join(paragraph.split())), ""]


def escaped(text: str) -> str:
    """Markdown that shows the text as it is; options and what stands between backquotes are code."""
    text = re.sub(r"(?<![\w`-])(--[a-z][a-z-]*)(?!`)", r"`\1`", text)
    parts = re.split(r"(`[^`]+`)", text)
    plain = [re.sub(r"([\\*_<>\[\]|#$~])", r"\\\1", part) for part in parts[::2]]
    code = [part.replace("|", "\\|") for part in parts[1::2]]
    return "".join(a + b for a, b in zip(plain, [*code, ""], strict=True))


class AtHome(SphinxDirective):
    """Documents something by the module that it is in, wherever that is."""

    required_arguments = 1

    def directive(self, named: Any) -> str:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        named: Any = elmo
        for part in self.arguments[0].split("."):
            named = getattr(named, part)
        # MyST's own door to reStructuredText, which autodoc writes.
        lines = ["```{eval-rst}", f".. {self.directive(named)}", "   :members:", "```"]
        holder = nodes.Element()
        self.state.nested_parse(StringList(lines, self.get_location()), self.content_offset, holder)
        return holder.children


class Returned(AtHome):
    """Documents the class that a public function returns."""

    def directive(self, named: Any) -> str:
        name = named.__annotations__["return"]
        module = inspect.getmodule(named)
        cls = getattr(module, name, None)
        if cls is None:  # imported for type checkers alone
            (cls,) = (
                getattr(importlib.import_module(node.module), name)
                for node in ast.walk(ast.parse(inspect.getsource(module)))
                if isinstance(node, ast.ImportFrom) and name in {a.name for a in node.names}
            )
        return f"autoclass:: {cls.__module__}.{cls.__qualname__}"


class PublicModule(AtHome):
    """Documents a module that `elmo` has under a name of its own."""

    def directive(self, named: Any) -> str:
        return f"automodule:: {named.__name__}"


class Imports(SphinxDirective):
    """The picture of the imports, drawn from the source as it is now.

    The content, the command that draws it, is what readers see where the page is not part of the site.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        picture = draw_imports.draw(draw_imports.read(draw_imports.PACKAGE))
        return [nodes.raw("", picture, format="html")]


def check_names(app: Sphinx, env: Any) -> None:
    """Every public name has its place in the reference."""
    documented = set(env.get_domain("py").objects)
    for name in set(elmo.__all__) - {"__version__"}:
        thing = getattr(elmo, name)
        if not documented & {f"elmo.{name}", thing.__name__}:
            log.warning("no page documents elmo.%s", name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Called by Sphinx."""
    app.add_directive("returned", Returned)
    app.add_directive("public-module", PublicModule)
    app.add_directive("imports", Imports)
    app.connect("config-inited", copy_pages)
    app.connect("source-read", read_source)
    app.connect("autodoc-process-signature", signature_of_layer)
    app.connect("autodoc-process-docstring", read_docstring, priority=100)  # before napoleon
    app.connect("env-check-consistency", check_names)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
