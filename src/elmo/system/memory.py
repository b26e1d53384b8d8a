"""How the process keeps memory that was freed.

XLA on processors asks for its scratch memory anew in each call and frees it at the end. The C library
gives blocks of this size back to the system, so that each step of a training would be handed more than
a hundred megabytes of fresh pages, page fault by page fault: a tenth of the step's time and more.
"""

from __future__ import annotations

import ctypes
import platform

# Numbers of glibc's <malloc.h>.
M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8
LARGEST = 2**31 - 1


def return_freed_memory() -> bool:
    """Give the system back what is free inside the C library's heap, all whole pages.

    Called where much was freed that will not be asked for again in pieces of its size: what a model was
    loaded through, or what its weights were packed from.

    Returns:
        Whether there was any: on Linux with glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    return ctypes.CDLL(None).malloc_trim(0) == 1


def keep_freed_memory() -> bool:
    """Have the C library keep freed memory for the next request, in one arena for all threads.

    To be called before the first computation: threads that have asked for memory already keep their
    own arenas. It changes the whole process, so the command line calls it and the library does not.

    Returns:
        Whether it could be done: on Linux with glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    set_option = ctypes.CDLL(None).mallopt
    options = ((M_ARENA_MAX, 1), (M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, LARGEST))
    return all([set_option(name, value) == 1 for name, value in options])
