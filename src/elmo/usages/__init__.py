"""The uses of words in a corpus: an index of them, searched and shown.

`build` makes an index, `open` reads it. Both are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from elmo.usages.building import build
    from elmo.usages.index import UsageIndex
    from elmo.usages.index import UsageIndex as open

_HOMES = {
    "build": ("elmo.usages.building", "build"),
    "open": ("elmo.usages.index", "UsageIndex"),
    "UsageIndex": ("elmo.usages.index", "UsageIndex"),
}

__all__ = ["UsageIndex", "build", "open"]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name not in _HOMES:
            raise AttributeError(f"module 'elmo.usages' has no attribute {name!r}")
        module, attribute = _HOMES[name]
        return getattr(importlib.import_module(module), attribute)
