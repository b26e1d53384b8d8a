"""A corpus that every machine with Python has: the documentation inside the standard library.

The texts behind `help()`, and the docstrings and longer comments of the library's source files;
these are parsed, never imported. Nothing is shipped and nothing is downloaded. What it holds
depends on the version of Python, and on nothing else.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import os
import re
import sysconfig
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from elmo.text.corpus import Corpus
from elmo.text.files import CorpusError
from elmo.text.prose import sentences

_NO_LIBRARY = frozenset(
    ("__pycache__", "site-packages", "dist-packages", "test", "tests", "idle_test", "encodings")
)
_COMMENT = re.compile(r"(?:^[ \t]*#(?!!)[^\n]*\n){2,}", re.MULTILINE)
_MARK = re.compile(r"^[ \t]*#+", re.MULTILINE)


def builtin_sentences(max_tokens: int | None = None, *, lowercase: bool = False) -> list[list[str]]:
    """English sentences from the running Python's own documentation.

    Args:
        max_tokens: stop before the sentence that would exceed this number of tokens; None for all
            (some 330,000 tokens with CPython 3.11, read in about three seconds).
        lowercase: lower-case every token.

    Returns:
        Lists of tokens in a fixed order, no sentence twice.

    Raises:
        CorpusError: this Python comes without documentation and sources.

    Example:
        >>> some = builtin_sentences(max_tokens=1000)
        >>> 900 < sum(map(len, some)) <= 1000
        True
    """
    if max_tokens is not None and max_tokens < 1:
        raise CorpusError(f"max_tokens={max_tokens!r}: must be 1 or more, or None")
    found: dict[tuple[str, ...], None] = {}  # in order, each once
    total = 0
    for document in itertools.chain(_topics(), _library()):
        for tokens in sentences(document):
            key = tuple(token.lower() for token in tokens) if lowercase else tuple(tokens)
            if key in found:
                continue
            total += len(key)
            if max_tokens is not None and total > max_tokens:
                return [list(key) for key in found]
            found[key] = None
    if not found:
        raise CorpusError(
            "this Python comes without pydoc_data and without library sources, so there is no "
            "built-in corpus; give files of your own"
        )
    return [list(key) for key in found]


def builtin_corpus(max_tokens: int | None = None, *, lowercase: bool = False) -> Corpus:
    """`builtin_sentences` as a corpus in memory."""
    return Corpus.from_sentences(builtin_sentences(max_tokens, lowercase=lowercase))


def split(
    sentences: Sequence[Sequence[str]], held_out: float = 0.05, run: int = 20
) -> tuple[list[list[str]], list[list[str]]]:
    """Part sentences into training and held-out ones, the same way every time.

    Runs of neighbouring sentences are held out, evenly spread over the text, so that both parts
    are about the same matters. A held-out sentence that also occurs in the training part is
    dropped from the held-out part.

    Args:
        sentences: lists of tokens.
        held_out: the share that is held out, above 0 and below 1.
        run: how many neighbours go together; fewer where the text is short.

    Returns:
        The training sentences and the held-out ones, both in the given order.

    Raises:
        ValueError: the share is out of range, or one part would be empty.

    Example:
        >>> train, valid = split([[str(i), "."] for i in range(100)], held_out=0.1, run=5)
        >>> len(train), [tokens[0] for tokens in valid]
        (90, ['45', '46', '47', '48', '49', '95', '96', '97', '98', '99'])
    """
    if not 0 < held_out < 1:
        raise ValueError(f"held_out={held_out!r}: must be above 0 and below 1")
    run = max(1, min(run, int(len(sentences) * min(held_out, 1 - held_out))))
    train: list[list[str]] = []
    valid: list[list[str]] = []
    for i, tokens in enumerate(sentences):
        k = i // run
        is_held = int((k + 1) * held_out + 1e-9) > int(k * held_out + 1e-9)
        (valid if is_held else train).append(list(tokens))
    known = set(map(tuple, train))
    valid = [tokens for tokens in valid if tuple(tokens) not in known]
    if not train or not valid:
        raise ValueError(
            f"held_out={held_out!r}: {len(sentences)} sentences leave {len(train)} to train on and "
            f"{len(valid)} held out; give more sentences or another share"
        )
    return train, valid


def _topics() -> Iterator[str]:
    """The texts of `help("TOPIC")`."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        return
    for name in sorted(topics):
        yield topics[name]


def _library() -> Iterator[str]:
    """Docstrings and blocks of comments of the library's source files."""
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in _sources(root):
        try:
            source = path.read_bytes().decode("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        yield from _docstrings(source)
        for block in _COMMENT.findall(source):
            yield inspect.cleandoc("\n" + _MARK.sub("", block))


def _sources(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(set(folders) - _NO_LIBRARY)
        for name in sorted(names):
            # the file beside these is named after the build and holds no text
            if name.endswith(".py") and not name.startswith("_sysconfigdata"):
                yield Path(folder, name)


def _docstrings(source: str) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in old modules
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return
    kinds = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    waiting: list[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef] = [tree]
    while waiting:
        node = waiting.pop()
        text = ast.get_docstring(node)
        if text:
            yield text
        waiting.extend(child for child in reversed(node.body) if isinstance(child, kinds))
