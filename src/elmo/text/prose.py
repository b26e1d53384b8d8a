"""English sentences out of technical documentation: markup, code and tables left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LIST_ITEM = re.compile(r"[*•-] +|\(?[0-9a-z][.)] +")
_RULE = re.compile(r"[^\w\s]{3,}")
_CODE_LINE = re.compile(r">>>|\.\.\. |\$ |\.\. |:\w[\w ]*:( |$)|[|+]|@\w+$")
_MARKUP = (
    (re.compile(r":[\w:+-]+:`[~!]?([^`<]+?)(?: *<[^`>]*>)?`"), r"\1"),  # :role:`text`
    (re.compile(r"`+([^`]+?)`+_?"), r"\1"),
    (re.compile(r"(?<![\w*])\*{1,2}(\w[^*]*?)\*{1,2}(?![\w*])"), r"\1"),
    (re.compile(r"\s*\[\d+\]_?"), ""),  # footnotes
    (re.compile(r"\s+"), " "),
)
_TOKEN = re.compile(
    r"(?:e\.g|i\.e|etc|vs|cf|resp|a\.k\.a|et al)\.|\w+(?:[.'’-]\w+)*|\.\.\.|--+|->|[=!<>+]=|\S",
    re.IGNORECASE,
)
_END = re.compile(r"""[.!?]['")\]]* +(?=['"(\[]?[A-Z_])""")
_NO_END = re.compile(r"(?:\b(?:e\.g|i\.e|vs|cf|resp|Mr|Dr|St|No|al)|\b[A-Z])\.$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
# every English sentence of some length holds one of these
_COMMON = frozenset(
    """the a an of to in is are be and or for that this it with as by on from if not when which can
    will has have was you we there no any all but at""".split()  # noqa: SIM905 - reads as words
)


def tokenize(sentence: str) -> list[str]:
    """Words and marks; names with inner dots or hyphens, and contractions, stay whole.

    Example:
        >>> tokenize("Don't call os.path.join(), e.g. twice.")
        ["Don't", 'call', 'os.path.join', '(', ')', ',', 'e.g.', 'twice', '.']
    """
    return _TOKEN.findall(sentence)


def sentences(text: str, longest: int = 80) -> Iterator[list[str]]:
    """The English sentences of a text in the manner of docstrings.

    Args:
        text: paragraphs separated by blank lines, not indented but for quotations and code.
        longest: sentences of more tokens are left out, most often they are tables.

    Yields:
        Lists of tokens that end in `.`, `!` or `?`.

    Example:
        >>> text = "Title\\n=====\\n\\nReturn the *name* of it.  As in::\\n\\n    x = name(it)\\n"
        >>> list(sentences(text))
        [['Return', 'the', 'name', 'of', 'it', '.']]
    """
    for paragraph in _paragraphs(text):
        for pattern, replacement in _MARKUP:
            paragraph = pattern.sub(replacement, paragraph)
        for sentence in _split(paragraph.strip()):
            tokens = tokenize(sentence)
            if 4 <= len(tokens) <= longest and _is_english(tokens):
                yield tokens


def _paragraphs(text: str) -> Iterator[str]:
    """Paragraphs and list items as single lines, without titles, code and fields."""
    held: list[str] = []
    base = 0  # indentation of the paragraph that is held
    code_beyond: int | None = None  # lines indented deeper than this are a code block
    printed = False  # lines up to the next blank one are what an example prints
    for line in [*text.expandtabs().splitlines(), ""]:
        stripped = line.strip()
        indent = len(line) - len(line.lstrip())
        if not stripped:
            printed = False
            if held:
                paragraph = " ".join(held)
                if paragraph.endswith("::"):
                    code_beyond = base
                yield paragraph
            held = []
            continue
        if printed:
            continue
        if code_beyond is not None:
            if indent > code_beyond:
                continue
            code_beyond = None
        if _RULE.fullmatch(stripped):
            held = []  # the line above it is a title
            continue
        if _CODE_LINE.match(stripped):
            if held:
                yield " ".join(held)
            held, code_beyond, printed = [], indent, stripped.startswith(">>>")
            continue
        item = _LIST_ITEM.match(stripped)
        if item:
            if held:
                yield " ".join(held)
            held = []
            stripped = stripped[item.end() :]
        if not held:
            base = indent
        held.append(stripped)


def _split(paragraph: str) -> Iterator[str]:
    start = 0
    for end in _END.finditer(paragraph):
        sentence = paragraph[start : end.end()].rstrip()
        if not _NO_END.search(sentence):
            yield sentence
            start = end.end()
    yield paragraph[start:]


def _is_english(tokens: list[str]) -> bool:
    last = tokens[-1] if tokens[-1] not in "\"')]" else tokens[-2]
    if last not in (".", "!", "?") or not tokens[0][0].isalpha():
        return False
    words = sum(_WORD.fullmatch(token) is not None for token in tokens)
    return words >= 0.65 * len(tokens) and any(token.lower() in _COMMON for token in tokens)
