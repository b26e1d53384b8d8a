"""A first look (being written)."""

from __future__ import annotations

from typing import Any


def demo(
    output: str = "elmo-demo", *, overwrite: bool = False, seed: int = 0, progress: Any = True
) -> dict[str, Any]:
    """To come."""
    raise ValueError("the demo is not there yet")
