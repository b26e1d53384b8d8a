"""The Hugging Face hub's own client: asked for by name, and its refusals in a sentence."""

from __future__ import annotations

from types import ModuleType

_REFUSALS = {
    401: "private, not there, or the token is not accepted (401); log in with `hf auth login`, or set "
    "HF_TOKEN",
    403: "the token has no right to it (403); use one that may write there",
    404: "no such repository or revision (404)",
}
_LONGEST = 300  # characters of a reason


def client(what: str) -> ModuleType:
    """The package huggingface_hub.

    Args:
        what: what it is for, which the error names.

    Raises:
        ImportError: it is not installed.

    Example:
        >>> client("hf://user/model").__name__
        'huggingface_hub'
    """
    try:
        import huggingface_hub
    except ImportError as error:
        raise ImportError(
            f"{what}: wants the package huggingface_hub: pip install 'elmo-keras[hub]'"
        ) from error
    return huggingface_hub


def reason(error: BaseException) -> str:
    """Why the hub did not do what it was asked, on one line.

    Args:
        error: of its client, or of what that is built on.

    Example:
        >>> reason(ConnectionError("no route to host"))
        'no route to host'
    """
    cause: BaseException | None = error
    while cause is not None:
        status = getattr(getattr(cause, "response", None), "status_code", None)
        if status in _REFUSALS:
            return _REFUSALS[status]
        cause = cause.__cause__
    return " ".join(str(error).split())[:_LONGEST].rstrip(".") or type(error).__name__
