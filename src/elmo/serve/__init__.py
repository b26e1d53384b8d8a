"""A page on this machine, and the JSON API behind it: what a model and an index of uses answer.

`app` makes the application (Starlette, extra `serve`); `elmo serve` runs it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elmo.serve.application import app
    from elmo.serve.limits import Limits

_HOMES = {"app": "elmo.serve.application", "Limits": "elmo.serve.limits"}

__all__ = ["Limits", "app"]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'elmo.serve' has no attribute {name!r}")
        return getattr(importlib.import_module(_HOMES[name]), name)
