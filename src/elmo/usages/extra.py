"""What of `usages` needs a package that an extra installs, said in one sentence."""

from __future__ import annotations

from elmo.text.files import MissingExtraError


def need_sklearn(purpose: str) -> None:
    """Raise unless scikit-learn is installed.

    Args:
        purpose: what needs it, the subject of the message.

    Raises:
        MissingExtraError: names the extra.
    """
    try:
        import sklearn  # noqa: F401
    except ImportError:
        raise MissingExtraError(
            f"{purpose} needs the package scikit-learn: pip install 'elmo-keras[usages]'"
        ) from None
