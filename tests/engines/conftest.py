"""The fixtures of the tests of `embed/`: few compiled shapes, and each engine."""

from tests.embed.conftest import engine, few_shapes, real_windows

__all__ = ["engine", "few_shapes", "real_windows"]
