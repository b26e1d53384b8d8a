"""Ctrl-C that is not lost: JAX watches the garbage collector, and what is raised there is ignored."""

from __future__ import annotations

import _thread
import sys
import threading

AGAIN_AFTER = 0.05  # seconds: the collector's callback is over by then


def keep_interrupts() -> None:
    """Raise a `KeyboardInterrupt` again that was raised where Python can only ignore it.

    Python calls `sys.unraisablehook` for an exception in a callback of the garbage collector or in a
    `__del__`, and goes on. JAX has such a callback, so that now and then Ctrl-C would do nothing.

    Example:
        >>> before, sys.unraisablehook = sys.unraisablehook, sys.__unraisablehook__
        >>> keep_interrupts()
        >>> once = sys.unraisablehook
        >>> keep_interrupts()  # once is enough
        >>> sys.unraisablehook is once, once is sys.__unraisablehook__
        (True, False)
        >>> sys.unraisablehook = before
    """
    before = sys.unraisablehook
    if getattr(before, "keeps_interrupts", False):
        return

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type is KeyboardInterrupt:
            threading.Timer(AGAIN_AFTER, _thread.interrupt_main).start()
        else:
            before(unraisable)

    hook.keeps_interrupts = True  # type: ignore[attr-defined]  # a mark for the next call
    sys.unraisablehook = hook
