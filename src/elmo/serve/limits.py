"""What one request may ask for, and how many wait."""

from __future__ import annotations

from dataclasses import dataclass

CHARACTERS = 4000  # of a sentence that is one string
TOKENS = 200  # of a sentence
TOKEN = 200  # characters of a token
SUBSTITUTES = 50  # of a place
PAGE = 200  # lines of a concordance at a time
POINTS = 2000  # of a map


@dataclass(frozen=True)
class Limits:
    """Limits of a server, on time, size and number.

    Args:
        batch: requests that are computed in one pass of the model, at most.
        gather: seconds in which they are collected.
        waiting: requests that wait, at most; one more is told to try again (503).
        seconds: until an answer must be there; then the request is told so (504).
        body: bytes of a request's body.

    Raises:
        ValueError: one is not positive.

    Example:
        >>> Limits(batch=8).batch
        8
        >>> Limits(waiting=0)
        Traceback (most recent call last):
        ValueError: waiting=0: must be more than 0
    """

    batch: int = 64
    gather: float = 0.004
    waiting: int = 256
    seconds: float = 30.0
    body: int = 1 << 16

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"{name}={value!r}: must be more than 0")
