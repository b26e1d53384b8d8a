"""Documents as users of scikit-learn give them, made into lists of tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from elmo.text.sentences import token_list

Tokenizer = Callable[[str], Sequence[str]]
Documents = Iterable[str | Sequence[str]]


def document_tokens(documents: Documents, tokenizer: Tokenizer | None = None) -> list[list[str]]:
    """The tokens of each document.

    Args:
        documents: a list, a column of a table or a one-dimensional array of strings or of lists of
            tokens.
        tokenizer: from a string to its tokens; by default strings are split at ASCII whitespace.

    Raises:
        ValueError: `documents` is one string, or has two dimensions.
        TypeError: a document is neither a string nor a list of tokens; says which one.

    Example:
        >>> document_tokens(["The bank closed .", ["A", "list"]])
        [['The', 'bank', 'closed', '.'], ['A', 'list']]
        >>> document_tokens(["a-b"], tokenizer=lambda text: text.split("-"))
        [['a', 'b']]
    """
    if isinstance(documents, str | bytes):
        raise ValueError("Iterable over raw text documents expected, string object received.")
    shape = getattr(documents, "shape", (0,))
    if len(shape) != 1:
        raise ValueError(
            f"documents of shape {shape}: must have one dimension; select a column by its name, "
            "as 'text' and not as ['text']"
        )
    if tokenizer is not None and not callable(tokenizer):
        raise TypeError(f"tokenizer={tokenizer!r}: must be a function from a string to its tokens")
    found = []
    for number, document in enumerate(documents):
        if tokenizer is not None and isinstance(document, str):
            found.append(token_list(tokenizer(document), number, split=False))
        else:
            found.append(token_list(document, number))
    return found
